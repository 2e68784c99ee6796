"""Wording for declarations, constraints and directives (Q02xx)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from qevo_compiler.diagnostics.core import Error
from qevo_compiler.source import Span


class EmptyDomain(Error):
    """The range of a variable holds no value: its lower end lies above its upper end.

    Bad:   var k: int in [3, 0]
    Good:  var k: int in [0, 3]
    """

    code: ClassVar[str] = "Q0222"
    title: ClassVar[str] = "`{name}` has no possible value"
    label: ClassVar[str] = "[{low}, {high}] is empty"
    help: ClassVar[str] = "write the smaller end first; both ends are included"

    name: str
    low: str
    high: str


class BadBits(Error):
    """A real variable has 2^b grid points for a whole number b from 1 to 52.

    Bad:   var x: real in [0, 1] bits 0
    Good:  var x: real in [0, 1] bits 4
    """

    code: ClassVar[str] = "Q0223"
    title: ClassVar[str] = "`{name}` cannot have {bits} bits"
    label: ClassVar[str] = "expected a whole number from 1 to 52"

    name: str
    bits: str


class NeverHolds(Error):
    """A constraint without decision variables is false, so the program has no feasible point.

    Bad:   data capacity: int = 9
           fits: capacity <= 3
    Good:  fits: sum(x) <= 3
    """

    code: ClassVar[str] = "Q0225"
    title: ClassVar[str] = "constraint `{name}` can never hold"
    label: ClassVar[str] = "{left} {relation} {right} is false"
    note: ClassVar[str] = "it depends on no decision variable"

    name: str
    left: str
    relation: str
    right: str


class ConstraintIndices(Error):
    """The indices in the name of a constraint are those of its `for` parts, each once.

    Bad:   visit[c]: sum(x[c]) == 1
    Good:  visit[c]: sum(x[c]) == 1 for c in 0..n
    """

    code: ClassVar[str] = "Q0226"
    title: ClassVar[str] = "the indices of `{name}` do not match its `for`"
    label: ClassVar[str] = "{advice}"

    name: str
    advice: str


class BadWeight(Error):
    """The weight of a soft constraint is not negative; 0 asks for nothing.

    Bad:   near: x + y <= 1 weight -2.5
    Good:  near: x + y <= 1 weight 2.5
    """

    code: ClassVar[str] = "Q0227"
    title: ClassVar[str] = "a weight is not negative"
    label: ClassVar[str] = "this is {found}"
    help: ClassVar[str] = "leave the weight out for a constraint that must hold"

    found: str


class WrongArguments(Error):
    """A function is called with too few or too many arguments.

    Bad:   let a = dot(x)
    Good:  let a = dot(x, x)
    """

    code: ClassVar[str] = "Q0228"
    title: ClassVar[str] = "`{function}` takes {expected}"
    label: ClassVar[str] = "{found} given"

    function: str
    expected: str
    found: int


class UnknownMethod(Error):
    """A directive names a method that does not exist.

    Methods: `anneal linear | exponential | adaptive | points`, `train sgd`, `linearize carleman`;
    `approximate` names one of the smooth functions.

    Bad:   train adam(rate = 0.1, steps = 10)
    Good:  train sgd(rate = 0.1, steps = 10)
    """

    code: ClassVar[str] = "Q0229"
    title: ClassVar[str] = "`{directive}` has no method `{name}`"
    label: ClassVar[str] = "expected {known}"
    help: ClassVar[str] = "{suggestion}"

    directive: str
    name: str
    known: str
    suggestion: str


class UnknownArgument(Error):
    """A directive has no option of that name.

    Bad:   sample read = 200
    Good:  sample reads = 200
    """

    code: ClassVar[str] = "Q0230"
    title: ClassVar[str] = "`{directive}` has no option `{name}`"
    label: ClassVar[str] = "expected {known}"
    help: ClassVar[str] = "{suggestion}"

    directive: str
    name: str
    known: str
    suggestion: str


class MissingArgument(Error):
    """A directive lacks an option that it needs.

    Bad:   train sgd(steps = 10)
    Good:  train sgd(rate = 0.1, steps = 10)
    """

    code: ClassVar[str] = "Q0231"
    title: ClassVar[str] = "`{directive}` needs {name}"
    label: ClassVar[str] = "{name} is missing"

    directive: str
    name: str


class BadArgument(Error):
    """The value of an option has the wrong kind or lies outside its range, or is given twice.

    Bad:   sample reads = 0
    Good:  sample reads = 100
    """

    code: ClassVar[str] = "Q0232"
    title: ClassVar[str] = "`{directive}`: `{name}` cannot be {found}"
    label: ClassVar[str] = "expected {expected}"

    directive: str
    name: str
    found: str
    expected: str


class RepeatedStatement(Error):
    """A statement that may stand once stands twice.

    Bad:   sample reads = 100
           sample seed = 1
    Good:  sample reads = 100, seed = 1
    """

    code: ClassVar[str] = "Q0233"
    title: ClassVar[str] = "a second `{statement}`"
    label: ClassVar[str] = "stated again here"
    help: ClassVar[str] = "keep one of them"

    statement: str
    first: Span | None

    def related(self) -> Iterable[tuple[Span, str]]:
        return () if self.first is None else ((self.first, "stated first here"),)


class NothingToDecide(Error):
    """A program has neither variables nor parameters.

    Bad:   program costs
           data a: int = 3
           minimize a
    Good:  var x: binary
           minimize a * x
    """

    code: ClassVar[str] = "Q0243"
    title: ClassVar[str] = "`{name}` has nothing to decide"
    label: ClassVar[str] = "no `var` and no `param`"
    help: ClassVar[str] = "declare a variable, as in `var x: binary[4]`"

    name: str
