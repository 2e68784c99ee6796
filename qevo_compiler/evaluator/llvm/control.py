"""Mutable variables and open branches and loops of a kernel that is being written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qevo_compiler.evaluator.llvm.operand import Operand
from qevo_compiler.evaluator.llvm.types import Number, Type

if TYPE_CHECKING:
    from qevo_compiler.evaluator.llvm.builder import Kernel


class Variable:
    """A mutable scalar or vector of a kernel."""

    def __init__(self, kernel: Kernel, type: Type, start: Operand | Number | None) -> None:
        self._kernel = kernel
        self._type = type
        self._slot = kernel.slot(type)
        if start is not None:
            self.set(start)

    def get(self) -> Operand:
        return self._kernel.emit(self._type, f"load {self._type.text}, ptr {self._slot}")

    def set(self, value: Operand | Number) -> None:
        self._kernel.line(f"store {self._kernel.operand(self._type, value)}, ptr {self._slot}")

    def add(self, value: Operand | Number) -> None:
        self.set(self.get() + value)


class Branch:
    """An open `when`; `otherwise` starts the part that runs where the condition is false."""

    def __init__(self, kernel: Kernel, condition: Operand) -> None:
        self._kernel = kernel
        self._other, self._end = kernel.label("else"), kernel.label("end")
        self._split = False
        then = kernel.label("then")
        kernel.line(f"br {condition}, label %{then}, label %{self._other}")
        kernel.place(then)

    def otherwise(self) -> None:
        self._kernel.jump(self._end)
        self._kernel.place(self._other)
        self._split = True

    def close(self) -> None:
        if not self._split:
            self.otherwise()
        self._kernel.jump(self._end)
        self._kernel.place(self._end)


class Loop:
    """An open `repeat`, which is left where a condition holds."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._head, self._exit = kernel.label("head"), kernel.label("exit")
        kernel.jump(self._head)
        kernel.place(self._head)

    def stop_if(self, condition: Operand) -> None:
        self._leave(condition, self._exit)

    def close(self) -> None:
        self._kernel.jump(self._head)
        self._kernel.place(self._exit)

    def _leave(self, condition: Operand, label: str) -> None:
        go_on = self._kernel.label("on")
        self._kernel.line(f"br {condition}, label %{label}, label %{go_on}")
        self._kernel.place(go_on)
