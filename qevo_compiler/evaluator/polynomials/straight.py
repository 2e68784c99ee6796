"""Straight-line code for one point: every monomial is written out, with its coefficient in the code.

Rows go into functions of sixteen, because compile time grows faster than the length of a block. No loop, no index
is left: it pays where rows are short, and as long as the code stays in the cache (about 50 bytes a monomial).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from numpy.typing import NDArray

from qevo_compiler.evaluator.llvm import Function, Kernel, Scalar, compiled, ptr
from qevo_compiler.evaluator.polynomials.packing import Packed

_ROWS = 16
# Partial sums of a row: additions that do not wait for one another.
_SUMS = 4


class StraightLine:
    """Writes the values [rows] at one point [variables], both contiguous arrays or addresses, into the second.

    Compiled, or fetched from the cache of objects, at the first call.
    """

    def __init__(self, parts: Sequence[Packed], rows: int, element: Scalar) -> None:
        self._parts, self._rows, self._element = tuple(parts), rows, element
        self._function: Function | None = None

    def __call__(self, point: NDArray[Any] | int, out: NDArray[Any]) -> None:
        if self._function is None:
            self._function = compiled(straight_kernel(self._parts, self._rows, self._element))
        self._function(point, out)


def straight_kernel(parts: Sequence[Packed], rows: int, element: Scalar) -> Kernel:
    """polynomial_point(point, out), with one inner function for every sixteen rows."""
    kernel = StraightKernel("polynomial_point", point=ptr, out=ptr)
    for first in range(0, rows, _ROWS):
        name = f"rows_{first}"
        body = "\n".join(_function_lines(parts, range(first, min(first + _ROWS, rows)), element))
        kernel.helpers.append(f"define internal void @{name}(ptr %x, ptr %y) nounwind noinline {{\n{body}\n}}\n")
        kernel.line(f"call void @{name}(ptr %point, ptr %out)")
    return kernel


class StraightKernel(Kernel):
    """A kernel with functions of its own, which is compiled as written: there is nothing to simplify."""

    optimised = False

    def __init__(self, name: str, /, **parameters: Scalar) -> None:
        super().__init__(name, None, **parameters)
        self.helpers: list[str] = []

    @property
    def text(self) -> str:
        """The module's LLVM text."""
        kind = "float" if any(" float " in text for text in self.helpers[:1]) else "double"
        declared = f"declare {kind} @llvm.fmuladd.{'f32' if kind == 'float' else 'f64'}({kind}, {kind}, {kind})\n"
        return "".join(self.helpers) + declared + super().text


def _function_lines(parts: Sequence[Packed], rows: range, element: Scalar) -> Iterator[str]:
    number = 0

    def fresh() -> str:
        nonlocal number
        number += 1
        return f"%t{number}"

    loaded: dict[int, str] = {}
    kind, fused = element.text, f"@llvm.fmuladd.{element.suffix}"
    for row in rows:
        sums = [element.constant(0.0)] * _SUMS
        for slot, (factor, names) in enumerate(_terms(parts, row)):
            head = element.constant(factor)
            values = []
            for variable in names:
                if variable not in loaded:
                    place = fresh()
                    loaded[variable] = fresh()
                    yield f"  {place} = getelementptr {kind}, ptr %x, i64 {variable}"
                    yield f"  {loaded[variable]} = load {kind}, ptr {place}"
                values.append(loaded[variable])
            for value in values[:-1]:
                product = fresh()
                yield f"  {product} = fmul {kind} {value}, {head}"
                head = product
            total, at = fresh(), slot % _SUMS
            if values:
                yield f"  {total} = call {kind} {fused}({kind} {head}, {kind} {values[-1]}, {kind} {sums[at]})"
            else:
                yield f"  {total} = fadd {kind} {head}, {sums[at]}"
            sums[at] = total
        while len(sums) > 1:
            left, right, sums = sums[0], sums[1], sums[2:]
            total = fresh()
            yield f"  {total} = fadd {kind} {left}, {right}"
            sums.append(total)
        place = fresh()
        yield f"  {place} = getelementptr {kind}, ptr %y, i64 {row}"
        yield f"  store {kind} {sums[0]}, ptr {place}"
    yield "  ret void"


def _terms(parts: Sequence[Packed], row: int) -> Iterator[tuple[float, list[int]]]:
    for part in parts:
        start, stop = part.starts[row], part.starts[row + 1]
        yield from zip(part.factors[start:stop].tolist(), part.variables[start:stop].tolist(), strict=True)
