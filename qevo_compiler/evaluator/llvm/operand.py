"""A typed operand of a kernel under construction: Python operators write instructions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qevo_compiler.evaluator.llvm.types import Number, Scalar, Type, Vector, i1, like

if TYPE_CHECKING:
    from qevo_compiler.evaluator.llvm.builder import Kernel


class Operand:
    """The result of an instruction, a parameter or a constant. Integers are signed unless a method says otherwise.

    A scalar meeting a vector of its element type is repeated in every lane; a Python number takes the
    other operand's type.
    """

    __slots__ = ("kernel", "name", "type")

    def __init__(self, kernel: Kernel, type: Type, name: str) -> None:
        self.kernel = kernel
        self.type = type
        self.name = name

    def __str__(self) -> str:
        return f"{self.type.text} {self.name}"

    # Arithmetic -----------------------------------------------------------------------------------------------
    def __add__(self, other: Operand | Number) -> Operand:
        return self._binary("fadd", "add", other)

    def __radd__(self, other: Number) -> Operand:
        return self._lift(other) + self

    def __sub__(self, other: Operand | Number) -> Operand:
        return self._binary("fsub", "sub", other)

    def __rsub__(self, other: Number) -> Operand:
        return self._lift(other) - self

    def __mul__(self, other: Operand | Number) -> Operand:
        return self._binary("fmul", "mul", other)

    def __rmul__(self, other: Number) -> Operand:
        return self._lift(other) * self

    def __truediv__(self, other: Operand | Number) -> Operand:
        return self._binary("fdiv", "", other)

    def __rtruediv__(self, other: Number) -> Operand:
        return self._lift(other) / self

    def __floordiv__(self, other: Operand | Number) -> Operand:
        """Integer quotient, rounded towards zero."""
        return self._binary("", "sdiv", other)

    def __mod__(self, other: Operand | Number) -> Operand:
        """Integer remainder with the sign of the dividend."""
        return self._binary("", "srem", other)

    def __neg__(self) -> Operand:
        return self.kernel.unary("fneg", self) if self.type.floating else 0 - self

    # Bits -----------------------------------------------------------------------------------------------------
    def __and__(self, other: Operand | Number) -> Operand:
        return self._binary("", "and", other)

    def __or__(self, other: Operand | Number) -> Operand:
        return self._binary("", "or", other)

    def __xor__(self, other: Operand | Number) -> Operand:
        return self._binary("", "xor", other)

    def __invert__(self) -> Operand:
        return self ^ -1

    def __lshift__(self, other: Operand | Number) -> Operand:
        return self._binary("", "shl", other)

    def __rshift__(self, other: Operand | Number) -> Operand:
        """Arithmetic shift; `shift_right` fills with zeros."""
        return self._binary("", "ashr", other)

    def shift_right(self, other: Operand | Number) -> Operand:
        return self._binary("", "lshr", other)

    def unsigned_remainder(self, other: Operand | Number) -> Operand:
        return self._binary("", "urem", other)

    # Comparisons give i1 in as many lanes ---------------------------------------------------------------------
    def __lt__(self, other: Operand | Number) -> Operand:
        return self._compare("olt", "slt", other)

    def __le__(self, other: Operand | Number) -> Operand:
        return self._compare("ole", "sle", other)

    def __gt__(self, other: Operand | Number) -> Operand:
        return self._compare("ogt", "sgt", other)

    def __ge__(self, other: Operand | Number) -> Operand:
        return self._compare("oge", "sge", other)

    def equals(self, other: Operand | Number) -> Operand:
        return self._compare("oeq", "eq", other)

    def differs(self, other: Operand | Number) -> Operand:
        return self._compare("une", "ne", other)

    def below(self, other: Operand | Number) -> Operand:
        """Unsigned less-than."""
        return self._compare("", "ult", other)

    # Conversions ----------------------------------------------------------------------------------------------
    def to(self, element: Scalar) -> Operand:
        """The same number in another element type: sign-extended, truncated towards zero, or rounded to nearest."""
        source, target = self.type.element, element
        if source == target:
            return self
        if source.floating and target.floating:
            word = "fpext" if target.bits > source.bits else "fptrunc"
        elif source.floating or target.floating:
            word = "fptosi" if source.floating else "uitofp" if source is i1 else "sitofp"
        else:
            word = "trunc" if target.bits < source.bits else "zext" if source is i1 else "sext"
        return self.kernel.convert(word, self, like(self.type, element))

    def unsigned(self, element: Scalar) -> Operand:
        """Read as unsigned: zero-extended to a wider integer, or converted to a float."""
        if element.bits == self.type.element.bits and not element.floating:
            return self
        return self.kernel.convert("uitofp" if element.floating else "zext", self, like(self.type, element))

    def bits_as(self, type: Type) -> Operand:
        """The same bits read as another type of the same size."""
        return self if type == self.type else self.kernel.convert("bitcast", self, type)

    def splat(self, lanes: int) -> Operand:
        return self.kernel.splat(self, lanes)

    def lane(self, index: Operand | int) -> Operand:
        return self.kernel.extract(self, index)

    def _lift(self, number: Number) -> Operand:
        return self.kernel.constant(self.type, number)

    def _matched(self, other: Operand | Number) -> tuple[Operand, Operand]:
        if not isinstance(other, Operand):
            return self, self._lift(other)
        if isinstance(self.type, Vector) and not isinstance(other.type, Vector):
            return self, other.splat(self.type.lanes)
        if isinstance(other.type, Vector) and not isinstance(self.type, Vector):
            return self.splat(other.type.lanes), other
        return self, other

    def _binary(self, floating: str, integer: str, other: Operand | Number) -> Operand:
        left, right = self._matched(other)
        word = floating if left.type.floating else integer
        if not word or left.type != right.type:
            raise TypeError(f"no {floating or integer} of {left.type.text} and {right.type.text}")
        return self.kernel.emit(left.type, f"{word} {left}, {right.name}")

    def _compare(self, floating: str, integer: str, other: Operand | Number) -> Operand:
        left, right = self._matched(other)
        word = f"fcmp {floating}" if left.type.floating else f"icmp {integer}"
        if left.type != right.type:
            raise TypeError(f"no comparison of {left.type.text} and {right.type.text}")
        return self.kernel.emit(like(left.type, i1), f"{word} {left}, {right.name}")
