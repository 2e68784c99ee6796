"""From (L, b) to a circuit: the plain entry of this folder."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from qevo_compiler.passes.qlsa.block_encoding import BlockEncoding
from qevo_compiler.passes.qlsa.dilation import dilation
from qevo_compiler.passes.qlsa.fragment import Floats, Fragment
from qevo_compiler.passes.qlsa.qsvt import Solver, solve
from qevo_compiler.passes.qlsa.sparse_access import as_dense, sparse_access
from qevo_compiler.passes.qlsa.sparse_state import sparse_vector


class Encoding(Enum):
    """How the matrix is put into a circuit."""

    DILATION = "dilation"
    SPARSE = "sparse"
    BALANCED = "balanced"


@dataclass(frozen=True)
class Prepared:
    """A block encoding, a preparer of the right-hand side on qubits 0..n-1 of its system, and that side's norm."""

    encoding: BlockEncoding
    preparation: Fragment
    norm: float


@dataclass(frozen=True)
class LinearSystem:
    """A solver for a system padded to 2^n unknowns, of which the first `unknowns` are the solution."""

    solver: Solver
    unknowns: int

    def solution(self, amplitudes: Floats) -> Floats:
        """The unknowns from the post-selected amplitudes [2^n] of the system qubits."""
        return np.asarray(amplitudes[: self.unknowns].real * self.solver.scale, np.float64)


def padded(matrix: Floats) -> Floats:
    """The matrix with ones of its own size on the diagonal up to 2^n rows: kappa does not change."""
    size = max(1 << (len(matrix) - 1).bit_length(), 2)
    result = np.eye(size) * np.linalg.norm(matrix, 2)
    result[: len(matrix), : len(matrix)] = matrix
    return result


def encode(matrix: Floats, encoding: Encoding = Encoding.DILATION) -> BlockEncoding:
    """A block encoding of a real matrix [2^n, 2^n] of the kind asked for."""
    if encoding is Encoding.DILATION:
        return dilation(matrix)
    return sparse_access(matrix, balanced=encoding is Encoding.BALANCED)


def linear_system_circuit(
    matrix: ArrayLike | sparse.sparray | sparse.spmatrix,
    rhs: ArrayLike,
    encoding: Encoding = Encoding.DILATION,
    tolerance: float = 0.01,
) -> LinearSystem:
    """The QSVT circuit whose post-selected amplitudes are proportional to the solution of L y = b.

    `matrix` is real [d, d], dense or sparse, `rhs` real [d]; both small: the dilation takes 128 rows, sparse
    access 64. `tolerance` bounds the relative error of every singular value's inverse, so the overlap with the
    solution is at least sqrt(1 - tolerance^2). Raises `ValueError` for shapes that do not fit, a singular matrix,
    zeros on the right, and alpha |L^-1| beyond `qsvt.KAPPA_LIMIT`.
    """
    made, inverse_norm = prepared_system(matrix, rhs, encoding)
    solver = solve(made.encoding, made.preparation, made.norm, inverse_norm, tolerance)
    return LinearSystem(solver, len(np.asarray(rhs)))


def prepared_system(
    matrix: ArrayLike | sparse.sparray | sparse.spmatrix, rhs: ArrayLike, encoding: Encoding
) -> tuple[Prepared, float]:
    """What `linear_system_circuit` solves, before anything of the length of the circuit is made, and |L^-1|."""
    dense, vector = as_dense(matrix), np.array(rhs, np.float64)
    if dense.ndim != 2 or dense.shape != (len(vector), len(vector)) or not len(vector):
        raise ValueError(f"a matrix {dense.shape} and a right-hand side {vector.shape} are no linear system")
    full = padded(dense)
    values = np.linalg.svd(full, compute_uv=False)
    if values[-1] <= values[0] * len(full) * np.finfo(float).eps:
        raise ValueError("the matrix is singular")
    encoded = encode(full, encoding)
    target = np.zeros(len(full))
    target[: len(vector)] = vector
    preparation = sparse_vector(target, range(encoded.system)).fragment
    return Prepared(encoded, preparation, float(np.linalg.norm(vector))), 1 / float(values[-1])
