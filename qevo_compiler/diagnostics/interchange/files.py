"""Wording for the text of files of other tools that `import` cannot read (Q0900 to Q0949)."""

from __future__ import annotations

from typing import ClassVar

from qevo_compiler.diagnostics.core import Error, counted


class UnknownFormat(Error):
    """`--format` of `qevoc import` names one of the formats that docs/interchange.md lists."""

    code: ClassVar[str] = "Q0900"
    title: ClassVar[str] = "there is no format `{given}`"
    note: ClassVar[str] = "{suggestion}"
    help: ClassVar[str] = "the formats are {known}"

    given: str
    known: str
    suggestion: str


class CannotGuess(Error):
    """Neither the ending nor the first lines of a file tell its format."""

    code: ClassVar[str] = "Q0901"
    title: ClassVar[str] = "cannot tell the format of `{path}`"
    help: ClassVar[str] = "name it, as in `qevoc import {path} --format gset`; the formats are {known}"

    path: str
    known: str


class NotANumber(Error):
    """A number was expected in a file of another tool. Numbers are decimal, as in `-3`, `0.5` and `1e-3`."""

    code: ClassVar[str] = "Q0902"
    title: ClassVar[str] = "`{token}` is not a number"
    label: ClassVar[str] = "a number belongs here"
    help: ClassVar[str] = "check that the file has the format `{format}`"

    token: str
    format: str


class NotFiniteNumber(Error):
    """A coefficient in a file of another tool is infinite, NaN, or larger than a double can hold."""

    code: ClassVar[str] = "Q0903"
    title: ClassVar[str] = "`{token}` is not a finite number"
    label: ClassVar[str] = "every coefficient has to be finite"
    help: ClassVar[str] = "correct the entry, or leave it out if it is meant to be absent"

    token: str


class WrongWidth(Error):
    """A line of a table has more or fewer numbers than the format asks for."""

    code: ClassVar[str] = "Q0904"
    title: ClassVar[str] = "{width} belong on a line of {what}, and this one has {found}"
    help: ClassVar[str] = "write {form}"

    what: str
    expected: int
    found: int
    form: str

    @property
    def width(self) -> str:
        return counted(self.expected, "number")


class WrongCount(Error):
    """The head of a file announces how many entries follow, and another number of them does.

    A file that was cut short while it was copied looks like this.
    """

    code: ClassVar[str] = "Q0905"
    title: ClassVar[str] = "{expected:,} {what} are announced, and {found:,} are there"
    label: ClassVar[str] = "the last one that was read"
    help: ClassVar[str] = "is the file cut short, or its head wrong?"

    what: str
    expected: int
    found: int


class IndexOutOfRange(Error):
    """An entry names a variable, vertex or city that the file does not have."""

    code: ClassVar[str] = "Q0906"
    title: ClassVar[str] = "there is no {what} {index}"
    label: ClassVar[str] = "out of range"
    help: ClassVar[str] = "{known}"

    what: str
    index: str
    known: str


class NotAnIndex(Error):
    """Variables, vertices, cities and counts are whole numbers."""

    code: ClassVar[str] = "Q0907"
    title: ClassVar[str] = "`{token}` is not a whole number"
    label: ClassVar[str] = "{what} has to be whole and not negative"
    help: ClassVar[str] = "check that the columns stand in the order that the format asks for"

    token: str
    what: str


class EndsEarly(Error):
    """A file ends before everything that its format asks for has been said."""

    code: ClassVar[str] = "Q0908"
    title: ClassVar[str] = "the file ends where {what} should stand"
    label: ClassVar[str] = "the last line"
    help: ClassVar[str] = "is the file cut short?"

    what: str


class UnknownKeyword(Error):
    """A word in a file of another tool is none that the format knows."""

    code: ClassVar[str] = "Q0909"
    title: ClassVar[str] = "`{keyword}` is no {what} of the format `{format}`"
    label: ClassVar[str] = "unknown"
    note: ClassVar[str] = "{suggestion}"
    help: ClassVar[str] = "known are {known}"

    keyword: str
    what: str
    format: str
    known: str
    suggestion: str


class NotSupported(Error):
    """The file uses a part of its format that qevoc does not read. docs/interchange.md says what is read."""

    code: ClassVar[str] = "Q0910"
    title: ClassVar[str] = "{what} of the format `{format}` is not read"
    label: ClassVar[str] = "stated here"
    help: ClassVar[str] = "{instead}"

    what: str
    format: str
    instead: str


class Unreadable(Error):
    """A file does not have the format that it was read as: it is damaged, cut short or of another kind."""

    code: ClassVar[str] = "Q0911"
    title: ClassVar[str] = "this is no readable file of the format `{format}`: {reason}"
    label: ClassVar[str] = "here"
    help: ClassVar[str] = "write the file again with the tool it came from, or name its format with `--format`"

    format: str
    reason: str


class MissingMember(Error):
    """A file lacks an entry that its format requires."""

    code: ClassVar[str] = "Q0912"
    title: ClassVar[str] = "the file does not say its `{key}`"
    help: ClassVar[str] = "add `{key}`: the format `{format}` requires it"

    key: str
    format: str


class BadHead(Error):
    """The first lines of a file say how large it is; they have to be there before anything else."""

    code: ClassVar[str] = "Q0921"
    title: ClassVar[str] = "the file does not start as the format `{format}` does"
    label: ClassVar[str] = "here"
    help: ClassVar[str] = "the first line is `{form}`"

    format: str
    form: str


class TooManyVariables(Error):
    """A file announces more variables, rows or entries than can be numbered. A damaged head looks like this."""

    code: ClassVar[str] = "Q0923"
    title: ClassVar[str] = "{count} {what} are more than can be numbered"
    label: ClassVar[str] = "announced here"
    help: ClassVar[str] = "up to {limit:,} are read; is the head of the file damaged?"

    what: str
    count: str
    limit: int
