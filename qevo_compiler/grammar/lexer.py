"""Text to lexemes, by the terminals of `qevo.lark`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from lark import Lark

from qevo_compiler.grammar.builder import AstBuilder
from qevo_compiler.source import SourceFile, Span

RESERVED = frozenset({"FOR", "IN", "IF", "AND", "OR", "NOT", "XOR", "TRUE", "FALSE"})


class Lexeme(NamedTuple):
    """A token for lark's parser, which looks at nothing but `type`."""

    type: str
    text: str
    span: Span

    @property
    def is_word(self) -> bool:
        return self.text.isidentifier()


@cache
def lark_parser() -> Lark:
    """The LALR parser, built on first use; it keeps no state between parses."""
    grammar = files("qevo_compiler.grammar").joinpath("qevo.lark").read_text(encoding="utf-8")
    return Lark(
        grammar,
        parser="lalr",
        lexer="basic",
        start=["header", "statement", "trivia"],
        transformer=AstBuilder(),
        keep_all_tokens=True,
        maybe_placeholders=False,
    )


@cache
def terminal_texts() -> dict[str, str]:
    """The words and signs of the language by the name of their terminal."""
    return {t.name: t.pattern.value for t in lark_parser().terminals if t.pattern.type == "str"}


@cache
def keywords() -> frozenset[str]:
    """The terminals of words that are keywords in one place and names in another."""
    return frozenset(name for name, text in terminal_texts().items() if text.isidentifier()) - RESERVED


def lex(source: SourceFile) -> Iterator[Lexeme]:
    """Every lexeme of the file in order, line ends, comments and faulty characters included."""
    reading = lark_parser().parse_interactive(source.text, start="trivia")
    position = _Positions(source)
    for token in reading.lexer_thread.lex(reading.parser_state):
        start = token.start_pos or 0
        yield Lexeme(token.type, str(token), position.span(start, start + len(token)))


class _Positions:
    """Offsets to spans, for offsets that never go back."""

    def __init__(self, source: SourceFile) -> None:
        self._file = source.name
        self._starts = source.line_starts
        self._line = 1

    def span(self, start: int, end: int) -> Span:
        line, column = self._locate(start)
        return Span(self._file, line, column, *self._locate(end))

    def _locate(self, offset: int) -> tuple[int, int]:
        while self._line < len(self._starts) and offset >= self._starts[self._line]:
            self._line += 1
        return self._line, offset - self._starts[self._line - 1] + 1
