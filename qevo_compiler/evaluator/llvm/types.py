"""The types of a kernel's operands and how their constants are written."""

from __future__ import annotations

import struct
from dataclasses import dataclass

Number = int | float


@dataclass(frozen=True)
class Scalar:
    """An integer, floating-point or pointer type; `suffix` is its name inside an intrinsic's."""

    text: str
    suffix: str
    bits: int
    floating: bool = False

    @property
    def element(self) -> Scalar:
        return self

    @property
    def lanes(self) -> int:
        return 1

    def constant(self, number: Number) -> str:
        """The literal; a float is written by its bits, exactly as rounded to this type."""
        if not self.floating:
            return str(int(number))
        exact = struct.unpack("f", struct.pack("f", number))[0] if self.bits == 32 else float(number)
        return f"0x{struct.unpack('Q', struct.pack('d', exact))[0]:016X}"


@dataclass(frozen=True)
class Vector:
    """`lanes` elements side by side."""

    element: Scalar
    lanes: int

    @property
    def text(self) -> str:
        return f"<{self.lanes} x {self.element.text}>"

    @property
    def suffix(self) -> str:
        return f"v{self.lanes}{self.element.suffix}"

    @property
    def bits(self) -> int:
        return self.element.bits * self.lanes

    @property
    def floating(self) -> bool:
        return self.element.floating

    def constant(self, number: Number) -> str:
        return f"splat ({self.element.text} {self.element.constant(number)})"


Type = Scalar | Vector

i1 = Scalar("i1", "i1", 1)
i8 = Scalar("i8", "i8", 8)
i16 = Scalar("i16", "i16", 16)
i32 = Scalar("i32", "i32", 32)
i64 = Scalar("i64", "i64", 64)
f32 = Scalar("float", "f32", 32, True)
f64 = Scalar("double", "f64", 64, True)
ptr = Scalar("ptr", "p0", 64)


def vec(element: Scalar, lanes: int) -> Type:
    """A vector type; one lane is the scalar itself, so that generators need no second path."""
    return element if lanes == 1 else Vector(element, lanes)


def like(shape: Type, element: Scalar) -> Type:
    """`element` in as many lanes as `shape`."""
    return vec(element, shape.lanes)
