"""Swaps that bring the pairs of commuting gates together: each the one that shortens all pending distances most."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.llvm import Kernel, Operand, compiled, i32, i64, ptr
from qevo_compiler.evaluator.llvm.control import Variable
from qevo_compiler.evaluator.random import below
from qevo_compiler.evaluator.routing.graphs import Adjacency

Ints = NDArray[np.int64]

# States of a pair: its spins are apart; they are neighbours and the gate waits; the gate is made.
APART, WAITING, MADE = 0, 1, 2
GATE_TIME, SWAP_TIME = 2, 3
# A gain weighs as much as this many steps of time or units of noise.
GAIN = 256
_GRAPHS = ("first", "partner", "edge", "near_first", "near", "coupler")
_ARRAYS = (
    *_GRAPHS,
    "pairs",
    "couplers",
    "far",
    "length",
    "where",
    "held",
    "state",
    "clock",
    "left",
    "gain",
    "steps",
    "random",
)


def route_pairs(
    pairs: Ints, spins: Adjacency, couplers: Ints, qubits: Adjacency, far: NDArray[np.int32],
    length: NDArray[np.int32], start: Ints, merged: int, patience: int, noise: int, random: Ints,
) -> tuple[Ints, Ints]:  # fmt: skip
    """Steps [s, 4] that make a gate on every pair of spins [m, 2], and the qubit of every spin after them.

    A step is the number of a pair (-1: none), two coupled qubits, and 1 if a swap follows. Of the swaps that shorten
    the `length` [q, q] of the pairs that are apart by g > 0 the one with the highest 256 (g + `merged` if its pair
    waits) - `patience` t + r is made, t the time at which its qubits are free, r random below `noise`. Where none
    does, the pair nearest by `far` [q, q] is brought together. Pairs that have met wait until one of them leaves.
    `random` [1] is the generator's state (not 0), which goes on. Every pair must be joined by a path of couplers.

    A swap costs O(couplers) comparisons and the degrees of two spins times that of the qubits; a gate that waits at the
    end one comparison with each of the others. `length` is symmetric.
    """
    most = 4 * len(pairs) + 64
    while True:
        where, size = start.copy(), len(far)
        held = np.full(size, len(where), np.int64)
        held[where] = np.arange(len(where))
        steps = np.zeros((len(pairs) + most, 4), np.int64)
        trial = random.copy()
        count = int(
            compiled(_kernel())(
                len(where), size, len(pairs), len(couplers), most, merged, patience, noise,
                spins.first, spins.others, spins.edges, qubits.first, qubits.others, qubits.edges,
                pairs, couplers, far, length, where, held, np.zeros(len(pairs), np.int64), np.zeros(size, np.int64),
                np.zeros(len(where), np.int64), np.zeros((len(couplers), 2), np.int64), steps, trial,
            )
        )  # fmt: skip
        if count >= 0:
            random[:] = trial
            return steps[:count], where
        most *= 4


@cache
def _kernel() -> Kernel:
    numbers = dict.fromkeys(("spins", "qubits", "count", "joints", "most", "merged", "patience", "noise"), i64)
    k = Kernel("routing_swaps", i64, **numbers, **dict.fromkeys(_ARRAYS, ptr))
    _Writer(k).write()
    return k


@dataclass
class _Writer:
    """The kernel's parts; `made` counts steps, `apart` pairs, `goal` is the pair that is being brought together."""

    k: Kernel

    def write(self) -> None:
        k = self.k
        self.made, self.apart, self.swaps = (k.variable(i64, 0) for _ in range(3))
        self.goal, self.random = k.variable(i64, -1), k.variable(i64, k.load(i64, k.random))
        with k.range(0, k.count) as pair:
            met = self._distance(*self._places(pair)).equals(1)
            k.store(k.select(met, k.constant(i64, WAITING), APART), k.state, pair)
            self.apart.add(k.select(met, k.constant(i64, 0), 1))
        with k.range(0, k.joints) as joint:
            self._weigh(joint)
        with k.repeat() as loop:
            loop.stop_if(self.apart.get().equals(0) | (self.swaps.get() >= k.most))
            here, there = self._chosen()
            self._swap(here, there)
            self.swaps.add(1)
        self._end()
        k.store(self.random.get(), k.random)
        k.give(k.select(self.apart.get().equals(0), self.made.get(), -1))

    def _end(self) -> None:
        """The gates that still wait: of those that can start first, the one whose spins have most gates left."""
        k = self.k
        with k.range(0, k.count) as pair, k.when(k.load(i64, k.state, pair).equals(WAITING)):
            self._count(pair, 1)
        with k.repeat() as loop:
            best, least = k.variable(i64, -1), k.variable(i64, 0)
            with k.range(0, k.count) as pair, k.when(k.load(i64, k.state, pair).equals(WAITING)):
                here, there = self._places(pair)
                start = k.maximum(k.load(i64, k.clock, here), k.load(i64, k.clock, there))
                ends = (k.load(i64, k.pairs, pair * 2 + side) for side in range(2))
                first, second = (k.load(i64, k.left, spin) for spin in ends)
                value = start * k.count * 2 - first - second
                with k.when((best.get() < 0) | (value < least.get())):
                    best.set(pair)
                    least.set(value)
            loop.stop_if(best.get() < 0)
            self._step(best.get(), *self._places(best.get()), 0)
            k.store(k.constant(i64, MADE), k.state, best.get())
            self._count(best.get(), -1)

    def _count(self, pair: Operand, change: int) -> None:
        k = self.k
        for side in range(2):
            spin = k.load(i64, k.pairs, pair * 2 + side)
            k.store(k.load(i64, k.left, spin) + change, k.left, spin)

    def _places(self, pair: Operand) -> tuple[Operand, Operand]:
        k = self.k
        ends = (k.load(i64, k.pairs, pair * 2 + side) for side in range(2))
        first, second = (k.load(i64, k.where, spin) for spin in ends)
        return first, second

    def _distance(self, here: Operand, there: Operand) -> Operand:
        return self.k.load(i32, self.k.far, here * self.k.qubits + there)

    def _ends(self, joint: Operand) -> tuple[Operand, Operand]:
        k = self.k
        return k.load(i64, k.couplers, joint * 2), k.load(i64, k.couplers, joint * 2 + 1)

    def _weigh(self, joint: Operand) -> None:
        """By how much a swap on a coupler shortens the pairs that are apart, and whether its pair waits."""
        k = self.k
        here, there = self._ends(joint)
        gain, waits = k.variable(i64, 0), k.variable(i64, 0)
        for source, goal in ((here, there), (there, here)):
            spin, other = k.load(i64, k.held, source), k.load(i64, k.held, goal)
            now, then = (k.address(i32, k.length, place * k.qubits) for place in (source, goal))
            with k.when(spin < k.spins), self._partners(spin) as place:
                state, partner = self._state(place), k.load(i64, k.partner, place)
                with k.when(state.equals(APART)) as branch:
                    at = k.load(i64, k.where, partner)
                    gain.add((k.load(i32, now, at) - k.load(i32, then, at)).to(i64))
                    branch.otherwise()
                    both = state.equals(WAITING) & partner.equals(other)
                    waits.set(k.select(both, k.constant(i64, 1), waits.get()))
        k.store(gain.get(), k.gain, joint * 2)
        k.store(waits.get(), k.gain, joint * 2 + 1)

    def _partners(self, spin: Operand) -> AbstractContextManager[Operand]:
        """A loop over the places of a spin's partners."""
        k = self.k
        return k.range(k.load(i64, k.first, spin), k.load(i64, k.first, spin + 1))

    def _state(self, place: Operand) -> Operand:
        """Of the pair with the partner at `place`."""
        return self.k.load(i64, self.k.state, self.k.load(i64, self.k.edge, place))

    def _chosen(self) -> tuple[Operand, Operand]:
        """The coupler of the best swap; one on the way of the nearest pair, until that has met, where none gains."""
        k = self.k
        here, there, score = k.variable(i64, -1), k.variable(i64, -1), k.variable(i64, 0)
        with k.when(self.goal.get() >= 0), k.when(k.load(i64, k.state, self.goal.get()).differs(APART)):
            self.goal.set(-1)
        with k.when(self.goal.get() < 0):
            with k.range(0, k.joints) as joint:
                gain = k.load(i64, k.gain, joint * 2)
                with k.when(gain > 0):
                    a, b = self._ends(joint)
                    value = self._score(gain + k.merged * k.load(i64, k.gain, joint * 2 + 1), a, b)
                    with k.when((here.get() < 0) | (value > score.get())):
                        here.set(a)
                        there.set(b)
                        score.set(value)
            with k.when(here.get() < 0):
                self._aim()
        with k.when(here.get() < 0):
            start, end = self._places(self.goal.get())
            here.set(start)
            there.set(self._nearer(start, end))
        return here.get(), there.get()

    def _score(self, gain: Operand, here: Operand, there: Operand) -> Operand:
        k = self.k
        time = k.maximum(k.load(i64, k.clock, here), k.load(i64, k.clock, there))
        return gain * GAIN - k.patience * time + below(self.random, k.noise)

    def _aim(self) -> None:
        """Make the nearest pair that is apart the goal."""
        k = self.k
        nearest = k.variable(i64, 1 << 40)
        with k.range(0, k.count) as pair, k.when(k.load(i64, k.state, pair).equals(APART)):
            distance = self._distance(*self._places(pair)).to(i64)
            with k.when(distance < nearest.get()):
                nearest.set(distance)
                self.goal.set(pair)

    def _nearer(self, start: Operand, end: Operand) -> Operand:
        """The last neighbour of `start` that is a step nearer to `end`."""
        k = self.k
        found = k.variable(i64, start)
        distance = self._distance(start, end)
        with k.range(k.load(i64, k.near_first, start), k.load(i64, k.near_first, start + 1)) as place:
            near = k.load(i64, k.near, place)
            found.set(k.select(self._distance(near, end) < distance, near, found.get()))
        return found.get()

    def _swap(self, here: Operand, there: Operand) -> None:
        k = self.k
        spins = [k.load(i64, k.held, place) for place in (here, there)]
        both = k.variable(i64, -1)
        for spin, other in (spins, spins[::-1]):
            with k.when(spin < k.spins):
                self._leave(spin, other, both)
        with k.when(both.get() >= 0):
            k.store(k.constant(i64, MADE), k.state, both.get())
        self._step(both.get(), here, there, 1)
        for spin, place in zip(spins, (there, here), strict=True):
            k.store(spin, k.held, place)
            with k.when(spin < k.spins):
                k.store(place, k.where, spin)
        for spin, old, new in zip(spins, (here, there), (there, here), strict=True):
            with k.when(spin < k.spins):
                self._meet(spin, old, new)
        for place in (here, there):
            with k.range(k.load(i64, k.near_first, place), k.load(i64, k.near_first, place + 1)) as at:
                self._weigh(k.load(i64, k.coupler, at))

    def _leave(self, spin: Operand, other: Operand, both: Variable) -> None:
        """The gates of a spin's waiting pairs; that with `other` goes along with the swap."""
        k = self.k
        with self._partners(spin) as place:
            pair, partner = k.load(i64, k.edge, place), k.load(i64, k.partner, place)
            with k.when(self._state(place).equals(WAITING)), k.when(partner.equals(other)) as branch:
                both.set(pair)
                branch.otherwise()
                self._step(pair, k.load(i64, k.where, spin), k.load(i64, k.where, partner), 0)
                k.store(k.constant(i64, MADE), k.state, pair)

    def _meet(self, spin: Operand, old: Operand, new: Operand) -> None:
        """Pairs of a spin that moved are neighbours, or what a swap of its partners gains has changed."""
        k = self.k
        with self._partners(spin) as place, k.when(self._state(place).equals(APART)):
            partner = k.load(i64, k.where, k.load(i64, k.partner, place))
            met = self._distance(new, partner).equals(1)
            with k.range(k.load(i64, k.near_first, partner), k.load(i64, k.near_first, partner + 1)) as at:
                other, joint = k.load(i64, k.near, at), k.load(i64, k.coupler, at)
                before, after = (self._shortened(to, partner, other) for to in (old, new))
                change = k.select(met, k.constant(i64, 0), after) - before
                k.store(k.load(i64, k.gain, joint * 2) + change, k.gain, joint * 2)
            with k.when(met):
                k.store(k.constant(i64, WAITING), k.state, k.load(i64, k.edge, place))
                self.apart.add(-1)

    def _shortened(self, goal: Operand, here: Operand, there: Operand) -> Operand:
        """By how much a move from `here` to `there` shortens the way to `goal`."""
        k = self.k
        row = k.address(i32, k.length, goal * k.qubits)
        return (k.load(i32, row, here) - k.load(i32, row, there)).to(i64)

    def _step(self, pair: Operand, here: Operand, there: Operand, swap: int) -> None:
        k = self.k
        for column, value in enumerate((pair, here, there, k.constant(i64, swap))):
            k.store(value, k.steps, self.made.get() * 4 + column)
        self.made.add(1)
        free = k.maximum(k.load(i64, k.clock, here), k.load(i64, k.clock, there))
        for place in (here, there):
            k.store(free + (SWAP_TIME if swap else GATE_TIME), k.clock, place)
