"""Phases of products of spins, exp(-i sum_k a_k Z_k1 Z_k2 ... / 2), by cx and rz that all products share.

before: turn 0.1 of Z0 Z1, turn 0.2 of Z0 Z1 Z2
after:  cx 1,0; rz(0.1) 0; cx 2,0; rz(0.2) 0; ... until each qubit holds its own spin again

A cx writes the parity of two qubits onto the second; a product is turned by one rz where a qubit holds its parity.
Products are written over what the qubits hold at the moment. Of the lightest one's qubits that pair gets a cx which
makes all products together lightest, less what it waits for its qubits; no parity is undone before the end, where
a linear circuit restores the spins. Phase polynomials by parity networks: Amy, Azimzadeh and Mosca, Quantum Sci.
Technol. 4, 015002 (2018); greedy networks with one clean-up: de Brugiere and Martiel, arXiv:2404.03280.

Where many products on many qubits have little in common, such a network is longer than ladders, which then stay.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.gate import Gate
from qevo_compiler.passes.gates.parity_ladders import NONE, parity_ladders

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Gates = tuple[Ints, Ints, Floats]

# More products take seconds for a network that is then longer than ladders.
_MOST = 1 << 12
# Restoring the spins takes up to n^2 steps of O(n^2).
_WIDEST = 128
# How much lighter all products must become for a gate that waits one time step longer.
_PATIENCE = 1.0


def parity_network(terms: Sequence[tuple[Ints, Floats]], size: int) -> Gates:
    """Opcodes [g], qubits [g, 2] and angles [g] for terms, each as spins [m, d] with d >= 2 and angles [m].

    The network or the ladders, whichever has fewer cx. A step of Python makes one cx of the network, and costs
    O(d m + n); there are no more steps than the ladders have cx.
    """
    sets = np.full((sum(len(spins) for spins, _ in terms), max(spins.shape[1] for spins, _ in terms)), NONE)
    first = 0
    for spins, _ in terms:
        sets[first : first + len(spins), : spins.shape[1]] = spins
        first += len(spins)
    angles = np.concatenate([values for _, values in terms])
    ladders = parity_ladders(sets, angles, size)
    if len(sets) > _MOST or size > _WIDEST:
        return ladders
    return _Network(size, int((ladders[0] == Gate.CX.opcode).sum())).made(sets, angles) or ladders


class _Network:
    """The gates so far, `most` cx at best; row q of `held` is the set of spins whose parity qubit q holds."""

    def __init__(self, size: int, most: int) -> None:
        self.held = np.eye(size, dtype=np.bool_)
        self._left = most
        self._clock = np.zeros(size)
        self._opcodes: list[int] = []
        self._qubits: list[tuple[int, int]] = []
        self._angles: list[float] = []

    def made(self, sets: Ints, angles: Floats) -> Gates | None:
        """All gates; None where they do not get by with fewer cx than `most`."""
        if not (self._turned(sets, angles) and self._restored()):
            return None
        qubits = np.array(self._qubits, np.int64).reshape(-1, 2)
        return np.array(self._opcodes, np.int64), qubits, np.array(self._angles)

    def _turned(self, sets: Ints, angles: Floats) -> bool:
        """Turn every product by its angle. `over` [qubits, products] says whose parities make up a product."""
        over = np.zeros((len(self.held), len(sets)), np.float32)
        product, place = np.nonzero(sets != NONE)
        over[sets[product, place], product] = 1
        weights = over.sum(axis=0)
        while self._left > 0:
            for k in np.flatnonzero(weights == 1).tolist():
                self._put(Gate.RZ, int(np.argmax(over[:, k])), NONE, float(angles[k]))
                weights[k] = np.inf
                over[:, k] = 0
            lightest = int(np.argmin(weights))
            if weights[lightest] == np.inf:
                return True
            control, target = self._best(over, np.flatnonzero(over[:, lightest]))
            changed = over[target] * (1 - 2 * over[control])
            weights += changed
            over[control] += changed
            self._cx(control, target)
        return False

    def _best(self, over: Singles, qubits: Ints) -> tuple[int, int]:
        part = over[qubits]
        lighter = 2 * part @ part.T - part.sum(axis=1)
        clock = self._clock[qubits]
        score = lighter - _PATIENCE * np.maximum.outer(clock, clock)
        np.fill_diagonal(score, -np.inf)
        control, target = divmod(int(np.argmax(score)), len(qubits))
        return int(qubits[control]), int(qubits[target])

    def _restored(self) -> bool:
        """Bring every spin back to its qubit: the cx that clears most, then elimination for what is left."""
        size = len(self.held)
        while self._left > 0:
            rows = self.held.astype(np.float64)
            gain = 2 * rows @ rows.T - rows.sum(axis=1)[:, None]
            np.fill_diagonal(gain, 0)
            best = int(np.argmax(gain))
            if gain.flat[best] <= 0:
                break
            self._cx(*divmod(best, size))
        for column in range(size):
            if not self.held[column, column]:
                self._cx(column + 1 + int(np.argmax(self.held[column + 1 :, column])), column)
            for row in np.flatnonzero(self.held[:, column]).tolist():
                if row != column:
                    self._cx(column, row)
        return self._left > 0

    def _cx(self, control: int, target: int) -> None:
        self.held[target] ^= self.held[control]
        self._clock[[control, target]] = self._clock[[control, target]].max() + 1
        self._put(Gate.CX, control, target, 0.0)
        self._left -= 1

    def _put(self, gate: Gate, first: int, second: int, angle: float) -> None:
        self._opcodes.append(gate.opcode)
        self._qubits.append((first, second))
        self._angles.append(angle)
