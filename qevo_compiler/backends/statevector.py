"""Sampling a circuit by its state vector, through Cirq's simulator."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.backends.base import Floats, Spins
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.backends import TooManyQubits
from qevo_compiler.dialects.gate import CircuitOp
from qevo_compiler.ir import Array
from qevo_compiler.targets.cirq.convert import to_cirq
from qevo_compiler.targets.common import need

LIMIT = 22

Ints = NDArray[np.int64]


def probabilities(circuit: CircuitOp) -> Floats:
    """Probability of each outcome [2^m] over the measured bits, bit 0 most significant.

    O(gates * 2^n) for n qubits that gates touch or that are measured; raises `CompileError` beyond
    `LIMIT` of them.
    """
    small = _touched(circuit)
    if small.qubit_count > LIMIT:
        raise CompileError(TooManyQubits(circuit.span, small.qubit_count, LIMIT))
    cirq = need("cirq", "simulating a circuit", "google")
    line = cirq.LineQubit.range(small.qubit_count)
    simulator = cirq.Simulator(dtype=np.complex128)
    result = simulator.simulate(to_cirq(small, line, measured=False), qubit_order=line)
    weights = np.abs(result.final_state_vector.reshape((2,) * small.qubit_count)) ** 2
    measured = small.measured.tolist()
    rest = tuple(axis for axis in range(small.qubit_count) if axis not in measured)
    kept = sorted(measured)
    summed = weights.sum(axis=rest)
    return np.ascontiguousarray(summed.transpose([kept.index(qubit) for qubit in measured])).reshape(-1)


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
