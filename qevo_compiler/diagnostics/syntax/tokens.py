"""Wording for characters, words, brackets and expressions that cannot be read (Q01xx)."""

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
