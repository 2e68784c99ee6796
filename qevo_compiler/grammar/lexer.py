"""Text to lexemes, by the terminals of `qevo.lark`."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from qevo_compiler.grammar.tables import read_tables
from qevo_compiler.source import LINE_END, SourceFile, Span

RESERVED = frozenset({"FOR", "IN", "IF", "AND", "OR", "NOT", "XOR", "TRUE", "FALSE"})
# An ARRAY stands after one of these and at most four blanks.
_BEFORE_ARRAY = "=(,["
_MOST_BLANKS = 4


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
def _fixed() -> dict[str, str]:
    """The terminals of the words and signs."""
    return {text: name for name, text in terminal_texts().items()}


@cache
def _token() -> re.Pattern[str]:
    return re.compile(read_tables()["tokens"])


@cache
def _array() -> re.Pattern[str]:
    return re.compile(read_tables()["array"])


def lex(source: SourceFile) -> list[Lexeme]:
    """Every lexeme of the file in order, line ends, comments and faulty characters included."""
    file, text = source.name, source.text
    fixed, new = _fixed(), tuple.__new__  # what `Lexeme(...)` and `Span(...)` call, for every token
    found: list[Lexeme] = []
    place, line, before = 0, 1, -1  # columns are offsets less the one before their line
    while True:
        for match in _token().finditer(text, place):
            lexeme, place = match[match.lastindex or 0], match.end()
            kind = fixed.get(lexeme) or str(match.lastgroup)
            first, column = line, place - len(lexeme) - before
            if kind == "NEWLINE":
                line, before = line + 1, place - 1
            elif kind == "LSQB" and (array := _match_array(text, place - 1)):
                kind, lexeme, place = "ARRAY", array[0], array.end()
                for line_end in LINE_END.finditer(text, array.start(), place):
                    line, before = line + 1, line_end.end() - 1
            elif kind == "END":
                return found
            found.append(new(Lexeme, (kind, lexeme, new(Span, (file, first, column, line, place - before)))))
            if kind == "ARRAY":
                break  # to go on after it


def _match_array(text: str, start: int) -> re.Match[str] | None:
    """An ARRAY at the bracket at `start`; it goes before any other token. Its pattern is compiled when needed."""
    before = text[max(start - 1 - _MOST_BLANKS, 0) : start].rstrip()
    return _array().match(text, start) if before and before[-1] in _BEFORE_ARRAY else None
