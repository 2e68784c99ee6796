"""Vector-Jacobian products of the primitive tensor ops, in terms of primitive tensor ops.

The set is closed, so a gradient can be differentiated again. A rule gets a builder, the op and the
adjoint of its result (the derivative of the objective with respect to it) and returns the op's share
of the adjoint of each operand; None stands for zero.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from qevo_compiler.dialects import nn
from qevo_compiler.dialects.nn import Function
from qevo_compiler.dialects.nn.ops import shape_of
from qevo_compiler.ir import Array, Builder, Op, Value
from qevo_compiler.passes.gradient.emit import (
    apply,
    multiply,
    polynomial,
    repeated,
    reshaped,
    scaled,
    summed,
    transposed,
)
from qevo_compiler.passes.gradient.functions import derivative

Shares = tuple[Value | None, ...]
Rule = Callable[[Builder, Any, Value], Shares]


def rule_for(op: Op) -> Rule | None:
    """The vector-Jacobian product of an op, or None when it has none."""
    return _RULES.get(type(op))


def _negated(builder: Builder, x: Value) -> Value:
    return builder.add(nn.NegOp(x))


def _multiply(builder: Builder, op: nn.MulOp, adjoint: Value) -> Shares:
    return multiply(builder, adjoint, op.y), multiply(builder, adjoint, op.x)


def _divide(builder: Builder, op: nn.DivOp, adjoint: Value) -> Shares:
    share = builder.add(nn.DivOp(adjoint, op.y))
    return share, _negated(builder, multiply(builder, share, op.result))


def _power(builder: Builder, op: nn.PowerOp, adjoint: Value) -> Shares:
    if op.exponent == 0:
        return (None,)
    if op.exponent == 1:
        return (adjoint,)
    lower = op.x if op.exponent == 2 else builder.add(nn.PowerOp(op.x, op.exponent - 1))
    return (multiply(builder, adjoint, scaled(builder, lower, float(op.exponent))),)


def _polynomial(builder: Builder, op: nn.PolynomialOp, adjoint: Value) -> Shares:
    coefficients = op.coefficients.values
    slope = (coefficients[1:] * np.arange(1, len(coefficients))).tolist()
    if not any(slope):
        return (None,)
    if len(slope) == 1:
        return (scaled(builder, adjoint, slope[0]),)
    return (multiply(builder, adjoint, polynomial(builder, op.x, *slope)),)


def _apply(builder: Builder, op: nn.ApplyOp, adjoint: Value) -> Shares:
    slope = derivative(builder, op.function, op.x, op.result)
    return (None if slope is None else multiply(builder, adjoint, slope),)


def _log_softmax(builder: Builder, op: nn.LogSoftmaxOp, adjoint: Value) -> Shares:
    """adjoint - softmax(x) sum(adjoint), the sum along the op's axis."""
    shape = shape_of(op.x)
    axis = op.axis % len(shape)
    total = repeated(builder, builder.add(nn.SumOp(adjoint, (axis,))), shape, (axis,))
    softmax = apply(builder, Function.EXP, op.result)
    return (builder.add(nn.SubOp(adjoint, multiply(builder, softmax, total))),)


def _matmul(builder: Builder, op: nn.MatmulOp, adjoint: Value) -> Shares:
    left = builder.add(nn.MatmulOp(adjoint, transposed(builder, op.y)))
    return left, builder.add(nn.MatmulOp(transposed(builder, op.x), adjoint))


def _sum(builder: Builder, op: nn.SumOp, adjoint: Value) -> Shares:
    return (repeated(builder, adjoint, shape_of(op.x), op.axes),)


def _broadcast(builder: Builder, op: nn.BroadcastOp, adjoint: Value) -> Shares:
    old = shape_of(op.x)
    new = len(op.shape) - len(old)
    stretched = (axis + new for axis, n in enumerate(old) if n == 1 and op.shape[axis + new] != 1)
    return (reshaped(builder, summed(builder, adjoint, (*range(new), *stretched)), old),)


def _transpose(builder: Builder, op: nn.TransposeOp, adjoint: Value) -> Shares:
    return (builder.add(nn.TransposeOp(adjoint, tuple(int(axis) for axis in np.argsort(op.axes)))),)


def _concat(builder: Builder, op: nn.ConcatOp, adjoint: Value) -> Shares:
    """Each part takes back its own elements, by position."""
    positions = np.arange(op.result.type.size, dtype=np.int64).reshape(shape_of(op.result))  # type: ignore[attr-defined]
    ends = np.cumsum([shape_of(part)[op.axis] for part in op.parts])
    blocks = np.split(positions, ends[:-1], axis=op.axis)
    return tuple(builder.add(nn.GatherOp(adjoint, Array(block))) for block in blocks)


_RULES: dict[type[Op], Rule] = {
    nn.AddOp: lambda builder, op, adjoint: (adjoint, adjoint),
    nn.SubOp: lambda builder, op, adjoint: (adjoint, _negated(builder, adjoint)),
    nn.MulOp: _multiply,
    nn.DivOp: _divide,
    nn.NegOp: lambda builder, op, adjoint: (_negated(builder, adjoint),),
    nn.PowerOp: _power,
    nn.ApplyOp: _apply,
    nn.PolynomialOp: _polynomial,
    nn.LogSoftmaxOp: _log_softmax,
    nn.MatmulOp: _matmul,
    nn.SumOp: _sum,
    nn.BroadcastOp: _broadcast,
    nn.ReshapeOp: lambda builder, op, adjoint: (reshaped(builder, adjoint, shape_of(op.x)),),
    nn.TransposeOp: _transpose,
    nn.GatherOp: lambda builder, op, adjoint: (builder.add(nn.ScatterAddOp(adjoint, op.indices, shape_of(op.x))),),
    nn.ScatterAddOp: lambda builder, op, adjoint: (builder.add(nn.GatherOp(adjoint, op.indices)),),
    nn.ConcatOp: _concat,
}
