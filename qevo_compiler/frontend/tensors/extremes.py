"""The largest and the least: over axes of an array, over the rows of a comprehension, of several arrays."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial, reduce

import numpy as np

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.language.shapes import EmptyReduction
from qevo_compiler.dialects import nn
from qevo_compiler.frontend.tensors.align import beside, index_dtype
from qevo_compiler.frontend.tensors.arithmetic import fold
from qevo_compiler.frontend.tensors.reduce import one_value_a_row
from qevo_compiler.frontend.tensors.value import Rows, Shape, Tensor, Values, constant, count_of, derived
from qevo_compiler.ir import Array
from qevo_compiler.source import Span

EXTREMES: dict[str, np.ufunc] = {"max": np.maximum, "min": np.minimum}


def extreme(name: str, x: Tensor, axes: tuple[int, ...] | None, span: Span | None) -> Tensor:
    """`max` or `min` over axes of the shape; None means all of them."""
    axes = tuple(range(len(x.shape))) if axes is None else axes
    if not count_of(tuple(x.shape[axis] for axis in axes)):
        raise CompileError(EmptyReduction(span, name))
    if not axes:
        return x
    moved = axes if x.rows is None else tuple(axis + 1 for axis in axes)
    if x.is_constant:
        return constant(EXTREMES[name].reduce(x.constant, axis=moved), x.rows)
    left = tuple(1 if axis in moved else n for axis, n in enumerate(x.full))
    positions = np.arange(count_of(left), dtype=index_dtype(x.size)).reshape(left)
    shape = tuple(n for axis, n in enumerate(x.shape) if axis not in axes)
    return _extreme(name, x, np.broadcast_to(positions, x.full), shape, x.rows, span)


def extreme_rows(name: str, x: Tensor, rows: Rows, span: Span | None) -> Tensor:
    """`max` or `min` over the rows that refine each row of the parent; every parent needs one."""
    counts = rows.counts()
    if not counts.all():
        raise CompileError(EmptyReduction(span, name))
    x = one_value_a_row(x, rows, span)
    if x.is_constant:
        starts = np.cumsum(counts) - counts
        values = EXTREMES[name].reduceat(x.constant, starts, axis=0)
        return constant(values[0] if rows.parent is None else values, rows.parent)
    size = count_of(x.shape)
    first = np.repeat(np.arange(len(counts), dtype=index_dtype(x.size)) * size, counts)
    inner = np.arange(size, dtype=first.dtype).reshape(x.shape)
    return _extreme(name, x, first.reshape(-1, *(1,) * len(x.shape)) + inner, x.shape, rows.parent, span)


def extreme_of(name: str, items: Sequence[Tensor], span: Span | None) -> Tensor:
    """`max` or `min` of several arrays, element by element."""
    if all(item.is_constant for item in items):
        return reduce(partial(fold, EXTREMES[name], span=span), items)
    joined = beside(items, span)
    return extreme(name, joined, (len(joined.shape) - 1,), span)


def _extreme(name: str, x: Tensor, positions: Values, shape: Shape, rows: Rows | None, span: Span | None) -> Tensor:
    full = shape if rows is None else (rows.count, *shape)
    build = partial(nn.ExtremeOp, which=nn.Extreme[name.upper()], indices=Array(positions), shape=full)
    return derived(build, (x,), shape, rows, span, x.zero_one)
