"""Parallel tempering: a ladder of temperatures side by side in vectors; neighbours swap them now and then."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.annealing.acceptance import Rule
from qevo_compiler.evaluator.annealing.energy_kernel import replica_energies
from qevo_compiler.evaluator.annealing.metropolis import ReplicaGroup
from qevo_compiler.evaluator.annealing.model import SpinModel
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
    watch = watch or Watch()
    group = ReplicaGroup(model, RUNGS // lanes(f32))
    starts = first_states(seed, ladders * RUNGS, model.size, initial)
    rounds = max(1, sweeps // _SWEEPS)

    def work(number: int) -> Spins:
        ladder = _Ladder(model, group, betas, starts[number * RUNGS : (number + 1) * RUNGS], number, seed)
        for turn in range(rounds):
            ladder.round(turn, turn < _TUNING * rounds)
            if not watch.advance(1 / rounds / ladders):
                break
        return ladder.result()

    return np.concatenate(run_chunks(work, range(ladders), threads, watch.stop))


class _Ladder:
    def __init__(
        self,
        model: SpinModel,
        group: ReplicaGroup,
        betas: tuple[float, float],
        states: Spins,
        number: int,
        seed: int,
    ) -> None:
        self._model, self._group, self._number, self._seed = model, group, number, seed
        self._sweep = compiled(sparse_sweeps(group.lanes, group.vectors, Rule.METROPOLIS))
        self._measure = compiled(replica_energies(group.lanes, group.vectors, f32))
        self._spins = group.load(states)
        self._betas = np.geomspace(*betas, RUNGS)
        self._range = float(np.log(betas[1] / betas[0]))
        self._rung = np.arange(RUNGS)  # of each replica
        self._energies = aligned(RUNGS, np.float64)
        self._rates = np.full(RUNGS - 1, _WANTED)
        self._lowest = np.inf
        self._best = self._spins[:, 0].copy()

    def round(self, turn: int, tuning: bool) -> None:
        """Some sweeps at the present temperatures, then swaps of every other pair of rungs."""
        betas = self._betas[self._rung]
        slopes = np.tile((2 / np.log(2) * self._model.unit * betas).astype(np.float32), _SWEEPS)
        group, rows = self._group, self._model.upper
        first, key = turn * _SWEEPS, flip_key(self._seed)
        self._sweep(group.sites, _SWEEPS, first, self._number * RUNGS, *key, *group.arrays, slopes, self._spins)
        self._measure(group.size, rows.starts, rows.columns, rows.values, group.arrays[3], self._spins, self._energies)
        least = int(np.argmin(self._energies))
        if self._energies[least] < self._lowest:
            self._lowest = float(self._energies[least])
            self._best[:] = self._spins[:, least]
        self._swap(turn, tuning)

    def _swap(self, turn: int, tuning: bool) -> None:
        replica = np.argsort(self._rung)  # on each rung
        low = np.arange(turn % 2, RUNGS - 1, 2)
        a, b = replica[low], replica[low + 1]
        gain = (self._betas[low + 1] - self._betas[low]) * (self._energies[b] - self._energies[a]) * self._model.unit
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
        self._spins[:] = self._best[:, None]
        self._group.descend(self._spins)
        return self._group.unload(self._spins)[:1]
