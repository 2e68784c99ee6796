"""Wording for constraints and their penalties (Q065x)."""

from __future__ import annotations

from typing import ClassVar

from qevo_compiler.diagnostics.core import Diagnostic, Error, Warn, counted


class NeverSatisfied(Error):
    """No values of the variables satisfy a constraint.

    The left side minus the right side of the named instance stays on the wrong side of zero over the
    variables' whole ranges:

        var x: binary[3]
        subject to
          c: sum(x) >= 4           # at most 3
    """

    code: ClassVar[str] = "Q0650"
    title: ClassVar[str] = "constraint `{name}` cannot be satisfied"
    label: ClassVar[str] = "left minus right side lies in [{low}, {high}], but must be {relation} 0"
    help: ClassVar[str] = "correct the bound or the data, or give the constraint a `weight` to make it soft"

    name: str
    low: str
    high: str
    relation: str


class NeverEqual(Error):
    """The two sides of an equation differ by a fraction of a step that no values can make up for.

    Sums of whole multiples of one step only reach multiples of that step:

        var x: binary[4]
        subject to
          c: sum(2 * x[i] for i in 0..4) == 3      # even against odd

    A real variable takes the points of its grid only, so an equation between reals often has no
    solution; state it as two inequalities with a tolerance, or make it soft with a `weight`.
    """

    code: ClassVar[str] = "Q0651"
    title: ClassVar[str] = "constraint `{name}` cannot be satisfied"
    label: ClassVar[str] = "the sides differ by {rest} plus a multiple of {step}"
    help: ClassVar[str] = "allow a tolerance (`<=` and `>=`), or give the constraint a `weight` to make it soft"

    name: str
    step: str
    rest: str


class NeverBetween(Error):
    """No value lies between the two sides of a constraint.

    The sides cross, or the expression between them only takes multiples of a step that all lie outside:

        var x: binary[3]
        subject to
          c: 2.2 <= sum(x) <= 2.8
    """

    code: ClassVar[str] = "Q0653"
    title: ClassVar[str] = "constraint `{name}` cannot be satisfied"
    label: ClassVar[str] = "no value that is reached lies between its sides (upper minus lower side: {gap})"
    help: ClassVar[str] = "correct a side or the data, or give the constraint a `weight` to make it soft"

    name: str
    gap: str


class Contradiction(Warn):
    """Hard constraints leave no values together, though no single bound of them is out of reach.

    The named constraint is where the bounds of the others ran out of room; the mistake may be in any of them:

        var x: binary[2]
        subject to
          both: x[0] + x[1] >= 2
          apart: x[0] + x[1] <= 1

    The program is compiled all the same: answers then violate something.
    """

    code: ClassVar[str] = "Q0654"
    title: ClassVar[str] = "no values satisfy constraint `{name}`{beside}"
    label: ClassVar[str] = "{reason}"
    help: ClassVar[str] = "correct the bounds or the data, or give one of them a `weight` to make it soft"

    name: str
    alone: bool

    @property
    def beside(self) -> str:
        return "" if self.alone else " and the other hard ones"

    @property
    def reason(self) -> str:
        return "it leaves no values by itself" if self.alone else "the others leave no room for this one"


class NeverMet(Warn):
    """No values of the variables satisfy a soft constraint, so every answer pays some of its penalty.

    The penalty still prefers what violates the constraint less; where it depends on no variable at all it is the
    same number for every answer:

        data need: int = 5
        var x: binary[3]
        subject to
          c: sum(x) >= need weight 2      # at most 3
    """

    code: ClassVar[str] = "Q0652"
    title: ClassVar[str] = "soft constraint `{name}` cannot be met"
    label: ClassVar[str] = "left minus right side lies in [{low}, {high}], but is to be {relation} 0"
    note: ClassVar[str] = "{others}"
    help: ClassVar[str] = "correct the bound or the data; otherwise every answer pays a penalty for it"

    name: str
    low: str
    high: str
    relation: str
    more: int

    @property
    def others(self) -> str:
        return f"the same holds for {counted(self.more, 'more instance')} of it" if self.more else ""


class NeverMetBetween(Warn):
    """No value lies between the two sides of a soft constraint, so every answer pays some of its penalty.

    var x: binary[3]
    subject to
      c: 3 <= sum(x) <= 2 weight 2
    """

    code: ClassVar[str] = "Q0655"
    title: ClassVar[str] = "soft constraint `{name}` cannot be met"
    label: ClassVar[str] = "no value that is reached lies between its sides (upper minus lower side: {gap})"
    note: ClassVar[str] = "{others}"
    help: ClassVar[str] = "correct a side or the data; otherwise every answer pays a penalty for it"

    name: str
    gap: str
    more: int

    @property
    def others(self) -> str:
        return f"the same holds for {counted(self.more, 'more instance')} of it" if self.more else ""


class _Large(Diagnostic):
    """What is said of a program with very many couplings."""

    label: ClassVar[str] = "this couples up to {bits:,} bits with each other"
    help: ClassVar[str] = (
        "split the sum: let integers be the sums of its parts, and state it of those; "
        "`penalize-constraints{{memory=BYTES}}` moves the limit"
    )

    couplings: int
    bytes: float
    bits: int

    @property
    def size(self) -> str:
        gigabytes = self.bytes / 1e9
        return f"{gigabytes:,.1f} GB" if gigabytes >= 1 else f"{1e3 * gigabytes:,.1f} MB"


class TooLarge(_Large, Error):
    """A program would have more couplings than fit into the memory of the machine.

    A square couples each two of its bits, and so does the penalty of a constraint over all of them: an equation over
    a million bits has half a trillion couplings, 16 bytes each, and takes half as much again while it is made:

        var x: binary[1000000]
        subject to
          c: sum(x) == 10

    No annealer holds such a program either. Sums of parts as integers need far fewer couplings: of 1,000 parts each
    couples 1,000 bits with the bits of one integer.
    """

    code: ClassVar[str] = "Q0656"
    title: ClassVar[str] = "the program would have up to {couplings:,} couplings and take {size}"


class FillsMemory(_Large, Warn):
    """A program will have so many couplings that it takes a good part of the memory that the machine has left.

    It is compiled all the same; see Q0656 for where couplings come from, and for how to do with fewer.
    """

    code: ClassVar[str] = "Q0657"
    title: ClassVar[str] = "the program has up to {couplings:,} couplings and may take {size}"
