"""Sampling a circuit by its state vector, through Cirq's simulator."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.backends.base import Floats, Spins
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.backends import TooManyQubits
from qevo_compiler.dialects.gate import CircuitOp, Gate
from qevo_compiler.ir import Array
from qevo_compiler.passes.qlsa.fragment import Fragment
from qevo_compiler.passes.qlsa.simulate import state_of
from qevo_compiler.targets.cirq.convert import to_cirq
from qevo_compiler.targets.common import need

LIMIT = 22
# What linear programs are made of is simulated without Cirq, which takes ten times as long for it.
_FRAGMENT = [
    kind.opcode for kind in (Gate.H, Gate.X, Gate.RY, Gate.RZ, Gate.CX, Gate.CZ, Gate.CRY, Gate.CRZ, Gate.SWAP)
]

Ints = NDArray[np.int64]


def probabilities(circuit: CircuitOp) -> Floats:
    """Probability of each outcome [2^m] over the measured bits, bit 0 most significant.

    O(gates * 2^n) for n qubits that gates touch or that are measured; raises `CompileError` beyond
    `LIMIT` of them.
    """
    measured = _touched(circuit).measured.tolist()
    weights = np.abs(_state(circuit)) ** 2
    rest = tuple(axis for axis in range(weights.ndim) if axis not in measured)
    kept = sorted(measured)
    summed = weights.sum(axis=rest)
    return np.ascontiguousarray(summed.transpose([kept.index(qubit) for qubit in measured])).reshape(-1)


def amplitudes(circuit: CircuitOp) -> NDArray[np.complex128]:
    """Amplitudes [2^m] of a circuit that measures every qubit it touches, before that; bit 0 most significant.

    Cost and limit as for `probabilities`; raises `CompileError` as it does.
    """
    small = _touched(circuit)
    if small.qubit_count <= LIMIT and np.isin(small.opcodes.values, _FRAGMENT).all():
        angles = small.angles.values[:, 0]
        fragment = Fragment(small.opcodes.values, small.qubits.values, angles, small.phase)
        state = state_of(fragment, small.qubit_count).reshape((2,) * small.qubit_count)
        return np.ascontiguousarray(state.transpose(small.measured)).reshape(-1)
    state = _state(circuit)
    return np.ascontiguousarray(state.transpose(_touched(circuit).measured)).reshape(-1)


def _state(circuit: CircuitOp) -> NDArray[np.complex128]:
    """The state [2, ..., 2] over the qubits that take part."""
    small = _touched(circuit)
    if small.qubit_count > LIMIT:
        raise CompileError(TooManyQubits(circuit.span, small.qubit_count, LIMIT))
    cirq = need("cirq", "simulating a circuit", "google")
    line = cirq.LineQubit.range(small.qubit_count)
    simulator = cirq.Simulator(dtype=np.complex128)
    result = simulator.simulate(to_cirq(small, line, measured=False), qubit_order=line)
    state = result.final_state_vector.reshape((2,) * small.qubit_count)
    return np.asarray(state * np.exp(1j * circuit.phase), np.complex128)


def draw(circuit: CircuitOp, reads: int, seed: int) -> Spins:
    """Spins [reads, m] of independent measurements; bit 0 reads as +1."""
    weights = probabilities(circuit)
    edges = np.cumsum(weights)
    states = np.searchsorted(edges, np.random.default_rng(seed).random(reads) * edges[-1], side="right")
    states = np.minimum(states, len(weights) - 1)
    width = len(circuit.measured)
    bits = (states[:, None] >> np.arange(width)[::-1]) & 1
    spins: Spins = (1 - 2 * bits).astype(np.int8)
    return spins


def _touched(circuit: CircuitOp) -> CircuitOp:
    """The circuit on the qubits that take part, numbered anew: a device has many more."""
    qubits = circuit.qubits.values
    used: Ints = np.unique(np.concatenate([qubits[qubits >= 0], circuit.measured]))
    new = np.full(circuit.qubit_count, -1, np.int64)
    new[used] = np.arange(len(used))
    numbered = np.where(qubits >= 0, new[qubits], -1)
    order = Array(new[circuit.measured])
    return replace(circuit, qubit_count=len(used), qubits=Array(numbered), order=order)
