"""Choices between values: limits, comparisons, `where`, maxima and max pooling.

All are written with relu and the step function, exactly: torch's values, and torch's derivative wherever there is one.
A comparison is 0 or 1. At a tie the earlier element is the maximum, as in torch's pooling.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qevo_compiler.dialects import nn
from qevo_compiler.dialects.nn import Function
from qevo_compiler.frontend.torch.scope import Operand, Scope, Unsupported, imports, reduced_axes, shape
from qevo_compiler.ir import Array, Value


@imports("clamp.default", "clamp.Tensor")
def _clamp(scope: Scope, x: Operand, low: Operand | None = None, high: Operand | None = None) -> Value:
    """low + relu(x - low), then that less relu(x - high)."""
    value = scope.value(x)
    if low is not None:
        value = scope.plus(scope.apply(Function.RELU, scope.minus(x, low)), low)
    if high is not None:
        value = scope.minus(value, scope.apply(Function.RELU, scope.minus(x, high)))
    return value


@imports("clamp_min.default", "clamp_min.Tensor")
def _at_least(scope: Scope, x: Operand, low: Operand) -> Value:
    return _clamp(scope, x, low)


@imports("clamp_max.default", "clamp_max.Tensor")
def _at_most(scope: Scope, x: Operand, high: Operand) -> Value:
    return _clamp(scope, x, None, high)


@imports("hardtanh.default")
def _hardtanh(scope: Scope, x: Operand, low: float = -1.0, high: float = 1.0) -> Value:
    return _clamp(scope, x, low, high)


@imports("maximum.default")
def _maximum(scope: Scope, x: Operand, y: Operand) -> Value:
    return scope.plus(x, scope.apply(Function.RELU, scope.minus(y, x)))


@imports("minimum.default")
def _minimum(scope: Scope, x: Operand, y: Operand) -> Value:
    return scope.minus(x, scope.apply(Function.RELU, scope.minus(x, y)))


@imports("gt.Scalar", "gt.Tensor")
def _greater(scope: Scope, x: Operand, y: Operand) -> Value:
    return scope.apply(Function.STEP, scope.minus(x, y))


@imports("lt.Scalar", "lt.Tensor")
def _less(scope: Scope, x: Operand, y: Operand) -> Value:
    return _greater(scope, y, x)


@imports("le.Scalar", "le.Tensor")
def _not_greater(scope: Scope, x: Operand, y: Operand) -> Value:
    return scope.minus(1.0, _greater(scope, x, y))


@imports("ge.Scalar", "ge.Tensor")
def _not_less(scope: Scope, x: Operand, y: Operand) -> Value:
    return _not_greater(scope, y, x)


@imports("logical_not.default", "bitwise_not.default")
def _not(scope: Scope, x: Operand) -> Value:
    return scope.minus(1.0, x)


@imports("logical_and.default", "bitwise_and.Tensor")
def _and(scope: Scope, x: Operand, y: Operand) -> Value:
    return scope.times(x, y)


@imports("logical_or.default", "bitwise_or.Tensor")
def _or(scope: Scope, x: Operand, y: Operand) -> Value:
    return _maximum(scope, x, y)


@imports("where.self")
def _where(scope: Scope, condition: Operand, x: Operand, y: Operand) -> Value:
    """A choice by data is two gathers: each takes its own positions and leaves zeros at the others.

    A choice by values is c x + (1 - c) y.
    """
    if not isinstance(condition, Tensor):
        return scope.plus(scope.times(condition, x), scope.times(_not(scope, condition), y))
    full = np.broadcast_shapes(condition.shape, shape(x), shape(y))
    chosen = condition.expand(full)
    parts = [_masked(scope, x, chosen), _masked(scope, y, ~chosen)]
    kept = [part for part in parts if part is not None] or [scope.value(torch.zeros(full))]
    return scope.plus(*kept) if len(kept) == 2 else kept[0]


def _masked(scope: Scope, x: Operand, mask: Tensor) -> Value | None:
    """x where `mask` holds and zero elsewhere; None where that is zero everywhere."""
    if not bool(mask.any()):
        return None
    if isinstance(x, Tensor):
        known = torch.where(mask, x.double().expand(mask.shape), 0.0)
        return scope.value(known) if bool(known.any()) else None
    value = scope.broadcast(x, mask.shape)
    if bool(mask.all()):
        return value
    positions = torch.where(mask, torch.arange(mask.numel()).reshape(mask.shape), -1)
    return scope.add(nn.GatherOp(value, Array(positions.numpy())))


@imports("amax.default")
def _largest_of(scope: Scope, x: Operand, axes: Sequence[int] = (), keep: bool = False) -> Value:
    """The largest over `axes` (none given: all)."""
    old = shape(x)
    gone = reduced_axes(axes, len(old))
    left = [axis for axis in range(len(old)) if axis not in gone]
    rows = scope.reshape(scope.transpose(x, [*left, *gone]), [prod(old[a] for a in left), prod(old[a] for a in gone)])
    return scope.reshape(_largest(scope, rows), [n if a in left else 1 for a, n in enumerate(old) if keep or a in left])


@imports("amin.default")
def _least_of(scope: Scope, x: Operand, axes: Sequence[int] = (), keep: bool = False) -> Value:
    return scope.add(nn.NegOp(_largest_of(scope, scope.add(nn.NegOp(scope.value(x))), axes, keep)))


@imports("max.default")
def _largest_of_all(scope: Scope, x: Operand) -> Value:
    return _largest_of(scope, x)


@imports("min.default")
def _least_of_all(scope: Scope, x: Operand) -> Value:
    return _least_of(scope, x)


@imports("max.dim")
def _largest_along(scope: Scope, x: Operand, axis: int, keep: bool = False) -> tuple[Value, None]:
    return _largest_of(scope, x, [axis], keep), None


@imports("min.dim")
def _least_along(scope: Scope, x: Operand, axis: int, keep: bool = False) -> tuple[Value, None]:
    return _least_of(scope, x, [axis], keep), None


@imports("max_pool2d_with_indices.default")
def _max_pool(
    scope: Scope,
    x: Operand,
    kernel: Sequence[int],
    stride: Sequence[int] = (),
    padding: Sequence[int] = (0,),
    dilation: Sequence[int] = (1,),
    ceil_mode: bool = False,
) -> tuple[Value, None]:
    if ceil_mode:
        raise Unsupported("`ceil_mode` has no counterpart", "pad the input to a whole number")
    old = shape(x)
    sizes = zip(old[-2:], *(_both(part) for part in (kernel, stride or kernel, padding, dilation)), strict=True)
    return _windowed(scope, x, *(_windows(*axis) for axis in sizes)), None


@imports("adaptive_max_pool2d.default")
def _adaptive_max_pool(scope: Scope, x: Operand, size: Sequence[int]) -> tuple[Value, None]:
    """torch's windows: from floor(i n / m) to ceil((i + 1) n / m)."""
    windows = []
    for old, new in zip(shape(x)[-2:], size, strict=True):
        starts, ends = np.arange(new) * old // new, -(-(np.arange(new) + 1) * old // new)
        width = int((ends - starts).max())
        windows.append(np.minimum(starts[:, None] + np.arange(width), ends[:, None] - 1))
    return _windowed(scope, x, *windows), None


