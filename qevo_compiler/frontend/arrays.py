"""Numbers from outside: checked once, then trusted."""

from __future__ import annotations

from typing import Any

import numpy as np

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.data import NotFiniteData, NotNumbers, NotTruthValues, NotWholeNumbers, UnevenRows
from qevo_compiler.frontend.tensors.value import Values
from qevo_compiler.source import Span

_KINDS = {
    "U": "text",
    "S": "bytes",
    "c": "complex numbers",
    "O": "objects",
    "M": "dates",
    "m": "durations",
    "V": "records",
}


def numbers(name: str, given: Any, span: Span | None) -> Values:
    """`given` as a finite array of booleans, 64-bit integers or doubles. May share memory with it."""
    try:
        values = np.asarray(given)
    except ValueError:
        raise CompileError(UnevenRows(span, name)) from None
    except (TypeError, OverflowError):
        raise CompileError(NotNumbers(span, name, type(given).__name__)) from None
    if values.dtype.kind not in "biuf":
        raise CompileError(_not_numbers(name, values, span))
    if values.dtype.kind == "f":
        values = values.astype(np.float64, copy=False)
        wrong = ~np.isfinite(values)
        if wrong.any():
            raise CompileError(NotFiniteData(span, name, *_first(values, wrong)))
    elif values.dtype.kind == "u" and values.size and values.max() > np.iinfo(np.int64).max:
        raise CompileError(NotWholeNumbers(span, name, str(values.max()), "its largest entry"))
    elif values.dtype.kind in "iu":
        values = values.astype(np.int64, copy=False)
    return values


def whole(name: str, values: Values, span: Span | None) -> Values:
    """`values` as 64-bit integers; numbers with a fraction are refused."""
    if values.dtype.kind == "f":
        wrong = (values != np.floor(values)) | (np.abs(values) >= 2.0**63)
        if wrong.any():
            raise CompileError(NotWholeNumbers(span, name, *_first(values, wrong)))
    return values.astype(np.int64, copy=False)


def truths(name: str, values: Values, span: Span | None) -> Values:
    """`values` as booleans; only 0 and 1 are accepted."""
    wrong = (values != 0) & (values != 1)
    if wrong.any():
        raise CompileError(NotTruthValues(span, name, *_first(values, wrong)))
    return values.astype(bool, copy=False)


def _first(values: Values, where: Values) -> tuple[str, str]:
    """The first marked value and its position, as text."""
    place = tuple(int(i[0]) for i in np.nonzero(np.atleast_1d(where)))
    value = np.atleast_1d(values)[place].item()
    shown = f"position [{', '.join(map(str, place))}]" if values.ndim else "its only number"
    return str(value), shown


def _not_numbers(name: str, values: Values, span: Span | None) -> NotNumbers | UnevenRows | NotWholeNumbers:
    if values.dtype.kind != "O":
        return NotNumbers(span, name, _KINDS.get(values.dtype.kind, str(values.dtype)))
    entries = values.reshape(-1).tolist()
    if entries and all(isinstance(entry, (int, float)) for entry in entries):
        large = max((e for e in entries if isinstance(e, int)), key=abs)
        return NotWholeNumbers(
            span, name, f"{large:.6e}" if abs(large) < 10**300 else "a huge number", "beyond 64 bits"
        )
    return NotNumbers(span, name, "objects")
