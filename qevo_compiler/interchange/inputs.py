"""A file of another tool: its bytes, its text, places in it, and its lines of numbers as arrays.

Numbers are read by numpy from whole blocks of lines; an object is made for a line or a number only when
it is wrong and has to be shown.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.interchange.files import (
    BadHead,
    EndsEarly,
    IndexOutOfRange,
    NotAnIndex,
    NotANumber,
    NotFiniteNumber,
    TooManyVariables,
    WrongCount,
    WrongWidth,
)
from qevo_compiler.diagnostics.sources import MissingFile, NotText
from qevo_compiler.source import SourceFile, Span

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Variables are numbered in 32 bits, and arrays of this size still fit into memory.
MOST = 100_000_000
_NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|infinity|nan)", re.IGNORECASE)


@dataclass(frozen=True)
class InputFile:
    """A file by its name without folders, with its bytes."""

    name: str
    content: bytes = field(repr=False)

    @staticmethod
    def open(path: Path) -> InputFile:
        """The file at `path`; raises `CompileError` when it cannot be read."""
        try:
            return InputFile(path.name, path.read_bytes())
        except OSError as error:
            raise CompileError(MissingFile(None, str(path), error.strerror or "cannot be read")) from None

    @cached_property
    def text(self) -> str:
        """The file as UTF-8 text; raises `CompileError` when it is none."""
        try:
            return self.content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise CompileError(NotText(None, self.name, error.start)) from None

    @cached_property
    def source(self) -> SourceFile:
        """The text as a source whose lines diagnostics show; without text, an empty one."""
        return SourceFile(self.name, self.content.decode("utf-8", "replace"))

    @property
    def stem(self) -> str:
        """The name up to its first dot, for the module."""
        return self.name.partition(".")[0] or self.name

    def span_at(self, start: int, end: int) -> Span:
        """The place of bytes `start` to `end`, which lie on one line."""
        first = self.content.rfind(b"\n", 0, start) + 1
        line = self.content.count(b"\n", 0, start) + 1
        column, last = (len(self.content[first:place].decode("utf-8", "replace")) + 1 for place in (start, end))
        return Span(self.name, line, column, line, max(last, column + 1))

    def span_of_line(self, line: int) -> Span:
        """Line `line`, counted from 1, without the space around its text."""
        text = self.source.line(line)
        start = len(text) - len(text.lstrip()) + 1
        return Span(self.name, line, start, line, max(len(text.rstrip()) + 1, start + 1))

    def span_of(self, pattern: str, flags: int = re.MULTILINE) -> Span | None:
        """The place of the first match of a regular expression (of its group 1 where it has one), or None."""
        found = re.search(pattern, self.source.text, flags)
        if found is None:
            return None
        group = 1 if found.re.groups else 0
        return self.span_of_text(found.start(group), found.end(group))

    def span_of_text(self, start: int, end: int) -> Span:
        """The place of characters `start` to `end` of the text, which lie on one line."""
        text = self.source.text
        line = text.count("\n", 0, start) + 1
        column = start - text.rfind("\n", 0, start)
        return Span(self.name, line, column, line, column + max(end - start, 1))


@dataclass(frozen=True)
class Numbers:
    """Numbers that follow each other in a file: `values` [k], and where each token starts in the bytes, [k]."""

    file: InputFile
    values: Floats
    starts: Ints

    def __len__(self) -> int:
        return len(self.values)

    def span(self, index: int) -> Span:
        """The place of one number."""
        start = int(self.starts[index])
        return self.file.span_at(start, start + len(self.token(index).encode()))

    def token(self, index: int) -> str:
        """One number as it is written."""
        start = int(self.starts[index])
        found = re.compile(rb"\S+").match(self.file.content, start)
        return found[0].decode("utf-8", "replace") if found else ""

    def finite(self, index: slice = slice(None)) -> Floats:
        """The numbers of `index`; raises `CompileError` at the first that is infinite or NaN."""
        values = self.values[index]
        bad = ~np.isfinite(values)
        if bad.any():
            place = int(np.arange(len(self.values))[index][bad][0])
            raise CompileError(NotFiniteNumber(self.span(place), self.token(place)))
        return values

    def whole(self, index: slice, what: str) -> Ints:
        """The numbers of `index` as integers that are not negative; raises `CompileError` at the first that is none."""
        values = self.values[index]
        good = (values >= 0) & (values < 2.0**53)
        good &= np.floor(values) == values
        if not good.all():
            place = int(np.arange(len(self.values))[index][~good][0])
            raise CompileError(NotAnIndex(self.span(place), self.token(place), what))
        return values.astype(np.int64)

    def indices(self, index: slice, what: str, size: int, base: int) -> Ints:
        """The numbers of `index` as indices below `size`, counted in the file from `base`; here from 0."""
        found = self.whole(index, f"a {what}") - base
        bad = (found < 0) | (found >= size)
        if bad.any():
            place = int(np.arange(len(self.values))[index][bad][0])
            known = f"they are numbered {base} to {size - 1 + base}" if size else "there are none"
            raise CompileError(IndexOutOfRange(self.span(place), what, self.token(place), known))
        return found


class Cursor:
    """Goes through the lines of a file in order. Lines that are empty, or that `comments` blanks, do not count."""

    def __init__(self, file: InputFile, format: str, comments: bytes | None = None) -> None:
        self.file, self.format = file, format
        self._bytes = file.content
        if comments is not None and re.search(comments, self._bytes):
            self._bytes = re.sub(comments, lambda found: b" " * len(found[0]), self._bytes)
        every = np.frombuffer(self._bytes, np.uint8)
        solid = every > 32
        begins = solid.copy()
        begins[1:] &= ~solid[:-1]
        self._tokens = np.flatnonzero(begins)
        ends = np.append(np.flatnonzero(every == 10), len(every))
        after = np.searchsorted(self._tokens, ends)
        counts = np.diff(after, prepend=0)
        self._number = np.flatnonzero(counts) + 1
        self._ends = ends[self._number - 1]
        self._after = after[self._number - 1]
        self._count = counts[self._number - 1]
        self._at = 0

    @property
    def left(self) -> int:
        """How many lines are left."""
        return len(self._number) - self._at

    @property
    def last_span(self) -> Span:
        """The line that was read last, or the last of the file."""
        line = self._number[min(max(self._at - 1, 0), len(self._number) - 1)] if len(self._number) else 1
        return self.file.span_of_line(int(line))

    def peek(self) -> str:
        """The next line's text; empty at the end."""
        return self._text(self._at) if self.left else ""

    def line(self, what: str) -> str:
        """The next line's text; raises `CompileError` when there is none, saying that `what` is missing."""
        if not self.left:
            raise CompileError(EndsEarly(self.last_span, what))
        self._at += 1
        return self._text(self._at - 1)

    def table(self, count: int | None, width: int, what: str, form: str) -> Numbers:
        """The next `count` lines (None: all that are left) of `width` numbers each, one after the other."""
        end = len(self._number) if count is None else self._at + count
        short = end > len(self._number)
        first, end = self._at, min(end, len(self._number))
        wrong = np.flatnonzero(self._count[first:end] != width)
        if len(wrong):
            span = self.file.span_of_line(int(self._number[first + wrong[0]]))
            raise CompileError(WrongWidth(span, what, width, int(self._count[first + wrong[0]]), form))
        self._at = end
        if short:
            raise CompileError(WrongCount(self.last_span, what, count or 0, end - first))
        return self._numbers(first, end)

    def block(self) -> Numbers:
        """All numbers up to the next line that starts with a letter, however they are spread over lines."""
        heads = np.frombuffer(self._bytes, np.uint8)[self._tokens[self._after[self._at :] - self._count[self._at :]]]
        lower = heads | 32
        words = np.flatnonzero((lower >= ord("a")) & (lower <= ord("z")))
        first, end = self._at, self._at + int(words[0]) if len(words) else len(self._number)
        self._at = end
        return self._numbers(first, end)

    def _text(self, index: int) -> str:
        start = int(self._tokens[self._after[index] - self._count[index]])
        return self._bytes[start : int(self._ends[index])].decode("utf-8", "replace").rstrip()

    def _numbers(self, first: int, end: int) -> Numbers:
        if end <= first:
            return Numbers(self.file, np.zeros(0), np.zeros(0, np.int64))
        starts = self._tokens[self._after[first] - self._count[first] : self._after[end - 1]]
        values = _parsed(self._bytes[int(starts[0]) : int(self._ends[end - 1])])
        if values is None or len(values) != len(starts):
            raise CompileError(self._first_bad(starts))
        return Numbers(self.file, values, starts)

    def _first_bad(self, starts: Ints) -> NotANumber:
        words = re.compile(rb"\S+")
        for start in starts.tolist():
            token = words.match(self._bytes, start)
            if token is not None and not _NUMBER.fullmatch(token[0]):
                return NotANumber(
                    self.file.span_at(start, token.end()), token[0].decode("utf-8", "replace"), self.format
                )
        return NotANumber(self.last_span, "this line", self.format)


