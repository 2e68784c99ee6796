"""Wording for what expressions may compute (Q02xx)."""

from __future__ import annotations

from typing import ClassVar

from qevo_compiler.diagnostics.core import Error


class NotWhole(Error):
    """Something that counts has to be a whole number: an index, the end of a range, a size.

    Bad:   sum(x[i / 2] for i in 0..4)
    Good:  sum(x[i // 2] for i in 0..4)
    """

    code: ClassVar[str] = "Q0211"
    title: ClassVar[str] = "{what} is a whole number"
    label: ClassVar[str] = "this is {found}"

    what: str
    found: str


class NotConstant(Error):
    """Something has to be known before the program is solved and depends on a decision variable.

    Sizes, ranges, conditions, plain indices, bits and weights are constants, and `%` and `//` work on constants only.

    Bad:   var k: int in [0, 3]
           minimize sum(x[i] for i in 0..k)
    Good:  minimize sum(x[i] for i in 0..3)
    """

    code: ClassVar[str] = "Q0212"
    title: ClassVar[str] = "{what} has to be a constant"
    label: ClassVar[str] = "this depends on a decision"
    help: ClassVar[str] = "{advice}"

    what: str
    advice: str = ""


class NotZeroOne(Error):
    """`not`, `and`, `or`, `xor`, `=>` and `if` work on expressions that are 0 or 1.

    Those are binary variables, integers in [0, 1], truth values, comparisons of a choice with a label,
    products of such expressions, and what these operators give. A spin s becomes one as `(1 + s) / 2`
    in a variable of its own.

    Bad:   var k: int in [0, 3]
           some: (k or x) == 1
    Good:  some: k + x >= 1
    """

    code: ClassVar[str] = "Q0214"
    title: ClassVar[str] = "`{operator}` needs expressions that are 0 or 1"
    label: ClassVar[str] = "this may have other values"

    operator: str


class ComparesDecisions(Error):
    """A comparison inside an expression depends on decisions in a way that has no exact polynomial.

    Inside an expression a comparison is 0 or 1. It may be between 0/1 expressions, choices and labels, and sums of
    few integers, bits and spins: those of an integer are written as one bit a value, which is why its range must
    be small or its code `onehot` or `domainwall`. Reals, products of decisions and sums of very many values are
    compared in constraints of their own.

    Bad:   var k: int in [0, 1000]
           minimize 5 * (k == 3)
    Good:  var k: int in [0, 1000] encoded as onehot
           minimize 5 * (k == 3)
    """

    code: ClassVar[str] = "Q0215"
    title: ClassVar[str] = "decisions are compared inside an expression in a way that has no polynomial"
    label: ClassVar[str] = "{reason}"
    help: ClassVar[str] = "{advice}"

    reason: str
    advice: str


class ChoiceAsNumber(Error):
    """A choice stands where a number is needed.

    A choice has a label, not a value. Compare it with a label, or use it as the index of a table.

    Bad:   minimize sum(op)
    Good:  minimize sum(cost[op[i]] for i in 0..6)
    """

    code: ClassVar[str] = "Q0216"
    title: ClassVar[str] = "a choice is no number"
    label: ClassVar[str] = "one of {labels}"
    help: ClassVar[str] = "compare it with a label (`== {example}`), or read a table with it (`cost[...]`)"

    labels: str
    example: str


class DividesByDecision(Error):
    """Only constants divide.

    Bad:   minimize a / x
    Good:  a constraint `y * x == a` with a variable y for the quotient
    """

    code: ClassVar[str] = "Q0219"
    title: ClassVar[str] = "division by an expression that depends on decisions"
    label: ClassVar[str] = "the divisor has to be a constant"
    help: ClassVar[str] = "multiply both sides of the constraint by it, or give the quotient a variable of its own"


class DivisionByZero(Error):
    """A constant divides and is zero, perhaps only for some values of the index variables."""

    code: ClassVar[str] = "Q0220"
    title: ClassVar[str] = "division by zero"
    label: ClassVar[str] = "this is zero"


class BadPower(Error):
    """An expression that depends on decisions is raised to whole, non-negative constant powers only.

    Bad:   minimize x^0.5
    Good:  minimize sqrt(x)
    """

    code: ClassVar[str] = "Q0221"
    title: ClassVar[str] = "this power has no polynomial"
    label: ClassVar[str] = "the exponent has to be {expected}"

    expected: str = "one of 0, 1, 2, ..."


class NotFinite(Error):
    """A computation with constants gives no finite number, such as `log(0)` or `exp(1000)`."""

    code: ClassVar[str] = "Q0234"
    title: ClassVar[str] = "this constant is not a finite number"
    label: ClassVar[str] = "the result is {found}"

    found: str


class NumberTooLarge(Error):
    """A computation with whole numbers leaves the range of 64 bits.

    Write one of the numbers as a real (`2.0` for `2`) where an approximate value will do.
    """

    code: ClassVar[str] = "Q0235"
    title: ClassVar[str] = "the whole number is too large"
    label: ClassVar[str] = "more than 64 bits"
    help: ClassVar[str] = "write one of the numbers as a real, as in `2.0`"
