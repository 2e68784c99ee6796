"""The same lift by `scipy.sparse.kron` in the full tensor basis, and its history by a block-bidiagonal solve."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import spsolve_triangular

from benchmarks.carleman.loads import Load


def kron_lift(load: Load) -> sparse.csr_array:
    """[n + n^2 + .. + n^N] squared: block (k, m) is the sum of F_{j_1} ⊗ .. ⊗ F_{j_k} over j_1 + .. + j_k = m."""
    parts, order = load.parts(), load.order
    rows = [[*parts, *[None] * order][:order]]
    for _ in range(1, order):
        below, now = rows[-1], []
        for m in range(1, order + 1):
            terms = [
                sparse.kron(part, below[m - j - 1], format="csr")
                for j, part in enumerate(parts, 1)
                if m > j and below[m - j - 1] is not None
            ]
            now.append(sum(terms[1:], terms[0]) if terms else None)
        rows.append(now)
    return sparse.csr_array(sparse.block_array(rows, format="csr"))


def lifted_vector(load: Load) -> np.ndarray:
    """u, u⊗u, .. of the start."""
    powers = [load.start]
    for _ in range(1, load.order):
        powers.append(np.kron(powers[-1], load.start))
    return np.concatenate(powers)


def history(matrix: sparse.csr_array, initial: np.ndarray, steps: int) -> np.ndarray:
    """[steps + 1, D] from (I - S ⊗ M) y = e_0 ⊗ y_0 by forward substitution in scipy."""
    shift = sparse.eye_array(steps + 1, k=-1, format="csr")
    system = sparse.eye_array((steps + 1) * len(initial), format="csr") - sparse.kron(shift, matrix, format="csr")
    right = np.zeros((steps + 1) * len(initial))
    right[: len(initial)] = initial
    return spsolve_triangular(sparse.csr_array(system), right, lower=True).reshape(steps + 1, -1)
