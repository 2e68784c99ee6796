"""Pieces of circuits as packed arrays of gates: joined, turned round, moved to other qubits.

A fragment is a unitary with its global phase, before anybody measures it. Gates used: h, x, ry, rz, cx, cz,
cry, crz and swap.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.gate import CircuitOp, Gate
from qevo_compiler.ir import Array

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# The last bits of inverse functions and of linear algebra differ between machines.
DECIMALS = 12
_TURNING = np.array([gate.opcode for gate in Gate if gate.angles], np.int64)


@dataclass(frozen=True)
class Fragment:
    """`opcodes` [m], `qubits` [m, 2] (second -1 for one-qubit gates), `angles` [m], and a global phase."""

    opcodes: Ints
    qubits: Ints
    angles: Floats
    phase: float = 0.0

    def __len__(self) -> int:
        return len(self.opcodes)

    @property
    def inverse(self) -> Fragment:
        """Every gate here is its own inverse or turns by an angle."""
        return Fragment(self.opcodes[::-1], self.qubits[::-1], -self.angles[::-1], -self.phase)

    def on(self, qubits: Sequence[int]) -> Fragment:
        """The fragment with its qubit k renamed to `qubits[k]`."""
        names = np.append(np.asarray(qubits, np.int64), -1)
        return Fragment(self.opcodes, names[self.qubits], self.angles, self.phase)

    def circuit(self, qubit_count: int, order: Sequence[int] | None = None) -> CircuitOp:
        """The circuit on |0...0> whose bit i is read from qubit `order[i]` (None: all in order).

        Angles are rounded to `DECIMALS`, which moves the unitary by at most a quarter of the last digit a gate.
        """
        angles = np.zeros((len(self), 2))
        # Adding 0 turns -0 into 0, which prints alike everywhere.
        angles[:, 0] = np.round(self.angles, DECIMALS) + 0.0
        measured = None if order is None else Array(np.asarray(order, np.int64))
        phase = math.remainder(self.phase, math.tau)
        return CircuitOp(qubit_count, Array(self.opcodes), Array(self.qubits), Array(angles), phase, measured)


def gates(gate: Gate, first: Iterable[int], second: Iterable[int] = (), angles: Iterable[float] = ()) -> Fragment:
    """One kind of gate on a list of qubits or pairs, with its angles."""
    one = np.fromiter(first, np.int64)
    two = np.fromiter(second, np.int64) if gate.arity == 2 else np.full(len(one), -1)
    turns = np.fromiter(angles, np.float64) if gate.angles else np.zeros(len(one))
    return Fragment(np.full(len(one), gate.opcode), np.stack([one, two], axis=1), turns)


def gate(kind: Gate, *qubits: int, angle: float = 0.0) -> Fragment:
    """One gate."""
    return gates(kind, qubits[:1], qubits[1:], [angle])


def phase(angle: float) -> Fragment:
    """No gate, only a global phase."""
    return Fragment(np.zeros(0, np.int64), np.zeros((0, 2), np.int64), np.zeros(0), angle)


def join(parts: Iterable[Fragment]) -> Fragment:
    """The parts one after the other in time."""
    listed = [phase(0.0), *parts]
    return Fragment(
        np.concatenate([part.opcodes for part in listed]),
        np.concatenate([part.qubits for part in listed]),
        np.concatenate([part.angles for part in listed]),
        math.remainder(sum(part.phase for part in listed), math.tau),
    )


def tidy(fragment: Fragment, tolerance: float = 0.4 * 10.0**-DECIMALS) -> Fragment:
    """Without turns by nothing, and without pairs of equal neighbouring cx that they leave behind.

    What would be rounded to nothing in a circuit counts as nothing, so that rounding errors make no gates.
    """
    kept = ~(np.isin(fragment.opcodes, _TURNING) & (np.abs(fragment.angles) <= tolerance))
    current = _picked(fragment, kept)
    while (shorter := _without_pairs(current)) is not current:
        current = shorter
    return current


def _picked(fragment: Fragment, kept: NDArray[np.bool_]) -> Fragment:
    return Fragment(fragment.opcodes[kept], fragment.qubits[kept], fragment.angles[kept], fragment.phase)


def _without_pairs(fragment: Fragment) -> Fragment:
    fixed = np.isin(fragment.opcodes, [kind.opcode for kind in (Gate.CX, Gate.CZ, Gate.X, Gate.H)])
    same = fixed[1:] & (np.diff(fragment.opcodes) == 0) & (np.diff(fragment.qubits, axis=0) == 0).all(axis=1)
    if not same.any():
        return fragment
    # In a run of equal neighbours every second pair goes: positions of odd length from the run's start.
    index = np.arange(len(same))
    starts = np.maximum.accumulate(np.where(same & ~np.append(False, same[:-1]), index, 0))
    first = same & ((index - starts) % 2 == 0)
    gone = np.append(first, False) | np.append(False, first)
    return _picked(fragment, ~gone)


@dataclass(frozen=True)
class Counts:
    """Gates of a circuit in the set {cx, one-qubit gates}: cz is one cx, cry and crz are two, swap three."""

    cnot: int
    one_qubit: int


def counts(fragment: Fragment) -> Counts:
    """Counts after cz, cry, crz and swap are written with cx and one-qubit gates."""
    found = np.bincount(fragment.opcodes, minlength=len(Gate))
    number = {kind: int(found[kind.opcode]) for kind in Gate}
    turns = number[Gate.CRY] + number[Gate.CRZ]
    single = sum(number[kind] for kind in Gate if kind.arity == 1)
    cnot = number[Gate.CX] + number[Gate.CZ] + 2 * turns + 3 * number[Gate.SWAP]
    return Counts(cnot, single + 2 * turns + 2 * number[Gate.CZ])
