"""Straight-line code for one point: every monomial is written out, with its coefficient in the code.

Such code is as fast as it is short, so work is shared before it is written: the terms of a row that have a
variable in common are summed first and multiplied by it once, and products of two variables come from a table
that vectors fill beforehand, where that is cheap beside the terms. Rows go into functions of sixteen, because
compile time grows faster than the length of a block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.llvm import Function, Kernel, Scalar, aligned, compiled, lanes, ptr, vec
from qevo_compiler.evaluator.polynomials.packing import Packed

_ROWS = 16
# Partial sums of a row: additions that do not wait for one another.
_SUMS = 4


class StraightLine:
    """Writes the values [rows] at one point [variables], both contiguous arrays, into the second.

    Compiled, or fetched from the cache of objects, at the first call.
    """

    def __init__(self, parts: Sequence[Packed], rows: int, variables: int, element: Scalar) -> None:
        self._parts, self._rows, self._variables, self._element = tuple(parts), rows, variables, element
        self._width = -(-variables // 16) * 16
        self._tabled = tabled(parts, variables)
        kind = np.float32 if element.bits == 32 else np.float64
        self._scratch = aligned(self._width * (variables + 1) if self._tabled else 1, kind)
        self._address = self._scratch.ctypes.data

    def __call__(self, point: NDArray[Any], out: NDArray[Any]) -> None:
        self._compiled(point, out, self._address)

    def bound(self, point: NDArray[Any], out: NDArray[Any]) -> Callable[[], Any]:
        """The call for these arrays, which the caller keeps alive."""
        return self._compiled.bound(point, out, self._address)

    @cached_property
    def _compiled(self) -> Function:
        writer = _Writer(self._element, self._width if self._tabled else 0)
        return compiled(straight_kernel(self._parts, self._rows, self._variables, writer))


def tabled(parts: Sequence[Packed], variables: int) -> bool:
    """Whether a table of all products of two variables costs little beside the terms that read it."""
    readers = sum(len(part.factors) for part in parts if part.degree > 1)
    return variables * variables < 4 * readers


class _Writer:
    """Lines of one function: loads of variables and of table entries once, sums of products.

    `width` is the length of a row of the table of pairs behind the copy of the point; 0 where there is none.
    """

    def __init__(self, element: Scalar, width: int) -> None:
        self.element, self.width = element, width
        self.lines: list[str] = []
        self._loaded: dict[int, str] = {}

    def begin(self) -> None:
        self.lines, self._loaded = [], {}

    def variable(self, index: int) -> str:
        """The value of a variable, or of a table entry by its place."""
        if index not in self._loaded:
            self._loaded[index] = self._emit(f"load {self.element.text}, ptr {self._place('%x', index)}")
        return self._loaded[index]

    def product(self, factor: str, names: list[int]) -> tuple[str, str | None]:
        """The factor times all but the last of the values read, and that last one."""
        values = []
        while self.width and len(names) > 1:
            values.append(self.width * (names[0] + 1) + names[1])
            names = names[2:]
        values += names
        head = factor
        for index in values[:-1]:
            head = self._emit(f"fmul {self.element.text} {self.variable(index)}, {head}")
        return head, self.variable(values[-1]) if values else None

    def added(self, total: str | None, head: str, last: str | None) -> str:
        """total + head * last."""
        kind = self.element.text
        if last is None:
            return head if total is None else self._emit(f"fadd {kind} {total}, {head}")
        if total is None:
            return self._emit(f"fmul {kind} {last}, {head}")
        return self._emit(
            f"call {kind} @llvm.fmuladd.{self.element.suffix}({kind} {head}, {kind} {last}, {kind} {total})"
        )

    def store(self, value: str, row: int) -> None:
        self.lines.append(f"  store {self.element.text} {value}, ptr {self._place('%y', row)}")

    def _place(self, base: str, index: int) -> str:
        return self._emit(f"getelementptr {self.element.text}, ptr {base}, i64 {index}")

    def _emit(self, text: str) -> str:
        name = f"%t{len(self.lines)}"
        self.lines.append(f"  {name} = {text}")
        return name


def straight_kernel(parts: Sequence[Packed], rows: int, variables: int, writer: _Writer) -> Kernel:
    """polynomial_point(point, out, space), with one inner function for every sixteen rows."""
    element = writer.element
    kernel = StraightKernel("polynomial_point", element, point=ptr, out=ptr, space=ptr)
    if writer.width:
        _fill_table(kernel, element, variables, writer.width)
    source = "%space" if writer.width else "%point"
    groups = _Groups(parts, rows, variables)
    for first in range(0, rows, _ROWS):
        writer.begin()
        for row in range(first, min(first + _ROWS, rows)):
            writer.store(_row(writer, groups.of_row(row)), row)
        kernel.helper(f"rows_{first}", writer.lines)
        kernel.line(f"call void @rows_{first}(ptr {source}, ptr %out)")
    return kernel


class StraightKernel(Kernel):
    """A kernel with functions of its own, which is compiled as written: there is nothing to simplify."""

    optimised = False

    def __init__(self, name: str, element: Scalar, /, **parameters: Scalar) -> None:
        super().__init__(name, None, **parameters)
        kind = element.text
        self._helpers = [f"declare {kind} @llvm.fmuladd.{element.suffix}({kind}, {kind}, {kind})\n"]

    def helper(self, name: str, lines: Sequence[str]) -> None:
        body = "\n".join([*lines, "  ret void"])
        self._helpers.append(f"define internal void @{name}(ptr %x, ptr %y) nounwind noinline {{\n{body}\n}}\n")

    @property
    def text(self) -> str:
        """The module's LLVM text."""
        return "".join(self._helpers) + super().text


