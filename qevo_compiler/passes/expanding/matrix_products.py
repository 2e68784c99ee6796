"""Products of matrices of which at least one holds decision variables, batch by batch.

Rows of an expansion are the elements of its tensor in C order. `afford` is told the number of terms before they are
made, and raises where they are too many.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.poly import expansion
from qevo_compiler.dialects.poly.algebra import Algebra
from qevo_compiler.dialects.poly.expansion import Expansion
from qevo_compiler.dialects.poly.polynomials import Floats

Afford = Callable[[int], None]


def times_matrix(x: Expansion, y: Floats, n: int, afford: Afford) -> Expansion:
    """Every term of x[b, i, k] goes to the rows (b, i, j) with y[b, k, j] != 0."""
    batch, k, m = y.shape
    starts, columns, weights = _nonzeros(y.reshape(batch * k, m))
    row = np.arange(x.rows)
    keys = row // (n * k) * k + row % k
    afford(int(np.diff(starts)[keys] @ x.counts()))
    return expansion.spread(x, keys, (starts, weights), lambda r, e: r // k * m + columns[e], batch * n * m)


def matrix_times(x: Floats, y: Expansion, m: int, afford: Afford) -> Expansion:
    """Every term of y[b, k, j] goes to the rows (b, i, j) with x[b, i, k] != 0."""
    batch, n, k = x.shape
    starts, targets, weights = _nonzeros(x.transpose(0, 2, 1).reshape(batch * k, n))
    keys = np.arange(y.rows) // m
    afford(int(np.diff(starts)[keys] @ y.counts()))

    def target(row: NDArray[np.integer], entry: NDArray[np.integer]) -> NDArray[np.integer]:
        return np.asarray((row // (k * m) * n + targets[entry]) * m + row % m)

    return expansion.spread(y, keys, (starts, weights), target, batch * n * m)


def product_of_both(
    x: Expansion, y: Expansion, size: tuple[int, int, int], algebra: Algebra, afford: Afford
) -> Expansion:
    """x[b, i, k] y[b, k, j] summed over k; `size` is (n, k, m)."""
    n, k, m = size
    batch = x.rows // max(n * k, 1)
    left = x.counts().reshape(batch, n, k).sum(axis=1)
    right = y.counts().reshape(batch, k, m).sum(axis=2)
    afford(int((left * right).sum()))
    rows = np.arange(batch * n * m * k)
    inner, rest = rows % k, rows // k
    column, outer = rest % m, rest // m
    factors = algebra.take(x, outer * k + inner), algebra.take(y, (outer // n * k + inner) * m + column)
    return expansion.regroup(algebra.multiply(*factors), rest, batch * n * m, whole=True)


def _nonzeros(matrix: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """The nonzeros row by row: where each row starts, columns, values."""
    rows, columns = np.nonzero(matrix)
    starts = np.zeros(len(matrix) + 1, np.int64)
    np.cumsum(np.bincount(rows, minlength=len(matrix)), out=starts[1:])
    return starts, columns, matrix[rows, columns]
