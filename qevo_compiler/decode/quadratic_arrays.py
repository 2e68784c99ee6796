"""The emitted quadratic model as arrays: coordinates, compressed rows, a matrix, a dimod object.

Coordinates and compressed rows are the program's own memory, read-only; nothing is copied.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects import ising
from qevo_compiler.dialects.poly import Vartype
from qevo_compiler.targets.dwave.bqm import to_dimod

if TYPE_CHECKING:
    import dimod

Floats = NDArray[np.float64]
Integers = NDArray[np.integer]


@dataclass(frozen=True)
class QuadraticArrays:
    """E(v) = offset + sum linear_i v_i + sum values_k v_rows_k v_columns_k over spins (-1, +1) or bits (0, 1).

    Pairs ascend by row, then by column, with row < column, and none comes twice. E is `scale` times the energy of the
    problem.
    """

    op: ising.ModelOp | ising.QuboOp

    @property
    def vartype(self) -> Vartype:
        return Vartype.SPIN if isinstance(self.op, ising.ModelOp) else Vartype.BINARY

    @property
    def size(self) -> int:
        """The number n of variables."""
        return self.op.size

    @property
    def offset(self) -> float:
        return self.op.offset

    @property
    def scale(self) -> float:
        return self.op.scale if isinstance(self.op, ising.ModelOp) else 1.0

    @property
    def linear(self) -> Floats:
        """[n]: fields, or linear coefficients."""
        return self.op.fields.values if isinstance(self.op, ising.ModelOp) else self.op.linear.values

    def coo(self) -> tuple[Integers, Integers, Floats]:
        """Rows, columns and values [m] of the pairs."""
        return self.op.rows.values, self.op.columns.values, self._values

    def csr(self) -> tuple[Integers, Integers, Floats]:
        """Starts [n + 1], columns [m] and values [m]: row i has the pairs from starts[i] up to starts[i + 1].

        `scipy.sparse.csr_array((values, columns, starts), shape=(n, n))` takes them as they are.
        """
        rows, columns, values = self.coo()
        return np.searchsorted(rows, np.arange(self.size + 1)), columns, values

    def dense(self) -> Floats:
        """A new upper triangular matrix [n, n] with 0 on its diagonal."""
        rows, columns, values = self.coo()
        matrix = np.zeros((self.size, self.size))
        matrix[rows, columns] = values
        return matrix

    def to_dimod(self) -> dimod.BinaryQuadraticModel:
        """A dimod model with variables 0 .. n-1, by its fastest route. Raises `CompileError` without dimod."""
        return to_dimod(self.op)

    @property
    def _values(self) -> Floats:
        return self.op.couplings.values if isinstance(self.op, ising.ModelOp) else self.op.quadratic.values
