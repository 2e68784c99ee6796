"""How many time steps a circuit takes when every gate starts as soon as its qubits are free."""

from __future__ import annotations

import numpy as np

from qevo_compiler.dialects.gate import CircuitOp


def circuit_depth(circuit: CircuitOp, two_qubit_only: bool = False) -> int:
    """The longest chain of gates, or of two-qubit gates, each of one step; measurements do not count.

    A step of Python a gate: for reports, about a second for ten million gates.
    """
    qubits = circuit.qubits.values
    if two_qubit_only:
        qubits = qubits[qubits[:, 1] >= 0]
    clock = [0] * max(circuit.qubit_count, 1)
    for first, second in np.where(qubits < 0, qubits[:, :1], qubits).tolist():
        clock[first] = clock[second] = max(clock[first], clock[second]) + 1
    return max(clock)
