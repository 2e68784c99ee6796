"""Phases of products of spins by ladders of cx: between two products of one target only what differs changes.

before: turn 0.1 of Z0 Z1 Z2, turn 0.2 of Z0 Z1 Z3
after:  cx 1,0; cx 2,0; rz(0.1) 0; cx 2,0; cx 3,0; rz(0.2) 0; cx 1,0; cx 3,0
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.gate import Gate

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
NONE = -1


def parity_ladders(sets: Ints, angles: Floats, size: int) -> tuple[Ints, Ints, Floats]:
    """Opcodes [g], qubits [g, 2] and angles [g] for products of two and more spins `sets` [m, d], filled up with -1.

    Qubits in many products are targets and come first, so that ladders share their first steps. At most 2 d - 2 cx a
    product of d spins; O(m d^2) in whole-array operations.
    """
    count = np.bincount(sets[sets != NONE], minlength=size)
    names = np.argsort(-count, kind="stable")
    rank = np.empty(size, np.int64)
    rank[names] = np.arange(size)
    ranked = np.sort(np.where(sets == NONE, size, rank[sets]), axis=1)
    ranked[ranked == size] = NONE
    order = np.lexsort(ranked.T[::-1])
    opcodes, qubits, turns = _steps(ranked[order], angles[order])
    return opcodes, np.where(qubits == NONE, NONE, names[qubits]), turns


def _steps(sets: Ints, angles: Floats) -> tuple[Ints, Ints, Floats]:
    """For each set in turn: cx of what the last one had more, cx of what it has more, rz; last, cx of all it has."""
    target, controls = sets[:, 0], sets[:, 1:]
    goes_on = target[1:] == target[:-1]
    before = np.full_like(controls, NONE)
    before[1:] = np.where(goes_on[:, None], controls[:-1], NONE)
    last = np.append(~goes_on, True)
    blocks = [
        np.where(_within(before, controls), NONE, before),
        np.where(_within(controls, before), NONE, controls),
        target[:, None],
        np.where(last[:, None], controls, NONE),
    ]
    grid = np.concatenate(blocks, axis=1)
    turning = np.zeros(grid.shape, np.bool_)
    turning[:, 2 * controls.shape[1]] = True
    used = grid != NONE
    first, turns = grid[used], turning[used]
    onto = np.repeat(target, used.sum(axis=1))
    values = np.zeros(len(first))
    values[turns] = angles
    return np.where(turns, Gate.RZ.opcode, Gate.CX.opcode), np.stack([first, np.where(turns, NONE, onto)], 1), values


def _within(these: Ints, those: Ints) -> NDArray[np.bool_]:
    """Which entries of each row of `these` stand in the same row of `those`."""
    found: NDArray[np.bool_] = (these[:, :, None] == those[:, None, :]).any(axis=2)
    return found
