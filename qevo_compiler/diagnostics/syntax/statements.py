"""Wording for statements and constraints that are not formed as such, or stand in the wrong place (Q01xx)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from qevo_compiler.diagnostics.core import Error
from qevo_compiler.source import Span


class UnknownStatement(Error):
    """A line starts with something that starts no statement.

    Statements start with `data`, `var`, `param`, `let`, `where`, `minimize`, `maximize`, `subject to`,
    `anneal`, `sample`, `train`, `linearize` or `approximate`; a constraint starts with its name and a
    colon.

    Bad:   minimise x
    Good:  minimize x
    """

    code: ClassVar[str] = "Q0103"
    title: ClassVar[str] = "{found} starts no statement"
    label: ClassVar[str] = "expected a statement such as `var`, `minimize` or `subject to`"
    help: ClassVar[str] = "{hint}"

    found: str
    hint: str


class AssignmentInConstraint(Error):
    """A constraint uses `=`, which gives a value to a name; two sides are compared with `==`.

    Bad:   one: sum(x) = 1
    Good:  one: sum(x) == 1
    """

    code: ClassVar[str] = "Q0106"
    title: ClassVar[str] = "`=` does not compare"
    label: ClassVar[str] = "write `==`"


class ConstraintOutsideBlock(Error):
    """A constraint stands before `subject to`, or after a statement that ended its block.

    Bad:   fits: sum(x) <= 3
    Good:  subject to
             fits: sum(x) <= 3
    """

    code: ClassVar[str] = "Q0112"
    title: ClassVar[str] = "constraint `{name}` stands outside `subject to`"
    label: ClassVar[str] = "put `subject to` on a line above it"

    name: str


class NotAComparison(Error):
    """A constraint does not compare two sides at its top level.

    `not`, `and`, `or`, `xor` and `=>` bind weaker than a comparison; put them in parentheses and
    compare them with 1.

    Bad:   both: a and b == 1
    Good:  both: (a and b) == 1
    """

    code: ClassVar[str] = "Q0113"
    title: ClassVar[str] = "a constraint compares two sides with `==`, `<=` or `>=`"
    label: ClassVar[str] = "this is {found}"
    help: ClassVar[str] = "{hint}"

    found: str
    hint: str


class NotARelation(Error):
    """A constraint uses `<` or `>`; `==`, `!=`, `<=` and `>=` state constraints.

    Bad:   few: sum(x) < 3
    Good:  few: sum(x) <= 2
    """

    code: ClassVar[str] = "Q0114"
    title: ClassVar[str] = "`{op}` states no constraint"
    label: ClassVar[str] = "use `==`, `!=`, `<=` or `>=`"
    help: ClassVar[str] = "{hint}"

    op: str
    hint: str


class ChainedComparison(Error):
    """Comparisons chain only as a whole constraint, two of one direction.

    A constraint may say `a <= b <= c` or `a >= b >= c`. Inside an expression, with other signs, or with more than
    two, comparisons are joined with `and` or stated as constraints of their own.

    Bad:   same: a == b == c
    Good:  first: a == b
           second: b == c
    """

    code: ClassVar[str] = "Q0115"
    title: ClassVar[str] = "comparisons do not chain"
    label: ClassVar[str] = "a second comparison"
    help: ClassVar[str] = "a constraint may be `a <= b <= c`; else write two, or join two comparisons with `and`"


class MissingHeader(Error):
    """A file does not start with `program NAME`.

    Bad:   var x: binary
    Good:  program small
           var x: binary
    """

    code: ClassVar[str] = "Q0117"
    title: ClassVar[str] = "the program has no name"
    label: ClassVar[str] = "expected `program NAME` before this"
    help: ClassVar[str] = "{hint}"

    hint: str


class MisplacedHeader(Error):
    """`program NAME` stands below the first line: a file states one program and names it first.

    Bad:   program a
           program b
    Good:  program a
    """

    code: ClassVar[str] = "Q0118"
    title: ClassVar[str] = "`program` is not on the first line"
    label: ClassVar[str] = "{advice}"

    advice: str


class SecondObjective(Error):
    """A program has more than one `minimize` or `maximize`.

    Bad:   minimize a
           minimize b
    Good:  minimize a + 10 * b
    """

    code: ClassVar[str] = "Q0119"
    title: ClassVar[str] = "a program has one objective"
    label: ClassVar[str] = "a second one"
    help: ClassVar[str] = "add the two up, each with the weight it deserves"

    first: Span

    def related(self) -> Iterable[tuple[Span, str]]:
        return ((self.first, "the first one"),)


class MissingConstraintName(Error):
    """A line below `subject to` is a comparison without a name.

    Bad:   sum(x) <= 3
    Good:  fits: sum(x) <= 3
    """

    code: ClassVar[str] = "Q0120"
    title: ClassVar[str] = "a constraint needs a name"
    label: ClassVar[str] = "expected `name:` before this"
    help: ClassVar[str] = "{hint}"

    hint: str
