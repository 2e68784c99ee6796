"""What importers work with: known tensors, IR values, and the builder that joins them.

While a graph is imported, everything that depends on data alone stays a torch tensor and is computed
at once; only what depends on a trainable parameter becomes IR. Targets of a classification loss, masks
and index arithmetic therefore leave no trace but the constants that they come to.

An importer is a function registered for the names of ATen overloads. It gets the scope and the
operation's arguments, in which operands are `Operand`s, and returns the `Value` that stands for the
result (a tuple for several results). It raises `Unsupported` where a case has no counterpart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeVar

import numpy as np
import torch
from torch import Tensor

from qevo_compiler.dialects import nn
from qevo_compiler.dialects.nn.ops import shape_of
from qevo_compiler.ir import Array, Builder, Op, Value

Operand: TypeAlias = "Value | Tensor | float"
Importer: TypeAlias = Callable[..., Any]

ImporterT = TypeVar("ImporterT", bound=Importer)

IMPORTERS: dict[str, Importer] = {}


class Unsupported(Exception):
    """This case of an operation has no counterpart; `hint` says what would work instead."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


def imports(*overloads: str) -> Callable[[ImporterT], ImporterT]:
    """Register an importer for ATen overloads such as `add.Tensor`."""

    def register(importer: ImporterT) -> ImporterT:
        IMPORTERS.update(dict.fromkeys(overloads, importer))
        return importer

    return register


class Scope:
    """One import under way: the builder, the constants made so far, and names for tensors."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self._symbols: dict[int, str] = {}
        self._constants: dict[int, Value] = {}
        self._definitions: dict[Value, Op] = {}
        # Constants are recognised by identity, so the tensors have to outlive the import.
        self._kept: list[Tensor] = []

    def name(self, tensor: Tensor, symbol: str) -> None:
        """Give a known tensor the symbol that its constant is to carry."""
        self._symbols[id(tensor)] = symbol
        self._kept.append(tensor)

    def value(self, operand: Operand) -> Value:
        """`operand` as an IR value; a known tensor becomes a constant, once."""
        if isinstance(operand, Value):
            return operand
        if not isinstance(operand, Tensor):
            return self.add(nn.ConstantOp(Array(np.float64(operand))))
        if id(operand) not in self._constants:
            self._kept.append(operand)
            constant = nn.ConstantOp(Array(numbers(operand)), self._symbols.get(id(operand), ""))
            self._constants[id(operand)] = self.add(constant)
        return self._constants[id(operand)]

    def add(self, op: Op) -> Value:
        value = self.builder.add(op)
        self._definitions[value] = self.builder.ops[-1]
        return value

    def definition(self, value: Value) -> Op | None:
        """The op that defines `value`, None for an argument."""
        return self._definitions.get(value)

    def broadcast(self, operand: Operand, shape: Sequence[int]) -> Value:
        """`operand` repeated to `shape`, by an explicit op where its shape differs."""
        value = self.value(operand)
        wanted = tuple(int(n) for n in shape)
        return value if shape_of(value) == wanted else self.add(nn.BroadcastOp(value, wanted))

    def aligned(self, x: Operand, y: Operand) -> tuple[Value, Value]:
        """Both operands broadcast to their common shape."""
        left, right = self.value(x), self.value(y)
        shape = np.broadcast_shapes(shape_of(left), shape_of(right))
        return self.broadcast(left, shape), self.broadcast(right, shape)

    def reshape(self, operand: Operand, shape: Sequence[int]) -> Value:
        value = self.value(operand)
        wanted = tuple(int(n) for n in shape)
        return value if shape_of(value) == wanted else self.add(nn.ReshapeOp(value, wanted))

    def transpose(self, operand: Operand, axes: Sequence[int]) -> Value:
        value = self.value(operand)
        order = tuple(axis % len(shape_of(value)) for axis in axes)
        return value if order == tuple(range(len(order))) else self.add(nn.TransposeOp(value, order))

    def apply(self, function: nn.Function, operand: Operand) -> Value:
        return self.add(nn.ApplyOp(self.value(operand), function))

    def plus(self, x: Operand, y: Operand) -> Value:
        return self.add(nn.AddOp(*self.aligned(x, y)))

    def minus(self, x: Operand, y: Operand) -> Value:
        return self.add(nn.SubOp(*self.aligned(x, y)))

    def times(self, x: Operand, y: Operand) -> Value:
        """x * y; a plain 1 leaves the other operand as it is."""
        for one, other in ((x, y), (y, x)):
            if isinstance(one, (int, float)) and one == 1:
                return self.value(other)
        return self.add(nn.MulOp(*self.aligned(x, y)))

    def over(self, x: Operand, y: Operand) -> Value:
        """x / y; a known divisor becomes a factor, which keeps polynomials polynomial."""
        if isinstance(y, (int, float)):
            return self.times(x, 1.0 / y)
        if isinstance(y, Tensor):
            return self.times(x, 1.0 / y.double())
        return self.add(nn.DivOp(*self.aligned(x, y)))

    def sum(self, x: Operand, axes: Sequence[int] | None = None, keep: bool = False) -> Value:
        """The sum over `axes` (None or none given: all), which stay with length 1 if `keep`."""
        value = self.value(x)
        shape = shape_of(value)
        chosen = reduced_axes(axes, len(shape))
        total = self.add(nn.SumOp(value, chosen)) if chosen else value
        return self.reshape(total, [1 if a in chosen else n for a, n in enumerate(shape)]) if keep else total

    def mean(self, x: Operand, axes: Sequence[int] | None = None, keep: bool = False) -> Value:
        value = self.value(x)
        shape = shape_of(value)
        count = int(np.prod([shape[a] for a in reduced_axes(axes, len(shape))], dtype=np.int64))
        return self.times(self.sum(value, axes, keep), 1.0 / count)


def reduced_axes(axes: Sequence[int] | None, rank: int) -> tuple[int, ...]:
    """The axes of a reduction as torch writes them: ascending and non-negative; none given means all."""
    return tuple(sorted({axis % rank for axis in axes})) if axes else tuple(range(rank))


def shape(operand: Operand) -> tuple[int, ...]:
    """The shape of an operand; a plain number has none."""
    if isinstance(operand, Value):
        return shape_of(operand)
    return tuple(operand.shape) if isinstance(operand, Tensor) else ()


def numbers(tensor: Tensor) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A tensor as a new array of doubles."""
    return np.array(tensor.detach().to(torch.float64).numpy(), dtype=np.float64)
