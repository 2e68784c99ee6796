"""Simulated annealing: replicas side by side on sparse models, one after the other on dense ones.

Every random number depends on seed, replica, sweep and spin alone, and a spin's field is summed in the same
order whatever the vectors' width: samples are the same on any number of threads and with any width. (A machine
without fused multiply-add rounds differently, which shows only in models that are not `integral`.)
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.annealing.acceptance import Rule
from qevo_compiler.evaluator.annealing.dense_kernel import BLOCK as DENSE_BLOCK
from qevo_compiler.evaluator.annealing.dense_kernel import NEVER, dense_fields, dense_sweeps
from qevo_compiler.evaluator.annealing.model import DenseSpins, Rows, Singles, SpinModel
from qevo_compiler.evaluator.annealing.runs import Spins, Watch, first_states, flip_key
from qevo_compiler.evaluator.annealing.sparse_kernel import BLOCK as SPARSE_BLOCK
from qevo_compiler.evaluator.annealing.sparse_kernel import sparse_descent, sparse_sweeps
from qevo_compiler.evaluator.llvm import Function, aligned, compiled, f32, i8, lanes, run_chunks, thread_count

# Above this density a row update for each flip beats summing fields at each proposal (benchmarks/evaluator).
DENSE_FROM = 0.2
# Site visits between two looks at the watch.
VISITS = 1 << 22
# Rounding could let real fields turn two spins for ever.
DESCENTS = 1000


def is_dense(model: SpinModel) -> bool:
    """Whether the dense kernel is the faster one."""
    return model.density >= DENSE_FROM


def anneal(
    model: SpinModel | DenseSpins,
    betas: NDArray[np.float64],
    replicas: int,
    seed: int = 0,
    *,
    initial: Spins | None = None,
    rule: Rule = Rule.METROPOLIS,
    dense: bool | None = None,
    polish: bool = True,
    threads: int | None = None,
    watch: Watch | None = None,
) -> Spins:
    """States [replicas, n] after one sweep at each of `betas` [sweeps], then (with `polish`) a descent.

    `initial` [k, n] replaces random first states. `dense` None picks the kernel by density. Cost: sparse
    O(sweeps couplings replicas / lanes), dense O(sweeps n replicas + flips n).
    """
    states = first_states(seed, replicas, model.size, initial)
    if not states.size:
        return states
    watch = watch or Watch()
    if isinstance(model, DenseSpins) or (is_dense(model) if dense is None else dense):
        matrix = model if isinstance(model, DenseSpins) else model.dense
        return _anneal_dense(matrix, betas, states, seed, rule, polish, threads, watch)
    return _anneal_sparse(model, betas, states, seed, rule, polish, threads, watch)


def _anneal_sparse(
    model: SpinModel,
    betas: NDArray[np.float64],
    states: Spins,
    seed: int,
    rule: Rule,
    polish: bool,
    threads: int | None,
    watch: Watch,
) -> Spins:
    group = ReplicaGroup.sized(model, len(states), threads)
    sweep = compiled(sparse_sweeps(group.lanes, group.vectors, rule)) if rule is not Rule.GREEDY else None
    slopes = (2 / np.log(2) * model.unit * betas).astype(np.float32)
    key = flip_key(seed)
    groups = -(-len(states) // group.width)

    def work(number: int) -> Spins:
        first = number * group.width
        spins = group.load(states[first : first + group.width])
        for start, stop in sweep_chunks(len(betas) if sweep else 0, group.sites * group.vectors):
            steep = np.repeat(slopes[start:stop], group.width)
            assert sweep is not None
            sweep(group.sites, stop - start, start, first, *key, *group.arrays, steep, spins)
            if not watch.advance((stop - start) / len(betas) / groups):
                break
        if polish or rule is Rule.GREEDY:
            group.descend(spins)
        return group.unload(spins)

    parts = run_chunks(work, range(groups), threads, watch.stop)
    return np.concatenate(parts)[: len(states)]


class ReplicaGroup:
    """Some vectors of replicas of a sparse model: spins [sites, width], sites padded with ones that are alone."""

    def __init__(self, model: SpinModel, vectors: int) -> None:
        self.lanes, self.vectors = lanes(f32), vectors
        self.width = self.lanes * vectors
        self.size = model.size
        self.sites = -(-model.size // SPARSE_BLOCK) * SPARSE_BLOCK
        self.arrays = _padded(model, self.sites)

    @cached_property
    def _descent(self) -> Function:
        return compiled(sparse_descent(self.lanes, self.vectors))

    @staticmethod
    def sized(model: SpinModel, replicas: int, threads: int | None) -> ReplicaGroup:
        """Two vectors where they leave work for every thread, else one."""
        need = -(-replicas // lanes(f32))
        return ReplicaGroup(model, 2 if need >= 2 * (threads or thread_count()) else 1)

    def load(self, states: Spins) -> Singles:
        spins: Singles = aligned((self.sites, self.width), np.float32)
        spins[:] = 1
        spins[: self.size, : len(states)] = states.T
        return spins

    def unload(self, spins: Singles) -> Spins:
        return np.ascontiguousarray(spins[: self.size].T.astype(np.int8))

    def descend(self, spins: Singles) -> None:
        """To a local minimum of every replica; each sweep lowers some energy, so this ends."""
        for _ in range(DESCENTS):
            if not self._descent(self.sites, *self.arrays, spins):
                return


def _padded(model: SpinModel, sites: int) -> tuple[NDArray[np.int32], NDArray[np.int32], Singles, Singles]:
    rows: Rows = model.symmetric
    more = sites - model.size
    starts = np.concatenate([rows.starts, np.full(more, rows.starts[-1], np.int32)])
    fields = np.concatenate([model.unit_fields, np.zeros(more, np.float32)])
    return starts, rows.columns, rows.values, fields


def _anneal_dense(
    model: DenseSpins,
    betas: NDArray[np.float64],
    states: Spins,
    seed: int,
    rule: Rule,
    polish: bool,
    threads: int | None,
    watch: Watch,
) -> Spins:
    walk = DenseWalk(model)
    temperatures = np.log(2) / (2 * model.unit) / np.maximum(betas, np.finfo(np.float64).tiny)
    limits = np.minimum(temperatures, -NEVER / 64).astype(np.float32)
    key = flip_key(seed)

    def work(replica: int) -> Spins:
        spins = walk.load(states[replica])
        fields = walk.fields(spins)
        for start, stop in sweep_chunks(len(betas) if rule is not Rule.GREEDY else 0, model.size):
            walk.sweep(rule, start, replica, key, limits[start:stop], spins, fields)
            if not model.integral:
                fields = walk.fields(spins)
            if not watch.advance((stop - start) / len(betas) / len(states)):
                break
        if polish or rule is Rule.GREEDY:
            walk.descend(spins, fields)
        return spins[: model.size].astype(np.int8)

    return np.stack(run_chunks(work, range(len(states)), threads, watch.stop))


class DenseWalk:
    """One replica of a dense model: spins and local fields [blocks * 64], the last of them fillers."""

    def __init__(self, model: DenseSpins) -> None:
        self.size = model.size
        self.blocks = -(-model.size // DENSE_BLOCK)
        self.lanes = lanes(f32)
        self.matrix = model.matrix
        self.element = i8 if self.matrix.dtype == np.int8 else f32
        self._fields = model.fields
        # Kept here: to write a kernel's text anew takes longer than a call on a small model.
        self._fill = compiled(dense_fields(self.lanes, self.element))
        self._sweeps: dict[Rule, Function] = {}

    def load(self, state: Spins) -> Singles:
        spins: Singles = aligned(self.blocks * DENSE_BLOCK, np.float32)
        spins[:] = 1
        spins[: self.size] = state
        return spins

    def fields(self, spins: Singles) -> Singles:
        """The local fields of a state: O(n^2)."""
        fields: Singles = aligned(self.blocks * DENSE_BLOCK, np.float32)
        fields[:] = NEVER
        fields[: self.size] = self._fields
        self._fill(self.size, self.matrix, spins, fields)
        return fields

    def sweep(
        self, rule: Rule, first: int, replica: int, key: list[int], limits: Singles, spins: Singles, fields: Singles
    ) -> int:
        """A sweep at each of `limits`, ln 2 / (2 beta) in units; the number of flips."""
        if rule not in self._sweeps:
            self._sweeps[rule] = compiled(dense_sweeps(self.lanes, rule, self.element))
        sizes = (self.size, self.blocks, len(limits), first, replica)
        return int(self._sweeps[rule](*sizes, *key, self.matrix, np.ascontiguousarray(limits), spins, fields))

    def descend(self, spins: Singles, fields: Singles) -> None:
        """To a local minimum: each flip lowers the energy, up to the rounding of fields of models with real numbers."""
        limit = np.zeros(1, np.float32)
        for _ in range(DESCENTS):
            if not self.sweep(Rule.GREEDY, 0, 0, [0] * 4, limit, spins, fields):
                return


def sweep_chunks(sweeps: int, visits: int) -> Iterator[tuple[int, int]]:
    """Ranges of sweeps of `visits` site visits each, short enough to look at the watch between them."""
    step = max(1, VISITS // visits)
    for start in range(0, sweeps, step):
        yield start, min(start + step, sweeps)
