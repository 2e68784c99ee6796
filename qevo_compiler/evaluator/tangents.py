"""Jacobian-vector products of the primitive tensor ops in numpy, for many tangents at once.

Tangents carry one leading axis that counts them. A rule gets the op, the values of its operands, the
value of its result and the operands' tangents, None where a tangent is zero; at least one is given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects import nn
from qevo_compiler.dialects.nn import Function
from qevo_compiler.evaluator.functions import apply_function
from qevo_compiler.evaluator.windows import gather
from qevo_compiler.ir import Invalid, Op

Floats = NDArray[np.float64]
Tangent = Floats | None
Operands = Sequence[Floats]
Tangents = Sequence[Tangent]


def push(op: Op, operands: Operands, result: Floats, tangents: Tangents) -> Tangent:
    """The tangents [k, *shape] of the op's result, or None where they are zero.

    Raises `Invalid` for an op that is not a primitive tensor op.
    """
    rule = _RULES.get(type(op))
    if rule is None:
        raise Invalid(f"{op.name} has no Jacobian-vector product")
    pushed: Tangent = rule(op, operands, result, tangents)
    return pushed


def slope(function: Function, x: Floats, y: Floats) -> Floats | None:
    """f'(x), where y = f(x) is at hand; None where it is zero almost everywhere."""
    rule = _SLOPES.get(function)
    if rule is None:
        return None
    with np.errstate(all="ignore"):
        return rule(x, y)


def _sum_of(first: Tangent, second: Tangent) -> Tangent:
    if first is None or second is None:
        return second if first is None else first
    return first + second


def _negated(tangent: Tangent) -> Tangent:
    return None if tangent is None else -tangent


def _times(factor: Floats | None, tangent: Tangent) -> Tangent:
    return None if tangent is None or factor is None else tangent * factor


def _divide(op: nn.DivOp, operands: Operands, result: Floats, tangents: Tangents) -> Tangent:
    with np.errstate(all="ignore"):
        numerator = _sum_of(tangents[0], _negated(_times(result, tangents[1])))
        return None if numerator is None else numerator / operands[1]


def _power(op: nn.PowerOp, operands: Operands, result: Floats, tangents: Tangents) -> Tangent:
    if op.exponent == 0:
        return None
    with np.errstate(all="ignore"):
        return _times(op.exponent * np.power(operands[0], float(op.exponent - 1)), tangents[0])


def _polynomial(op: nn.PolynomialOp, operands: Operands, result: Floats, tangents: Tangents) -> Tangent:
    coefficients = op.coefficients.values
    (x,) = operands
    derivative = np.zeros_like(x)
    for degree in range(len(coefficients) - 1, 0, -1):
        derivative = derivative * x + degree * coefficients[degree]
    return _times(derivative, tangents[0])


def _apply(op: nn.ApplyOp, operands: Operands, result: Floats, tangents: Tangents) -> Tangent:
    return _times(slope(op.function, operands[0], result), tangents[0])


def _log_softmax(op: nn.LogSoftmaxOp, operands: Operands, result: Floats, tangents: Tangents) -> Tangent:
    """t - sum(softmax(x) t) along the op's axis."""
    (tangent,) = tangents
    if tangent is None:
        return None
    axis = op.axis % result.ndim
    return np.asarray(tangent - (np.exp(result) * tangent).sum(axis=axis + 1, keepdims=True))


def _matmul(op: nn.MatmulOp, operands: Operands, result: Floats, tangents: Tangents) -> Tangent:
    x, y = operands
    left, right = tangents
    return _sum_of(None if left is None else _rows_times(left, y), None if right is None else _times_each(x, right))


def _rows_times(left: Floats, y: Floats) -> Floats:
    """left [k, ..., m, p] times y [..., p, n]; all k in one product where y has no leading axes."""
    if y.ndim > 2:
        return np.asarray(np.matmul(left, y))
    product = left.reshape(-1, left.shape[-1]) @ y
    return np.asarray(product.reshape(*left.shape[:-1], y.shape[-1]))


def _times_each(x: Floats, right: Floats) -> Floats:
    """x [..., m, p] times right [k, ..., p, n]; where every tangent moves one element, only columns of x."""
    if np.count_nonzero(right) > len(right):
        return np.asarray(np.matmul(x, right))
    which, *leading, row, column = np.nonzero(right)
    if (which[1:] == which[:-1]).any():
        return np.asarray(np.matmul(x, right))
    product = np.zeros((*right.shape[:-2], x.shape[-2], right.shape[-1]))
    columns = x.swapaxes(-1, -2)[(*leading, row)] * right[(which, *leading, row, column)][:, None]
    product.swapaxes(-1, -2)[(which, *leading, column)] = columns
    return product


