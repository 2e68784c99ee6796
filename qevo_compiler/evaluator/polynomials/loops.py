"""Kernels that run through packed monomials with the points side by side in vectors.

A tile holds the points of a few vectors: tile[variable][point]. Monomials of one degree are flat arrays: the
byte offsets of their variables in a tile, their coefficients, and where each row starts. The loop over tiles is
outside, so that one tile stays in the first-level cache while all monomials pass by.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from qevo_compiler.evaluator.llvm import Kernel, Operand, Scalar, Type, i8, i32, i64, ptr, vec
from qevo_compiler.evaluator.llvm.control import Variable


@dataclass(frozen=True)
class Shape:
    """What a kernel is generated for: element type, lanes of a vector, vectors in a tile, degrees that occur."""

    element: Scalar
    lanes: int
    vectors: int
    degrees: tuple[int, ...]

    @property
    def type(self) -> Type:
        return vec(self.element, self.lanes)

    @property
    def points(self) -> int:
        """How many points fill a tile."""
        return self.lanes * self.vectors

    @property
    def unrolled(self) -> int:
        """Monomials in flight: four sums at least run side by side to hide the latency of an addition."""
        return max(4 // self.vectors, 1)


Places = list[Operand]
Term = Callable[[int, Operand, Places], None]


@cache
def value_kernel(shape: Shape) -> Kernel:
    """values(n, rows, first, stop, stride, points, out, tile, [starts, offsets, factors] of each degree).

    out[row * stride + p] for the points first <= p < stop, a multiple of the tile, of points[variable * stride + p].
    """
    kernel = _kernel("polynomial_values", shape, "points", "out", "tile")
    with kernel.range(kernel.first, kernel.stop, shape.points) as column:
        _copy_in(kernel, shape, kernel.points, kernel.tile, column)
        with kernel.range(0, kernel.rows) as row:
            sums = [[kernel.variable(shape.type, 0.0) for _ in range(shape.vectors)] for _ in range(shape.unrolled)]

            def add(slot: int, factor: Operand, places: Places, sums: list[list[Variable]] = sums) -> None:
                for v in range(shape.vectors):
                    head, last = _product(kernel, shape, places, v, factor)
                    total = sums[slot][v]
                    total.set(total.get() + head if last is None else kernel.fma(head, last, total.get()))

            for degree in shape.degrees:
                _monomials(kernel, shape, degree, row, kernel.tile, add)
            for v in range(shape.vectors):
                _store(kernel, shape, _total([part[v] for part in sums]), kernel.out, row, column, v)
    return kernel


@cache
def forward_kernel(shape: Shape) -> Kernel:
    """forward(..., points, directions, out, tangents, tile, tile2, ...): values and Jacobian times direction."""
    kernel = _kernel("polynomial_forward", shape, "points", "directions", "out", "tangents", "tile", "tile2")
    with kernel.range(kernel.first, kernel.stop, shape.points) as column:
        _copy_in(kernel, shape, kernel.points, kernel.tile, column)
        _copy_in(kernel, shape, kernel.directions, kernel.tile2, column)
        with kernel.range(0, kernel.rows) as row:
            sums = [kernel.variable(shape.type, 0.0) for _ in range(shape.vectors)]
            slopes = [kernel.variable(shape.type, 0.0) for _ in range(shape.vectors)]

            def add(
                _: int, factor: Operand, places: Places, sums: list[Variable] = sums, slopes: list[Variable] = slopes
            ) -> None:
                for v in range(shape.vectors):
                    value, slope = _dual_product(kernel, shape, places, v, factor)
                    sums[v].add(value)
                    if slope is not None:
                        slopes[v].add(slope)

            for degree in shape.degrees:
                _monomials(kernel, shape, degree, row, None, add, unrolled=1)
            for v in range(shape.vectors):
                _store(kernel, shape, sums[v].get(), kernel.out, row, column, v)
                _store(kernel, shape, slopes[v].get(), kernel.tangents, row, column, v)
    return kernel


@cache
def reverse_kernel(shape: Shape) -> Kernel:
    """reverse(..., points, weights, out, gradients, tile, tile2, ...): values and row weights times Jacobian."""
    kernel = _kernel("polynomial_reverse", shape, "points", "weights", "out", "gradients", "tile", "tile2")
    zero = kernel.constant(shape.type, 0.0)
    with kernel.range(kernel.first, kernel.stop, shape.points) as column:
        _copy_in(kernel, shape, kernel.points, kernel.tile, column)
        with kernel.range(0, kernel.n * shape.vectors) as i:
            kernel.store(zero, kernel.tile2, i * shape.lanes)
        with kernel.range(0, kernel.rows) as row:
            sums = [kernel.variable(shape.type, 0.0) for _ in range(shape.vectors)]
            start = row * kernel.stride + column
            weights = [kernel.load(shape.type, kernel.weights, start + v * shape.lanes) for v in range(shape.vectors)]

            def add(
                _: int, factor: Operand, places: Places, sums: list[Variable] = sums, weights: list[Operand] = weights
            ) -> None:
                for v in range(shape.vectors):
                    sums[v].add(_spread_gradient(kernel, shape, places, v, factor, weights[v]))

            for degree in shape.degrees:
                _monomials(kernel, shape, degree, row, None, add, unrolled=1)
            for v in range(shape.vectors):
                _store(kernel, shape, sums[v].get(), kernel.out, row, column, v)
        with kernel.range(0, kernel.n) as variable:
            for v in range(shape.vectors):
                found = kernel.load(shape.type, kernel.tile2, variable * shape.points + v * shape.lanes)
                _store(kernel, shape, found, kernel.gradients, variable, column, v)
    return kernel


def _kernel(name: str, shape: Shape, *arrays: str) -> Kernel:
    sizes: dict[str, Scalar] = dict.fromkeys(("n", "rows", "first", "stop", "stride"), i64)
    terms = [f"{word}{degree}" for degree in shape.degrees for word in ("starts", "offsets", "factors")]
    return Kernel(name, **sizes, **dict.fromkeys([*arrays, *terms], ptr))


def _copy_in(kernel: Kernel, shape: Shape, source: Operand, tile: Operand, column: Operand) -> None:
    """Copy the points from `column` on into the tile."""
    with kernel.range(0, kernel.n) as variable:
        start = variable * kernel.stride + column
        for v in range(shape.vectors):
            here = kernel.load(shape.type, source, start + v * shape.lanes)
            kernel.store(here, tile, variable * shape.points + v * shape.lanes)


def _store(
    kernel: Kernel, shape: Shape, value: Operand, array: Operand, row: Operand, column: Operand, vector: int
) -> None:
    kernel.store(value, array, row * kernel.stride + column + vector * shape.lanes)


def _monomials(
    kernel: Kernel, shape: Shape, degree: int, row: Operand, base: Operand | None, add: Term, unrolled: int = 0
) -> None:
    """Call `add(slot, coefficient, places)` for every monomial of one degree in `row`.

    Places are addresses in the tile `base`, or byte offsets where it is None.
    """
    starts, offsets, factors = (getattr(kernel, f"{word}{degree}") for word in ("starts", "offsets", "factors"))
    start, stop = kernel.load(i64, starts, row), kernel.load(i64, starts, row + 1)

    def one(slot: int, position: Operand) -> None:
        first = position * degree
        bytes_ = [kernel.load(i32, offsets, first + k).unsigned(i64) for k in range(degree)]
        places = bytes_ if base is None else [kernel.address(i8, base, b) for b in bytes_]
        add(slot, kernel.load(shape.element, factors, position), places)

    count = unrolled or shape.unrolled
    body = start + (stop - start) // count * count if count > 1 else stop
    with kernel.range(start, body, count) as position:
        for slot in range(count):
            one(slot, position + slot)
    if count > 1:
        with kernel.range(body, stop, 1) as position:
            one(0, position)


def _product(
    kernel: Kernel, shape: Shape, places: Places, vector: int, factor: Operand
) -> tuple[Operand, Operand | None]:
    """The coefficient times all variables but the last, and the last."""
    values = [kernel.load(shape.type, place, vector * shape.lanes) for place in places]
    head = kernel.splat(factor, shape.lanes)
    for value in values[:-1]:
        head = value * head
    return head, values[-1] if values else None


def _dual_product(
    kernel: Kernel, shape: Shape, offsets: Places, vector: int, factor: Operand
) -> tuple[Operand, Operand | None]:
    """The monomial and its derivative along the direction."""
    value, slope = kernel.splat(factor, shape.lanes), None
    for offset in offsets:
        x = kernel.load(shape.type, kernel.address(i8, kernel.tile, offset), vector * shape.lanes)
        dx = kernel.load(shape.type, kernel.address(i8, kernel.tile2, offset), vector * shape.lanes)
        slope = value * dx if slope is None else kernel.fma(slope, x, value * dx)
        value = value * x
    return value, slope


def _spread_gradient(
    kernel: Kernel, shape: Shape, offsets: Places, vector: int, factor: Operand, weight: Operand
) -> Operand:
    """Add the monomial's derivatives times the weight to the second tile; gives the monomial."""
    at = vector * shape.lanes
    values = [kernel.load(shape.type, kernel.address(i8, kernel.tile, o), at) for o in offsets]
    before = [kernel.splat(factor, shape.lanes)]
    for x in values:
        before.append(before[-1] * x)
    after = weight
    for k in reversed(range(len(offsets))):
        place = kernel.address(i8, kernel.tile2, offsets[k])
        kernel.store(kernel.fma(before[k], after, kernel.load(shape.type, place, at)), place, at)
        after = after * values[k]
    return before[-1]


def _total(parts: list[Variable]) -> Operand:
    sums = [part.get() for part in parts]
    while len(sums) > 1:
        sums = [a + b for a, b in zip(sums[::2], sums[1::2], strict=True)]
    return sums[0]
