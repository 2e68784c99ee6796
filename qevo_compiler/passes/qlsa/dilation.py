"""Exact block encodings from the singular values: the reference that others are checked against.

A = W S V^T, and U = (I x W) R (I x V^T) where R turns one ancilla by 2 acos(s_k / alpha) in state k. W and V^T
are written as gates by the quantum Shannon decomposition, so this is for small matrices.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from qevo_compiler.dialects.gate import Gate
from qevo_compiler.passes.qlsa.block_encoding import BlockEncoding
from qevo_compiler.passes.qlsa.dense_state import Complexes
from qevo_compiler.passes.qlsa.fragment import Floats, join, tidy
from qevo_compiler.passes.qlsa.multiplexer import multiplexed
from qevo_compiler.passes.qlsa.shannon import unitary_circuit

LIMIT = 128


def dilation(matrix: ArrayLike, alpha: float | None = None) -> BlockEncoding:
    """A block encoding with one ancilla of a matrix [2^n, 2^n], alpha = its 2-norm unless given larger.

    Raises `ValueError` for a shape that is no power of two, for more than `LIMIT` rows, and for an alpha below
    the norm.
    """
    dense = np.asarray(matrix, np.complex128)
    size = len(dense)
    if dense.shape != (size, size) or size & (size - 1) or not 1 <= size <= LIMIT:
        raise ValueError(f"a dilation takes a square matrix of 2^n rows, at most {LIMIT}; this one is {dense.shape}")
    left, values, right = _fixed(*np.linalg.svd(dense))
    norm = float(values[0]) or 1.0
    scale = norm if alpha is None else alpha
    if scale < norm * (1 - 1e-12):
        raise ValueError(f"alpha {scale!r} is below the norm {norm!r}")
    system = list(range(1, size.bit_length()))
    angles = 2 * np.arccos(np.clip(values / scale, 0.0, 1.0))
    parts = [
        unitary_circuit(right, system),
        multiplexed(Gate.RY, system, 0, angles),
        unitary_circuit(left, system),
    ]
    return BlockEncoding(tidy(join(parts)), 1, len(system), scale)


def _fixed(left: Complexes, values: Floats, right: Complexes) -> tuple[Complexes, Floats, Complexes]:
    """The singular vectors with the phases that make the largest entry of each on the left positive.

    LAPACK leaves them open; the first entry within a thousandth of the largest decides.
    """
    sizes = np.abs(left)
    rows = np.argmax(sizes >= 0.999 * sizes.max(axis=0), axis=0)
    pivots = left[rows, np.arange(len(values))]
    phases = pivots / np.abs(pivots)
    return left / phases, values, right * phases[:, None]
