"""Wording for what the parser finds (Q01xx)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from qevo_compiler.diagnostics.core import Error
from qevo_compiler.source import Span


class UnexpectedToken(Error):
    """A statement holds something that cannot stand where it does.

    The label says what could stand there instead.

    Bad:   let a = 2 3
    Good:  let a = 2 * 3
    """

    code: ClassVar[str] = "Q0101"
    title: ClassVar[str] = "unexpected {found}"
    label: ClassVar[str] = "expected {expected}"
    help: ClassVar[str] = "{hint}"

    found: str
    expected: str
    hint: str


class UnexpectedEnd(Error):
    """A statement stops before it is complete.

    A statement ends with its line; it goes on to the next one only inside brackets.

    Bad:   minimize a +
             b
    Good:  minimize (a +
             b)
    """

    code: ClassVar[str] = "Q0102"
    title: ClassVar[str] = "the line ends too early"
    label: ClassVar[str] = "expected {expected}"
    help: ClassVar[str] = "{hint}"

    expected: str
    hint: str


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


class UnclosedBracket(Error):
    """A bracket is opened and not closed before the next statement or the end of the file.

    Bad:   minimize sum(x[i] for i in 0..n
    Good:  minimize sum(x[i] for i in 0..n)
    """

    code: ClassVar[str] = "Q0104"
    title: ClassVar[str] = "`{bracket}` is never closed"
    label: ClassVar[str] = "opened here"
    help: ClassVar[str] = "add the missing `{closing}`"

    bracket: str
    closing: str


class UnmatchedBracket(Error):
    """A closing bracket has no opening one, or closes a bracket of another kind.

    Bad:   let a = x[(i + 1]
    Good:  let a = x[i + 1]
    """

    code: ClassVar[str] = "Q0105"
    title: ClassVar[str] = "`{bracket}` closes no bracket"
    label: ClassVar[str] = "{advice}"

    bracket: str
    advice: str
    opening: Span | None

    def related(self) -> Iterable[tuple[Span, str]]:
        return () if self.opening is None else ((self.opening, "opened here"),)


class AssignmentInConstraint(Error):
    """A constraint uses `=`, which gives a value to a name; two sides are compared with `==`.

    Bad:   one: sum(x) = 1
    Good:  one: sum(x) == 1
    """

    code: ClassVar[str] = "Q0106"
    title: ClassVar[str] = "`=` does not compare"
    label: ClassVar[str] = "write `==`"


class DoubleStar(Error):
    """Powers are written with `^`.

    Bad:   minimize x ** 2
    Good:  minimize x^2
    """

    code: ClassVar[str] = "Q0107"
    title: ClassVar[str] = "`**` is not an operator"
    label: ClassVar[str] = "write `^` for a power"


class OddCharacter(Error):
    """A character that no statement uses; spaces separate words, and names are ASCII.

    Bad:   fits: a ≤ 3
    Good:  fits: a <= 3
    """

    code: ClassVar[str] = "Q0108"
    title: ClassVar[str] = "unexpected character: {shown}"
    label: ClassVar[str] = "{advice}"

    shown: str
    advice: str


class NestedTooDeep(Error):
    """An expression nests deeper than the compiler follows.

    Sums and products may be as long as you like; it is brackets, quotients, powers and the like inside
    each other that count.

    Bad:   let a = 1 / (1 + 1 / (1 + 1 / (1 + ...)))    over a hundred levels
    Good:  let inner = 1 / (1 + 1 / (1 + x))
           let a = 1 / (1 + inner)
    """

    code: ClassVar[str] = "Q0109"
    title: ClassVar[str] = "the expression is nested too deep"
    label: ClassVar[str] = "more than {limit} levels"
    help: ClassVar[str] = "give parts of it names with `let`"

    limit: int


class UnclosedString(Error):
    """A string has no closing quote on its line.

    Bad:   data d: real[n] from "d.npy
    Good:  data d: real[n] from "d.npy"
    """

    code: ClassVar[str] = "Q0110"
    title: ClassVar[str] = "the string is never closed"
    label: ClassVar[str] = 'no closing `"` on this line'


class BadNumber(Error):
    """A number is not written as numbers are: `12`, `0.5`, `1e-3`.

    Digits stand on both sides of the point, there are no leading zeros and no underscores, and the
    value has to fit a 64-bit float or be an integer.

    Bad:   let a = .5
    Good:  let a = 0.5
    """

    code: ClassVar[str] = "Q0111"
    title: ClassVar[str] = "`{text}` is not a number"
    label: ClassVar[str] = "{advice}"

    text: str
    advice: str


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


class ReservedWord(Error):
    """A reserved word is used as a name: `for in if and or not xor true false`.

    Bad:   var in: binary
    Good:  var inside: binary
    """

    code: ClassVar[str] = "Q0116"
    title: ClassVar[str] = "`{word}` is a reserved word"
    label: ClassVar[str] = "expected a name"
    help: ClassVar[str] = "choose another name"

    word: str


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
