"""Indexing by whole numbers, arrays, slices and choices, with numpy's rules for the resulting shape.

Plain indices become one array of positions and one gather. A choice reads a table: the table is
gathered with an axis of labels in the choice's place, multiplied by the indicators and summed over it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.language.shapes import BadIndex, IndexOutOfRange, TableDoesNotFit, TooManyIndices
from qevo_compiler.diagnostics.language.values import NotConstant
from qevo_compiler.dialects import nn
from qevo_compiler.frontend.tensors.align import common_shape, index_dtype, reinterpret, reshape
from qevo_compiler.frontend.tensors.arithmetic import multiply, sum_axes
from qevo_compiler.frontend.tensors.value import (
    Choice,
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
from qevo_compiler.ir.attributes import ends
from qevo_compiler.ir.counting import is_counting
from qevo_compiler.ir.deferred import Repeated
from qevo_compiler.light import light
from qevo_compiler.source import Span

Selector: TypeAlias = "Tensor | Choice | slice"


@light(eq=False)
class Item:
    """One entry of an index and where it stands in the source."""

    selector: Selector
    span: Span | None


@light(eq=False)
class _Layout:
    """Axes of the result: `before`, then the broadcast `block` of indices, the `labels`, then `after`."""

    before: Shape
    block: Shape
    labels: Shape
    after: Shape

    @property
    def shape(self) -> Shape:
        return self.before + self.block + self.labels + self.after


def index(base: Tensor | Choice, items: Sequence[Item], span: Span | None) -> Tensor | Choice:
    """`base[items]`. Raises `CompileError` for an index out of range or of the wrong kind."""
    if isinstance(base, Choice):
        if len(items) > len(base.shape):
            raise CompileError(TooManyIndices(span, len(items), base.shape))
        return Choice(select(base.indicators, items, span), base.labels)
    return select(base, items, span)


def element(base: Tensor, items: Any, span: Span | None) -> Tensor | None:
    """`base[items]` for one whole number on each axis, inside it; None for any other index."""
    indices = items if isinstance(items, tuple) else (items,)
    if base.rows is not None or len(indices) != len(base.shape) or base.size == 1:
        return None
    place = 0
    for at, length in zip(indices, base.shape, strict=True):
        if isinstance(at, bool) or not isinstance(at, int | np.integer) or not -length <= at < length:
            return None
        place = place * length + int(at) % length
    if base.is_constant:
        return constant(base.constant.reshape(-1)[place])
    position = Array(np.array(place, index_dtype(base.size)))
    return derived(partial(nn.GatherOp, indices=position), (base,), (), None, span, base.zero_one)


def take(base: Tensor, positions: Values, shape: Shape, rows: Rows | None, span: Span | None) -> Tensor:
    """Elements of the flattened `base` (rows included) by position."""
    full = shape if rows is None else (rows.count, *shape)
    check_size(count_of(full), "this index expression", span)
    if positions.shape != full:
        positions = np.broadcast_to(positions, full)
    if _is_everything(positions, base.size):
        return reinterpret(base, shape, rows, span)
    if base.is_constant:
        return constant(base.constant.reshape(-1)[positions], rows)
    return derived(partial(nn.GatherOp, indices=Array(positions)), (base,), shape, rows, span, base.zero_one)


def transpose(base: Tensor, span: Span | None) -> Tensor:
    """The axes in reverse order."""
    rank = len(base.shape)
    if rank < 2:
        return base
    axes = tuple(reversed(range(rank)))
    if base.rows is not None:
        axes = (0, *(axis + 1 for axis in axes))
    if base.is_constant:
        return constant(base.constant.transpose(axes), base.rows)
    build = partial(nn.TransposeOp, axes=axes)
    return derived(build, (base,), base.shape[::-1], base.rows, span, base.zero_one)


def select(base: Tensor, items: Sequence[Item], span: Span | None) -> Tensor:
    """`base[items]` for numbers."""
    if len(items) > len(base.shape):
        raise CompileError(TooManyIndices(span, len(items), base.shape))
    if len(items) < len(base.shape):
        items = [*items, *[Item(slice(None), span)] * (len(base.shape) - len(items))]
    full = [_checked(item, length) for item, length in zip(items, base.shape, strict=True)]
    constants = [item.selector for item in full if isinstance(item.selector, Tensor)]
    rows = deepest(base.rows, *[selector.rows for selector in constants])
    gridded = _gridded(base, constants, rows, span) if len(constants) == len(full) else None
    if gridded is not None:
        return gridded
    sliced = _sliced(base, full)
    if sliced is not None:
        return sliced
    layout = _layout(base.shape, full, span)
    table = take(base, _positions(base, full, layout, rows), layout.shape, rows, span)
    return _read(table, [i.selector for i in full if isinstance(i.selector, Choice)], layout, span)


def _gridded(base: Tensor, selectors: Sequence[Tensor], rows: Rows | None, span: Span | None) -> Tensor | None:
    """Single elements at compact positions, which stay compact; None for any other index."""
    if rows is None or not rows.axes or base.rows is not None:
        return None
    for selector in selectors:
        if selector.shape or (selector.rows is not None and not (selector.compact and selector.rows is rows)):
            return None
    if rows.count == base.size:
        return None  # these may be all elements in order
    dtype = index_dtype(base.size)
    blocks = []
    for selector, stride in zip(selectors, _strides(base.shape), strict=True):
        part = selector.known.astype(dtype, copy=False)
        whole = part if selector.rows is rows else part.reshape((1,) * len(rows.axes))
        blocks.append(whole if stride == 1 else whole * dtype.type(stride))
    if base.is_constant:
        return compacted(base.constant.reshape(-1)[sum(blocks[1:], blocks[0])], rows)
    indices = Repeated(rows.axes, *blocks)
    return derived(partial(nn.GatherOp, indices=indices), (base,), (), rows, span, base.zero_one)


def _strides(shape: Shape) -> list[int]:
    """How many elements of the flattened array a step along each axis passes."""
    return [count_of(shape[axis + 1 :]) for axis in range(len(shape))]


def _sliced(base: Tensor, items: Sequence[Item]) -> Tensor | None:
    """Constants read at fixed places of all axes but one, along which the rows run from end to end; else None."""
    if not base.is_constant or base.rows is not None:
        return None
    place: list[int | slice] = []
    rows: Rows | None = None
    for item, length in zip(items, base.shape, strict=True):
        selector = item.selector
        if not isinstance(selector, Tensor) or selector.shape:
            return None
        if selector.rows is None:
            place.append(int(selector.constant))
        elif rows is None and selector.size == length and _is_everything(selector.constant, length):
            place.append(slice(None))
            rows = selector.rows
        else:
            return None
    return None if rows is None else constant(base.constant[tuple(place)], rows)


def _checked(item: Item, length: int) -> Item:
    """The item with masks as positions, numbers checked against the axis, and slices with plain bounds."""
    selector = item.selector
    if isinstance(selector, slice):
        return Item(slice(*selector.indices(length)), item.span)
    if isinstance(selector, Choice):
        if len(selector.labels) != length:
            raise CompileError(TableDoesNotFit(item.span, len(selector.labels), length))
        return item
    if not selector.is_constant:
        raise CompileError(NotConstant(item.span, "an index", "only constants and choices select elements"))
    values = selector.known
    if values.dtype.kind == "b" and values.size:
        return Item(_mask_positions(selector, length, item.span), item.span)
    if values.dtype.kind == "f":
        raise CompileError(BadIndex(item.span, "a real number; `//` divides whole numbers"))
    inside = _in_range(selector, length, item.span)
    return item if inside is selector else Item(inside, item.span)


def _mask_positions(mask: Tensor, length: int, span: Span | None) -> Tensor:
    if mask.rows is not None or mask.shape != (length,):
        raise CompileError(BadIndex(span, f"truth values select along one axis and number {length} here"))
    return constant(np.flatnonzero(mask.constant))


def _in_range(selector: Tensor, length: int, span: Span | None) -> Tensor:
    """Positions inside the axis. Only indices without rows count from the end: others would wrap by accident."""
    values = selector.known
    if not values.size:
        return replace(selector, stored=values.astype(np.int64))
    low, high = ends(values)
    lowest = -length if selector.rows is None else 0
    if high >= length or low < lowest:
        raise CompileError(IndexOutOfRange(span, high if high >= length else low, length))
    if low < 0:
        return constant(np.where(values < 0, values + length, values))
    return selector


def _layout(shape: Shape, items: Sequence[Item], span: Span | None) -> _Layout:
    slices = [_slice_length(i.selector) for i in items if isinstance(i.selector, slice)]
    advanced = [axis for axis, item in enumerate(items) if not isinstance(item.selector, slice)]
    block: Shape = ()
    labels: Shape = ()
    for axis in advanced:
        selector = items[axis].selector
        assert not isinstance(selector, slice)
        block = common_shape(block, selector.shape, span)
        if isinstance(selector, Choice):
            labels = (*labels, shape[axis])
    together = bool(advanced) and advanced[-1] - advanced[0] == len(advanced) - 1
    # As in numpy: the indices' axes stand in their place when they are neighbours, else in front.
    split = advanced[0] if together else 0
    return _Layout(tuple(slices[:split]), block, labels, tuple(slices[split:]))


def _slice_length(bounds: slice) -> int:
    return len(range(bounds.start, bounds.stop, bounds.step))


def _positions(base: Tensor, items: Sequence[Item], layout: _Layout, rows: Rows | None) -> Values:
    """Positions in the flattened base that broadcast to the layout, rows first."""
    dtype = index_dtype(base.size)
    rank = len(layout.shape)
    slot_of_slice = [*range(len(layout.before)), *range(rank - len(layout.after), rank)]
    slot_of_label = len(layout.before) + len(layout.block)
    total: Values | None = None
    stride = count_of(base.shape)
    for item, length in zip(items, base.shape, strict=True):
        stride //= max(length, 1)
        selector = item.selector
        if isinstance(selector, Tensor):
            part = _placed(selector, layout, rows)
        elif isinstance(selector, Choice):
            part = _along(np.arange(length, dtype=dtype), slot_of_label, rank)
            slot_of_label += 1
        else:
            span = np.arange(selector.start, selector.stop, selector.step, dtype=dtype)
            part = _along(span, slot_of_slice.pop(0), rank)
        part = part.astype(dtype, copy=False)
        step = part if stride == 1 else part * stride
        total = step if total is None else total + step
    if total is None:
        total = np.zeros((), dtype)
    if base.rows is not None and rows is not None:
        own = np.arange(rows.count) if base.rows is rows else rows.positions(base.rows)
        starts = own.astype(dtype) * count_of(base.shape)
        total = total + starts.reshape(-1, *(1,) * rank)
    return total


def _placed(selector: Tensor, layout: _Layout, rows: Rows | None) -> Values:
    """An index array with its axes in the layout's block."""
    missing = len(layout.block) - len(selector.shape)
    axes = (1,) * (len(layout.before) + missing) + selector.shape + (1,) * len(layout.labels + layout.after)
    if selector.rows is None:
        return selector.constant.reshape(axes)
    values = selector.constant
    if rows is not None and selector.rows is not rows:
        values = values[rows.positions(selector.rows)]
    return values.reshape(-1, *axes)


