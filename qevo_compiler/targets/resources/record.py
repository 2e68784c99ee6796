"""The cost record as JSON: figures by group and name, each with how it is known."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.targets import BadEmittedFile
from qevo_compiler.dialects.linear import Figure, Known, ResourcesOp

VERSION = 1


def to_json(name: str, figures: Iterable[Figure], physical: Iterable[Figure], notes: Iterable[str]) -> bytes:
    """Sorted groups in order of statement; numbers without a fraction are whole; infinity is text."""
    record: dict[str, Any] = {"qevo_resources": VERSION, "program": name, "figures": _grouped(figures)}
    record["physical"] = _grouped(physical).get("physical", {})
    record["notes"] = list(notes)
    return (json.dumps(record, indent=1, allow_nan=False) + "\n").encode()


def from_json(content: bytes, suffix: str) -> ResourcesOp:
    """The op that a record states; raises `CompileError` for a damaged one."""
    try:
        groups = json.loads(content)["figures"]
        figures = tuple(
            Figure(group, name, float(f["value"]), Known(f["known"]), f.get("unit", ""), f.get("note", ""))
            for group, members in groups.items()
            for name, f in members.items()
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise CompileError(BadEmittedFile(None, suffix, "it is no cost record")) from None
    return ResourcesOp(figures)


def _grouped(figures: Iterable[Figure]) -> dict[str, dict[str, dict[str, Any]]]:
    groups: dict[str, dict[str, dict[str, Any]]] = {}
    for figure in figures:
        member = {"value": number(figure.value), "known": figure.known.value}
        member |= {key: text for key, text in (("unit", figure.unit), ("note", figure.note)) if text}
        groups.setdefault(figure.group, {})[figure.quantity] = member
    return groups


def number(value: float) -> float | int | str:
    if not math.isfinite(value):
        return repr(value)
    return int(value) if value == int(value) and abs(value) < 2**53 else value
