"""Reductions, over the axes of an array and over the rows of a comprehension."""

from __future__ import annotations

from functools import partial

import numpy as np

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.language.shapes import EmptyReduction, MatrixShapes, NoLength
from qevo_compiler.dialects import nn
from qevo_compiler.frontend.tensors.align import index_dtype, refine, reinterpret
from qevo_compiler.frontend.tensors.arithmetic import add, divide, finite, matmul, multiply, power, subtract, sum_axes
from qevo_compiler.frontend.tensors.indexing import Item, select, take
from qevo_compiler.frontend.tensors.logic import ONE, TWO
from qevo_compiler.frontend.tensors.value import Rows, Tensor, Values, constant, count_of, derived
from qevo_compiler.ir import Array
from qevo_compiler.ir.attributes import ends
from qevo_compiler.source import Span


def total(x: Tensor, span: Span | None) -> Tensor:
    """The sum of all elements."""
    return sum_axes(x, tuple(range(len(x.shape))), span)


def mean(x: Tensor, span: Span | None) -> Tensor:
    """The mean of all elements."""
    count = count_of(x.shape)
    if not count:
        raise CompileError(EmptyReduction(span, "mean"))
    return divide(total(x, span), constant(np.int64(count)), span)


def dot(x: Tensor, y: Tensor, span: Span | None) -> Tensor:
    """The sum of products of two vectors of one length."""
    if len(x.shape) != 1 or len(y.shape) != 1:
        raise CompileError(MatrixShapes(span, x.shape, y.shape))
    return matmul(x, y, span)


def norm2(x: Tensor, span: Span | None) -> Tensor:
    """The sum of the squares of all elements."""
    return total(power(x, TWO, span), span)


def product(x: Tensor, span: Span | None) -> Tensor:
    """The product of all elements, in log2(elements) multiplications of halves."""
    flat = reinterpret(x, (count_of(x.shape),), x.rows, span)
    return _product_along(flat, span)


def length(x: Tensor, span: Span | None) -> Tensor:
    """How long the first axis is."""
    if not x.shape:
        raise CompileError(NoLength(span))
    return constant(np.int64(x.shape[0]))


def sum_rows(x: Tensor, rows: Rows, span: Span | None) -> Tensor:
    """The sum over the rows that refine each row of the parent; `x` has values for `rows` or an ancestor."""
    if x.rows is not rows:
        counts = rows.counts()
        return multiply(x, constant(counts[0] if rows.parent is None else counts, rows.parent), span)
    if not rows.count:
        return constant(np.zeros(_outer(rows) + x.shape), rows.parent)
    if (block := _even_block(rows)) is not None:
        return sum_axes(reinterpret(x, (block, *x.shape), rows.parent, span), (0,), span)
    return _sum_segments(x, rows, span)


def mean_rows(x: Tensor, rows: Rows, span: Span | None) -> Tensor:
    """The mean of each parent row's rows. Raises `CompileError` where one has none."""
    counts = rows.counts()
    if not counts.all():
        raise CompileError(EmptyReduction(span, "mean"))
    count = constant(counts[0] if rows.parent is None else counts, rows.parent)
    return divide(sum_rows(x, rows, span), count, span)


def product_rows(x: Tensor, rows: Rows, span: Span | None) -> Tensor:
    """The product over the rows that refine each row of the parent; 1 where there is none."""
    x = one_value_a_row(x, rows, span)
    if not rows.count:
        return constant(np.ones(_outer(rows) + x.shape, np.int64), rows.parent)
    if (block := _even_block(rows)) is not None:
        return _product_along(reinterpret(x, (block, *x.shape), rows.parent, span), span)
    return _product_along(_padded_with_ones(x, rows, span), span)


def _outer(rows: Rows) -> tuple[int, ...]:
    return () if rows.parent is None else (rows.parent.count,)


