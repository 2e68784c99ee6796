"""Rows of the lifted matrix: row a holds the coefficients of f(u)^a, cut off above degree N.

Row a is row (a - e_i) times f_i, for i the last variable of a (`carleman.md` 1.5); the compiled kernel of
`evaluator.power_rows` makes all rows in one call.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from qevo_compiler.analyses.carleman.monomials import Floats, FullBasis, Ints
from qevo_compiler.dialects.poly import Polynomials
from qevo_compiler.evaluator.power_rows import MonomialTree, power_rows
from qevo_compiler.evaluator.sparse import Rows, reached, rescale, rows_of
from qevo_compiler.evaluator.sparse import restrict as restrict_rows

Csr = sparse.csr_array[np.float64]


def assemble(step: Polynomials, basis: FullBasis) -> Csr:
    """The truncated lift [D, D] of one step in the plain monomial basis.

    Column numbers rise inside a row and no stored value is zero. Cost: one multiplication for every pair of
    an entry of a parent row and a term of its factor that stays within the order.
    """
    tree = MonomialTree(basis.order, basis.parent, basis.last, basis.degrees, basis.successors)
    return _matrix(power_rows(step, tree), (basis.size, basis.size))


def restrict(matrix: Csr, kept: NDArray[np.integer]) -> Csr:
    """The rows and columns `kept` (rising) of a square `matrix`, whose arrays are used up."""
    part = restrict_rows(_rows(matrix), kept)
    return _matrix(part, (len(kept), len(kept)))


def reachable(patterns: list[Csr], seeds: NDArray[np.integer]) -> Ints:
    """The positions reached from `seeds` through nonzero entries (row to column) of any of the matrices, rising."""
    return reached([_rows(matrix) for matrix in patterns], seeds)


def weigh(matrix: Csr, weights: Floats) -> None:
    """Replace a matrix by W M W^-1 for the diagonal W of `weights`."""
    rows = _rows(matrix)
    rescale(rows, weights)
    matrix.data = rows.values


def weighted(matrix: Csr, weights: Floats) -> Csr:
    """W M W^-1 for the diagonal W of `weights`; it shares the places of the entries with `matrix`."""
    result: Csr = sparse.csr_array((matrix.data.copy(), matrix.indices, matrix.indptr), shape=matrix.shape)
    weigh(result, weights)
    return result


def _rows(matrix: Csr) -> Rows:
    return rows_of(matrix.indptr, matrix.indices, matrix.data)


def _matrix(rows: Rows, shape: tuple[int, int]) -> Csr:
    # Starts of 64 bits would make scipy copy the columns into 64 bits.
    small = len(rows.columns) <= np.iinfo(np.int32).max
    starts = rows.starts.astype(np.int32) if small else rows.starts
    return sparse.csr_array((rows.values, rows.columns, starts), shape=shape)
