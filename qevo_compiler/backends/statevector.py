"""Sampling a circuit by its state vector, on the evaluator's kernels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.backends.base import Floats, Spins
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.backends import TooManyQubits
from qevo_compiler.dialects.gate import CircuitOp
from qevo_compiler.evaluator.statevector import CircuitState, run_circuit
from qevo_compiler.ir import Array

# 2^26 amplitudes are 1 GiB in double precision, and half of that in single precision.
LIMIT = 26
DOUBLE_LIMIT = 24

Ints = NDArray[np.int64]


def probabilities(circuit: CircuitOp) -> Floats:
    """Probability of each outcome [2^m] over the measured bits, bit 0 most significant.

    O(groups of gates * 2^n) for n qubits that gates touch or that are measured, in double precision up to
    `DOUBLE_LIMIT` of them; raises `CompileError` beyond `LIMIT`.
    """
    small = _touched(circuit)
    return _state(small).probabilities(small.measured)


def amplitudes(circuit: CircuitOp) -> NDArray[np.complex128]:
    """Amplitudes [2^m] before measurement, bit 0 most significant, of a circuit that measures every qubit it touches.

    Cost and limit as for `probabilities`; raises `CompileError` as it does.
    """
    small = _touched(circuit)
    # Qubit q is bit q of a number there, so axis n - 1 - q.
    cube = _state(small).amplitudes().reshape((2,) * small.qubit_count)
    ordered = cube.transpose([small.qubit_count - 1 - qubit for qubit in small.measured.tolist()])
    return np.ascontiguousarray(ordered, np.complex128).reshape(-1)


def draw(circuit: CircuitOp, reads: int, seed: int) -> Spins:
    """Spins [reads, m] of independent measurements; bit 0 reads as +1."""
    small = _touched(circuit)
    spins: Spins = (1 - 2 * _state(small).draw(reads, seed, small.measured)).astype(np.int8)
    return spins


def _state(circuit: CircuitOp) -> CircuitState:
    count = circuit.qubit_count
    if count > LIMIT:
        raise CompileError(TooManyQubits(circuit.span, count, LIMIT))
    return run_circuit(circuit, np.float64 if count <= DOUBLE_LIMIT else np.float32)


def _touched(circuit: CircuitOp) -> CircuitOp:
    """The circuit on the qubits that take part, numbered anew: a device has many more."""
    qubits = circuit.qubits.values
    used: Ints = np.unique(np.concatenate([qubits[qubits >= 0], circuit.measured]))
    new = np.full(circuit.qubit_count, -1, np.int64)
    new[used] = np.arange(len(used))
    numbered = np.where(qubits >= 0, new[qubits], -1)
    order = Array(new[circuit.measured])
    return replace(circuit, qubit_count=len(used), qubits=Array(numbered), order=order)
