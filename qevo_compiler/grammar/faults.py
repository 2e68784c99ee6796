"""Tokens that no statement holds: odd characters, numbers and strings gone wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator

from qevo_compiler.diagnostics import CompileError, Diagnostic
from qevo_compiler.diagnostics.syntax.tokens import BadNumber, DoubleStar, NestedTooDeep, OddCharacter, UnclosedString
from qevo_compiler.grammar.ast import MAX_DEPTH
from qevo_compiler.grammar.lexer import Lexeme
from qevo_compiler.grammar.lines import CLOSING, Line

_NUMBER = re.compile(r"(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_NUMBER_AND_NAME = re.compile(r"((?:0|[1-9][0-9]*)(?:\.[0-9]+)?)([A-Za-z][A-Za-z0-9_]*)")
_INSTEAD = {
    "\t": ("a tab", "use spaces"),
    "\u00a0": ("a no-break space", "use a plain space"),
    "\ufeff": ("a byte order mark", "save the file without one"),
    "≤": ("`≤`", "write `<=`"),
    "≥": ("`≥`", "write `>=`"),
    "≠": ("`≠`", "write `!=`"),
    "−": ("`−`", "write `-`"),  # noqa: RUF001
    "–": ("`–`", "write `-`"),  # noqa: RUF001
    "×": ("`×`", "write `*`"),  # noqa: RUF001
    "·": ("`·`", "write `*`"),
    "÷": ("`÷`", "write `/`"),
    "→": ("`→`", "write `=>`"),
    "⇒": ("`⇒`", "write `=>`"),
    "∧": ("`∧`", "write `and`"),
    "∨": ("`∨`", "write `or`"),  # noqa: RUF001
    "¬": ("`¬`", "write `not`"),
    "&": ("`&`", "write `and`"),
    "|": ("`|`", "write `or`"),
    "!": ("`!`", "write `not`"),
    "'": ("`'`", "strings stand in double quotes"),
    "“": ("`“`", 'write `"`'),
    "”": ("`”`", 'write `"`'),
    ";": ("`;`", "put the next statement on its own line"),
    "\\": ("`\\`", "a line goes on inside brackets, without a sign"),
}


def check_tokens(line: Line) -> None:
    """Raise for what the grammar has no place for; of several odd characters the first is told."""
    tokens = line.tokens
    found = list(_faults(tokens)) if line.faulty else []
    odd = [fault for fault in found if isinstance(fault, OddCharacter)]
    found = [fault for fault in found if fault not in odd[1:]]
    if found:
        raise CompileError(*found)
    if len(tokens) > MAX_DEPTH:
        _check_nesting(tokens)


def _faults(tokens: list[Lexeme]) -> Iterator[Diagnostic]:
    for token in tokens:
        if token.type == "DOUBLE_STAR":
            yield DoubleStar(token.span)
        elif token.type == "BAD_NUMBER":
            yield BadNumber(token.span, token.text, _number_advice(token.text))
        elif token.type == "BAD_STRING":
            yield UnclosedString(token.span)
        elif token.type == "ODD":
            unknown = (_character(token.text), "no statement uses it")
            yield OddCharacter(token.span, *_INSTEAD.get(token.text, unknown))


def _character(text: str) -> str:
    return f"`{text}`" if text.isprintable() else f"U+{ord(text):04X}"


def _number_advice(text: str) -> str:
    for fixed in (f"0{text}", f"{text}0", text.replace("_", ""), text.lstrip("0")):
        if _NUMBER.fullmatch(fixed):
            return f"write `{fixed}`"
    if match := _NUMBER_AND_NAME.fullmatch(text):
        return f"write `{match[1]} * {match[2]}`"
    return "numbers look like `12`, `0.5` or `1e-3`"


def _check_nesting(tokens: list[Lexeme]) -> None:
    """Bracket depth has its own limit: parentheses leave no trace in the tree."""
    depth = 0
    for token in tokens:
        depth += (token.text in CLOSING) - (token.text in CLOSING.values())
        if depth > MAX_DEPTH:
            raise CompileError(NestedTooDeep(token.span, MAX_DEPTH))
