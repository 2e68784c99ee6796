"""Wording for problems built in Python (Q02xx)."""

from __future__ import annotations

from typing import ClassVar

from qevo_compiler.diagnostics.core import Error


class BadPythonValue(Error):
    """A Python object was given to a `Problem` that is no number, array or expression of it.

    Accepted are numbers, NumPy arrays (and what `np.asarray` makes numbers of), expressions of the same
    problem, and sympy expressions in the names of its variables.
    """

    code: ClassVar[str] = "Q0250"
    title: ClassVar[str] = "{what} cannot be {found}"
    label: ClassVar[str] = "in this statement"
    help: ClassVar[str] = "{expected}"

    what: str
    found: str
    expected: str


class ConstraintAsTruth(Error):
    """A constraint was used as a truth value: in `if`, with `and`, or in a chain such as `0 <= x <= 1`.

    Python asks for a truth value there while the problem is stated. What depends on decisions is stated by
    constraints, or by sums in which comparisons count 0 or 1, as in `p.minimize(5 * (k == 3))`.

    Bad:   p.subject_to(0 <= x.sum() <= 3)
    Good:  p.subject_to((0 <= x.sum()) & (x.sum() <= 3))
    """

    code: ClassVar[str] = "Q0251"
    title: ClassVar[str] = "a constraint is neither true nor false before the problem is solved"
    label: ClassVar[str] = "used as a truth value here"
    help: ClassVar[str] = "join the two sides of a range with `&`; hand other comparisons to `subject_to` one by one"


class ForeignExpression(Error):
    """An expression was built from the variables of another `Problem`."""

    code: ClassVar[str] = "Q0252"
    title: ClassVar[str] = "this expression belongs to the problem `{name}`"
    label: ClassVar[str] = "used in another problem here"
    help: ClassVar[str] = "build it from the variables of the problem that uses it"

    name: str


class UnsupportedSympy(Error):
    """A sympy expression holds something that has no counterpart here.

    Numbers, symbols, indexed symbols, sums, products, whole powers and the smooth functions are read.
    """

    code: ClassVar[str] = "Q0253"
    title: ClassVar[str] = "the sympy expression holds `{found}`"
    label: ClassVar[str] = "in this statement"
    help: ClassVar[str] = "{advice}"

    found: str
    advice: str
