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

    `program.update` keeps every bit and the pattern of couplings, so that an embedding, a schedule or a calibration
    stays in use, and replaces numbers. It never compiles a larger or smaller program instead: whether that is wanted
    only the caller can say. Data that move a bound change how many bits a range or a slack takes:

        data most: int = 9          # 4 bits of slack; 16 and more need another one
        var x: binary[6]
        subject to
          fits: sum((i + 2) * x[i] for i in 0..6) <= most

    A bound with room for all data to come, fixed in the text (`int in [0, 31]`), keeps its bits.
    """

    code: ClassVar[str] = "Q0668"
    title: ClassVar[str] = "the new data change {what}"
    label: ClassVar[str] = "{named}"
    help: ClassVar[str] = "compile the program again with these data"

    what: str
    data: tuple[str, ...] = ()

    @property
    def named(self) -> str:
        return "depends on the new " + " and ".join(f"`{name}`" for name in self.data) if self.data else ""


class BadTuning(Error):
    """An option of the search for penalty weights is out of its range."""

    code: ClassVar[str] = "Q0669"
    title: ClassVar[str] = "`{option}` cannot be {value}"
    help: ClassVar[str] = "give {expected}"

    option: str
    value: str
    expected: str
