"""Any unitary of a few qubits as gates: the quantum Shannon decomposition.

V. Shende, S. Bullock, I. Markov, "Synthesis of quantum logic circuits" (IEEE TCAD 25, 1000, 2006), down to
one qubit and without their two optimisations: 3/4 4^n - 3/2 2^n cx for n qubits. Dense algebra, O(8^n) time: for
at most some 7 qubits. Angles come from LAPACK and may differ in their last bits between machines.
"""

from __future__ import annotations

import cmath
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.linalg import cossin, schur

from qevo_compiler.dialects.gate import Gate
from qevo_compiler.passes.qlsa.dense_state import Complexes
from qevo_compiler.passes.qlsa.fragment import Floats, Fragment, gate, join, phase
from qevo_compiler.passes.qlsa.multiplexer import multiplexed


def unitary_circuit(matrix: Complexes, qubits: Sequence[int]) -> Fragment:
    """The unitary [2^n, 2^n] on the qubits, with its phase; raises `ValueError` when it is not unitary."""
    unitary = np.asarray(matrix, np.complex128)
    size = 1 << len(qubits)
    if unitary.shape != (size, size) or np.abs(unitary.conj().T @ unitary - np.eye(size)).max(initial=0) > 1e-9:
        raise ValueError(f"no unitary matrix of {len(qubits)} qubits")
    return _decompose(unitary, list(qubits))


def _decompose(unitary: Complexes, qubits: list[int]) -> Fragment:
    if not qubits:
        return phase(cmath.phase(complex(unitary[0, 0])))
    if len(qubits) == 1:
        return _one_qubit(unitary, qubits[0])
    half = len(unitary) // 2
    blocks: Any = cossin(unitary, p=half, q=half, separate=True)
    (u1, u2), theta, (v1, v2) = blocks
    # One phase a column is open, the same in all four blocks.
    turns = _pivot_phases(u1)
    u1, u2, v1, v2 = u1 / turns, u2 / turns, turns[:, None] * v1, turns[:, None] * v2
    before = _demultiplex(v1, v2, qubits)
    after = _demultiplex(u1, u2, qubits)
    return join([before, multiplexed(Gate.RY, qubits[1:], qubits[0], 2 * theta), after])


def _demultiplex(low: Complexes, high: Complexes, qubits: list[int]) -> Fragment:
    """diag(low, high) selected by the first qubit: (I x V) (D + D*) (I x W) with low = V D W, high = V D* W."""
    if np.abs(low - high).max() < 1e-14:
        return _decompose(low, qubits[1:])
    triangle, basis = schur(low @ high.conj().T, output="complex")
    angles: Floats = _angle(np.diag(triangle)) / 2
    # The order of eigenvalues and the phases of their vectors differ between machines.
    order = np.argsort(np.round(angles, 9), kind="stable")
    angles, basis = angles[order], basis[:, order]
    basis = basis / _pivot_phases(basis)
    right = np.exp(1j * angles)[:, None] * (basis.conj().T @ high)
    # rz by -2 angle is exp(i angle) where the selecting qubit is 0.
    middle = multiplexed(Gate.RZ, qubits[1:], qubits[0], -2 * angles)
    return join([_decompose(right, qubits[1:]), middle, _decompose(basis, qubits[1:])])


def _pivot_phases(columns: Complexes) -> Complexes:
    """The phase of each column's first entry within a thousandth of its largest."""
    sizes = np.abs(columns)
    rows = np.argmax(sizes >= 0.999 * sizes.max(axis=0), axis=0)
    pivots = columns[rows, np.arange(columns.shape[1])]
    return np.asarray(pivots / np.abs(pivots), np.complex128)


def _one_qubit(unitary: Complexes, qubit: int) -> Fragment:
    """rz, ry, rz and a phase."""
    root = _root(complex(unitary[0, 0] * unitary[1, 1] - unitary[0, 1] * unitary[1, 0]))
    special = unitary / root
    turn = 2 * np.arctan2(abs(special[1, 0]), abs(special[0, 0]))
    total = _angle(special[1, 1]) if abs(special[1, 1]) > 1e-12 else 0.0
    difference = _angle(special[1, 0]) if abs(special[1, 0]) > 1e-12 else 0.0
    return join(
        [
            gate(Gate.RZ, qubit, angle=float(total - difference)),
            gate(Gate.RY, qubit, angle=float(turn)),
            gate(Gate.RZ, qubit, angle=float(total + difference)),
            phase(cmath.phase(root)),
        ]
    )


def _angle(values: Complexes) -> Floats:
    """Angles in (-pi, pi]; a rounding error below the negative axis counts as on it, whatever the machine."""
    return np.asarray(np.arctan2(np.round(values.imag, 13) + 0.0, values.real), np.float64)


def _root(determinant: complex) -> complex:
    """The square root, with the same care."""
    return cmath.sqrt(complex(determinant.real, round(determinant.imag, 13) + 0.0))
