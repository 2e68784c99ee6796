"""Sums, means and what is made of them: softmax, variance, norms of layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from qevo_compiler.dialects import nn
from qevo_compiler.dialects.nn import Function
from qevo_compiler.frontend.torch.importers.layout import picked_range
from qevo_compiler.frontend.torch.scope import Operand, Scope, Unsupported, imports, reduced_axes, shape
from qevo_compiler.ir import Value


@imports("sum.default", "sum.dim_IntList")
def _sum(scope: Scope, x: Operand, axes: Sequence[int] | None = None, keep: bool = False, **_: Any) -> Value:
    return scope.sum(x, axes, keep)


@imports("mean.default", "mean.dim")
def _mean(scope: Scope, x: Operand, axes: Sequence[int] | None = None, keep: bool = False, **_: Any) -> Value:
    return scope.mean(x, axes, keep)


@imports("var.correction")
def _variance(
    scope: Scope, x: Operand, axes: Sequence[int] | None = None, correction: float = 1, keepdim: bool = False
) -> Value:
    """The sum of squared deviations over (count - correction)."""
    deviation = scope.minus(x, scope.mean(x, axes, keep=True))
    squares = scope.sum(scope.add(nn.PowerOp(deviation, 2)), axes, keepdim)
    old = shape(x)
    count = int(np.prod([old[axis] for axis in reduced_axes(axes, len(old))], dtype=np.int64))
    return scope.over(squares, count - correction)


@imports("var_mean.correction")
def _variance_and_mean(
    scope: Scope, x: Operand, axes: Sequence[int] | None = None, correction: float = 1, keepdim: bool = False
) -> tuple[Value, Value]:
    return _variance(scope, x, axes, correction, keepdim), scope.mean(x, axes, keepdim)


@imports("cumsum.default")
def _cumulative_sum(scope: Scope, x: Operand, axis: int, **_: Any) -> Value:
    """x times a triangle of ones along the axis."""
    full = shape(x)
    order = [a for a in range(len(full)) if a != axis % len(full)] + [axis % len(full)]
    last = scope.transpose(x, order)
    count = full[axis]
    summed = nn.MatmulOp(
        scope.reshape(last, (int(np.prod(shape(last)[:-1])), count)), scope.value(torch.ones(count, count).triu())
    )
    back = np.argsort(order).tolist()
    return scope.transpose(scope.reshape(scope.add(summed), shape(last)), back)


@imports("prod.default", "prod.dim_int")
def _product(scope: Scope, x: Operand, axis: int | None = None, keep: bool = False, **_: Any) -> Value:
    """Halves of the axis times each other, so that n factors take log2 n operations."""
    value = scope.reshape(x, (int(np.prod(shape(x))),)) if axis is None else scope.value(x)
    full, along = shape(value), 0 if axis is None else axis % len(shape(value))
    while (count := shape(value)[along]) > 1:
        first, second, rest = (
            picked_range(scope, value, along, *ends)
            for ends in ((0, count // 2), (count // 2, count // 2 * 2), (count // 2 * 2, count))
        )
        value = scope.times(first, second)
        if shape(rest)[along]:
            value = scope.add(nn.ConcatOp((value, rest), along))
    kept = (*full[:along], 1, *full[along + 1 :])
    return value if keep else scope.reshape(value, kept[:along] + kept[along + 1 :])


@imports("_log_softmax.default", "log_softmax.int")
def _log_softmax(scope: Scope, x: Operand, axis: int, *_: Any) -> Value:
    value = scope.value(x)
    return scope.add(nn.LogSoftmaxOp(value, axis % len(shape(value))))


@imports("_softmax.default", "_safe_softmax.default", "softmax.int")
def _softmax(scope: Scope, x: Operand, axis: int, *_: Any) -> Value:
    return scope.apply(Function.EXP, _log_softmax(scope, x, axis))


@imports("logsumexp.default")
def _logsumexp(scope: Scope, x: Operand, axes: Sequence[int], keep: bool = False) -> Value:
    """x - log_softmax(x) is the same all along the axis; its mean is that value."""
    if len(axes) != 1:
        raise Unsupported("it runs over several axes", "flatten them into one first")
    return scope.mean(scope.minus(x, _log_softmax(scope, x, axes[0])), axes, keep)


@imports("linalg_vector_norm.default")
def _vector_norm(
    scope: Scope, x: Operand, order: float = 2, axes: Sequence[int] | None = None, keep: bool = False, **_: Any
) -> Value:
    if order == 1:
        return scope.sum(scope.apply(Function.ABS, x), axes, keep)
    if order != 2:
        raise Unsupported(f"its order is {order}", "use a norm of order 1 or 2")
    return scope.apply(Function.SQRT, scope.sum(scope.add(nn.PowerOp(scope.value(x), 2)), axes, keep))


@imports("native_layer_norm.default")
def _layer_norm(
    scope: Scope, x: Operand, size: Sequence[int], weight: Operand | None, bias: Operand | None, epsilon: float
) -> tuple[Value, None, None]:
    """(x - mean) / sqrt(variance + epsilon) * weight + bias over the last axes."""
    return affine(scope, normalised(scope, x, range(-len(size), 0), epsilon), weight, bias), None, None


@imports("native_group_norm.default")
def _group_norm(
    scope: Scope,
    x: Operand,
    weight: Operand | None,
    bias: Operand | None,
    batch: int,
    channels: int,
    _positions: int,
    groups: int,
    epsilon: float,
) -> tuple[Value, None, None]:
    """The same over the channels of a group and all positions; weight and bias belong to channels."""
    full = shape(x)
    grouped = normalised(scope, scope.reshape(x, (batch, groups, _rest(full, groups))), [2], epsilon)
    along = (channels, *(1 for _ in full[2:]))
    gain, shift = (None if part is None else scope.reshape(part, along) for part in (weight, bias))
    return affine(scope, scope.reshape(grouped, full), gain, shift), None, None


def _rest(full: Sequence[int], groups: int) -> int:
    return int(np.prod(full[1:], dtype=np.int64)) // groups


def normalised(scope: Scope, x: Operand, axes: Sequence[int], epsilon: float) -> Value:
    """(x - mean) / sqrt(variance + epsilon) over `axes`."""
    deviation = scope.minus(x, scope.mean(x, axes, keep=True))
    variance = scope.mean(scope.add(nn.PowerOp(deviation, 2)), axes, keep=True)
    root = scope.apply(Function.SQRT, scope.plus(variance, epsilon))
    return scope.times(deviation, scope.add(nn.PowerOp(root, -1)))


def affine(scope: Scope, x: Value, weight: Operand | None, bias: Operand | None) -> Value:
    """x * weight + bias, each of which may be absent."""
    scaled = x if weight is None else scope.times(x, weight)
    return scaled if bias is None else scope.plus(scaled, bias)
