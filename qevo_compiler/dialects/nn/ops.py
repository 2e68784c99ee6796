"""Data, parameters and elementwise tensor ops. Shapes are numpy's; every element is a real."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from qevo_compiler.dialects.nn.functions import Condition, Function
from qevo_compiler.ir import Array, Invalid, Op, TensorType, Type, Value


def shape_of(value: Value) -> tuple[int, ...]:
    """The shape of a tensor value."""
    if not isinstance(value.type, TensorType):
        raise Invalid(f"%{value.index} is not a tensor")
    return value.type.shape


def tensor(shape: tuple[int, ...]) -> tuple[Type, ...]:
    return (TensorType(tuple(map(int, shape))),)


@dataclass(frozen=True)
class ConstantOp(Op):
    """Data; `symbol` is its name in the source, empty when it has none."""

    name: ClassVar[str] = "nn.constant"
    value: Array
    symbol: str = ""

    def result_types(self) -> tuple[Type, ...]:
        return tensor(self.value.shape)

    def verify(self) -> None:
        if self.value.dtype_name != "f64":
            raise Invalid(f"constant of {self.value.dtype_name}, expected f64")


@dataclass(frozen=True)
class ParameterOp(Op):
    """A trained tensor with its present value. With `bits` it may be mapped to spins on [lower, upper]."""

    name: ClassVar[str] = "nn.parameter"
    pure: ClassVar[bool] = False
    symbol: str
    value: Array
    lower: float | None = None
    upper: float | None = None
    bits: int | None = None

    def result_types(self) -> tuple[Type, ...]:
        return tensor(self.value.shape)


@dataclass(frozen=True)
class OutputOp(Op):
    """Marks what the model computes before its loss (the boundary of the Gauss-Newton matrix)."""

    name: ClassVar[str] = "nn.output"
    pure: ClassVar[bool] = False
    x: Value


@dataclass(frozen=True)
class _Binary(Op):
    x: Value
    y: Value

    def result_types(self) -> tuple[Type, ...]:
        return (self.x.type,)

    def verify(self) -> None:
        if shape_of(self.x) != shape_of(self.y):
            raise Invalid(f"shapes {shape_of(self.x)} and {shape_of(self.y)} differ")


@dataclass(frozen=True)
class AddOp(_Binary):
    name: ClassVar[str] = "nn.add"


@dataclass(frozen=True)
class SubOp(_Binary):
    name: ClassVar[str] = "nn.sub"


@dataclass(frozen=True)
class MulOp(_Binary):
    name: ClassVar[str] = "nn.mul"


@dataclass(frozen=True)
class DivOp(_Binary):
    name: ClassVar[str] = "nn.div"


@dataclass(frozen=True)
class _Unary(Op):
    x: Value

    def result_types(self) -> tuple[Type, ...]:
        return (self.x.type,)


@dataclass(frozen=True)
class NegOp(_Unary):
    name: ClassVar[str] = "nn.neg"


@dataclass(frozen=True)
class PowerOp(_Unary):
    """x to a constant integer power, elementwise; negative powers are legal at the source."""

    name: ClassVar[str] = "nn.power"
    exponent: int


@dataclass(frozen=True)
class IndicatorOp(_Unary):
    """1 where an element meets the condition, else 0."""

    name: ClassVar[str] = "nn.indicator"
    condition: Condition


@dataclass(frozen=True)
class ApplyOp(_Unary):
    """A scalar function of every element."""

    name: ClassVar[str] = "nn.apply"
    function: Function


@dataclass(frozen=True)
class PolynomialOp(_Unary):
    """sum_k coefficients[k] x^k of every element."""

    name: ClassVar[str] = "nn.polynomial"
    coefficients: Array


@dataclass(frozen=True)
class LogSoftmaxOp(_Unary):
    """x - log(sum(exp(x))) along `axis`."""

    name: ClassVar[str] = "nn.log_softmax"
    axis: int
