"""A family of polynomials ready to be evaluated at one point or many, with derivatives.

Points stand in the rows of an array ([..., variables], as everywhere in the package) or, for `columns`, in its
columns ([variables, points]), which is what the kernels read. One point is evaluated by straight-line code where
that was built and pays (`straight.py`), else by the packed loop. Sums of a row are made in an order that depends
on the number of points only through the size of a tile: values of two calls agree to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qevo_compiler.dialects.poly import Polynomials
from qevo_compiler.evaluator.llvm import Kernel, aligned, compiled, f32, f64, lanes, run_chunks, thread_count
from qevo_compiler.evaluator.polynomials.cost import straight_pays, vectors_of_tile
from qevo_compiler.evaluator.polynomials.loops import Shape, forward_kernel, reverse_kernel, value_kernel
from qevo_compiler.evaluator.polynomials.packing import packed
from qevo_compiler.evaluator.polynomials.straight import StraightLine

Array = NDArray[Any]
# Monomials times points below which starting threads costs more than it saves.
_THREADED = 20_000_000


class PointLoop:
    """The packed loop for one point, with everything but the point and the result looked up once."""

    def __init__(self, shape: Shape, variables: int, rows: int, tables: Sequence[Array]) -> None:
        kind = np.float32 if shape.element.bits == 32 else np.float64
        self._kernel = compiled(value_kernel(shape))
        self._kept = [aligned(max(variables, 1), kind), *tables]
        self._sizes = variables, rows, 0, 1, 1
        self._addresses = [array.ctypes.data for array in self._kept]

    def __call__(self, point: Array, out: Array) -> None:
        self._kernel(*self._sizes, point, out, *self._addresses)

    def bound(self, point: Array, out: Array) -> Callable[[], Any]:
        """The call for these arrays, which the caller keeps alive."""
        return self._kernel.bound(*self._sizes, point, out, *self._addresses)


class PolynomialMap:
    """`polynomials` over `variables` numbered variables, computed in `dtype` (float64 or float32).

    `threads` None uses all cores for large batches only. `calls` is how many single points are expected: where
    that pays, straight-line code is compiled for them at the first (`straight` True or False decides instead).
    Single points share scratch memory: one thread at a time.
    """

    def __init__(
        self,
        polynomials: Polynomials,
        variables: int,
        dtype: type[np.floating[Any]] = np.float64,
        threads: int | None = None,
        straight: bool | None = None,
        calls: int = 0,
    ) -> None:
        self.rows, self.variables, self.dtype = polynomials.rows, variables, np.dtype(dtype)
        self.parts = packed(polynomials, dtype)
        if any(int(part.variables.max(initial=-1)) >= variables for part in self.parts):
            raise ValueError(f"a polynomial has a variable beyond the {variables} given")
        self.monomials = len(polynomials)
        self._element = f32 if self.dtype == np.float32 else f64
        self._threads = threads
        self._tables: dict[int, list[Array]] = {}
        wanted = straight_pays(self.rows, self.monomials, calls) if straight is None else straight
        self._straight = StraightLine(self.parts, self.rows, variables, self._element) if wanted else None

    def values(self, points: ArrayLike) -> Array:
        """Values [..., rows] at points [..., variables]."""
        given = np.asarray(points, self.dtype)
        if given.ndim == 1:
            out = np.empty(self.rows, self.dtype)
            point = np.ascontiguousarray(self._checked(given, self.variables))
            (self._straight or self._loop)(point, out)
            return out
        return self._pointwise(self.columns(self._columns(given, self.variables)), given)

    def columns(self, points: ArrayLike) -> Array:
        """Values [rows, points] at points [variables, points]: no transposition."""
        given = self._checked(np.ascontiguousarray(points, self.dtype), self.variables)
        return self._run(value_kernel, [given], [self.rows], 4)[0]

    def forward(self, points: ArrayLike, directions: ArrayLike) -> tuple[Array, Array]:
        """Values and Jacobian times direction, both [..., rows], for points and directions [..., variables]."""
        given, along = np.asarray(points, self.dtype), np.asarray(directions, self.dtype)
        inputs = [self._columns(given, self.variables), self._columns(along, self.variables)]
        values, tangents = self._run(forward_kernel, inputs, [self.rows, self.rows], 2)
        return self._pointwise(values, given), self._pointwise(tangents, given)

    def reverse(self, points: ArrayLike, weights: ArrayLike) -> tuple[Array, Array]:
        """Values [..., rows] and the weights [..., rows] times the Jacobian, [..., variables]."""
        given, above = np.asarray(points, self.dtype), np.asarray(weights, self.dtype)
        inputs = [self._columns(given, self.variables), self._columns(above, self.rows)]
        values, gradients = self._run(reverse_kernel, inputs, [self.rows, self.variables], 2)
        return self._pointwise(values, given), self._pointwise(gradients, given)

    def gradient(self, points: ArrayLike) -> tuple[Array, Array]:
        """Value [...] and gradient [..., variables] of a single polynomial. Raises `ValueError` for more rows."""
        if self.rows != 1:
            raise ValueError(f"{self.rows} polynomials have a Jacobian, not a gradient")
        given = np.asarray(points, self.dtype)
        values, gradients = self.reverse(given, np.ones((*given.shape[:-1], 1), self.dtype))
        return values[..., 0], gradients

    def bound(self, point: Array, out: Array) -> Callable[[], None]:
        """A function without arguments that writes the values [rows] at `point` [variables] into `out`.

        Both arrays are contiguous, of the map's type, and kept: change `point` in place and call again. This is
        the way with the least overhead (about a microsecond less than `values`) for inner loops.
        """
        for array, size in ((point, self.variables), (out, self.rows)):
            if array.shape != (size,) or array.dtype != self.dtype or not array.flags.c_contiguous:
                raise ValueError(f"a contiguous array of {size} {self.dtype} is wanted")
        run = self._straight.bound(point, out) if self._straight else self._loop.bound(point, out)

        def call(keep: tuple[object, ...] = (self, point, out)) -> None:
            run()

        return call

    @cached_property
    def _loop(self) -> PointLoop:
        return PointLoop(self._shape(1, 1), self.variables, self.rows, self._packed_for(1))

    def _columns(self, points: Array, width: int) -> Array:
        if points.shape[-1:] != (width,):
            raise ValueError(f"points of {width} numbers are wanted, not {points.shape[-1:]}")
        return np.ascontiguousarray(points.reshape(math.prod(points.shape[:-1]), width).T)

    def _checked(self, columns: Array, width: int) -> Array:
        if columns.shape[:1] != (width,):
            raise ValueError(f"points of {width} numbers are wanted, not {columns.shape[:1]}")
        return columns

    def _pointwise(self, columns: Array, points: Array) -> Array:
        return np.ascontiguousarray(columns.T).reshape(*points.shape[:-1], len(columns))

    def _run(
        self, generate: Callable[[Shape], Kernel], inputs: Sequence[Array], sizes: Sequence[int], most: int
    ) -> list[Array]:
        """Run a kernel over all points: whole tiles from the arrays themselves, the rest from padded copies."""
        count = inputs[0].shape[1]
        outputs = [np.empty((size, count), self.dtype) for size in sizes]
        shape = self._shape(count, most)
        kernel = compiled(generate(shape))
        whole = count // shape.points * shape.points
        run_chunks(lambda c: self._call(kernel, shape, c, inputs, outputs), self._chunks(whole, shape.points))
        if whole < count:
            padded = [np.zeros((len(array), shape.points), self.dtype) for array in inputs]
            for array, source in zip(padded, inputs, strict=True):
                array[:, : count - whole] = source[:, whole:]
            results = [np.empty((size, shape.points), self.dtype) for size in sizes]
            self._call(kernel, shape, (0, shape.points), padded, results)
            for output, result in zip(outputs, results, strict=True):
                output[:, whole:] = result[:, : count - whole]
        return outputs

    def _shape(self, count: int, most: int) -> Shape:
        degrees = tuple(part.degree for part in self.parts)
        if count == 1:
            return Shape(self._element, 1, 1, degrees)
        width = lanes(self._element)
        return Shape(self._element, width, vectors_of_tile(count, width, most), degrees)

    def _chunks(self, whole: int, tile: int) -> list[tuple[int, int]]:
        """Ranges of points, whole tiles each, one a thread."""
        threads = self._threads
        if threads is None:
            threads = thread_count() if self.monomials * whole >= _THREADED else 1
        tiles = whole // tile
        bounds = [tiles * i // threads * tile for i in range(threads + 1)]
        return [(a, b) for a, b in pairwise(bounds) if a < b]

    def _call(
        self, kernel: Any, shape: Shape, part: tuple[int, int], inputs: Sequence[Array], outputs: Sequence[Array]
    ) -> None:
        stride = inputs[0].shape[1]
        tiles = [aligned((max(self.variables, 1), shape.points), self.dtype) for _ in range(max(len(inputs), 1))]
        arrays = [*inputs, *outputs, *tiles, *self._packed_for(shape.points)]
        kernel(self.variables, self.rows, *part, stride, *arrays)

    def _packed_for(self, points: int) -> list[Array]:
        found = self._tables.get(points)
        if found is None:
            found = [a for part in self.parts for a in (part.starts, part.offsets(points), part.factors)]
            self._tables[points] = found
        return found
