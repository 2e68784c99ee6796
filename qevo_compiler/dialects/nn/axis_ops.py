"""Tensor ops that combine, move or pick along axes. Shapes are numpy's; every element is a real."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from qevo_compiler.dialects.nn.functions import Extreme
from qevo_compiler.dialects.nn.ops import shape_of, tensor
from qevo_compiler.ir import Array, Invalid, Op, Type, Value


@dataclass(frozen=True)
class MatmulOp(Op):
    """Matrix product of the last two axes; leading axes are equal."""

    name: ClassVar[str] = "nn.matmul"
    x: Value
    y: Value

    def result_types(self) -> tuple[Type, ...]:
        return tensor((*shape_of(self.x)[:-1], shape_of(self.y)[-1]))

    def verify(self) -> None:
        x, y = shape_of(self.x), shape_of(self.y)
        if len(x) < 2 or len(x) != len(y) or x[:-2] != y[:-2] or x[-1] != y[-2]:
            raise Invalid(f"cannot multiply {x} by {y}")


@dataclass(frozen=True)
class SumOp(Op):
    """Sum over `axes`, which disappear. Axes are non-negative and ascending."""

    name: ClassVar[str] = "nn.sum"
    x: Value
    axes: tuple[int, ...]

    def result_types(self) -> tuple[Type, ...]:
        return tensor(tuple(n for axis, n in enumerate(shape_of(self.x)) if axis not in self.axes))

    def verify(self) -> None:
        if list(self.axes) != sorted({a for a in self.axes if 0 <= a < len(shape_of(self.x))}):
            raise Invalid(f"axes {self.axes} of a tensor with {len(shape_of(self.x))} axes")


@dataclass(frozen=True)
class BroadcastOp(Op):
    """Repeat along new leading axes and axes of length 1, as numpy does."""

    name: ClassVar[str] = "nn.broadcast"
    x: Value
    shape: tuple[int, ...]

    def result_types(self) -> tuple[Type, ...]:
        return tensor(self.shape)

    def verify(self) -> None:
        try:
            fits = np.broadcast_shapes(shape_of(self.x), self.shape) == self.shape
        except ValueError:
            fits = False
        if not fits:
            raise Invalid(f"cannot broadcast {shape_of(self.x)} to {self.shape}")


@dataclass(frozen=True)
class ReshapeOp(Op):
    """The same elements in C order under another shape."""

    name: ClassVar[str] = "nn.reshape"
    x: Value
    shape: tuple[int, ...]

    def result_types(self) -> tuple[Type, ...]:
        return tensor(self.shape)

    def verify(self) -> None:
        if prod(shape_of(self.x)) != prod(self.shape):
            raise Invalid(f"cannot reshape {shape_of(self.x)} to {self.shape}")


@dataclass(frozen=True)
class TransposeOp(Op):
    """Axis k of the result is axis `axes[k]` of the operand."""

    name: ClassVar[str] = "nn.transpose"
    x: Value
    axes: tuple[int, ...]

    def result_types(self) -> tuple[Type, ...]:
        return tensor(tuple(shape_of(self.x)[axis] for axis in self.axes))

    def verify(self) -> None:
        if sorted(self.axes) != list(range(len(shape_of(self.x)))):
            raise Invalid(f"{self.axes} is not a permutation of the axes")


@dataclass(frozen=True)
class GatherOp(Op):
    """Elements of the flattened operand by position; position -1 gives zero (padding)."""

    name: ClassVar[str] = "nn.gather"
    x: Value
    indices: Array

    def result_types(self) -> tuple[Type, ...]:
        return tensor(self.indices.shape)

    def verify(self) -> None:
        size = prod(shape_of(self.x))
        if self.indices.size and not -1 <= self.indices.least <= self.indices.most < size:
            raise Invalid(f"an index lies outside -1..{size - 1}")


@dataclass(frozen=True)
class ScatterAddOp(Op):
    """The adjoint of gather: add each element to a position of a zero tensor; -1 drops it."""

    name: ClassVar[str] = "nn.scatter_add"
    x: Value
    indices: Array
    shape: tuple[int, ...]

    def result_types(self) -> tuple[Type, ...]:
        return tensor(self.shape)

    def verify(self) -> None:
        if shape_of(self.x) != self.indices.shape:
            raise Invalid(f"{shape_of(self.x)} elements for {self.indices.shape} positions")


@dataclass(frozen=True)
class ExtremeOp(Op):
    """The largest or the least of the elements that `indices` sends to each position of a tensor of `shape`.

    Every position has one element at least.
    """

    name: ClassVar[str] = "nn.extreme"
    x: Value
    which: Extreme
    indices: Array
    shape: tuple[int, ...]

    def result_types(self) -> tuple[Type, ...]:
        return tensor(self.shape)

    def verify(self) -> None:
        if shape_of(self.x) != self.indices.shape:
            raise Invalid(f"{shape_of(self.x)} elements for {self.indices.shape} positions")
        positions, size = self.indices.values.reshape(-1), prod(self.shape)
        if positions.size and not 0 <= self.indices.least <= self.indices.most < size:
            raise Invalid(f"a position lies outside 0..{size - 1}")
        if not np.bincount(positions, minlength=size).all():
            raise Invalid("a position has no elements")


@dataclass(frozen=True)
class ConcatOp(Op):
    """Join along one axis."""

    name: ClassVar[str] = "nn.concat"
    parts: tuple[Value, ...]
    axis: int = 0

    def result_types(self) -> tuple[Type, ...]:
        first, *rest = map(shape_of, self.parts)
        length = first[self.axis] + sum(shape[self.axis] for shape in rest)
        return tensor((*first[: self.axis], length, *first[self.axis + 1 :]))
