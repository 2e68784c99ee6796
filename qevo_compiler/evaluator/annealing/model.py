"""The spin model as the annealing kernels want it: sparse rows, a dense matrix, and the unit of its energies.

E = offset + sum_i h_i s_i + sum_{i<j} J_ij s_i s_j over spins of -1 and +1, as everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qevo_compiler.dialects import ising
from qevo_compiler.evaluator.llvm import aligned

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Indices = NDArray[np.int32]

# Sums of integers stay exact in 32-bit floats below this.
_EXACT = 1 << 24
_SMALL = 127
_LEAST_SQUARED = 1e-100
_CHUNK = 1 << 19


@dataclass(frozen=True)
class Rows:
    """Sparse rows: entries `starts[i] .. starts[i + 1]` of row i are `values` at `columns`."""

    starts: Indices
    columns: Indices
    values: Singles


@dataclass(frozen=True)
class SpinModel:
    """Fields [n] and couplings [m] between `rows < columns`, sorted by row, then column, each pair once."""

    offset: float
    fields: Floats
    rows: Indices
    columns: Indices
    couplings: Floats

    @staticmethod
    def of(model: ising.ModelOp) -> SpinModel:
        """The model of the IR, without a copy where the types agree."""
        return SpinModel(
            float(model.offset),
            np.asarray(model.fields.values, np.float64),
            np.asarray(model.rows.values, np.int32),
            np.asarray(model.columns.values, np.int32),
            np.asarray(model.couplings.values, np.float64),
        )

    @staticmethod
    def from_pairs(
        fields: ArrayLike, rows: ArrayLike, columns: ArrayLike, couplings: ArrayLike, offset: float = 0.0
    ) -> SpinModel:
        """From pairs in any order and direction, each once. Raises `ValueError` for a pair of a spin with itself."""
        h = np.ascontiguousarray(fields, np.float64)
        i, j, values = (np.asarray(a) for a in (rows, columns, couplings))
        if (i == j).any():
            raise ValueError("a spin is not coupled with itself")
        low, high = np.minimum(i, j).astype(np.int64), np.maximum(i, j).astype(np.int64)
        keys = low * max(len(h), 1) + high
        if (np.diff(keys) <= 0).any():
            order = np.argsort(keys, kind="stable")
            low, high, values = low[order], high[order], values[order]
        return SpinModel(
            float(offset), h, low.astype(np.int32), high.astype(np.int32), np.ascontiguousarray(values, np.float64)
        )

    @property
    def size(self) -> int:
        return len(self.fields)

    @property
    def density(self) -> float:
        """Couplings as a part of all pairs."""
        return 2 * len(self.couplings) / max(self.size * (self.size - 1), 1)

    @cached_property
    def unit(self) -> float:
        """All fields and couplings are integers times this, where `integral`; else the largest of them."""
        return unit_of(self._values)

    @cached_property
    def integral(self) -> bool:
        """Whether every local field is an integer times `unit` that 32-bit floats hold exactly."""
        return are_integers(self._values, self.unit) and float(self.field_bounds.max(initial=0.0)) < (
            _EXACT * self.unit
        )

    @property
    def small(self) -> bool:
        """Whether the couplings, in units, are integers of one byte."""
        return self.integral and float(np.abs(self.couplings).max(initial=0.0)) <= _SMALL * self.unit

    @cached_property
    def field_bounds(self) -> Floats:
        """|h_i| + sum_j |J_ij|: the largest local field of every spin."""
        strengths = np.abs(self.couplings)
        both = np.bincount(self.rows, strengths, self.size) + np.bincount(self.columns, strengths, self.size)
        return np.asarray(np.abs(self.fields) + both, np.float64)

    @property
    def _values(self) -> Floats:
        return np.concatenate([self.fields, self.couplings])

    @cached_property
    def upper(self) -> Rows:
        """The couplings as given, in units: every pair once."""
        starts = np.searchsorted(self.rows, np.arange(self.size + 1)).astype(np.int32)
        return Rows(starts, self.columns, (self.couplings / self.unit).astype(np.float32))

    @cached_property
    def symmetric(self) -> Rows:
        """Both directions of every coupling, in units, columns ascending. Cost: one sort of the columns."""
        n, m = self.size, len(self.couplings)
        below = np.bincount(self.columns, minlength=n)
        above = np.bincount(self.rows, minlength=n)
        starts = np.zeros(n + 1, np.int64)
        np.cumsum(below + above, out=starts[1:])
        order = np.argsort(self.columns, kind="stable")
        values = (self.couplings / self.unit).astype(np.float32)
        columns, strengths = np.empty(2 * m, np.int32), np.empty(2 * m, np.float32)
        # Row i starts with its lower neighbours; entry k of all lower ones in order stands k - (those before row i).
        at = np.arange(m) - np.repeat(np.cumsum(below) - below, below) + np.repeat(starts[:-1], below)
        columns[at], strengths[at] = self.rows[order], values[order]
        at = np.arange(m) - np.repeat(np.cumsum(above) - above, above) + np.repeat(starts[:-1] + below, above)
        columns[at], strengths[at] = self.columns, values
        return Rows(starts.astype(np.int32), columns, strengths)

    @cached_property
    def dense(self) -> DenseSpins:
        """The couplings as a matrix in units: bytes where `small`, else 32-bit floats."""
        matrix = aligned((self.size, self.size), np.int8 if self.small else np.float32)
        matrix[:] = 0
        values = self.couplings / self.unit
        matrix[self.rows, self.columns] = values
        matrix[self.columns, self.rows] = values
        return DenseSpins(self.offset, self.unit_fields, matrix, self.unit, self.integral)

    @cached_property
    def unit_fields(self) -> Singles:
        return (self.fields / self.unit).astype(np.float32)

    @cached_property
    def field_spreads(self) -> Floats:
        """The root mean square of every spin's local field over random states."""
        # Squares beyond the range of floats are taken in units.
        unit = 1.0 if _LEAST_SQUARED < self.unit < 1 / _LEAST_SQUARED else self.unit
        squares = (self.couplings / unit) ** 2
        both = np.bincount(self.rows, squares, self.size) + np.bincount(self.columns, squares, self.size)
        return np.asarray(np.sqrt((self.fields / unit) ** 2 + both) * unit, np.float64)


