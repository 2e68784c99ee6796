"""The tokens of `.qir` text, and the cursor that a parser moves over them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NoReturn

from qevo_compiler.diagnostics import CompileError, did_you_mean
from qevo_compiler.diagnostics.ir import BadQir, UnknownInQir
from qevo_compiler.source import SourceFile, Span

Token = tuple[str, str, Span]
"""Kind, text and place. Kinds are the groups of `_TOKEN`, `end`, and `unknown` for what no rule takes."""

_TOKEN = re.compile(
    r"""(?P<space>[ \t\n]+|//[^\n]*)
      |(?P<string>"(?:[^"\\\n]|\\.)*")
      |(?P<array>(?:f64|f32|i64|i32|u8)<(?:scalar|\d+(?:x\d+)*)>(?:\#[0-9a-f]{32})?)
      |(?P<number>-?(?:\d+\.?\d*(?:e[+-]?\d+)?|inf)|nan)(?![\w.])
      |(?P<value>%\d+)
      |(?P<symbol>@[\w.$-]+)
      |(?P<name>[A-Za-z_][\w-]*(?:\.[\w-]+)*)
      |(?P<mark>[(){}\[\],:=-])""",
    re.VERBOSE,
)


class Cursor:
    """The token at `position`, and steps over it where it is the wanted one.

    `expect` and `take` raise `CompileError` with the token's place where it is not.
    """

    def __init__(self, source: SourceFile, text: str) -> None:
        self._tokens = list(_tokens(source, text))
        self.position = 0

    @property
    def kind(self) -> str:
        return self._tokens[self.position][0]

    @property
    def text(self) -> str:
        return self._tokens[self.position][1]

    def accept(self, text: str) -> bool:
        """Step over a name or mark that reads `text`; whether it does."""
        if self.text == text and self.kind in ("name", "mark"):
            self.position += 1
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.accept(text):
            self.fail(f"`{text}`")

    def take(self, kind: str) -> str:
        """The text of the token, which has to be of `kind`, and a step over it."""
        if self.kind != kind:
            self.fail(f"the {kind} of the text" if kind == "end" else f"a {kind}")
        self.position += 1
        return self._tokens[self.position - 1][1]

    def fail(self, expected: str, found: str | None = None) -> NoReturn:
        text = self.text if found is None else found
        span = self._tokens[min(self.position, len(self._tokens) - 1)][2]
        raise CompileError(BadQir(span, expected, f"`{text}`" if text else "the end of the file"))

    def unknown(self, what: str, name: str, known: Iterable[str]) -> NoReturn:
        span = self._tokens[self.position - 1][2]
        raise CompileError(UnknownInQir(span, what, name, did_you_mean(name, known)))


def _tokens(source: SourceFile, text: str) -> Iterator[Token]:
    position = line = 0
    start_of_line = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        column = position - start_of_line + 1
        here = Span(source.name, line + 1, column, line + 1, column + (len(match[0]) if match else 1))
        if match is None:
            yield "unknown", text[position], here  # no rule takes it, so the parser stops here at the latest
            return
        if match.lastgroup != "space":
            yield str(match.lastgroup), match.group(), here
        newlines = match.group().count("\n")
        if newlines:
            line += newlines
            start_of_line = position + match.group().rfind("\n") + 1
        position = match.end()
    column = position - start_of_line + 1
    yield "end", "", Span(source.name, line + 1, column, line + 1, column + 1)
