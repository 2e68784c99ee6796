"""Bringing the pairs of commuting two-qubit gates together on a device, in any order, by few swaps.

Spins are placed by annealing the sum of distances of their pairs. Then swaps follow that shorten the distances of all
pending pairs together most; where none does, the nearest pair moves a step. A pair that has become adjacent waits: a
swap of the two costs one gate more then, not three, and its gate is due when one of them leaves. Several trials
differ in their random placements; that with the fewest two-qubit gates and steps of time is kept. After the
commuting layers of Matsuo, Yamashita and Egger, arXiv:2212.05666, without a fixed swap network.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

# Whole numbers keep all sums exact, whatever their order. Near pairs count more than far ones: they are done sooner.
_UNIT, _POWER = 64.0, 0.7
_SWEEPS = 48
_HOT, _COLD = 0.7, 0.05
# What a swap of a waiting pair saves, as if it had brought other pairs nearer by so much.
_MERGED = 60.0
NO_GATE = -1


@dataclass(frozen=True)
class Step:
    """Gate number `gate` of the block (`NO_GATE`: none) on the coupled qubits `first` and `second`; then a swap?"""

    gate: int
    first: int
    second: int
    swap: bool


@dataclass(frozen=True)
class Routing:
    """Steps from the placement `start` to `end`, each the qubit of every spin; all gates commute, so they reverse."""

    start: tuple[int, ...]
    steps: tuple[Step, ...]
    end: tuple[int, ...]

    def reversed(self) -> Routing:
        """The same gates in the reverse order, from `end` to `start`."""
        return Routing(self.end, self.steps[::-1], self.start)

    @property
    def cost(self) -> int:
        """Two-qubit gates of cz, 2 a gate, 3 a swap, 3 for both together, and the steps of time that they take."""
        clock = np.zeros(max(max(step.first, step.second) for step in self.steps) + 1 if self.steps else 1, np.int64)
        total = 0
        for step in self.steps:
            length = 3 if step.swap else 2
            total += length
            clock[[step.first, step.second]] = clock[[step.first, step.second]].max() + length
        return total + int(clock.max())


def route_commuting(
    pairs: Ints, far: Ints, couplers: Ints, spins: int, start: tuple[int, ...] | None, trials: int
) -> Routing | None:
    """The best of `trials` routings of gates on `pairs` [m, 2] of spins, from `start` or placements of its own.

    None where all placements have a pair that no path of couplers joins.
    A trial takes O(swaps * (qubits * spins + couplers) + `_SWEEPS` * qubits * spins^2) in array operations.
    """
    found = (_Trial(pairs, far, couplers, spins, seed).routed(start) for seed in range(trials))
    joined = [routing for routing in found if routing is not None]
    return min(joined, key=lambda routing: routing.cost) if joined else None


class _Trial:
    """Which spin is where, the pending pairs, and what each spin would cost on each qubit.

    Spin number `spins` stands for an empty qubit. `pull` [spins + 1, spins + 1] counts the gates of pairs that are
    still apart; `costs` [qubits, spins + 1] is the sum of lengths to a spin's partners from every qubit.
    """

    def __init__(self, pairs: Ints, far: Ints, couplers: Ints, spins: int, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._pairs, self._far, self._couplers, self._spins = pairs, far, couplers, spins
        self._length = np.round(_UNIT * np.maximum(far - 1, 0.0) ** _POWER)
        self._pull = np.zeros((spins + 1, spins + 1))
        np.add.at(self._pull, (pairs[:, 0], pairs[:, 1]), 1.0)
        self._pull += self._pull.T
        self._gates: dict[tuple[int, int], list[int]] = {}
        for gate, (a, b) in enumerate(np.sort(pairs, axis=1).tolist()):
            self._gates.setdefault((a, b), []).append(gate)
        self._waiting: list[set[int]] = [set() for _ in range(spins + 1)]
        self._steps: list[Step] = []

    def routed(self, start: tuple[int, ...] | None) -> Routing | None:
        if start is None:
            self._place(self._random.permutation(len(self._far))[: self._spins])
            self._anneal()
        else:
            self._place(np.array(start, np.int64))
        first = tuple(self._where[:-1].tolist())
        if (self._far[self._where[self._pairs[:, 0]], self._where[self._pairs[:, 1]]] >= len(self._far)).any():
            return None
        self._wait(range(self._spins))
        while self._pull.any():
            self._swap(*self._chosen())
        for spin in range(self._spins):
            self._due(spin, NO_GATE)
        return Routing(first, tuple(self._steps), tuple(self._where[:-1].tolist()))

    def _place(self, where: Ints) -> None:
        self._where = np.append(where, 0)
        self._held = np.full(len(self._far), self._spins)
        self._held[where] = np.arange(self._spins)
        self._costs = self._length[:, where] @ self._pull[:-1]

    def _anneal(self) -> None:
        """Heat-bath moves: a spin changes places with another or with an empty qubit, likelier the shorter it gets."""
        moves = _SWEEPS * self._spins
        scale = _UNIT * max(1.0, float(self._pull.sum()) / max(self._spins, 1))
        heat = scale * np.geomspace(_HOT, _COLD, moves)
        chosen = self._random.integers(0, self._spins, moves)
        for spin, warmth in zip(chosen.tolist(), heat.tolist(), strict=True):
            here = int(self._where[spin])
            gain = self._gain(np.full(len(self._far), here), np.arange(len(self._far)))
            there = int(np.argmax(gain + warmth * self._random.gumbel(size=len(gain))))
            if there != here:
                self._exchange(here, there)

    def _gain(self, here: Ints, there: Ints) -> Floats:
        """By how much lengths shrink when the contents of two qubits change places."""
        a, b = self._held[here], self._held[there]
        costs = self._costs
        apart = costs[here, a] + costs[there, b] - costs[there, a] - costs[here, b]
        gain: Floats = apart - 2 * self._pull[a, b] * self._length[here, there]
        gain[here == there] = 0.0
        return gain

    def _exchange(self, here: int, there: int) -> None:
        a, b = int(self._held[here]), int(self._held[there])
        moved = self._length[:, there] - self._length[:, here]
        self._costs += moved[:, None] * (self._pull[a] - self._pull[b])
        self._held[[here, there]] = b, a
        self._where[[a, b]] = there, here

    def _chosen(self) -> tuple[int, int]:
        """The swap that brings pending pairs nearest, or a step of the nearest pair where none brings any."""
        here, there = self._couplers.T
        gain = self._gain(here, there)
        a, b = self._held[here], self._held[there]
        waits = np.array([y in self._waiting[x] for x, y in zip(a.tolist(), b.tolist(), strict=True)])
        score = np.where(gain > 0, gain + _MERGED * waits + self._random.random(len(gain)), -1.0)
        best = int(np.argmax(score))
        if score[best] > 0:
            return int(here[best]), int(there[best])
        rows, columns = np.nonzero(np.triu(self._pull))
        apart = self._far[self._where[rows], self._where[columns]]
        nearest = int(np.argmin(apart))
        start, goal = int(self._where[rows[nearest]]), int(self._where[columns[nearest]])
        ahead = np.flatnonzero((self._far[start] == 1) & (self._far[:, goal] == apart[nearest] - 1))
        return start, int(ahead[0])

    def _swap(self, here: int, there: int) -> None:
        a, b = int(self._held[here]), int(self._held[there])
        gates = self._taken(a, b) if b in self._waiting[a] else []
        self._due(a, b)
        self._due(b, a)
        for gate in gates[1:]:
            self._steps.append(Step(gate, here, there, False))
        self._steps.append(Step(gates[0] if gates else NO_GATE, here, there, True))
        self._exchange(here, there)
        self._wait((a, b))

    def _wait(self, moved: range | tuple[int, int]) -> None:
        """Pairs of the spins that moved which are adjacent now pull no more: they wait for their gates."""
        for spin in moved:
            partners = np.flatnonzero(self._pull[spin])
            met = partners[self._far[self._where[spin], self._where[partners]] == 1]
            for other in met.tolist():
                for one, two in ((spin, other), (other, spin)):
                    self._costs[:, one] -= self._pull[one, two] * self._length[:, self._where[two]]
                    self._waiting[one].add(two)
                self._pull[spin, other] = self._pull[other, spin] = 0.0

    def _due(self, spin: int, but: int) -> None:
        """The gates of a spin's waiting pairs, but for the one with `but`."""
        for other in sorted(self._waiting[spin] - {but}):
            for gate in self._taken(spin, other):
                self._steps.append(Step(gate, int(self._where[spin]), int(self._where[other]), False))

    def _taken(self, a: int, b: int) -> list[int]:
        self._waiting[a].discard(b)
        self._waiting[b].discard(a)
        return self._gates[min(a, b), max(a, b)]