@dataclass(frozen=True)
class DenseSpins:
    """E = offset + unit (sum_i h_i s_i + 1/2 sum_ij J_ij s_i s_j): `fields` [n], symmetric `matrix` [n, n] in units.

    The matrix holds bytes or 32-bit floats, has a diagonal of 0 and is used as it lies: no copy is made.
    `integral`: the numbers are integers, and local fields stay below 2^24.
    """

    offset: float
    fields: Singles
    matrix: NDArray[np.float32] | NDArray[np.int8]
    unit: float = 1.0
    integral: bool = False

    @staticmethod
    def of_matrix(matrix: NDArray[np.float32], fields: ArrayLike | None = None, offset: float = 0.0) -> DenseSpins:
        """A model of a symmetric 32-bit float matrix, which is kept and not copied.

        Raises `ValueError` for another type, a matrix that is not square and contiguous, or a diagonal that is not 0.
        """
        square = matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1] and matrix.flags.c_contiguous
        if matrix.dtype != np.float32 or not square or np.diagonal(matrix).any():
            raise ValueError("the matrix must be square, C-contiguous, of 32-bit floats, with 0 on its diagonal")
        h = np.zeros(len(matrix), np.float32) if fields is None else np.asarray(fields, np.float32)
        return DenseSpins(offset, h, matrix)

    @property
    def size(self) -> int:
        return len(self.fields)

    @cached_property
    def field_bounds(self) -> Floats:
        """|h_i| + sum_j |J_ij|, not in units."""
        return self._of_rows(lambda row: np.abs(row).sum(axis=1)) + np.abs(self.fields) * self.unit

    @cached_property
    def field_spreads(self) -> Floats:
        """The root mean square of every spin's local field over random states, not in units."""
        squares = self._of_rows(lambda rows: (rows**2).sum(axis=1)) * self.unit
        return np.asarray(np.sqrt(squares + (self.fields * self.unit) ** 2), np.float64)

    def _of_rows(self, measure: Callable[[Floats], Floats]) -> Floats:
        """A measure of the rows, a few megabytes at a time."""
        step = max(1, _CHUNK // max(self.size, 1))
        parts = [measure(self.matrix[i : i + step].astype(np.float64)) for i in range(0, self.size, step)]
        return np.concatenate([np.zeros(0), *parts]) * self.unit


def unit_of(values: Floats) -> float:
    """A number of which all `values` are multiples by integers below 2^24, if 1 or one like the least of them is.

    Else the largest of them, so that values in units stay within the range of 32-bit floats.
    """
    strengths = np.abs(values[values != 0])
    if not len(strengths):
        return 1.0
    smallest, largest = float(strengths.min()), float(strengths.max())
    for unit in (1.0, smallest, smallest / 2):
        if largest < _EXACT * unit and are_integers(strengths, unit):
            return unit
    return largest


def are_integers(values: Floats, unit: float) -> bool:
    """Whether all `values` are integers in that unit."""
    scaled = values / unit
    return bool((scaled == np.rint(scaled)).all())
