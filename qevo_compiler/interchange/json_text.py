"""JSON files, with the place of what is wrong in them."""

from __future__ import annotations

import json
import re
from typing import Any

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.interchange.files import MissingMember, NotFiniteNumber, Unreadable
from qevo_compiler.interchange.inputs import InputFile
from qevo_compiler.source import Span


def parsed_json(file: InputFile, format: str) -> dict[str, Any]:
    """The JSON object of a file. Raises `CompileError` with the place where it breaks off or holds NaN."""
    try:
        found = json.loads(file.text, parse_constant=lambda word: _refuse(file, word))
    except json.JSONDecodeError as error:
        span = Span(file.name, error.lineno, error.colno, error.lineno, error.colno + 1)
        raise CompileError(Unreadable(span, format, f"{error.msg[0].lower()}{error.msg[1:]}")) from None
    except RecursionError:
        raise CompileError(Unreadable(None, format, "it nests too deep")) from None
    if not isinstance(found, dict):
        raise CompileError(Unreadable(file.span_of_line(1), format, "it is not a JSON object"))
    return found


def member(record: dict[str, Any], key: str, kind: type | tuple[type, ...], file: InputFile, format: str) -> Any:
    """A member of the object; raises `CompileError` when it is missing or of another type."""
    if key not in record:
        raise CompileError(MissingMember(None, key, format))
    value = record[key]
    if not isinstance(value, kind) or isinstance(value, bool):
        raise CompileError(Unreadable(span_of_key(file, key), format, f"`{key}` has another type"))
    return value


def span_of_key(file: InputFile, key: str, occurrence: int = 0) -> Span | None:
    """The place of the key's occurrence number `occurrence`, counted from 0."""
    for count, found in enumerate(re.finditer(f'"{re.escape(key)}"', file.text)):
        if count == occurrence:
            return file.span_of_text(found.start(), found.end())
    return None


def _refuse(file: InputFile, word: str) -> float:
    raise CompileError(NotFiniteNumber(file.span_of(rf"(?<![\w\"])({re.escape(word)})\b"), word))
