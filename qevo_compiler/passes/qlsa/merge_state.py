"""Sparse state preparation by merging two basis states at a time.

N. Gleinig and T. Hoefler, "An efficient algorithm for sparse quantum state preparation" (DAC 2021): the
circuit is found backwards, from the state to |0...0>. A merge of s entries on m qubits takes at most m - 1
cx and a rotation with at most 2 log2(s) controls, linear in them: O(s (m + log s)) cx for all s entries.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.gate import Gate
from qevo_compiler.passes.qlsa.controls import controlled_rotation, rotation_bound
from qevo_compiler.passes.qlsa.dense_state import Complexes
from qevo_compiler.passes.qlsa.fragment import Counts, Fragment, gates, join, phase

Bits = NDArray[np.bool_]


@dataclass(frozen=True)
class MergeOrder:
    """How ties are broken: qubits in this order, and the partner by least distance or by halving."""

    qubits: tuple[int, ...]
    nearest: bool


def merge_orders(count: int) -> tuple[MergeOrder, ...]:
    """The orders that are tried: qubits upwards, downwards and from the middle, each with both partners."""
    up = tuple(range(count))
    middle = tuple(sorted(up, key=lambda q: (abs(2 * q - count + 1), q)))
    return tuple(MergeOrder(qubits, nearest) for qubits in (up, up[::-1], middle) for nearest in (False, True))


def gate_bound(entries: int, qubits: int) -> Counts:
    """No merge order takes more gates for real amplitudes; complex ones take a second rotation a merge.

    A rotation has at most twice as many one-qubit gates as cx, or is one; each control may be flipped twice.
    """
    cnot, one_qubit = 0, qubits
    for k in range(2, entries + 1):
        controls = min(_most_controls(k), qubits - 1)
        cnot += qubits - 1 + rotation_bound(controls)
        one_qubit += 2 + 2 * controls + 2 * rotation_bound(controls)
    return Counts(cnot, one_qubit)


def merge_state(strings: Bits, amplitudes: Complexes, qubits: Sequence[int], order: MergeOrder) -> Fragment:
    """|0...0> to the sum of amplitudes[i] |strings[i]>.

    `strings` [s, m] are distinct rows of bits, `amplitudes` [s] have norm one and no zeros. O(s^2 m) work.
    """
    bits, values = strings.copy(), amplitudes.copy()
    wires = np.asarray(qubits, np.int64)
    undo: list[Fragment] = []
    while len(values) > 1:
        first, second, pivot, controls = _pair(bits, order)
        undo += _align(bits, first, second, pivot, wires)
        undo += _merge(bits, values, (first, second), pivot, controls, wires)
        values[second] = math.hypot(abs(values[first]), abs(values[second])) * _unit(values[second])
        keep = np.arange(len(values)) != first
        bits, values = bits[keep], values[keep]
    undo.append(gates(Gate.X, wires[bits[0]]))
    undo.append(phase(-float(np.angle(values[0]))))
    return join(undo).inverse


def _halve(bits: Bits, rows: NDArray[np.int64], order: MergeOrder) -> tuple[int, list[int]]:
    """One of the rows, and the qubits whose values there single it out; each qubit leaves at most half."""
    used: list[int] = []
    columns = np.array(order.qubits)
    while len(rows) > 1:
        ones = bits[rows][:, columns].sum(axis=0)
        smaller = np.minimum(ones, len(rows) - ones)
        splitting = np.flatnonzero(smaller > 0)
        best = splitting[np.argmin(smaller[splitting])]
        wanted = bool(ones[best] <= len(rows) - ones[best])
        rows = rows[bits[rows, columns[best]] == wanted]
        used.append(int(columns[best]))
    return int(rows[0]), used


def _pair(bits: Bits, order: MergeOrder) -> tuple[int, int, int, list[int]]:
    """Two rows, the qubit that parts them, and qubits on which no other row agrees with both."""
    first, used = _halve(bits, np.arange(len(bits)), order)
    pivot = used.pop()
    agrees = (bits[:, used] == bits[first, used]).all(axis=1)
    agrees[first] = False
    rows = np.flatnonzero(agrees & (bits[:, pivot] != bits[first, pivot]))
    if order.nearest:
        near = int(rows[np.argmin((bits[rows] != bits[first]).sum(axis=1))])
        controls = _separate(bits, rows, near, used, order)
        if len(controls) <= _most_controls(len(bits)):
            return first, near, pivot, controls
    second, more = _halve(bits, rows, order)
    return first, second, pivot, sorted({*used, *more})


def _most_controls(entries: int) -> int:
    """Each of the two searches at least halves the rows for every qubit it uses, and one of those is the pivot."""
    return max(2 * math.floor(math.log2(max(entries, 1))) - 1, 0)


def _separate(bits: Bits, rows: NDArray[np.int64], chosen: int, used: list[int], order: MergeOrder) -> list[int]:
    """`used` and further qubits until no row but the chosen one agrees with it, greedily."""
    left, controls, columns = rows[rows != chosen], list(used), np.array(order.qubits)
    while len(left):
        differ = (bits[left][:, columns] != bits[chosen, columns]).sum(axis=0)
        best = int(columns[np.argmax(differ)])
        left = left[bits[left, best] == bits[chosen, best]]
        controls.append(best)
    return sorted(controls)


def _align(bits: Bits, first: int, second: int, pivot: int, wires: NDArray[np.int64]) -> list[Fragment]:
    """Make two rows equal but for the pivot, which is 1 in the first; all rows follow."""
    parts = []
    if not bits[first, pivot]:
        parts.append(gates(Gate.X, [wires[pivot]]))
        bits[:, pivot] ^= True
    differ = np.flatnonzero(bits[first] != bits[second])
    differ = differ[differ != pivot]
    parts.append(gates(Gate.CX, [wires[pivot]] * len(differ), wires[differ]))
    bits[:, differ] ^= bits[:, [pivot]]
    return parts


def _unit(value: complex) -> complex:
    return value / abs(value)


def _merge(
    bits: Bits,
    values: Complexes,
    pair: tuple[int, int],
    pivot: int,
    controls: list[int],
    wires: NDArray[np.int64],
) -> list[Fragment]:
    """Turn the pivot so that the first row's amplitude goes to the second, whose phase stays."""
    first, second = pair
    zeros = [q for q in controls if not bits[second, q]]
    flips = gates(Gate.X, wires[zeros])
    wait, spare = wires[controls].tolist(), [int(q) for k, q in enumerate(wires) if k != pivot and k not in controls]
    parts = [flips]
    ratio = values[first] / values[second]
    if abs(ratio.imag) > 1e-15 * abs(ratio):
        twist = float(np.angle(ratio))
        parts.append(controlled_rotation(Gate.RZ, wait, int(wires[pivot]), -twist, spare))
        # rz(-twist) turns both amplitudes to the mean of their phases.
        values[second] *= np.exp(0.5j * twist)
        signed = abs(values[first])
    else:
        signed = math.copysign(abs(values[first]), ratio.real)
    angle = -2 * math.atan2(signed, abs(values[second]))
    parts.append(controlled_rotation(Gate.RY, wait, int(wires[pivot]), angle, spare))
    return [*parts, flips]
