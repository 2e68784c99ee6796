"""What a routing of commuting gates is: the gates of a block by pairs of spins, and steps on a device's qubits."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.routing import end_times
from qevo_compiler.passes.gates.cost import circuit_cost

Ints = NDArray[np.int64]

NO_GATE = -1
# Of an annealed placement: moves a spin, and temperatures as shares of what a spin's pairs cost a step apart.
MOVES = 3000
HOT, COLD = 0.7, 0.05


@dataclass(frozen=True, eq=False)
class Routing:
    """Steps from the placement `start` to `end`, each the qubit of every spin; all gates commute, so they reverse.

    A step of `steps` [s, 4] is gate number `gate` of the block (`NO_GATE`: none) on two coupled qubits, and 1 where a
    swap follows. `way` says how the routing was found.
    """

    start: Ints
    steps: Ints
    end: Ints
    way: str = "swaps"

    def reversed(self) -> Routing:
        """The same gates in the reverse order, from `end` to `start`."""
        return Routing(self.end, self.steps[::-1], self.start, self.way)

    def without_first_swaps(self) -> Routing:
        """With spins placed where a swap of qubits that nothing has acted on before would bring them. O(steps)."""
        where = np.arange(int(max(self.start.max(), self.steps[:, 1:3].max(initial=0))) + 1)
        kept: list[tuple[int, int, int, int]] = []
        used: set[int] = set()
        for gate, first, second, swap in self.steps.tolist():
            if swap and first not in used and second not in used:
                where[[first, second]] = where[[second, first]]
                swap = 0
            if swap or gate != NO_GATE:
                used.update((first, second))
                kept.append((gate, first, second, swap))
        steps = np.array(kept, np.int64).reshape(-1, 4)
        return replace(self, start=np.argsort(where)[self.start], steps=steps)

    @property
    def gates(self) -> int:
        """Two-qubit gates of cz: 2 a gate, 3 a swap, 3 for both together."""
        return int(self._lengths.sum())

    @property
    def depth(self) -> int:
        """The steps of time that they take."""
        qubits = self.steps[:, 1:3]
        return int(end_times(qubits, self._lengths, int(qubits.max(initial=0)) + 1).max(initial=0))

    @property
    def cost(self) -> int:
        """Of its gates, while all spins wait for the last: `circuit_cost`."""
        return circuit_cost(self.gates, len(self.start), self.depth)

    @property
    def _lengths(self) -> Ints:
        return np.where(self.steps[:, 3] == 1, 3, 2)


@dataclass(frozen=True)
class Block:
    """Commuting gates: `pairs` [m, 2] of spins, each pair once, rows sorted, and the gates on each, in order."""

    pairs: Ints
    gates: Ints
    counts: Ints
    spins: int

    @classmethod
    def of(cls, pairs: Ints, spins: int) -> Block:
        """Of gates on `pairs` [g, 2] of spins in either order."""
        once, which, counts = np.unique(np.sort(pairs, axis=1), axis=0, return_inverse=True, return_counts=True)
        return cls(once.astype(np.int64), np.argsort(which.reshape(-1), kind="stable"), counts, spins)

    def expanded(self, routing: Routing) -> Routing:
        """With gates in the place of pairs: all gates of a pair stand together, a swap follows the last."""
        steps, first = routing.steps, np.cumsum(self.counts) - self.counts
        pair = steps[:, 0]
        copies = np.where(pair == NO_GATE, 1, self.counts[pair])
        rows = np.repeat(np.arange(len(steps)), copies)
        turn = np.arange(len(rows)) - np.repeat(np.cumsum(copies) - copies, copies)
        made = steps[rows]
        acts = made[:, 0] != NO_GATE
        made[acts, 0] = self.gates[first[made[acts, 0]] + turn[acts]]
        made[:, 3] &= turn == copies[rows] - 1
        return replace(routing, steps=made)

    @property
    def density(self) -> float:
        """The share of all pairs that have gates."""
        return 2 * len(self.pairs) / max(self.spins * (self.spins - 1), 1)
