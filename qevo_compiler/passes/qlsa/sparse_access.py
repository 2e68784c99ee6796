"""Block encodings from the positions and values of the non-zeros, for small systems.

U = U_rows^dagger SWAP U_columns (A. Gilyen, Y. Su, G. H. Low, N. Wiebe, STOC 2019, lemma 48):

    U_columns |0>|j> = sum over i of A_ij / (max|A| sqrt(s_col)) |i>|j> + waste
    U_rows    |0>|i> = sum over non-zero j of 1 / sqrt(s_row) |j>|i> + waste
    alpha = sqrt(s_row s_col) max |A_ij|

The two index oracles and the value oracle are one multiplexed tree of rotations each, O(4^n) gates for 2^n
rows: exact, without arithmetic, and without use of structure. `balanced` takes the square roots of the absolute
values on either side in place of the oracles: alpha = sqrt(max column sum x max row sum) of |A|, never larger.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from qevo_compiler.dialects.gate import Gate
from qevo_compiler.passes.qlsa.block_encoding import BlockEncoding
from qevo_compiler.passes.qlsa.dense_state import angle_tree, tree
from qevo_compiler.passes.qlsa.fragment import Floats, Fragment, gates, join, tidy

LIMIT = 64


def as_dense(matrix: ArrayLike | sparse.sparray | sparse.spmatrix) -> Floats:
    """A dense copy of real numbers."""
    return np.array(matrix.toarray() if sparse.issparse(matrix) else matrix, np.float64)


def sparse_access(matrix: ArrayLike | sparse.sparray | sparse.spmatrix, balanced: bool = False) -> BlockEncoding:
    """A block encoding of a real matrix [2^n, 2^n] with n + 2 ancillas.

    Raises `ValueError` for a shape that is no power of two, more than `LIMIT` rows, or a matrix of zeros.
    """
    dense = as_dense(matrix)
    size = len(dense)
    if dense.shape != (size, size) or size & (size - 1) or not 2 <= size <= LIMIT or not dense.any():
        raise ValueError(f"sparse access takes a non-zero square matrix of 2^n rows, 2 to {LIMIT}")
    columns, rows, alpha = _balanced(dense) if balanced else _oracles(dense)
    n = size.bit_length() - 1
    copy, system = list(range(2, n + 2)), list(range(n + 2, 2 * n + 2))
    parts = [
        _states(columns, 0, copy, system),
        gates(Gate.SWAP, copy, system),
        _states(rows, 1, copy, system).inverse,
    ]
    return BlockEncoding(tidy(join(parts)), n + 2, n, alpha)


def _oracles(dense: Floats) -> tuple[Floats, Floats, float]:
    """Row j of the first: what column j prepares; row i of the second: what row i prepares; alpha."""
    found = dense != 0
    top, s_row, s_col = np.abs(dense).max(), found.sum(axis=1).max(), found.sum(axis=0).max()
    return dense.T / (top * np.sqrt(s_col)), found / np.sqrt(s_row), float(top * np.sqrt(s_row * s_col))


def _balanced(dense: Floats) -> tuple[Floats, Floats, float]:
    roots = np.sqrt(np.abs(dense))
    column, row = (roots**2).sum(axis=0).max(), (roots**2).sum(axis=1).max()
    return (np.sign(dense) * roots).T / np.sqrt(column), roots / np.sqrt(row), float(np.sqrt(column * row))


def _states(wanted: Floats, flag: int, copy: list[int], system: list[int]) -> Fragment:
    """|0>_flag |0>_copy |k> to |0>_flag wanted[k] |k> plus |1>_flag |0> |k> for what is missing to norm one."""
    return tree(flagged_levels(wanted), [flag, *copy], system)


def flagged_levels(wanted: Floats) -> list[Floats]:
    """The angle tree of rows of norm at most one, completed by weight on the flag qubit's |1>|0...0>."""
    missing = np.sqrt(np.clip(1 - (wanted**2).sum(axis=1), 0.0, None))
    waste = np.zeros_like(wanted)
    waste[:, 0] = missing
    return angle_tree(np.concatenate([wanted, waste], axis=1))
