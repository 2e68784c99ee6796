"""Annealing of spin models with equations and inequalities as bounds, without slack bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.annealing import schedules
from qevo_compiler.evaluator.annealing.acceptance import Rule
from qevo_compiler.evaluator.annealing.bounded_model import BoundedModel
from qevo_compiler.evaluator.annealing.bounded_walk import Walk
from qevo_compiler.evaluator.annealing.metropolis import sweep_chunks
from qevo_compiler.evaluator.annealing.model import Singles
from qevo_compiler.evaluator.annealing.runs import Spins, Watch, first_states, flip_key
from qevo_compiler.evaluator.annealing.solve import Plan, with_ladders
from qevo_compiler.evaluator.annealing.tempering import RUNGS, Replicas, climb
from qevo_compiler.evaluator.llvm import run_chunks

Floats = NDArray[np.float64]
# What bounds cost in replicas 0, 1, 2, 3, 4, ... as parts of their own cost, and the part of the sweeps that undoes it.
_LEVELS = (1.0, 1 / 4, 1 / 32, 1 / 256)
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
    A sweep proposes every spin alone, then every spin that has mates together with one of them, then chains
    (`chain_kernel.py`) of spins in two equations.
    Cost: O(sweeps (couplings + entries) replicas / lanes).
    """
    watch = watch or Watch()
    walk = Walk(model)
    betas, stiffness = _softened(walk, sweeps) if betas is None else (betas[:, None], np.ones((len(betas), 1)))
    slopes, stiff = (2 / np.log(2) * model.unit * betas).astype(np.float32), stiffness.astype(np.float32)
    states = first_states(seed, replicas, model.size, initial)
    width = walk.group.width
    groups = -(-replicas // width)

    def work(number: int) -> Spins:
        first = number * width
        group = walk.load(states[first : first + width])
        for start, stop in sweep_chunks(len(betas), walk.visits):
            levels = np.arange(first, first + width) % slopes.shape[1]
            steep, hard = (np.ascontiguousarray(part[start:stop, levels]) for part in (slopes, stiff))
            walk.sweep(Rule.METROPOLIS, steep, hard, start, first, flip_key(seed), group)
            if not watch.advance((stop - start) / len(betas) / groups):
                break
        if polish:
            walk.descend(group, first, flip_key(seed))
        return walk.group.unload(group.spins)

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
    walk = Walk(model)
    states = first_states(seed, ladders * RUNGS, model.size)

    def replicas(number: int) -> Replicas:
        return _BoundedReplicas(walk, states[number * RUNGS : (number + 1) * RUNGS])

    return climb(replicas, model.unit, walk.beta_range(), sweeps, ladders, seed, threads, watch)


def bounded_beta_range(model: BoundedModel) -> tuple[float, float]:
    """Inverse temperatures, hot and cold, as of `temperatures.beta_range`."""
    return Walk(model).beta_range()


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


def _softened(walk: Walk, sweeps: int) -> tuple[Floats, Floats]:
    """Inverse temperatures and stiffness [sweeps, levels]; replicas take the levels in turn.

    Weights that are proved to dominate freeze a search long before the objective matters. So most replicas have softer
    bounds, which rise to their own cost in the last fifth of the sweeps: what is found is at rest in the model itself.
    """
    cold = walk.cold_beta()
    hot = [walk.hot_beta(level) for level in _LEVELS]
    betas = np.stack([schedules.geometric(start, max(start, cold), sweeps) for start in hot], axis=1)
    grown = np.clip((np.arange(sweeps) / max(sweeps, 2) - 1) / _HARDENING + 1, 0.0, 1.0)
    return betas, np.array(_LEVELS) ** (1 - grown[:, None])


class _BoundedReplicas:
    """The replicas of a ladder in groups as wide as a vector."""

    def __init__(self, walk: Walk, states: Spins) -> None:
        self._walk, self._width = walk, walk.group.width
        self._groups = [walk.load(states[at : at + self._width]) for at in range(0, RUNGS, self._width)]

    def sweep(self, slopes: Singles, first: int, replica: int, key: list[int]) -> None:
        for number, group in enumerate(self._groups):
            at = number * self._width
            steep = np.ascontiguousarray(slopes[:, at : at + self._width])
            self._walk.sweep(Rule.METROPOLIS, steep, np.ones_like(steep), first, replica + at, key, group)

    def energies(self) -> Floats:
        return np.concatenate([self._walk.energies(group) for group in self._groups])

    def state(self, replica: int) -> Spins:
        number, lane = divmod(replica, self._width)
        return self._groups[number].spins[: self._walk.group.size, lane].astype(np.int8)

    def at_rest(self, state: Spins) -> Spins:
        group = self._walk.load(np.repeat(state[None], self._width, axis=0))
        self._walk.descend(group)
        return self._walk.group.unload(group.spins)[:1]
