"""Preparing any state of a small register: a tree of multiplexed ry, and rz for complex phases.

2^n - 2 cx for real amplitudes, twice that and no more for complex ones: M. Moettoenen et al.,
"Transformation of quantum states using uniformly controlled rotations" (2005).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qevo_compiler.dialects.gate import Gate
from qevo_compiler.passes.qlsa.fragment import Floats, Fragment, join
from qevo_compiler.passes.qlsa.multiplexer import diagonal, multiplexed

Complexes = NDArray[np.complex128]


def normalized(amplitudes: ArrayLike) -> Complexes:
    """A copy of norm one; raises `ValueError` for a vector of zeros or with values that are not finite."""
    vector = np.array(amplitudes, np.complex128)
    scale = np.abs(vector).max(initial=0.0)
    if not np.isfinite(scale) or scale == 0.0:
        raise ValueError("a state needs finite amplitudes that are not all zero")
    vector /= scale
    return np.asarray(vector / np.linalg.norm(vector), np.complex128)


def angle_tree(values: Floats) -> list[Floats]:
    """Angles of the ry tree over leaves [..., 2^n]: level k has [..., 2^k]; signs of leaves are kept."""
    levels, weights = [], values
    while weights.shape[-1] > 1:
        low, high = weights[..., 0::2], weights[..., 1::2]
        levels.append(2 * np.arctan2(high, low))
        weights = np.hypot(low, high)
    return levels[::-1]


def tree(levels: Sequence[Floats], qubits: Sequence[int], selectors: Sequence[int] = ()) -> Fragment:
    """The rotations of an angle tree on `qubits`; leading axes of the levels follow the selectors."""
    parts = []
    for k, angles in enumerate(levels):
        parts.append(multiplexed(Gate.RY, [*selectors, *qubits[:k]], qubits[k], angles.reshape(-1)))
    return join(parts)


def dense_state(amplitudes: ArrayLike, qubits: Sequence[int]) -> Fragment:
    """|0> to the normalised amplitudes [2^n]; exact with its phase."""
    vector = normalized(amplitudes)
    if len(vector) != 1 << len(qubits):
        raise ValueError(f"{len(vector)} amplitudes for {len(qubits)} qubits")
    if not vector.imag.any():
        return tree(angle_tree(vector.real.copy()), qubits) if qubits else _sign(vector)
    turned = diagonal(qubits, np.where(vector == 0, 0.0, np.angle(vector)))
    return join([tree(angle_tree(np.abs(vector)), qubits), turned])


def _sign(vector: Complexes) -> Fragment:
    return diagonal((), np.angle(vector))
