"""Parallel tempering: a ladder of temperatures side by side in vectors; neighbours swap them now and then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.annealing.acceptance import Rule
from qevo_compiler.evaluator.annealing.energy_kernel import replica_energies
from qevo_compiler.evaluator.annealing.metropolis import ReplicaGroup
from qevo_compiler.evaluator.annealing.model import Singles, SpinModel
from qevo_compiler.evaluator.annealing.runs import SWAPS, Spins, Watch, first_states, flip_key
from qevo_compiler.evaluator.annealing.sparse_kernel import sparse_sweeps
from qevo_compiler.evaluator.llvm import aligned, compiled, f32, lanes, run_chunks
from qevo_compiler.evaluator.random import key_words, threefry_reference

Floats = NDArray[np.float64]

# Rungs of a ladder: two vectors of the widest kind.
RUNGS = 32
# Sweeps between two rounds of swaps.
_SWEEPS = 10
# The part of a run in which the ladder's rungs still move.
_TUNING = 0.2
_WANTED = 0.25


class Replicas(Protocol):
    """The 32 replicas of a ladder, with sweeps, energies and descents."""

    def sweep(self, slopes: Singles, first: int, replica: int, key: list[int]) -> None:
        """A sweep at each row of `slopes` [sweeps, 32]: 2 beta / ln 2 in units. `first` is the first's number."""

    def energies(self) -> Floats:
        """Of each replica, in units, up to a constant."""

    def state(self, replica: int) -> Spins:
        """[n], a copy."""

    def at_rest(self, state: Spins) -> Spins:
        """[1, n]: the state after a descent. The replicas are then no longer what they were."""


def temper(
    model: SpinModel,
    betas: tuple[float, float],
    sweeps: int,
    ladders: int,
    seed: int = 0,
    *,
    initial: Spins | None = None,
    threads: int | None = None,
    watch: Watch | None = None,
) -> Spins:
    """The best state [ladders, n] that each ladder of 32 replicas met, after a descent.

    The rungs start at even ratios between `betas` (hot, cold); during the first fifth of the run they move so
    that neighbours swap at an even rate. `sweeps` are those of every replica.
    """
    if not model.size:
        return np.zeros((ladders, 0), np.int8)
    group = ReplicaGroup(model, RUNGS // lanes(f32))
    starts = first_states(seed, ladders * RUNGS, model.size, initial)

    def replicas(number: int) -> Replicas:
        return _SparseReplicas(model, group, starts[number * RUNGS : (number + 1) * RUNGS])

    return climb(replicas, model.unit, betas, sweeps, ladders, seed, threads, watch)


def climb(
    replicas: Callable[[int], Replicas],
    unit: float,
    betas: tuple[float, float],
    sweeps: int,
    ladders: int,
    seed: int,
    threads: int | None = None,
    watch: Watch | None = None,
) -> Spins:
    """`temper` over the replicas that `replicas` makes for the ladder of a number."""
    watch = watch or Watch()
    rounds = max(1, sweeps // _SWEEPS)

    def work(number: int) -> Spins:
        ladder = _Ladder(replicas(number), unit, betas, number, seed)
        for turn in range(rounds):
            ladder.round(turn, turn < _TUNING * rounds)
            if not watch.advance(1 / rounds / ladders):
                break
        return ladder.result()

    return np.concatenate(run_chunks(work, range(ladders), threads, watch.stop))


class _SparseReplicas:
    def __init__(self, model: SpinModel, group: ReplicaGroup, states: Spins) -> None:
        self._rows, self._group = model.upper, group
        self._sweep = compiled(sparse_sweeps(group.lanes, group.vectors, Rule.METROPOLIS))
        self._measure = compiled(replica_energies(group.lanes, group.vectors, f32))
        self._spins = group.load(states)
        self._energies = aligned(RUNGS, np.float64)

    def sweep(self, slopes: Singles, first: int, replica: int, key: list[int]) -> None:
        group = self._group
        self._sweep(group.sites, len(slopes), first, replica, *key, *group.arrays, slopes, self._spins)

    def energies(self) -> Floats:
        group, rows = self._group, self._rows
        self._measure(group.size, rows.starts, rows.columns, rows.values, group.arrays[3], self._spins, self._energies)
        return self._energies

    def state(self, replica: int) -> Spins:
        return self._spins[: self._group.size, replica].astype(np.int8)

    def at_rest(self, state: Spins) -> Spins:
        self._spins[: len(state)] = state[:, None]
        self._group.descend(self._spins)
        return self._group.unload(self._spins)[:1]


class _Ladder:
    def __init__(self, replicas: Replicas, unit: float, betas: tuple[float, float], number: int, seed: int) -> None:
        self._replicas, self._unit, self._number, self._seed = replicas, unit, number, seed
        self._betas = np.geomspace(*betas, RUNGS)
        self._range = float(np.log(betas[1] / betas[0]))
        self._rung = np.arange(RUNGS)  # of each replica
        self._rates = np.full(RUNGS - 1, _WANTED)
        self._lowest = np.inf
        self._best = replicas.state(0)

    def round(self, turn: int, tuning: bool) -> None:
        """Some sweeps at the present temperatures, then swaps of every other pair of rungs."""
        betas = self._betas[self._rung]
        slopes = np.tile((2 / np.log(2) * self._unit * betas).astype(np.float32), (_SWEEPS, 1))
        self._replicas.sweep(slopes, turn * _SWEEPS, self._number * RUNGS, flip_key(self._seed))
        energies = self._replicas.energies()
        least = int(np.argmin(energies))
        if energies[least] < self._lowest:
            self._lowest = float(energies[least])
            self._best = self._replicas.state(least)
        self._swap(turn, tuning, energies)

    def _swap(self, turn: int, tuning: bool, energies: Floats) -> None:
        replica = np.argsort(self._rung)  # on each rung
        low = np.arange(turn % 2, RUNGS - 1, 2)
        a, b = replica[low], replica[low + 1]
        gain = (self._betas[low + 1] - self._betas[low]) * (energies[b] - energies[a]) * self._unit
        chance = np.exp(np.minimum(gain, 0.0))
        swapped = self._uniform(turn)[low] < chance
        self._rung[a[swapped]], self._rung[b[swapped]] = low[swapped] + 1, low[swapped]
        if tuning:
            self._rates[low] = 0.9 * self._rates[low] + 0.1 * chance
            self._move_rungs()

    def _move_rungs(self) -> None:
        """Shrink gaps in ln beta that swap seldom, widen the others; the cold end stays, the hot one gets no hotter."""
        gaps = np.diff(np.log(self._betas)) * np.exp(0.05 * (np.clip(self._rates, 0.02, 0.98) - _WANTED))
        gaps *= min(1.0, self._range / max(float(gaps.sum()), np.finfo(np.float64).tiny))
        logs = np.log(self._betas[-1]) - np.concatenate([np.cumsum(gaps[::-1])[::-1], [0.0]])
        self._betas = np.exp(logs)

    def _uniform(self, turn: int) -> Floats:
        counters = np.zeros((RUNGS, 4), np.uint32)
        counters[:, 0], counters[:, 1], counters[:, 2] = np.arange(RUNGS), turn, self._number
        words = threefry_reference(key_words(self._seed, SWAPS), counters)[:, 0]
        return (words.astype(np.float64) + 0.5) / 2**32

    def result(self) -> Spins:
        """The best state, at a local minimum, [1, n]."""
        return self._replicas.at_rest(self._best)
