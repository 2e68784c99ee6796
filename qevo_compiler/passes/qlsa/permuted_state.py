"""Sparse state preparation by a dense state on few qubits, moved to its support by a basis permutation.

s amplitudes go to ceil(log2 s) qubits by multiplexed rotations; then each is moved to its string by at most
m - 1 cx and one x with ceil(log2 s) controls. Strings that already lie in the small register stay.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.gate import Gate
from qevo_compiler.passes.qlsa.controls import controlled_x, where
from qevo_compiler.passes.qlsa.dense_state import Complexes, dense_state
from qevo_compiler.passes.qlsa.fragment import Counts, Fragment, Ints, gates, join

Bits = NDArray[np.bool_]


def register_size(entries: int) -> int:
    """Qubits of the dense state."""
    return max(math.ceil(math.log2(entries)), 0)


def gate_bound(entries: int, qubits: int) -> Counts:
    """Real amplitudes: the dense state's 2^k - 2 cx and 2^k - 1 rotations, k = ceil(log2 s), and for each entry
    m - 1 cx, a controlled x of at most 24 k cx (50 k^2 without a qubit to borrow), twice that and 2 k of one qubit.
    """
    k = register_size(entries)
    flip = 24 * k if qubits > k + 1 or k < 3 else 50 * k * k
    dense = Counts(max((1 << k) - 2, 0), (1 << k) - 1)
    return Counts(dense.cnot + entries * (qubits - 1 + flip), dense.one_qubit + entries * (1 + 2 * flip + 2 * k))


def permuted_state(strings: Bits, amplitudes: Complexes, qubits: Sequence[int], rotation: int = 0) -> Fragment:
    """|0...0> to the sum of amplitudes[i] |strings[i]>; the dense register starts at qubit `rotation`, cyclically.

    `strings` [s, m] are distinct rows, `amplitudes` [s] have norm one. O(s^2 m) work.
    """
    bits, wires = np.roll(strings, -rotation, axis=1), np.roll(np.asarray(qubits, np.int64), -rotation)
    size = register_size(len(bits))
    steps, slots = _to_slots(bits.copy(), wires, size)
    small = np.zeros(1 << size, np.complex128)
    small[slots] = amplitudes
    return join([dense_state(small, wires[:size].tolist()), join(steps).inverse])


def _to_slots(bits: Bits, wires: Ints, size: int) -> tuple[list[Fragment], Ints]:
    """Gates that bring every string to a slot of the first `size` qubits, and the slot of each."""
    weights = 1 << np.arange(size)[::-1]
    slots = np.full(len(bits), -1, np.int64)
    home = ~bits[:, size:].any(axis=1)
    slots[home] = bits[home, :size] @ weights
    free = np.ones(1 << size, bool)
    free[slots[home]] = False
    steps = []
    for row in np.flatnonzero(~home):
        own = int(bits[row, :size] @ weights)
        slot = own if free[own] else int(np.argmax(free))
        steps += _move(bits, int(row), slot, wires, size)
        slots[row], free[slot] = slot, False
    return steps, slots


def _move(bits: Bits, row: int, slot: int, wires: Ints, size: int) -> list[Fragment]:
    """Take one string to a free slot; strings in their slots already have zeros in the rest and stay."""
    lever = size + int(np.argmax(bits[row, size:]))
    wanted = np.zeros(bits.shape[1], bool)
    wanted[:size] = (slot >> np.arange(size)[::-1]) & 1
    wanted[lever] = True
    differ = np.flatnonzero(bits[row] != wanted)
    parts = [gates(Gate.CX, [wires[lever]] * len(differ), wires[differ])]
    bits[:, differ] ^= bits[:, [lever]]
    controls = wires[:size].tolist()
    spare = [int(q) for k, q in enumerate(wires) if k >= size and k != lever]
    flip = where(controlled_x(controls, int(wires[lever]), spare), controls, wanted[:size].tolist())
    bits[:, lever] ^= (bits[:, :size] == wanted[:size]).all(axis=1)
    return [*parts, flip]
