"""Rotations whose angle depends on the basis state of other qubits, by Gray code.

`2^k` cx and as many rotations for k selecting qubits: M. Moettoenen et al., "Quantum circuits for general
multiqubit gates" (PRL 93, 130502, 2004).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qevo_compiler.dialects.gate import Gate
from qevo_compiler.passes.qlsa.fragment import Floats, Fragment, Ints, gate, join
from qevo_compiler.passes.qlsa.fragment import phase as global_phase


def walsh(values: Floats) -> Floats:
    """`sum over i of (-1)^popcount(i & j) values[i]` for every j; the length is a power of two."""
    result = np.array(values, np.float64)
    half = 1
    while half < len(result):
        pairs = result.reshape(-1, 2, half)
        result = np.stack([pairs[:, 0] + pairs[:, 1], pairs[:, 0] - pairs[:, 1]], axis=1).reshape(-1)
        half *= 2
    return result


def _trailing_zeros(values: Ints) -> Ints:
    low = values & -values
    return np.log2(low.astype(np.float64)).astype(np.int64)


def multiplexed(kind: Gate, selectors: Sequence[int], target: int, angles: Floats) -> Fragment:
    """`kind` (ry or rz) of the target by `angles[i]` where the selectors read i, the first as highest bit.

    2^k cx and 2^k rotations for k selectors; when all angles agree, one rotation.
    """
    count = len(selectors)
    if count == 0 or np.ptp(angles) <= 1e-15:
        return gate(kind, target, angle=float(angles[0]))
    size = 1 << count
    steps = np.arange(size)
    gray = steps ^ (steps >> 1)
    turns = walsh(angles)[gray] / size
    controls = np.append(_trailing_zeros(steps[1:]), count - 1)
    # Bit 0 of the reading is the last selector.
    wires = np.asarray(selectors, np.int64)[::-1][controls]
    opcodes = np.empty(2 * size, np.int64)
    opcodes[0::2], opcodes[1::2] = kind.opcode, Gate.CX.opcode
    qubits = np.full((2 * size, 2), -1, np.int64)
    qubits[0::2, 0], qubits[1::2, 0], qubits[1::2, 1] = target, wires, target
    doubled = np.zeros(2 * size)
    doubled[0::2] = turns
    return Fragment(opcodes, qubits, doubled)


def diagonal(qubits: Sequence[int], phases: Floats) -> Fragment:
    """exp(i phases[k]) on basis state k of the qubits: multiplexed rz from the last qubit to the first."""
    parts, rest = [], np.asarray(phases, np.float64)
    for k in reversed(range(len(qubits))):
        low, high = rest[0::2], rest[1::2]
        parts.append(multiplexed(Gate.RZ, qubits[:k], qubits[k], high - low))
        rest = (low + high) / 2
    return join([*parts, global_phase(float(rest[0]))])
