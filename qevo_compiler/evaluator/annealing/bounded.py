"""Annealing of spin models with equations and inequalities as bounds, without slack bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.annealing import schedules
from qevo_compiler.evaluator.annealing.acceptance import Rule
from qevo_compiler.evaluator.annealing.bounded_kernel import bounded_gains, bounded_sweeps
from qevo_compiler.evaluator.annealing.bounded_model import BoundedModel
from qevo_compiler.evaluator.annealing.energy_kernel import replica_energies
from qevo_compiler.evaluator.annealing.metropolis import DESCENTS, VISITS, ReplicaGroup, sweep_chunks
from qevo_compiler.evaluator.annealing.model import Singles
from qevo_compiler.evaluator.annealing.runs import Spins, Watch, first_states, flip_key
from qevo_compiler.evaluator.annealing.solve import Plan, with_ladders
from qevo_compiler.evaluator.annealing.temperatures import SPREADS, beta_range, cold_beta
from qevo_compiler.evaluator.annealing.tempering import RUNGS, Replicas, climb
from qevo_compiler.evaluator.llvm import aligned, compiled, f32, run_chunks

Floats = NDArray[np.float64]
_PILOTS = 4
# Rounded sums of rows are made anew after so many sweeps.
_ROUNDED = 64
# Rounds of a descent that look at pairs as well.
_PAIRED = 20
# What bounds cost in replicas 0, 1, 2, 3, 4, ... as parts of their own cost, and the part of the sweeps that undoes it.
_LEVELS = (1.0, 1 / 4, 1 / 16, 1 / 64)
_HARDENING = 0.2


def anneal_bounded(
    model: BoundedModel,
    sweeps: int,
    replicas: int,
    seed: int = 0,
    *,
    betas: Floats | None = None,
    initial: Spins | None = None,
    polish: bool = True,
    threads: int | None = None,
    watch: Watch | None = None,
) -> Spins:
    """States [replicas, n] after an anneal and (with `polish`) a descent.

    `betas` None goes geometrically from hot to cold, with bounds that most replicas start softer (`_softened`).
    A sweep proposes every spin alone, then every spin that has mates together with one of them.
    Cost: O(sweeps (couplings + entries) replicas / lanes).
    """
    watch = watch or Watch()
    walk = _Walk(model)
    betas, stiffness = _softened(walk, sweeps) if betas is None else (betas[:, None], np.ones((len(betas), 1)))
    slopes, stiff = (2 / np.log(2) * model.pairs.unit * betas).astype(np.float32), stiffness.astype(np.float32)
    states = first_states(seed, replicas, model.size, initial)
    width = walk.group.width
    groups = -(-replicas // width)

    def work(number: int) -> Spins:
        first = number * width
        spins, sums = walk.load(states[first : first + width])
        for start, stop in sweep_chunks(len(betas), walk.visits):
            levels = np.arange(first, first + width) % slopes.shape[1]
            steep, hard = (np.ascontiguousarray(part[start:stop, levels]) for part in (slopes, stiff))
            walk.sweep(Rule.METROPOLIS, steep, hard, start, first, flip_key(seed), spins, sums)
            if not watch.advance((stop - start) / len(betas) / groups):
                break
        if polish:
            walk.descend(spins, sums)
        return walk.group.unload(spins)

    return np.concatenate(run_chunks(work, range(groups), threads, watch.stop))[:replicas]


def temper_bounded(
    model: BoundedModel,
    sweeps: int,
    ladders: int,
    seed: int = 0,
    *,
    threads: int | None = None,
    watch: Watch | None = None,
) -> Spins:
    """The best state [ladders, n] of each ladder of 32 replicas, as by `temper`."""
    walk = _Walk(model)
    states = first_states(seed, ladders * RUNGS, model.size)

    def replicas(number: int) -> Replicas:
        return _BoundedReplicas(walk, states[number * RUNGS : (number + 1) * RUNGS])

    return climb(replicas, model.pairs.unit, walk.beta_range(), sweeps, ladders, seed, threads, watch)


def bounded_beta_range(model: BoundedModel) -> tuple[float, float]:
    """Inverse temperatures, hot and cold, as of `temperatures.beta_range`."""
    return _Walk(model).beta_range()


def solve_bounded(model: BoundedModel, plan: Plan, watch: Watch | None = None) -> Spins:
    """States [reads, n]: an anneal, and every sixteenth read from a ladder where that is lower (see `solve`)."""
    watch = watch or Watch()
    found = anneal_bounded(
        model, plan.sweeps, plan.reads, plan.seed, betas=plan.betas, threads=plan.threads, watch=watch
    )
    if plan.betas is not None:
        return found
    return with_ladders(
        found,
        plan,
        lambda sweeps, ladders: temper_bounded(model, sweeps, ladders, plan.seed, threads=plan.threads, watch=watch),
        model.energies,
    )


def _softened(walk: _Walk, sweeps: int) -> tuple[Floats, Floats]:
    """Inverse temperatures and stiffness [sweeps, levels]; replicas take the levels in turn.

    Weights that are proved to dominate freeze a search long before the objective matters. So most replicas have softer
    bounds, which rise to their own cost in the last fifth of the sweeps: what is found is at rest in the model itself.
    """
    cold = walk.cold_beta()
    hot = [walk.hot_beta(level) for level in _LEVELS]
    betas = np.stack([schedules.geometric(start, max(start, cold), sweeps) for start in hot], axis=1)
    grown = np.clip((np.arange(sweeps) / max(sweeps, 2) - 1) / _HARDENING + 1, 0.0, 1.0)
    return betas, np.array(_LEVELS) ** (1 - grown[:, None])


def _hot_beta(model: BoundedModel, stiffness: float) -> float:
    """That of the pairs and the equations, softened: inequalities are not worth melting."""
    here = model.widths[model.rows] == 0
    rows, sites, weights = model.rows[here], model.sites[here], model.weights[here]
    count = len(model.bases)
    squares, sizes = (np.bincount(rows, part, count) for part in (weights**2, np.abs(weights)))
    base = np.abs(model.bases)
    cost = 2 * stiffness * model.penalties[rows] * np.abs(weights)
    spread = np.bincount(sites, cost**2 * (base[rows] ** 2 + squares[rows] - weights**2), model.size)
    bound = np.bincount(sites, cost * (base[rows] + sizes[rows] - np.abs(weights)), model.size)
    spread = np.sqrt(spread + model.pairs.field_spreads**2)
    stiffest = np.minimum(SPREADS * spread, bound + model.pairs.field_bounds).max(initial=0.0)
    return float(np.log(2) / (2 * stiffest)) if stiffest > 0 else 1.0


class _Walk:
    """The kernels' arrays of a bounded model. Sums of rows are in the model's own numbers: whole ones stay exact."""

    def __init__(self, model: BoundedModel) -> None:
        self.group = ReplicaGroup(model.pairs, 1)
        self.pairs = model.mates.count
        self._model = model
        # Looks at the watch, and sums made anew where they are rounded, are no further apart than this allows.
        self.visits = max(model.size + 8 * self.pairs, 0 if model.exact else VISITS // _ROUNDED)
        order = np.lexsort((model.rows, model.sites))
        starts = np.searchsorted(model.sites[order], np.arange(self.group.sites + 1)).astype(np.int32)
        numbers = (model.weights[order], model.widths, model.penalties / model.pairs.unit)
        weights, widths, costs = (np.ascontiguousarray(part, np.float32) for part in numbers)
        self._rows = (starts, np.ascontiguousarray(model.rows[order], np.int32), weights, widths, costs)

    def load(self, states: Spins) -> tuple[Singles, Singles]:
        spins = self.group.load(states)
        rows = len(self._model.bases)
        sums: Singles = aligned((max(rows, 1), self.group.width), np.float32)
        everyone = np.ones((self.group.width, self._model.size), np.int8)
        everyone[: len(states)] = states
        sums[:rows] = self._model.sums(everyone).T
        return spins, sums

    def sweep(
        self,
        rule: Rule,
        slopes: Singles,
        stiffness: Singles,
        first: int,
        replica: int,
        key: list[int],
        spins: Singles,
        sums: Singles,
        paired: bool = True,
    ) -> int:
        """A sweep at each row of `slopes` and `stiffness` [sweeps, lanes]; the number of flips of `Rule.GREEDY`."""
        kernel = compiled(bounded_sweeps(self.group.lanes, rule))
        partners = np.ascontiguousarray(self._model.mates.pairs(first, first + len(slopes)))
        numbers = (self.group.sites, len(slopes), first, replica)
        pairs = self.pairs if paired else 0
        flips = int(kernel(*numbers, *key, slopes, stiffness, pairs, partners, *self._arrays(spins, sums)))
        if not self._model.exact:
            sums[: len(self._model.bases)] = self._model.sums(self.group.unload(spins)).T
        return flips

    def descend(self, spins: Singles, sums: Singles) -> None:
        """Some rounds with pairs, then by single flips to the end: the same for a replica whatever the others do."""
        one = np.ones((1, self.group.width), np.float32)
        for number in range(_PAIRED):
            self.sweep(Rule.GREEDY, one, one, number, 0, [0] * 4, spins, sums)
        for _ in range(DESCENTS):
            if not self.sweep(Rule.GREEDY, one, one, 0, 0, [0] * 4, spins, sums, paired=False):
                return

    def beta_range(self) -> tuple[float, float]:
        """Inverse temperatures, hot and cold, as of `temperatures.beta_range`."""
        hot = self.hot_beta()
        return hot, max(hot, self.cold_beta())

    def hot_beta(self, stiffness: float = 1.0) -> float:
        return _hot_beta(self._model, stiffness)

    def cold_beta(self) -> float:
        """That of local minima of the model or, if it is colder, of the pairs alone.

        In minima of the model bounds may hide every small difference of the objective.
        """
        pairs = self._model.pairs
        alone = beta_range(pairs)[1] if pairs.field_bounds.any() else 0.0
        return max(cold_beta(self.pilot() * pairs.unit), alone)

    def energies(self, spins: Singles, sums: Singles) -> Floats:
        """In units, without the pairs' offset, [lanes]."""
        group, rows, (*_, widths, costs) = self.group, self._model.pairs.upper, self._rows
        found = aligned(group.width, np.float64)
        measure = compiled(replica_energies(group.lanes, 1, f32))
        measure(group.size, rows.starts, rows.columns, rows.values, group.arrays[3], spins, found)
        own = sums[: len(widths)].astype(np.float64)
        distance = np.maximum(np.maximum(own, -widths[:, None] - own), 0)
        return np.asarray(found + costs @ distance**2, np.float64)

    def pilot(self) -> Floats:
        """What flips cost at local minima [states, n], in units."""
        spins, sums = self.load(first_states(0, self.group.width, self._model.size))
        self.descend(spins, sums)
        gains: Singles = aligned((self.group.sites, self.group.width), np.float32)
        compiled(bounded_gains(self.group.lanes))(self.group.sites, *self._arrays(spins, sums), gains)
        return np.ascontiguousarray(gains[: self._model.size, :_PILOTS].T.astype(np.float64))

    def _arrays(self, spins: Singles, sums: Singles) -> tuple[object, ...]:
        return (*self.group.arrays, spins, *self._rows, sums)


class _BoundedReplicas:
    """The replicas of a ladder in groups as wide as a vector."""

    def __init__(self, walk: _Walk, states: Spins) -> None:
        self._walk, self._width = walk, walk.group.width
        self._groups = [walk.load(states[at : at + self._width]) for at in range(0, RUNGS, self._width)]

    def sweep(self, slopes: Singles, first: int, replica: int, key: list[int]) -> None:
        for number, (spins, sums) in enumerate(self._groups):
            at = number * self._width
            steep = np.ascontiguousarray(slopes[:, at : at + self._width])
            self._walk.sweep(Rule.METROPOLIS, steep, np.ones_like(steep), first, replica + at, key, spins, sums)

    def energies(self) -> Floats:
        return np.concatenate([self._walk.energies(*group) for group in self._groups])

    def state(self, replica: int) -> Spins:
        number, lane = divmod(replica, self._width)
        return self._groups[number][0][: self._walk.group.size, lane].astype(np.int8)

    def at_rest(self, state: Spins) -> Spins:
        spins, sums = self._walk.load(np.repeat(state[None], self._width, axis=0))
        self._walk.descend(spins, sums)
        return self._walk.group.unload(spins)[:1]
