"""Layers with parameters or windows, kept whole so that passes can ask for a layer's inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from qevo_compiler.dialects.nn.ops import shape_of, tensor
from qevo_compiler.ir import Invalid, Op, Type, Value


def window_count(length: int, kernel: int, stride: int, padding: int, dilation: int = 1) -> int:
    """How many windows fit along an axis."""
    return (length + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


@dataclass(frozen=True)
class LinearOp(Op):
    """x W^T + b: x is [..., in], the weight [out, in], the bias [out] or absent."""

    name: ClassVar[str] = "nn.linear"
    x: Value
    weight: Value
    bias: Value | None

    def result_types(self) -> tuple[Type, ...]:
        return tensor((*shape_of(self.x)[:-1], shape_of(self.weight)[0]))

    def verify(self) -> None:
        if shape_of(self.x)[-1:] != shape_of(self.weight)[1:]:
            raise Invalid(f"input {shape_of(self.x)} and weight {shape_of(self.weight)} do not fit")


@dataclass(frozen=True)
class Conv2dOp(Op):
    """Cross-correlation: x [batch, in, h, w], weight [out, in / groups, kh, kw], bias [out] or absent."""

    name: ClassVar[str] = "nn.conv2d"
    x: Value
    weight: Value
    bias: Value | None
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    def result_types(self) -> tuple[Type, ...]:
        batch, _, *size = shape_of(self.x)
        out, _, *kernel = shape_of(self.weight)
        windows = map(window_count, size, kernel, self.stride, self.padding, self.dilation)
        return tensor((batch, out, *windows))

    def verify(self) -> None:
        x, weight = shape_of(self.x), shape_of(self.weight)
        if len(x) != 4 or len(weight) != 4 or x[1] != weight[1] * self.groups or weight[0] % self.groups:
            raise Invalid(f"input {x} and weight {weight} in {self.groups} groups do not fit")


@dataclass(frozen=True)
class AveragePool2dOp(Op):
    """Mean over windows of x [batch, channel, h, w]; padding counts as zeros in the mean."""

    name: ClassVar[str] = "nn.average_pool2d"
    x: Value
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int] = (0, 0)

    def result_types(self) -> tuple[Type, ...]:
        batch, channels, *size = shape_of(self.x)
        return tensor((batch, channels, *map(window_count, size, self.kernel, self.stride, self.padding)))


@dataclass(frozen=True)
class BatchNormOp(Op):
    """(x - mean) / sqrt(variance + epsilon) * weight + bias along axis 1, with fixed statistics."""

    name: ClassVar[str] = "nn.batch_norm"
    x: Value
    weight: Value | None
    bias: Value | None
    mean: Value
    variance: Value
    epsilon: float

    def result_types(self) -> tuple[Type, ...]:
        return (self.x.type,)
