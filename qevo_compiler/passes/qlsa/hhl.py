"""The linear solver of Harrow, Hassidim and Lloyd (PRL 103, 150502, 2009): a reference for tiny systems.

Phase estimation of exp(2 pi i tau H) on the Hermitian dilation H = [[0, A], [A^T, 0]] / |A|, a rotation by the
inverse of what the clock reads, and everything turned back. The powers of the exponential are dense matrices
written as gates, so the cost says nothing about larger systems.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from qevo_compiler.dialects.gate import Gate
from qevo_compiler.passes.qlsa.dense_state import Complexes
from qevo_compiler.passes.qlsa.fragment import Floats, Fragment, gate, gates, join, phase, tidy
from qevo_compiler.passes.qlsa.multiplexer import multiplexed
from qevo_compiler.passes.qlsa.qsvt import Solver
from qevo_compiler.passes.qlsa.shannon import unitary_circuit
from qevo_compiler.passes.qlsa.sparse_access import as_dense
from qevo_compiler.passes.qlsa.sparse_state import sparse_vector

LIMIT = 8


def inverse_fourier(register: Sequence[int]) -> Fragment:
    """|j>~ to |j>: the inverse of the quantum Fourier transform, without a reversal of qubits' order in it."""
    n, parts = len(register), []
    for k in range(n // 2):
        parts.append(gate(Gate.SWAP, register[k], register[n - 1 - k]))
    for k in reversed(range(n)):
        for other in reversed(range(k + 1, n)):
            parts.append(_controlled_phase(register[other], register[k], -math.tau / 2 ** (other - k + 1)))
        parts.append(gate(Gate.H, register[k]))
    return join(parts)


def _controlled_phase(control: int, target: int, angle: float) -> Fragment:
    halves = gate(Gate.RZ, control, angle=angle / 2)
    return join([gate(Gate.CRZ, control, target, angle=angle), halves, phase(angle / 4)])


def hhl(matrix: ArrayLike, rhs: ArrayLike, clock_qubits: int) -> Solver:
    """The circuit for a real system [2^n, 2^n] of at most `LIMIT` rows; qubits: flag, clock, dilation, system.

    Exact when every singular value is a multiple of |A| / (2^(clock - 1) - 1); otherwise the error falls as the
    clock's resolution, which `error` states relative to the least singular value. Raises `ValueError` for shapes
    that do not fit and for singular values that the clock cannot tell from zero.
    """
    dense, vector = as_dense(matrix), np.array(rhs, np.float64)
    size = len(dense)
    if dense.shape != (size, size) or vector.shape != (size,) or size & (size - 1) or not 2 <= size <= LIMIT:
        raise ValueError(f"the reference solver takes 2^n rows, 2 to {LIMIT}")
    left, values, right = np.linalg.svd(dense)
    top = (1 << (clock_qubits - 1)) - 1
    least = float(values[-1] / values[0]) * top
    if least < 0.5:
        raise ValueError(f"{clock_qubits} clock qubits cannot tell the least singular value from zero")
    clock = list(range(1, 1 + clock_qubits))
    hermitian = list(range(1 + clock_qubits, 1 + clock_qubits + size.bit_length()))
    estimate = _phase_estimation(_powers((left, values, right), top, clock_qubits), clock, hermitian)
    strength = float(max(math.floor(least + 1e-9), 1))
    flips = gates(Gate.X, [0, hermitian[0]])
    prepare = sparse_vector(vector, hermitian[1:]).fragment
    rotate = multiplexed(Gate.RY, clock, 0, _inverses(clock_qubits, strength))
    body = tidy(join([prepare, estimate, rotate, estimate.inverse, flips]))
    scale = float(np.linalg.norm(vector)) * top / (strength * float(values[0]))
    waste, queries = (0, *clock, hermitian[0]), 2 * ((1 << clock_qubits) - 1)
    kappa = float(values[0] / values[-1])
    count = hermitian[-1] + 1
    return Solver(body, count, waste, tuple(hermitian[1:]), scale, 0.5 / least, queries, float(values[0]), kappa)


def _powers(parts: tuple[Floats, Floats, Floats], top: int, clock_qubits: int) -> list[Complexes]:
    """exp(2 pi i H top / 2^clock) to the powers 2^(clock-1), ..., 2, 1: eigenvalue 1 turns the clock to `top`."""
    left, values, right = parts
    size = len(values)
    vectors = np.zeros((2 * size, 2 * size))
    vectors[:size, :size] = vectors[:size, size:] = left / math.sqrt(2)
    vectors[size:, :size], vectors[size:, size:] = right.T / math.sqrt(2), -right.T / math.sqrt(2)
    turns = np.concatenate([values, -values]) / values[0] * top / (1 << clock_qubits)
    found = []
    for k in reversed(range(clock_qubits)):
        phases = np.exp(2j * np.pi * turns * (1 << k))
        found.append((vectors * phases) @ vectors.T)
    return found


def _phase_estimation(powers: Sequence[Complexes], clock: Sequence[int], system: Sequence[int]) -> Fragment:
    parts = [gates(Gate.H, clock)]
    for qubit, power in zip(clock, powers, strict=True):
        size = len(power)
        both = np.eye(2 * size, dtype=np.complex128)
        both[size:, size:] = power
        parts.append(unitary_circuit(both, [qubit, *system]))
    return join([*parts, inverse_fourier(clock)])


def _inverses(clock_qubits: int, strength: float) -> Floats:
    """Angles whose sine of the half is strength / j for the signed reading j, clipped, and 0 for j = 0."""
    count = 1 << clock_qubits
    signed = np.arange(count, dtype=np.float64)
    signed[count // 2 :] -= count
    signed[0] = np.inf
    return np.asarray(2 * np.arcsin(np.clip(strength / signed, -1.0, 1.0)), np.float64)
