"""Anything that may stand in an expression or an index, as a tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.language.python import BadPythonValue, ForeignExpression
from qevo_compiler.diagnostics.language.shapes import BadIndex
from qevo_compiler.frontend import arrays, tensors
from qevo_compiler.frontend.builder import matrices, symbolic
from qevo_compiler.frontend.builder.stated import Stated
from qevo_compiler.frontend.tensors import Item, Tensor
from qevo_compiler.source import Span

if TYPE_CHECKING:
    from qevo_compiler.frontend.builder.problem import Problem

_EXPECTED = "numbers, arrays of numbers and expressions of this problem are accepted"


def read_tensor(problem: Problem, value: Any, span: Span | None) -> Tensor:
    """Anything that may stand in an expression, as a tensor. Arrays are copied."""
    if type(value) is int and -(2**63) <= value < 2**63:
        return tensors.constant(np.int64(value))
    if isinstance(value, Stated):
        check_home(problem, value, span)
        return tensors.number(value._value, span)
    if symbolic.is_sympy(value):
        return symbolic.read(problem, value, span)
    if callable(getattr(value, "toarray", None)):
        value = matrices.dense(value, span)
    if value is None or isinstance(value, str | bytes | dict):
        raise CompileError(BadPythonValue(span, "part of an expression", type(value).__name__, _EXPECTED))
    # Copied, because the arrays of a module are frozen and this one belongs to the caller.
    return tensors.constant(np.array(arrays.numbers("this array", value, span)))


def read_items(problem: Problem, items: Any, rank: int, span: Span | None) -> list[Item]:
    """The entries of an index: integers, arrays, slices, `...` and choices."""
    entries = list(items) if isinstance(items, tuple) else [items]
    if (dots := [i for i, entry in enumerate(entries) if entry is Ellipsis]) and len(dots) == 1:
        missing = max(0, rank - len(entries) + 1)
        entries[dots[0] : dots[0] + 1] = [slice(None)] * missing
    return [_read_item(problem, entry, span) for entry in entries]


def _read_item(problem: Problem, entry: Any, span: Span | None) -> Item:
    if isinstance(entry, Stated):
        check_home(problem, entry, span)
        return Item(entry._value, span)
    if isinstance(entry, slice):
        try:
            entry.indices(0)
        except (TypeError, ValueError):
            raise CompileError(BadIndex(span, "the bounds of a slice are whole numbers, its step not 0")) from None
        return Item(entry, span)
    if entry is None or entry is Ellipsis:
        raise CompileError(BadIndex(span, "a new axis, or `...` twice"))
    return Item(read_tensor(problem, entry, span), span)


def check_home(problem: Problem, value: Stated, span: Span | None) -> None:
    """Raise unless `value` belongs to the problem."""
    if value._problem is not problem:
        raise CompileError(ForeignExpression(span, value._problem.name))
