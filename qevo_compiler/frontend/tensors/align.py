"""Giving tensors one shape and one set of rows: the only place where broadcasting happens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Any, TypeAlias

import numpy as np

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.language.shapes import ShapesDoNotFit
from qevo_compiler.dialects import nn
from qevo_compiler.frontend.tensors.value import (
    Rows,
    Shape,
    Tensor,
    Values,
    check_size,
    compacted,
    constant,
    count_of,
    deepest,
    derived,
)
from qevo_compiler.ir import Array
from qevo_compiler.source import Span

Fold: TypeAlias = Callable[[Values, Values], Values]

_SHORT, _LONG = np.dtype(np.int32), np.dtype(np.int64)


def common_shape(left: Shape, right: Shape, span: Span | None) -> Shape:
    """The shape that both broadcast to. Raises `CompileError` when there is none."""
    if left == right:
        return left
    try:
        return np.broadcast_shapes(left, right)
    except ValueError:
        raise CompileError(ShapesDoNotFit(span, left, right)) from None


def refine(tensor: Tensor, rows: Rows | None) -> Tensor:
    """The same values, repeated for each row of `rows` where the tensor has values for an ancestor of it.

    A tensor without rows stays so: broadcasting repeats it where that is needed.
    """
    if rows is None or tensor.rows is None or tensor.rows is rows:
        return tensor
    positions = rows.positions(tensor.rows)
    if tensor.is_constant:
        return constant(tensor.constant[positions], rows)
    size = count_of(tensor.shape)
    starts = positions.astype(index_dtype(tensor.size)) * size
    indices = starts.reshape(-1, *(1,) * len(tensor.shape)) + np.arange(size, dtype=starts.dtype).reshape(tensor.shape)
    return derived(
        partial(nn.GatherOp, indices=Array(indices)), (tensor,), tensor.shape, rows, tensor.span, tensor.zero_one
    )


def lined_up(tensor: Tensor, rank: int) -> Values:
    """The constants of a tensor with axes of length 1 between rows and shape, so that numpy broadcasts it."""
    if tensor.rows is None or len(tensor.shape) == rank:
        return tensor.constant
    return tensor.constant.reshape(tensor.rows.count, *(1,) * (rank - len(tensor.shape)), *tensor.shape)


def folded(function: Fold, x: Tensor, y: Tensor, span: Span | None) -> Tensor:
    """A numpy function of two tensors of constants, element by element; compact where its operands are."""
    rows = deepest(x.rows, y.rows)
    rank = len(common_shape(x.shape, y.shape, span))
    with np.errstate(all="ignore"):
        if rows is not None and all(t.rows is None or (t.rows is rows and t.compact) for t in (x, y)):
            return compacted(function(_compact(x, rank), _compact(y, rank)), rows)
        return constant(function(*(lined_up(refine(t, rows), rank) for t in (x, y))), rows)


def _compact(tensor: Tensor, rank: int) -> Values:
    """Compact constants with axes of length 1 between rows and shape; without rows as they are."""
    missing = rank - len(tensor.shape)
    if tensor.rows is None or not missing:
        return tensor.known
    leading = tensor.known.shape[: len(tensor.rows.axes)]
    return tensor.known.reshape(*leading, *(1,) * missing, *tensor.shape)


def spread(tensor: Tensor, rows: Rows | None, shape: Shape, span: Span | None) -> Tensor:
    """`tensor` as an operand of exactly `shape` and `rows`, by explicit reshape and broadcast."""
    tensor = refine(tensor, rows)
    full = shape if rows is None else (rows.count, *shape)
    check_size(count_of(full), "this array", span)
    if tensor.full == full:
        return tensor
    if tensor.rows is not None and len(tensor.shape) < len(shape):
        tensor = reshape(tensor, (1,) * (len(shape) - len(tensor.shape)) + tensor.shape, span)
        if tensor.full == full:
            return tensor
    return derived(partial(nn.BroadcastOp, shape=full), (tensor,), shape, rows, span, tensor.is_zero_one)


def spread_values(tensor: Tensor, rows: Rows | None, shape: Shape) -> Values:
    """Constants as an array of exactly `shape` and `rows`."""
    full = shape if rows is None else (rows.count, *shape)
    return np.broadcast_to(lined_up(refine(tensor, rows), len(shape)), full)


def reshape(tensor: Tensor, shape: Shape, span: Span | None) -> Tensor:
    """The same elements in another shape; the rows stay."""
    return tensor if shape == tensor.shape else reinterpret(tensor, shape, tensor.rows, span)


def reinterpret(tensor: Tensor, shape: Shape, rows: Rows | None, span: Span | None) -> Tensor:
    """The same elements in another shape and with other rows, so that axes become rows or rows axes."""
    full = shape if rows is None else (rows.count, *shape)
    if tensor.is_constant:
        return constant(tensor.constant.reshape(full), rows, tensor.symbol if full == tensor.full else "")
    build = None if full == tensor.full else partial(nn.ReshapeOp, shape=full)
    return Tensor(shape, rows, build=build, operands=(tensor,), span=span, zero_one=tensor.zero_one)


def stack(items: list[Tensor], span: Span | None) -> Tensor:
    """The items, of one shape, along a new first axis."""
    shape = items[0].shape
    for item in items[1:]:
        if item.shape != shape:
            raise CompileError(ShapesDoNotFit(span, shape, item.shape))
    rows = deepest(*(item.rows for item in items))
    axis = 0 if rows is None else 1
    if all(item.is_constant for item in items):
        return constant(np.stack([spread_values(item, rows, shape) for item in items], axis=axis), rows)
    operands = tuple(reshape(spread(item, rows, shape, span), (1, *shape), span) for item in items)
    whole = (len(items), *shape)
    zero_one = all(item.is_zero_one for item in items)
    return derived(lambda *parts: nn.ConcatOp(parts, axis), operands, whole, rows, span, zero_one)


def beside(items: Sequence[Tensor], span: Span | None) -> Tensor:
    """All of them, broadcast to one shape, along a new last axis."""
    rows = deepest(*(item.rows for item in items))
    shape = reduce(lambda shape, item: common_shape(shape, item.shape, span), items[1:], items[0].shape)
    if all(item.is_constant for item in items):
        return constant(np.stack([spread_values(one, rows, shape) for one in items], axis=-1), rows)
    operands = tuple(reshape(spread(one, rows, shape, span), (*shape, 1), span) for one in items)
    axis = len(shape) + (rows is not None)
    zero_one = all(item.is_zero_one for item in items)
    whole = (*shape, len(items))
    return derived(lambda *parts: nn.ConcatOp(parts, axis), operands, whole, rows, span, zero_one)


def index_dtype(size: int) -> np.dtype[Any]:
    """The integer type for positions in an array of `size` elements."""
    return _SHORT if size < 1 << 31 else _LONG