def _broadcast(op: nn.BroadcastOp, operands: Operands, result: Floats, tangents: Tangents) -> Tangent:
    (tangent,) = tangents
    if tangent is None:
        return None
    new = (1,) * (len(op.shape) - operands[0].ndim)
    return np.broadcast_to(tangent.reshape(len(tangent), *new, *operands[0].shape), (len(tangent), *op.shape))


def _gather(op: nn.GatherOp, operands: Operands, result: Floats, tangents: Tangents) -> Tangent:
    return None if tangents[0] is None else gather(tangents[0].reshape(len(tangents[0]), -1), op.indices.values)


def _scatter_add(op: nn.ScatterAddOp, operands: Operands, result: Floats, tangents: Tangents) -> Tangent:
    (tangent,) = tangents
    if tangent is None:
        return None
    positions = op.indices.values.reshape(-1)
    kept = positions >= 0
    added = np.empty((len(tangent), result.size))
    for row, values in zip(added, tangent.reshape(len(tangent), -1), strict=True):
        row[:] = np.bincount(positions[kept], values[kept], result.size)
    return added.reshape(len(tangent), *op.shape)


def _concat(op: nn.ConcatOp, operands: Operands, result: Floats, tangents: Tangents) -> Tangent:
    count = next((len(tangent) for tangent in tangents if tangent is not None), None)
    if count is None:
        return None
    parts = [
        np.broadcast_to(0.0, (count, *x.shape)) if tangent is None else tangent
        for x, tangent in zip(operands, tangents, strict=True)
    ]
    return np.concatenate(parts, axis=op.axis % result.ndim + 1)


def _layout(change: Callable[[Any, Floats], Floats]) -> Callable[..., Tangent]:
    """The rule of a linear op that acts on one tensor: the same change on every tangent."""

    def rule(op: Op, operands: Operands, result: Floats, tangents: Tangents) -> Tangent:
        return None if tangents[0] is None else change(op, tangents[0])

    return rule


def _transpose(op: nn.TransposeOp, tangent: Floats) -> Floats:
    return tangent.transpose(0, *(axis + 1 for axis in op.axes))


def _sum(op: nn.SumOp, tangent: Floats) -> Floats:
    return np.asarray(tangent.sum(axis=tuple(axis + 1 for axis in op.axes)))


def _erf_slope(x: Floats, y: Floats) -> Floats:
    return np.asarray(2.0 / np.sqrt(np.pi) * np.exp(-x * x))


def _gelu_slope(x: Floats, y: Floats) -> Floats:
    from scipy.special import ndtr

    return np.asarray(ndtr(x) + x * np.exp(-0.5 * x * x) / np.sqrt(2.0 * np.pi))


def _gelu_tanh_slope(x: Floats, y: Floats) -> Floats:
    c = np.sqrt(2.0 / np.pi)
    t = np.tanh(c * (x + 0.044715 * x**3))
    return np.asarray(0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * c * (1.0 + 3 * 0.044715 * x * x))


def _silu_slope(x: Floats, y: Floats) -> Floats:
    s = apply_function(Function.SIGMOID, x)
    return s + x * s * (1.0 - s)


_SLOPES: dict[Function, Callable[[Floats, Floats], Floats]] = {
    Function.TANH: lambda x, y: 1.0 - y * y,
    Function.SIGMOID: lambda x, y: y * (1.0 - y),
    Function.EXP: lambda x, y: y,
    Function.LOG: lambda x, y: 1.0 / x,
    Function.SQRT: lambda x, y: 0.5 / y,
    Function.ERF: _erf_slope,
    Function.GELU: _gelu_slope,
    Function.GELU_TANH: _gelu_tanh_slope,
    Function.SILU: _silu_slope,
    Function.RELU: lambda x, y: apply_function(Function.STEP, x),
    Function.ABS: lambda x, y: np.sign(x),
}

_RULES: dict[type[Op], Callable[..., Tangent]] = {
    nn.AddOp: lambda op, operands, result, tangents: _sum_of(*tangents),
    nn.SubOp: lambda op, operands, result, tangents: _sum_of(tangents[0], _negated(tangents[1])),
    nn.MulOp: lambda op, operands, result, tangents: _sum_of(
        _times(operands[1], tangents[0]), _times(operands[0], tangents[1])
    ),
    nn.DivOp: _divide,
    nn.NegOp: _layout(lambda op, tangent: -tangent),
    nn.PowerOp: _power,
    nn.ApplyOp: _apply,
    nn.PolynomialOp: _polynomial,
    nn.LogSoftmaxOp: _log_softmax,
    nn.MatmulOp: _matmul,
    nn.SumOp: _layout(_sum),
    nn.BroadcastOp: _broadcast,
    nn.ReshapeOp: _layout(lambda op, tangent: tangent.reshape(len(tangent), *op.shape)),
    nn.TransposeOp: _layout(_transpose),
    nn.GatherOp: _gather,
    nn.ScatterAddOp: _scatter_add,
    nn.ConcatOp: _concat,
}
