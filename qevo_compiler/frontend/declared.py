"""A training run by declared quantities: a TOML file becomes a module with one `linear.declared`."""

from __future__ import annotations

import math
import tomllib
from typing import Any

from qevo_compiler.analyses.resources.declared import ERRORS, OPTIONAL, REQUIRED, WHOLE
from qevo_compiler.diagnostics import CompileError, did_you_mean
from qevo_compiler.diagnostics.resources import BadDeclaration
from qevo_compiler.dialects import linear
from qevo_compiler.dialects.linear import Figure, Known
from qevo_compiler.ir import Func, Module
from qevo_compiler.source import SourceFile

_NAMES = (*REQUIRED, *OPTIONAL, *ERRORS, "P")
# Quantities that may not be zero.
_POSITIVE = ("n", "N", "T", "terms", "row_terms", "final_norm", "density", "growth", "chunks")


def import_declared(file: SourceFile, name: str) -> Module:
    """The module of a declared run. Raises `CompileError` for text that is no TOML, and for names and numbers that
    do not fit; `analyses.resources.declared` says what is declared."""
    try:
        found = tomllib.loads(file.text)
    except tomllib.TOMLDecodeError as error:
        raise _bad(f"{file.name}: {error}") from None
    declared = found.get("declared")
    if not isinstance(declared, dict):
        raise _bad(f"{file.name} has no table `declared`")
    unknown = sorted(set(found) - {"description", "tolerance", "declared"})
    if unknown:
        raise _bad(f"`{unknown[0]}` is no name of this format")
    tolerance = _number("tolerance", found.get("tolerance", 0.01))
    if not tolerance > 0:
        raise _bad("`tolerance` is not positive")
    figures = tuple(_figure(quantity, value) for quantity, value in declared.items())
    missing = [quantity for quantity in REQUIRED if quantity not in declared]
    if missing:
        raise _bad(f"{', '.join(f'`{quantity}`' for quantity in missing)} missing")
    op = linear.DeclaredOp(figures, tolerance, str(found.get("description", "")))
    return Module(name, (Func("main", (), (op,)),))


def _figure(quantity: str, stated: Any) -> Figure:
    norm = quantity.startswith("g_") and quantity[2:].isdigit()
    if quantity not in _NAMES and not norm:
        near = did_you_mean(quantity, _NAMES)
        raise _bad(f"`{quantity}` is no quantity{f'; {near}' if near else ''}")
    table = stated if isinstance(stated, dict) else {"value": stated}
    value = _number(quantity, table.get("value"))
    if value < 0 or (value == 0 and quantity in _POSITIVE):
        raise _bad(f"`{quantity}` is not positive")
    if quantity in WHOLE and value != int(value):
        raise _bad(f"`{quantity}` is not whole")
    if quantity == "density" and value > 1:
        raise _bad("`density` is above 1")
    known = str(table.get("known", "assumed"))
    if known not in {kind.value for kind in Known} or not set(table) <= {"value", "known", "note"}:
        raise _bad(f"`{quantity}` is not `value` with `known` and `note`")
    return Figure("declared", quantity, value, Known(known), "", str(table.get("note", "")))


def _number(quantity: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _bad(f"`{quantity}` is no number")
    return float(value)


def _bad(why: str) -> CompileError:
    return CompileError(BadDeclaration(None, why))
