"""What a circuit costs in Clifford gates, T gates and rotations that have to be synthesised."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.gate import Gate

_QUARTER = math.pi / 4
_NEAR = 1e-9
_TWO_QUBIT = {Gate.CX: 1, Gate.CZ: 1, Gate.SWAP: 3, Gate.CRY: 2, Gate.CRZ: 2}


@dataclass(frozen=True)
class Tally:
    """`cnot` of the circuit in {cx, one-qubit gates}; of these `t` are T gates and `rotations` are neither T nor
    Clifford; `one_qubit` counts all of one qubit."""

    cnot: float
    one_qubit: float
    t: float
    rotations: float


def tally(opcodes: NDArray[np.int64], angles: NDArray[np.float64]) -> Tally:
    """The costs of gates h, x, rx, ry, rz, cx, cz, swap, cry and crz, in any order.

    `opcodes` and `angles` have one entry a gate. A controlled turn is two cx and two turns by half its angle. A turn
    by a multiple of pi/2 is Clifford, by an odd multiple of pi/4 one T gate. Raises `ValueError` for other gates.
    """
    found = np.bincount(opcodes, minlength=len(Gate))
    number = {gate: int(found[gate.opcode]) for gate in Gate}
    turning = {Gate.RX, Gate.RY, Gate.RZ, Gate.CRY, Gate.CRZ}
    if any(number[gate] for gate in Gate if gate not in {Gate.H, Gate.X, *turning, *_TWO_QUBIT}):
        raise ValueError("a gate has no cost here")
    cnot = sum(count * number[gate] for gate, count in _TWO_QUBIT.items())
    controlled = np.isin(opcodes, [Gate.CRY.opcode, Gate.CRZ.opcode])
    plain = np.isin(opcodes, [Gate.RX.opcode, Gate.RY.opcode, Gate.RZ.opcode])
    turns = np.concatenate([angles[plain], np.repeat(angles[controlled] / 2, 2)])
    quarters = turns / _QUARTER
    near = np.abs(quarters - np.round(quarters)) <= _NEAR
    odd = near & (np.round(quarters) % 2 != 0)
    one_qubit = number[Gate.H] + number[Gate.X] + 2 * number[Gate.CZ] + len(turns)
    return Tally(cnot, one_qubit, int(odd.sum()), int((~near).sum()))
