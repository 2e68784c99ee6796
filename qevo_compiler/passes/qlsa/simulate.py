"""State vectors of fragments by numpy: checks of small circuits, and simulated read-out.

The state is an array of 2^n complex numbers, qubit 0 the most significant bit; O(gates 2^n).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.gate import Gate
from qevo_compiler.passes.qlsa.dense_state import Complexes
from qevo_compiler.passes.qlsa.fragment import Floats, Fragment

_KINDS = tuple(Gate)


def apply(fragment: Fragment, state: NDArray[np.complex128]) -> Complexes:
    """The states [2^n, ...] after the fragment; further axes are further states."""
    width = int(state.shape[0]).bit_length() - 1
    result = np.array(state, np.complex128).reshape(1 << width, -1)
    halves = fragment.angles / 2
    cosines, sines = np.cos(halves), np.sin(halves)
    rows = zip(fragment.opcodes.tolist(), fragment.qubits.tolist(), cosines.tolist(), sines.tolist(), strict=True)
    for code, (first, second), cosine, sine in rows:
        _apply_one(_KINDS[code], result, width, first, second, cosine, sine)
    return np.asarray(result.reshape(state.shape) * np.exp(1j * fragment.phase), np.complex128)


def _apply_one(kind: Gate, state: Complexes, width: int, first: int, second: int, c: float, s: float) -> None:
    if second < 0:
        low, high = _halves(state, width, first)
        _turn(kind, low, high, c, s)
        return
    quarters = _quarters(state, width, first, second)
    if kind is Gate.SWAP:
        _turn(Gate.X, quarters[1], quarters[2], c, s)
        return
    base = {Gate.CX: Gate.X, Gate.CZ: Gate.CZ, Gate.CRY: Gate.RY, Gate.CRZ: Gate.RZ}[kind]
    _turn(base, quarters[2], quarters[3], c, s)


def _halves(state: Complexes, width: int, qubit: int) -> tuple[Complexes, Complexes]:
    split = state.reshape(1 << qubit, 2, 1 << (width - qubit - 1), -1)
    return split[:, 0], split[:, 1]


def _quarters(state: Complexes, width: int, first: int, second: int) -> tuple[Complexes, ...]:
    """Views of the amplitudes where (first, second) read 00, 01, 10, 11."""
    a, b = min(first, second), max(first, second)
    split = state.reshape(1 << a, 2, 1 << (b - a - 1), 2, 1 << (width - b - 1), -1)
    flat = (split[:, 0, :, 0], split[:, 0, :, 1], split[:, 1, :, 0], split[:, 1, :, 1])
    return flat if first < second else (flat[0], flat[2], flat[1], flat[3])


def _turn(kind: Gate, low: Complexes, high: Complexes, c: float, s: float) -> None:
    match kind:
        case Gate.X:
            held = low.copy()
            low[...] = high
            high[...] = held
        case Gate.CZ:
            high *= -1
        case Gate.RZ:
            low *= complex(c, -s)
            high *= complex(c, s)
        case _:
            a, b = (c, s) if kind is Gate.RY else (0.5**0.5, 0.5**0.5)
            held = low.copy()
            low *= a
            low -= b * high if kind is Gate.RY else -b * high
            high *= a if kind is Gate.RY else -a
            high += b * held


def state_of(fragment: Fragment, qubit_count: int) -> Complexes:
    """The state [2^n] that the fragment makes of |0...0>."""
    start = np.zeros(1 << qubit_count, np.complex128)
    start[0] = 1.0
    return apply(fragment, start)


def matrix_of(fragment: Fragment, qubit_count: int) -> Complexes:
    """The unitary [2^n, 2^n]."""
    return apply(fragment, np.eye(1 << qubit_count, dtype=np.complex128))


def probabilities(state: Complexes) -> Floats:
    """Probabilities [2^n] of the basis states."""
    return np.asarray(np.abs(state) ** 2, np.float64)