def _along(values: Values, slot: int, rank: int) -> Values:
    return values.reshape((1,) * slot + (-1,) + (1,) * (rank - slot - 1))


def _is_everything(positions: Values, size: int) -> bool:
    """Whether the positions are 0, 1, 2, ... up to the last."""
    return 0 < positions.size == size and is_counting(positions.reshape(-1))


def _read(table: Tensor, choices: list[Choice], layout: _Layout, span: Span | None) -> Tensor:
    """Multiply by the indicators of every choice and sum over the axes of labels."""
    if not choices:
        return table
    zero_one = table.is_zero_one
    first = len(layout.before) + len(layout.block)
    for place, choice in enumerate(choices):
        missing = len(layout.block) - len(choice.shape)
        ones_after = len(layout.labels) - place - 1 + len(layout.after)
        shape = (1,) * (len(layout.before) + missing) + choice.shape
        shape += (1,) * place + (len(choice.labels),) + (1,) * ones_after
        table = multiply(table, reshape(choice.indicators, shape, span), span)
    axes = tuple(range(first, first + len(choices)))
    total = sum_axes(table, axes, span)
    # Exactly one indicator of a choice is 1, so a table of 0 and 1 gives 0 or 1.
    return replace(total, zero_one=zero_one) if not total.is_constant else total
