"""Wording for choices about penalties: slack, weights by family, reweighting and tuning (Q066x)."""

from __future__ import annotations

from typing import ClassVar

from qevo_compiler.diagnostics.core import Error


class TooMuchSlack(Error):
    """The slack of a constraint needs more bits than any target could hold.

    Unary and domain-wall slack spend one bit a step, bounded slack one for every few steps.
    """

    code: ClassVar[str] = "Q0665"
    title: ClassVar[str] = "the slack of `{name}` would need {count} bits as {encoding}"
    label: ClassVar[str] = "at most {limit} are possible"
    help: ClassVar[str] = "use `penalize-constraints{{slack=log}}`, or coarser numbers"

    name: str
    count: int
    encoding: str
    limit: int


class BadFamilyChoice(Error):
    """A choice for one family of constraints names no family of the program, or no possible value.

    `penalize-constraints{methods=fits=unbalanced:pair=vlm,weights=fits=2.5}` chooses by family; several
    choices are joined by `:`. `program.reweight(fits=2.5)` takes the same names.
    """

    code: ClassVar[str] = "Q0666"
    title: ClassVar[str] = "`{text}` is no choice for a family of constraints"
    label: ClassVar[str] = "in the option `{option}`"
    help: ClassVar[str] = "give {expected}"

    option: str
    text: str
    expected: str


class NotReweightable(Error):
    """A program cannot be given other weights because its coefficients are not the weighted sums any more.

    Rounding coefficients, fixing variables and the like happen after weighting; such a program is compiled anew.
    """

    code: ClassVar[str] = "Q0667"
    title: ClassVar[str] = "`{name}` cannot be reweighted: {reason}"
    help: ClassVar[str] = "compile it again with `penalize-constraints{{weights=FAMILY=NUMBER}}`"

    name: str
    reason: str


class ChangedPattern(Error):
    """New data change more of a compiled program than its coefficients.

    `program.update` keeps variables, the number of slack bits and the pattern of couplings, and replaces numbers.
    """

    code: ClassVar[str] = "Q0668"
    title: ClassVar[str] = "the new data change {what}"
    help: ClassVar[str] = "compile the program again with these data"

    what: str


class BadTuning(Error):
    """An option of the search for penalty weights is out of its range."""

    code: ClassVar[str] = "Q0669"
    title: ClassVar[str] = "`{option}` cannot be {value}"
    help: ClassVar[str] = "give {expected}"

    option: str
    value: str
    expected: str
