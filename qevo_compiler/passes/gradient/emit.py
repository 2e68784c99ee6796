"""Short ways to build the tensor expressions that derivatives are made of."""

from __future__ import annotations

import numpy as np

from qevo_compiler.dialects import nn
from qevo_compiler.dialects.nn.ops import shape_of
from qevo_compiler.ir import Array, Builder, Value


def full(builder: Builder, shape: tuple[int, ...], number: float) -> Value:
    """A tensor whose elements all equal `number`; it stores one number."""
    scalar = builder.add(nn.ConstantOp(Array(np.float64(number))))
    return builder.add(nn.BroadcastOp(scalar, shape)) if shape else scalar


def polynomial(builder: Builder, x: Value, *coefficients: float) -> Value:
    """sum_k coefficients[k] x^k of every element."""
    return builder.add(nn.PolynomialOp(x, Array(np.array(coefficients, np.float64))))


def scaled(builder: Builder, x: Value, factor: float) -> Value:
    return polynomial(builder, x, 0.0, factor)


def apply(builder: Builder, function: nn.Function, x: Value) -> Value:
    return builder.add(nn.ApplyOp(x, function))


def multiply(builder: Builder, x: Value, y: Value) -> Value:
    return builder.add(nn.MulOp(x, y))


def add(builder: Builder, x: Value, y: Value) -> Value:
    return builder.add(nn.AddOp(x, y))


def reshaped(builder: Builder, x: Value, shape: tuple[int, ...]) -> Value:
    """`x` in another shape; `x` itself when it has it already."""
    return x if shape_of(x) == shape else builder.add(nn.ReshapeOp(x, shape))


def transposed(builder: Builder, x: Value) -> Value:
    """The last two axes exchanged."""
    *leading, row, column = range(len(shape_of(x)))
    return builder.add(nn.TransposeOp(x, (*leading, column, row)))


def repeated(builder: Builder, x: Value, shape: tuple[int, ...], axes: tuple[int, ...]) -> Value:
    """`x`, whose shape is `shape` without `axes`, repeated along those axes."""
    kept = tuple(1 if axis in axes else n for axis, n in enumerate(shape))
    return builder.add(nn.BroadcastOp(reshaped(builder, x, kept), shape)) if axes else x


def summed(builder: Builder, x: Value, axes: tuple[int, ...]) -> Value:
    return builder.add(nn.SumOp(x, axes)) if axes else x