def _even_block(rows: Rows) -> int | None:
    """How many rows refine each parent, when all have as many."""
    if rows.parent is None:
        return rows.count
    counts = rows.counts()
    fewest, most = ends(counts) if len(counts) else (0, 1)
    return int(most) if fewest == most else None


def one_value_a_row(x: Tensor, rows: Rows, span: Span | None) -> Tensor:
    """`x`, which has values for `rows`, an ancestor or none, written out for each of `rows`."""
    if x.rows is not None:
        return refine(x, rows)
    if x.is_constant:
        return constant(np.broadcast_to(x.constant, (rows.count, *x.shape)), rows)
    return derived(partial(nn.BroadcastOp, shape=(rows.count, *x.shape)), (x,), x.shape, rows, span, x.zero_one)


def _sum_segments(x: Tensor, rows: Rows, span: Span | None) -> Tensor:
    assert rows.parent is not None
    assert rows.pointer is not None
    if x.is_constant:
        counts = rows.counts()
        starts = (np.cumsum(counts) - counts)[counts > 0]
        sums = np.zeros((rows.parent.count, *x.shape), np.int64 if x.is_whole else np.float64)
        sums[counts > 0] = np.add.reduceat(x.constant, starts, axis=0, dtype=sums.dtype)
        return constant(finite(sums, span), rows.parent)
    size = count_of(x.shape)
    full = (rows.parent.count, *x.shape)
    dtype = index_dtype(count_of(full))
    starts = rows.pointer.astype(dtype).reshape(-1, *(1,) * len(x.shape)) * size
    indices = Array(starts + np.arange(size, dtype=dtype).reshape(x.shape))
    return derived(partial(nn.ScatterAddOp, indices=indices, shape=full), (x,), x.shape, rows.parent, span)


def _padded_with_ones(x: Tensor, rows: Rows, span: Span | None) -> Tensor:
    """[longest, ...] values for each row of the parent, short segments filled up with ones.

    Gathering fills up with zeros, so x - 1 is gathered and 1 added again.
    """
    places = _segment_positions(rows)
    size = count_of(x.shape)
    parts = np.arange(size, dtype=places.dtype).reshape(x.shape)
    positions = places.reshape(*places.shape, *(1,) * len(x.shape)) * size + parts
    positions[np.broadcast_to((places < 0).reshape(*places.shape, *(1,) * len(x.shape)), positions.shape)] = -1
    shape = (places.shape[1], *x.shape)
    if x.is_constant:
        values = np.where(positions < 0, 1, x.constant.reshape(-1)[positions])
        return constant(values, rows.parent)
    return add(take(subtract(x, ONE, span), positions, shape, rows.parent, span), ONE, span)


def _segment_positions(rows: Rows) -> Values:
    """[parents, longest]: the rows of each parent, then -1."""
    counts = rows.counts()
    starts = np.cumsum(counts) - counts
    steps = np.arange(int(counts.max()))
    return np.where(steps < counts[:, None], starts[:, None] + steps, -1)


def _product_along(x: Tensor, span: Span | None) -> Tensor:
    """The product along the first axis of the shape."""
    count, *rest = x.shape
    if x.is_constant:
        axis = 0 if x.rows is None else 1
        return constant(finite(np.multiply.reduce(x.constant, axis=axis), span), x.rows)
    if count == 0:
        return constant(np.ones((*(() if x.rows is None else (x.rows.count,)), *rest), np.int64), x.rows)
    odd: Tensor | None = None
    while count > 1:
        if count % 2:
            last = _part(x, count - 1, count, span)
            odd = last if odd is None else multiply(odd, last, span)
        half = count // 2
        x = multiply(_part(x, 0, half, span), _part(x, half, 2 * half, span), span)
        count = half
    result = x if odd is None else multiply(x, odd, span)
    return reinterpret(result, tuple(rest), result.rows, span)


def _part(x: Tensor, start: int, stop: int, span: Span | None) -> Tensor:
    return select(x, [Item(slice(start, stop), span)], span)
