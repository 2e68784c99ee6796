"""Sums, means and what is made of them: softmax, variance, norms of layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from qevo_compiler.dialects import nn
from qevo_compiler.dialects.nn import Function
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
    return _affine(scope, _normalised(scope, x, range(-len(size), 0), epsilon), weight, bias), None, None


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
    grouped = _normalised(scope, scope.reshape(x, (batch, groups, _rest(full, groups))), [2], epsilon)
    along = (channels, *(1 for _ in full[2:]))
    gain, shift = (None if part is None else scope.reshape(part, along) for part in (weight, bias))
    return _affine(scope, scope.reshape(grouped, full), gain, shift), None, None


def _rest(full: Sequence[int], groups: int) -> int:
    return int(np.prod(full[1:], dtype=np.int64)) // groups


def _normalised(scope: Scope, x: Operand, axes: Sequence[int], epsilon: float) -> Value:
    deviation = scope.minus(x, scope.mean(x, axes, keep=True))
    variance = scope.mean(scope.add(nn.PowerOp(deviation, 2)), axes, keep=True)
    root = scope.apply(Function.SQRT, scope.plus(variance, epsilon))
    return scope.times(deviation, scope.add(nn.PowerOp(root, -1)))


def _affine(scope: Scope, x: Value, weight: Operand | None, bias: Operand | None) -> Value:
    scaled = x if weight is None else scope.times(x, weight)
    return scaled if bias is None else scope.plus(scaled, bias)
