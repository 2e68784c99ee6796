"""What circuits for one job are compared by."""

from __future__ import annotations

# An idle qubit goes wrong by t / (6 T1) + t / (3 T2) in a gate's time t: 3e-4 for 70 ns and coherence times of 120 us,
# where a gate of cz fails at 3e-3. Superconducting devices of today are all near that tenth.
_IDLE = 10


def circuit_cost(gates: int, qubits: int, depth: int) -> int:
    """How much is expected to go wrong, in tenths of a gate: two-qubit gates, and all qubits in all steps of time."""
    return _IDLE * gates + qubits * depth
