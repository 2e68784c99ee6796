"""Annealing of spin models with inequalities as bounds, without slack bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.annealing import schedules
from qevo_compiler.evaluator.annealing.acceptance import Rule
from qevo_compiler.evaluator.annealing.bounded_kernel import bounded_gains, bounded_sweeps
from qevo_compiler.evaluator.annealing.metropolis import DESCENTS, ReplicaGroup, sweep_chunks
from qevo_compiler.evaluator.annealing.model import Singles, SpinModel
from qevo_compiler.evaluator.annealing.runs import Spins, Watch, first_states, flip_key
from qevo_compiler.evaluator.annealing.temperatures import cold_beta, hot_beta
from qevo_compiler.evaluator.llvm import aligned, compiled, run_chunks

Floats = NDArray[np.float64]
_PILOTS = 4


@dataclass(frozen=True)
class BoundedModel:
    """E = energy of `pairs` + sum_r penalties[r] d_r^2.

    d_r is the distance of bases[r] + sum_i w_ri s_i from the interval [-widths[r], 0]. Entry e says that spin
    `sites[e]` is in row `rows[e]` with `weights[e]`; each pair of them at most once.
    """

    pairs: SpinModel
    bases: Floats
    widths: Floats
    penalties: Floats
    rows: NDArray[np.int32]
    sites: NDArray[np.int32]
    weights: Floats

    @property
    def size(self) -> int:
        return self.pairs.size

    def sums(self, states: Spins) -> Floats:
        """The rows' sums [reads, rows] of states [reads, n]."""
        from scipy.sparse import csr_matrix

        shape = (len(self.bases), self.size)
        matrix = csr_matrix((self.weights, (self.rows, self.sites)), shape)
        return np.asarray((matrix @ states.T.astype(np.float64)).T + self.bases, np.float64)


def anneal_bounded(
    model: BoundedModel,
    sweeps: int,
    replicas: int,
    seed: int = 0,
    *,
    betas: Floats | None = None,
    initial: Spins | None = None,
    threads: int | None = None,
    watch: Watch | None = None,
) -> Spins:
    """States [replicas, n] after an anneal and a descent; `betas` None goes geometrically from hot to cold.

    The hot end is that of the pairs alone: what the bounds cost is stiff, and there is nothing to gain from
    breaking them. Cost: O(sweeps (couplings + entries) replicas / lanes).
    """
    watch = watch or Watch()
    walk = _Walk(model)
    if betas is None:
        hot = hot_beta(model.pairs)
        betas = schedules.geometric(hot, max(hot, cold_beta(walk.pilot() * model.pairs.unit)), sweeps)
    slopes = (2 / np.log(2) * model.pairs.unit * betas).astype(np.float32)
    states = first_states(seed, replicas, model.size, initial)
    width = walk.group.width
    groups = -(-replicas // width)

    def work(number: int) -> Spins:
        first = number * width
        spins, sums = walk.load(states[first : first + width])
        for start, stop in sweep_chunks(len(betas), model.size):
            walk.sweep(Rule.METROPOLIS, slopes[start:stop], start, first, flip_key(seed), spins, sums)
            if not watch.advance((stop - start) / len(betas) / groups):
                break
        walk.descend(spins, sums)
        return walk.group.unload(spins)

    return np.concatenate(run_chunks(work, range(groups), threads, watch.stop))[:replicas]


class _Walk:
    """The kernels' arrays of a bounded model; rows are scaled by the roots of their penalties in units."""

    def __init__(self, model: BoundedModel) -> None:
        self.group = ReplicaGroup(model.pairs, 1)
        self._model = model
        roots = np.sqrt(model.penalties / model.pairs.unit)
        order = np.lexsort((model.rows, model.sites))
        starts = np.searchsorted(model.sites[order], np.arange(self.group.sites + 1)).astype(np.int32)
        weights = (model.weights * roots[model.rows])[order].astype(np.float32)
        self._roots = roots
        self._rows = (starts, np.ascontiguousarray(model.rows[order], np.int32), weights)
        self._widths = (model.widths * roots).astype(np.float32)

    def load(self, states: Spins) -> tuple[Singles, Singles]:
        spins = self.group.load(states)
        sums: Singles = aligned((max(len(self._roots), 1), self.group.width), np.float32)
        everyone = np.ones((self.group.width, self._model.size), np.int8)
        everyone[: len(states)] = states
        sums[: len(self._roots)] = (self._model.sums(everyone) * self._roots).T
        return spins, sums

    def sweep(
        self, rule: Rule, slopes: Singles, first: int, replica: int, key: list[int], spins: Singles, sums: Singles
    ) -> int:
        kernel = compiled(bounded_sweeps(self.group.lanes, rule))
        steep = np.repeat(slopes, self.group.width)
        numbers = (self.group.sites, len(slopes), first, replica)
        return int(kernel(*numbers, *key, steep, *self._arrays(spins, sums)))

    def descend(self, spins: Singles, sums: Singles) -> None:
        one = np.ones(1, np.float32)
        for _ in range(DESCENTS):
            if not self.sweep(Rule.GREEDY, one, 0, 0, [0] * 4, spins, sums):
                return

    def pilot(self) -> Floats:
        """What flips cost at local minima [states, n], in units."""
        spins, sums = self.load(first_states(0, self.group.width, self._model.size))
        self.descend(spins, sums)
        gains: Singles = aligned((self.group.sites, self.group.width), np.float32)
        compiled(bounded_gains(self.group.lanes))(self.group.sites, *self._arrays(spins, sums), gains)
        return np.ascontiguousarray(gains[: self._model.size, :_PILOTS].T.astype(np.float64))

    def _arrays(self, spins: Singles, sums: Singles) -> tuple[object, ...]:
        return (*self.group.arrays, spins, *self._rows, self._widths, sums)
