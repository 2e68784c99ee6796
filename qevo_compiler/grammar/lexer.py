"""Text to lexemes, by the terminals of `qevo.lark`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

from qevo_compiler.grammar.automaton import read_tables
from qevo_compiler.source import SourceFile, Span

RESERVED = frozenset({"FOR", "IN", "IF", "AND", "OR", "NOT", "XOR", "TRUE", "FALSE"})
# An ARRAY stands after one of these and at most four blanks.
_BEFORE_ARRAY = "=(,["
_MOST_BLANKS = 4

Match = Callable[[str, int], "re.Match[str] | None"]


class Lexeme(NamedTuple):
    """A token; the automaton looks at nothing but `type`."""

    type: str
    text: str
    span: Span

    @property
    def is_word(self) -> bool:
        return self.text.isidentifier()


@cache
def terminal_texts() -> dict[str, str]:
    """The words and signs of the language by the name of their terminal."""
    found: dict[str, str] = read_tables()["texts"]
    return found


@cache
def keywords() -> frozenset[str]:
    """The terminals of words that are keywords in one place and names in another."""
    return frozenset(name for name, text in terminal_texts().items() if text.isidentifier()) - RESERVED


@cache
def _token() -> Match:
    return re.compile(read_tables()["tokens"]).match


@cache
def _array() -> Match:
    return re.compile(read_tables()["array"]).match


def lex(source: SourceFile) -> Iterator[Lexeme]:
    """Every lexeme of the file in order, line ends, comments and faulty characters included."""
    text, match = source.text, _token()
    words: dict[str, str] = read_tables()["words"]
    span = _Positions(source).span
    place = 0
    while found := match(text, place):
        kind = str(found.lastgroup)
        start, place = found.span(kind)
        if kind == "LSQB" and (array := _match_array(text, start)):
            kind, place = "ARRAY", array.end()
        lexeme = text[start:place]
        if kind == "NAME":
            kind = words.get(lexeme, kind)
        yield Lexeme(kind, lexeme, span(start, place))


def _match_array(text: str, start: int) -> re.Match[str] | None:
    """An ARRAY at the bracket at `start`; it goes before any other token. Its pattern is compiled when needed."""
    before = text[max(start - 1 - _MOST_BLANKS, 0) : start].rstrip()
    return _array()(text, start) if before and before[-1] in _BEFORE_ARRAY else None


class _Positions:
    """Offsets to spans, for offsets that never go back."""

    def __init__(self, source: SourceFile) -> None:
        self._file = source.name
        self._starts = source.line_starts
        self._enter(1)

    def _enter(self, line: int) -> None:
        """Go to a line: offsets from `_start` to below `_next` are in it."""
        self._line, self._start = line, self._starts[line - 1]
        self._next = self._starts[line] if line < len(self._starts) else None

    def span(self, start: int, end: int) -> Span:
        if self._next is None or end < self._next:
            return Span(self._file, self._line, start - self._start + 1, self._line, end - self._start + 1)
        line, column = self._locate(start)
        return Span(self._file, line, column, *self._locate(end))

    def _locate(self, offset: int) -> tuple[int, int]:
        while self._next is not None and offset >= self._next:
            self._enter(self._line + 1)
        return self._line, offset - self._start + 1
