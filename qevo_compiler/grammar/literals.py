"""The values of number and array tokens."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from math import inf, isinf
from typing import Any

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.syntax.tokens import BadNumber
from qevo_compiler.grammar import ast
from qevo_compiler.source import Span

_COMMENT = re.compile(r"#[^\r\n]*")
_NUMBER = re.compile(r"[0-9][0-9.eE+-]*")
_TRAILING_COMMA = re.compile(r",(?=\s*\])")


def read_number(text: str, span: Span) -> ast.Number:
    """An int unless the text has a point or an exponent."""
    try:
        value: ast.Number = int(text) if text.isdecimal() else float(text)
    except ValueError as error:  # Python refuses to read integers of many thousand digits
        raise CompileError(_too_large(text, span)) from error
    if isinf(value):
        raise CompileError(_too_large(text, span))
    return value


def read_array(text: str, span: Span) -> ast.Entries:
    """The entries of an ARRAY token, which is JSON but for comments and trailing commas."""
    plain = _TRAILING_COMMA.sub("", _COMMENT.sub("", text))
    try:
        entries = _frozen(json.loads(plain))
    except ValueError:
        entries = (inf,)
    if any(isinstance(value, float) and isinf(value) for value in _flat(entries)):
        for number in _NUMBER.findall(plain):
            read_number(number, span)
    return entries


def _frozen(rows: list[Any]) -> ast.Entries:
    return tuple(_frozen(row) if isinstance(row, list) else row for row in rows)


def _flat(entries: ast.Entries) -> Iterable[ast.Number]:
    for entry in entries:
        if isinstance(entry, tuple):
            yield from _flat(entry)
        else:
            yield entry


def _too_large(text: str, span: Span) -> BadNumber:
    shown = text if len(text) <= 20 else text[:17] + "..."
    return BadNumber(span, shown, "too large")
