"""Sums, means and what is made of them: softmax, variance, norms of layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from qevo_compiler.dialects import nn
from qevo_compiler.dialects.nn import Function
from qevo_compiler.frontend.torch.scope import Operand, Scope, imports, reduced_axes, shape
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


@imports("native_layer_norm.default")
def _layer_norm(
    scope: Scope, x: Operand, size: Sequence[int], weight: Operand | None, bias: Operand | None, epsilon: float
) -> tuple[Value, Value, Value]:
    """(x - mean) / sqrt(variance + epsilon) * weight + bias over the last axes."""
    axes = range(-len(size), 0)
    mean = scope.mean(x, axes, keep=True)
    deviation = scope.minus(x, mean)
    variance = scope.mean(scope.add(nn.PowerOp(deviation, 2)), axes, keep=True)
    root = scope.apply(Function.SQRT, scope.plus(variance, epsilon))
    rate = scope.add(nn.PowerOp(root, -1))
    result = scope.times(deviation, rate)
    if weight is not None:
        result = scope.times(result, weight)
    return result if bias is None else scope.plus(result, bias), mean, rate