def _parsed(text: bytes) -> Floats | None:
    """All numbers of a text that has some, or None when one of them does not read."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        try:
            return np.fromstring(text, np.float64, sep=" ")
        except (ValueError, DeprecationWarning):
            return None


def two_counts(cursor: Cursor, format: str, form: str) -> tuple[int, int]:
    """The two counts that a first line starts with; what follows them on the line is passed over."""
    words = cursor.line("the head").split()
    if len(words) < 2 or not all(word.isdigit() for word in words[:2]):
        raise CompileError(BadHead(cursor.last_span, format, form))
    first, second = (checked_count(word, "variables", cursor.last_span) for word in words[:2])
    return first, second


def checked_count(word: str, what: str, span: Span | None) -> int:
    """A count written in digits; raises `CompileError` where it is beyond `MOST`."""
    if len(word) > 18 or int(word) > MOST:
        raise CompileError(TooManyVariables(span, what, word, MOST))
    return int(word)


def check_count(cursor: Cursor, found: Numbers, expected: int, what: str, width: int = 1) -> None:
    """Raise `CompileError` unless as many entries of `width` numbers are there as the head announces."""
    if len(found) != expected * width:
        span = found.span(len(found) - 1) if len(found) else cursor.last_span
        raise CompileError(WrongCount(span, what, expected, len(found) // width))
