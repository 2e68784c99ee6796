"""The gates' unitaries as `dialects.gate` defines them; the first qubit of a pair is the more significant bit."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.gate import Gate

Matrix = NDArray[np.complex128]


def matrix_of(gate: Gate, first: float = 0.0, second: float = 0.0) -> Matrix:
    """The unitary [2, 2] or [4, 4] of a gate with its angles in radians."""
    if not gate.angles:
        return _fixed(gate)
    c, s = math.cos(first / 2), math.sin(first / 2)
    minus, plus = complex(c, -s), complex(c, s)
    match gate:
        case Gate.RX:
            return np.array([[c, -1j * s], [-1j * s, c]])
        case Gate.RY:
            return np.array([[c, -s], [s, c]], np.complex128)
        case Gate.RZ:
            return np.diag([minus, plus])
        case Gate.PHASED_X:
            turn = complex(math.cos(second), math.sin(second))
            return np.array([[c, -1j * s * turn.conjugate()], [-1j * s * turn, c]])
        case Gate.RZZ:
            return np.diag([minus, plus, plus, minus])
        case Gate.CRY:
            return _controlled(np.array([[c, -s], [s, c]], np.complex128))
        case Gate.CRZ:
            return _controlled(np.diag([minus, plus]))
    raise ValueError(f"no matrix of {gate.name}")


@cache
def _fixed(gate: Gate) -> Matrix:
    root, half = math.sqrt(0.5), 0.5 + 0.5j
    x = np.array([[0, 1], [1, 0]], np.complex128)
    match gate:
        case Gate.H:
            return np.array([[root, root], [root, -root]], np.complex128)
        case Gate.X:
            return x
        case Gate.SX:
            return np.array([[half, half.conjugate()], [half.conjugate(), half]])
        case Gate.CX:
            return _controlled(x)
        case Gate.CZ:
            return np.diag([1, 1, 1, -1]).astype(np.complex128)
        case Gate.SWAP:
            return _exchange(0.0, 1.0, 1.0)
        case Gate.SQRT_ISWAP:
            return _exchange(root, 1j * root, 1.0)
        case Gate.SYC:
            return _exchange(0.0, -1j, complex(math.cos(math.pi / 6), -math.sin(math.pi / 6)))
    raise ValueError(f"{gate.name} needs angles")


def _controlled(matrix: Matrix) -> Matrix:
    whole = np.eye(4, dtype=np.complex128)
    whole[2:, 2:] = matrix
    return whole


def _exchange(stay: complex, move: complex, both: complex) -> Matrix:
    """|00> stays, |01> and |10> mix, |11> takes a phase."""
    whole = np.zeros((4, 4), np.complex128)
    whole[0, 0], whole[3, 3] = 1.0, both
    whole[1, 1] = whole[2, 2] = stay
    whole[1, 2] = whole[2, 1] = move
    return whole