def _fill_table(kernel: Kernel, element: Scalar, variables: int, width: int) -> None:
    """space = the point, then row a of x_a x_b for b from a (rounded down to a whole vector) on."""
    wide = vec(element, min(lanes(element), 16))
    with kernel.range(0, variables) as i:
        kernel.store(kernel.load(element, kernel.point, i), kernel.space, i)
    with kernel.range(variables, width) as i:
        kernel.store(kernel.constant(element, 0.0), kernel.space, i)
    with kernel.range(0, variables) as a:
        x = kernel.splat(kernel.load(element, kernel.space, a), wide.lanes)
        with kernel.range(a // wide.lanes * wide.lanes, width, wide.lanes) as b:
            kernel.store(x * kernel.load(wide, kernel.space, b), kernel.space, (a + 1) * width + b)


Group = list[tuple[float, list[int]]]


class _Groups:
    """The terms of each row by a variable that they share, which is left out of them."""

    def __init__(self, parts: Sequence[Packed], rows: int, variables: int) -> None:
        self._parts = parts
        counts = np.zeros(rows * max(variables, 1), np.int64)
        self._keys = []
        for part in parts:
            owner = np.repeat(np.arange(rows), np.diff(part.starts))
            self._keys.append(owner[:, None] * variables + part.variables)
            counts += np.bincount(self._keys[-1].reshape(-1), minlength=len(counts))
        self._shared = [counts[keys].argmax(axis=1) if keys.shape[1] else None for keys in self._keys]
        self._often = [counts[keys].max(axis=1, initial=0) > 1 for keys in self._keys]

    def of_row(self, row: int) -> Iterator[tuple[int | None, Group]]:
        """The shared variable (None: nothing is shared) with coefficients and remaining variables."""
        groups: dict[int | None, Group] = {}
        for part, shared, often in zip(self._parts, self._shared, self._often, strict=True):
            here = slice(int(part.starts[row]), int(part.starts[row + 1]))
            slots = shared[here].tolist() if shared is not None else []
            terms = zip(part.factors[here].tolist(), part.variables[here].tolist(), strict=True)
            for position, (factor, names) in enumerate(terms):
                taken = names.pop(slots[position]) if part.degree > 2 and often[here][position] else None
                groups.setdefault(taken, []).append((factor, names))
        yield from groups.items()


def _row(writer: _Writer, groups: Iterator[tuple[int | None, Group]]) -> str:
    """The sum of a row; groups go to the partial sums in turn."""
    sums: list[str | None] = [None] * _SUMS
    turn = 0
    for shared, terms in groups:
        if shared is None or len(terms) == 1:
            for factor, names in terms:
                every = names if shared is None else sorted([*names, shared])
                head, last = writer.product(writer.element.constant(factor), every)
                sums[turn % _SUMS] = writer.added(sums[turn % _SUMS], head, last)
                turn += 1
            continue
        inner: str | None = None
        for factor, names in terms:
            inner = writer.added(inner, *writer.product(writer.element.constant(factor), names))
        sums[turn % _SUMS] = writer.added(sums[turn % _SUMS], inner or "", writer.variable(shared))
        turn += 1
    found = [part for part in sums if part is not None]
    total: str | None = None
    for part in found:
        total = writer.added(total, part, None)
    return total or writer.element.constant(0.0)
