"""One logical line in canonical spacing, over as many physical lines as it was written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set

from qevo_compiler.grammar.lexer import Lexeme
from qevo_compiler.grammar.parser import ParsedLine
from qevo_compiler.source import Span

_ARRAY_PART = re.compile(r"\r?\n|\r|#[^\r\n]*|[\[\],]|[^\s\[\],#]+")
_ARRAY_SIGNS = {"[": "LSQB", "]": "RSQB", ",": "COMMA"}
_OPEN = frozenset("([{")
_CLOSE = frozenset(")]}")
_OPERAND_ENDS = frozenset({"NAME", "NUMBER", "RPAR", "RSQB", "RBRACE", "TRUE", "FALSE", "T"})
_TAKES_SHAPE = frozenset({"INT", "REAL", "BOOL", "BINARY", "SPIN"})
_TIGHT = frozenset({"^", ".."})
_STEP = 2


def lay_out(line: ParsedLine, indent: int, wrapped: Set[Span]) -> list[str]:
    """The physical lines of `line`; parentheses go unless they are `wrapped` or span lines."""
    pieces = list(_pieces(line))
    needless = _needless_parentheses(pieces, wrapped)
    kept = [piece for place, piece in enumerate(pieces) if place not in needless]
    rows = _Rows(indent)
    return [rows.text(row) for row in _split_rows(_without_trailing_commas(kept)) if row]


def _pieces(line: ParsedLine) -> Iterator[Lexeme]:
    """The lexemes of the line as the parser read them, arrays taken apart."""
    resolved = iter(line.tokens)
    for lexeme in line.line.lexemes:
        if lexeme.type in {"NEWLINE", "COMMENT"}:
            yield lexeme
            continue
        token = next(resolved)
        if token.type == "ARRAY":
            yield from _array_pieces(token)
        else:
            yield token


def _array_pieces(token: Lexeme) -> Iterator[Lexeme]:
    for text in _ARRAY_PART.findall(token.text):
        kind = _ARRAY_SIGNS.get(text, "NUMBER")
        if text[0] in "\r\n#":
            kind = "COMMENT" if text[0] == "#" else "NEWLINE"
        yield Lexeme(kind, text, token.span)


def _needless_parentheses(pieces: Sequence[Lexeme], wrapped: Set[Span]) -> set[int]:
    """The places of parentheses on one line that neither group, call nor list anything."""
    found: set[int] = set()
    open_places: list[int] = []
    lists: set[int] = set()
    for place, piece in enumerate(pieces):
        if piece.text in _OPEN:
            open_places.append(place)
        elif piece.text == "," and open_places:
            lists.add(open_places[-1])
        elif piece.text in _CLOSE:
            opening = open_places.pop()
            if opening not in lists and _is_needless(pieces, opening, piece, wrapped):
                found |= {opening, place}
    return found


def _is_needless(pieces: Sequence[Lexeme], opening: int, closing: Lexeme, wrapped: Set[Span]) -> bool:
    first = pieces[opening]
    calls = opening > 0 and pieces[opening - 1].type == "NAME"
    spans_lines = first.span.line != closing.span.line
    return first.text == "(" and not calls and not spans_lines and first.span.to(closing.span) not in wrapped


def _without_trailing_commas(pieces: Sequence[Lexeme]) -> list[Lexeme]:
    following = [piece.text for piece in pieces[1:]] + [""]
    return [
        piece for piece, after in zip(pieces, following, strict=False) if not (piece.text == "," and after in _CLOSE)
    ]


def _split_rows(pieces: Sequence[Lexeme]) -> Iterator[list[Lexeme]]:
    row: list[Lexeme] = []
    for piece in pieces:
        if piece.type == "NEWLINE":
            yield row
            row = []
        else:
            row.append(piece)
    yield row


class _Rows:
    """Physical lines of one statement, indented by the brackets that are open where they start."""

    def __init__(self, indent: int) -> None:
        self._indent = indent
        self._open: list[tuple[str, int]] = []

    def text(self, row: Sequence[Lexeme]) -> str:
        column = self._column(row)
        parts = [" " * column]
        before: Lexeme | None = None
        signed = False
        for piece in row:
            parts.append(self._gap(before, piece, signed) + piece.text.rstrip())
            signed = piece.text == "-" and (before is None or before.type not in _OPERAND_ENDS)
            self._track(piece, column)
            before = piece
        return "".join(parts)

    def _column(self, row: Sequence[Lexeme]) -> int:
        if not self._open:
            return self._indent
        closers = next((i for i, piece in enumerate(row) if piece.text not in _CLOSE), len(row))
        return self._open[-closers][1] if closers else self._open[-1][1] + _STEP

    def _track(self, piece: Lexeme, column: int) -> None:
        if piece.text in _OPEN:
            self._open.append((piece.text, column))
        elif piece.text in _CLOSE:
            self._open.pop()

    def _gap(self, before: Lexeme | None, piece: Lexeme, signed: bool) -> str:
        """What stands between two neighbours; `signed` says that `before` is a unary minus."""
        if before is None:
            return ""
        if piece.type == "COMMENT":
            return "  "
        if piece.text == ".":
            return " " if before.type == "NUMBER" else ""  # `2.T` would read as one number
        if signed or before.text in _OPEN | _TIGHT | {"."}:
            return ""
        if piece.text in _CLOSE | _TIGHT | {","} or (piece.text == ":" and before.text != ","):
            return ""
        if before.text == ":":
            return "" if self._open and self._open[-1][0] == "[" else " "
        return "" if _is_attached(before, piece) else " "


def _is_attached(before: Lexeme, piece: Lexeme) -> bool:
    """Whether a bracket belongs to what stands before it: an index, a call or a shape."""
    if piece.text == "[":
        return before.type in _OPERAND_ENDS | _TAKES_SHAPE
    return piece.text == "(" and before.type in _OPERAND_ENDS
