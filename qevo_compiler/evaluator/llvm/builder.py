"""Write a kernel as LLVM text: typed operands, structured loops and branches, mutable variables.

Variables are stack slots that LLVM's first pass turns into registers, so generators need no phi nodes. Names
are numbered in order of writing: the same generator writes the same text, which is the key of the object cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from qevo_compiler.evaluator.llvm.control import Branch, Loop, Variable
from qevo_compiler.evaluator.llvm.operand import Operand
from qevo_compiler.evaluator.llvm.types import Number, Scalar, Type, Vector, i1, i64, like, ptr, vec


class Kernel:
    """One function with named parameters, which are attributes of the kernel; it returns nothing, or `result`.

    Pointers must not overlap; sizes and indices are i64. `text` is the whole LLVM module. A subclass whose text
    needs no simplifying says `optimised = False`, which makes long straight-line code compile several times faster.
    """

    optimised = True

    def __init__(self, name: str, result: Scalar | None = None, /, **parameters: Scalar) -> None:
        self.name = name
        self.result = result
        self.parameters = parameters
        self.function: Any = None  # set by `compiled`
        self._slots: list[str] = []
        self._lines: list[str] = []
        self._count = 0
        self._declared: dict[str, str] = {}
        self._returned = "ret void" if result is None else ""
        self._operands = {key: Operand(self, type, f"%{key}") for key, type in parameters.items()}

    def __getattr__(self, name: str) -> Operand:
        try:
            return self.__dict__["_operands"][name]  # type: ignore[no-any-return]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def text(self) -> str:
        """The module's LLVM text."""
        if not self._returned:
            raise ValueError(f"kernel {self.name} returns nothing")
        parameters = ", ".join(
            f"{t.text} {'noalias ' if t.text == 'ptr' else ''}%{key}" for key, t in self.parameters.items()
        )
        result = self.result.text if self.result else "void"
        body = [*self._slots, *self._lines, f"  {self._returned}"]
        head = f"define {result} @{self.name}({parameters}) nounwind {{\nentry:"
        return "\n".join([head, *body, "}", *self._declared.values(), ""])

    def give(self, value: Operand) -> None:
        """What the kernel returns, at its end."""
        self._returned = f"ret {value}"

    # Values -----------------------------------------------------------------------------------------------------
    def constant(self, type: Type, number: Number) -> Operand:
        return Operand(self, type, type.constant(number))

    def operand(self, type: Type, value: Operand | Number) -> Operand:
        """`value` as an operand of `type`: numbers become constants, scalars fill vectors."""
        if not isinstance(value, Operand):
            return self.constant(type, value)
        if value.type != type and value.type == type.element:
            return self.splat(value, type.lanes)
        if value.type != type:
            raise TypeError(f"{value.type.text} where {type.text} is wanted")
        return value

    def variable(self, type: Type, start: Operand | Number | None = None) -> Variable:
        return Variable(self, type, start)

    def splat(self, value: Operand, lanes: int) -> Operand:
        if lanes == 1 or isinstance(value.type, Vector):
            return value
        type = vec(value.type.element, lanes)
        one = self.emit(type, f"insertelement {type.text} poison, {value}, i64 0")
        return self.emit(type, f"shufflevector {one}, {type.text} poison, <{lanes} x i32> zeroinitializer")

    def extract(self, vector: Operand, index: Operand | int) -> Operand:
        if not isinstance(vector.type, Vector):
            return vector
        return self.emit(vector.type.element, f"extractelement {vector}, {self.operand(i64, index)}")

    def insert(self, vector: Operand, value: Operand | Number, index: Operand | int) -> Operand:
        element = self.operand(vector.type.element, value)
        if not isinstance(vector.type, Vector):
            return element
        return self.emit(vector.type, f"insertelement {vector}, {element}, {self.operand(i64, index)}")

    def shuffle(self, first: Operand, second: Operand, pattern: Sequence[int]) -> Operand:
        """Lanes of two vectors of one type, numbered on from the first to the second."""
        mask = ", ".join(f"i32 {p}" for p in pattern)
        return self.emit(
            vec(first.type.element, len(pattern)), f"shufflevector {first}, {second}, <{len(pattern)} x i32> <{mask}>"
        )

    def lane_numbers(self, type: Type) -> Operand:
        """0, 1, 2, ... in the lanes of `type`."""
        numbers = ", ".join(f"{type.element.text} {type.element.constant(i)}" for i in range(type.lanes))
        return Operand(self, type, f"<{numbers}>" if type.lanes > 1 else type.constant(0))

    def select(self, condition: Operand, yes: Operand | Number, no: Operand | Number) -> Operand:
        """`yes` where the condition holds, else `no`, lane by lane; scalars fill the widest of the three."""
        if isinstance(yes, Operand) and isinstance(no, Operand) and yes.type.lanes < no.type.lanes:
            type = no.type
        else:
            type = yes.type if isinstance(yes, Operand) else no.type  # type: ignore[union-attr]
        type = like(condition.type, type.element) if condition.type.lanes > type.lanes else type
        return self.emit(type, f"select {condition}, {self.operand(type, yes)}, {self.operand(type, no)}")

    def minimum(self, a: Operand, b: Operand | Number) -> Operand:
        return self.select(a < b, a, b)

    def maximum(self, a: Operand, b: Operand | Number) -> Operand:
        return self.select(a > b, a, b)

    def fma(self, a: Operand, b: Operand | Number, c: Operand | Number) -> Operand:
        """a * b + c, with one rounding where the machine has the instruction."""
        type = max((x.type for x in (a, b, c) if isinstance(x, Operand)), key=lambda t: t.lanes)
        return self.intrinsic("fmuladd", type, *(self.operand(type, x) for x in (a, b, c)))

    def sqrt(self, value: Operand) -> Operand:
        return self.intrinsic("sqrt", value.type, value)

    def absolute(self, value: Operand) -> Operand:
        return self.intrinsic("fabs", value.type, value) if value.type.floating else self.maximum(value, -value)

    def floor(self, value: Operand) -> Operand:
        return self.intrinsic("floor", value.type, value)

    def nearest(self, value: Operand) -> Operand:
        """The nearest integer as a float, ties to even."""
        return self.intrinsic("rint", value.type, value)

    def popcount(self, value: Operand) -> Operand:
        return self.intrinsic("ctpop", value.type, value)

    def any_lane(self, condition: Operand) -> Operand:
        """Whether some lane holds."""
        return self._reduced("or", condition) if isinstance(condition.type, Vector) else condition

    def mask_bits(self, condition: Operand) -> Operand:
        """The lanes of a condition as the low bits of an i64."""
        if not isinstance(condition.type, Vector):
            return condition.unsigned(i64)
        return condition.bits_as(Scalar(f"i{condition.type.lanes}", "", condition.type.lanes)).unsigned(i64)

    def sum_lanes(self, vector: Operand) -> Operand:
        """The sum of all lanes by halves: the order does not depend on the machine."""
        while vector.type.lanes > 2:
            half = vector.type.lanes // 2
            vector = self.shuffle(vector, vector, range(half)) + self.shuffle(vector, vector, range(half, 2 * half))
        return vector.lane(0) + vector.lane(1) if vector.type.lanes == 2 else vector

    def intrinsic(self, name: str, type: Type, *operands: Operand) -> Operand:
        """Call an LLVM intrinsic that is overloaded by its result's type alone."""
        full = f"@llvm.{name}.{type.suffix}"
        kinds = ", ".join(o.type.text for o in operands)
        self._declared[full] = f"declare {type.text} {full}({kinds})"
        return self.emit(type, f"call {type.text} {full}({', '.join(map(str, operands))})")

    def _reduced(self, word: str, vector: Operand) -> Operand:
        full = f"@llvm.vector.reduce.{word}.{vector.type.suffix}"
        element = vector.type.element
        self._declared[full] = f"declare {element.text} {full}({vector.type.text})"
        return self.emit(element, f"call {element.text} {full}({vector})")

    # Memory -----------------------------------------------------------------------------------------------------
    def address(self, element: Type, base: Operand, index: Operand | int) -> Operand:
        """Where element `index` (i64, in elements of `element`) of an array starts."""
        return self.emit(base.type, f"getelementptr {element.text}, {base}, {self.operand(i64, index)}")

    def load(self, type: Type, base: Operand, index: Operand | int = 0) -> Operand:
        """The element at `index`; for a vector type, the elements from `index` on, at any alignment."""
        place = self.address(type.element, base, index)
        return self.emit(type, f"load {type.text}, {place}, align {_align(type)}")

    def store(self, value: Operand, base: Operand, index: Operand | int = 0, streaming: bool = False) -> None:
        """Store one element or vector from `index` on; `streaming` goes past the cache (vectors must be aligned)."""
        place = self.address(value.type.element, base, index)
        if streaming:
            self._declared["!0"] = "!0 = !{i32 1}"
            self.line(f"store {value}, {place}, align {value.type.bits // 8}, !nontemporal !0")
        else:
            self.line(f"store {value}, {place}, align {_align(value.type)}")

    def gather(self, type: Vector, base: Operand, indices: Operand) -> Operand:
        """The elements at a vector of indices."""
        places = self.emit(
            Vector(base.type.element, type.lanes), f"getelementptr {type.element.text}, {base}, {indices}"
        )
        full = f"@llvm.masked.gather.{type.suffix}.v{type.lanes}p0"
        mask = Vector(i1, type.lanes)
        self._declared[full] = f"declare {type.text} {full}(<{type.lanes} x ptr>, i32, {mask.text}, {type.text})"
        args = f"{places}, i32 {_align(type)}, {mask.text} {mask.constant(1)}, {type.text} poison"
        return self.emit(type, f"call {type.text} {full}({args})")

    def prefetch(self, base: Operand, element: Type, index: Operand | int) -> None:
        place = self.address(element, base, index)
        self._declared["@llvm.prefetch.p0"] = "declare void @llvm.prefetch.p0(ptr, i32, i32, i32)"
        self.line(f"call void @llvm.prefetch.p0({place}, i32 0, i32 3, i32 1)")

    # Control ----------------------------------------------------------------------------------------------------
    @contextmanager
    def range(self, start: Operand | int, stop: Operand | int, step: Operand | int = 1) -> Iterator[Operand]:
        """Count an i64 up from `start` while it is below `stop`."""
        counter = Variable(self, i64, start)
        end, by = self.operand(i64, stop), self.operand(i64, step)
        head, body, leave = self.label("for"), self.label("body"), self.label("done")
        self.jump(head)
        self.place(head)
        index = counter.get()
        self.line(f"br {index < end}, label %{body}, label %{leave}")
        self.place(body)
        yield index
        counter.set(self.emit(i64, f"add nsw {index}, {by.name}"))
        self.jump(head)
        self.place(leave)

    @contextmanager
    def repeat(self) -> Iterator[Loop]:
        """Loop until a `stop_if` holds."""
        loop = Loop(self)
        yield loop
        loop.close()

    @contextmanager
    def when(self, condition: Operand) -> Iterator[Branch]:
        """Run where the condition, one i1, holds."""
        branch = Branch(self, condition)
        yield branch
        branch.close()

    # Text -------------------------------------------------------------------------------------------------------
    def emit(self, type: Type, instruction: str) -> Operand:
        self._count += 1
        name = f"%v{self._count}"
        self._lines.append(f"  {name} = {instruction}")
        return Operand(self, type, name)

    def unary(self, word: str, value: Operand) -> Operand:
        return self.emit(value.type, f"{word} {value}")

    def convert(self, word: str, value: Operand, type: Type) -> Operand:
        return self.emit(type, f"{word} {value} to {type.text}")

    def line(self, text: str) -> None:
        self._lines.append(f"  {text}")

    def slot(self, type: Type, count: int = 1) -> str:
        """A stack slot of `count` elements, which lives as long as the call."""
        self._count += 1
        self._slots.append(f"  %s{self._count} = alloca {type.text}, i32 {count}, align 64")
        return f"%s{self._count}"

    def scratch(self, type: Type, count: int) -> Operand:
        """A small array of the call's own, uninitialised."""
        return Operand(self, ptr, self.slot(type, count))

    def label(self, word: str) -> str:
        self._count += 1
        return f"{word}{self._count}"

    def place(self, label: str) -> None:
        self._lines.append(f"{label}:")

    def jump(self, label: str) -> None:
        self.line(f"br label %{label}")


def _align(type: Type) -> int:
    return max(type.element.bits // 8, 1)
