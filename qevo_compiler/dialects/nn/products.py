"""Matrix products whose bits do not depend on the number of threads.

BLAS splits large products among threads and then sums in another order. Here every call is on tiles
below the size from which OpenBLAS uses threads (m n k <= 2^18), and tiles are summed in a fixed order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TILE = 64
SMALL = 4096  # multiplications of one product; below it neither matrix nor vector products use threads


def matmul(x: Floats, y: Floats) -> Floats:
    """x @ y for x [..., n, k] and y [..., k, m] with equal leading axes. Cost: about that of one thread of BLAS."""
    n, k, m = *x.shape[-2:], y.shape[-1]
    if n * k * m <= SMALL:
        return np.asarray(x @ y)
    if x.ndim > 2:
        parts = zip(x.reshape(-1, n, k), y.reshape(-1, k, m), strict=True)
        return np.stack([_product(a, b) for a, b in parts]).reshape(*x.shape[:-1], m)
    return _product(x, y)


def _product(x: Floats, y: Floats) -> Floats:
    left, right = _tiles(x), _tiles(y)
    total: Floats = left[:, 0][:, None] @ right[0][None]
    for block in range(1, len(right)):
        total += left[:, block][:, None] @ right[block][None]
    rows, columns, height, width = total.shape
    whole = total.transpose(0, 2, 1, 3).reshape(rows * height, columns * width)
    return whole[: x.shape[0], : y.shape[1]]


def _tiles(matrix: Floats) -> Floats:
    """The matrix cut into [rows, columns] of tiles, padded with zeros."""
    height, width = (min(TILE, length) for length in matrix.shape)
    rows, columns = -(-matrix.shape[0] // height), -(-matrix.shape[1] // width)
    padded = np.zeros((rows * height, columns * width))
    padded[: matrix.shape[0], : matrix.shape[1]] = matrix
    return np.ascontiguousarray(padded.reshape(rows, height, columns, width).transpose(0, 2, 1, 3))