def _windows(size: int, kernel: int, stride: int, padding: int, dilation: int) -> NDArray[np.int64]:
    """The positions of every window [windows, kernel] on one axis; one in the padding repeats one that is not."""
    count = (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    found = (np.arange(count) * stride - padding)[:, None] + np.arange(kernel) * dilation
    inside = (found >= 0) & (found < size)
    first = np.take_along_axis(found, inside.argmax(axis=1)[:, None], axis=1)
    return np.where(inside, found, first)


def _windowed(scope: Scope, x: Operand, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Value:
    """The largest of x [.., height, width] in every window."""
    old = shape(x)
    height, width = old[-2:]
    inside = rows[:, None, :, None] * width + columns[None, :, None, :]
    planes = prod(old[:-2])
    positions = np.arange(planes)[:, None, None] * (height * width) + inside.reshape(1, -1, inside[0, 0].size)
    picked = scope.add(nn.GatherOp(scope.value(x), Array(positions.reshape(-1, inside[0, 0].size))))
    return scope.reshape(_largest(scope, picked), (*old[:-2], len(rows), len(columns)))


def _largest(scope: Scope, rows: Value) -> Value:
    """The largest of every row of [n, m], as [n]: halves against each other."""
    count, width = shape(rows)
    while width > 1:
        half = (width + 1) // 2
        start = np.arange(count)[:, None] * width + np.arange(half)
        low, high = (scope.add(nn.GatherOp(rows, Array(start + offset))) for offset in (0, width - half))
        rows, width = _maximum(scope, low, high), half
    return scope.reshape(rows, (count,))


def _both(sizes: Sequence[int]) -> tuple[int, int]:
    return int(sizes[0]), int(sizes[-1])
