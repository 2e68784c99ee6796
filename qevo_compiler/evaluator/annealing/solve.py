"""The portfolio: which annealer suits a model, with one set of options for all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.annealing import schedules
from qevo_compiler.evaluator.annealing.acceptance import Rule
from qevo_compiler.evaluator.annealing.energies import energies
from qevo_compiler.evaluator.annealing.metropolis import anneal, is_dense
from qevo_compiler.evaluator.annealing.model import DenseSpins, SpinModel
from qevo_compiler.evaluator.annealing.path_integral import default_drive, path_integral
from qevo_compiler.evaluator.annealing.runs import Spins, Watch
from qevo_compiler.evaluator.annealing.tabu import tabu
from qevo_compiler.evaluator.annealing.temperatures import beta_range
from qevo_compiler.evaluator.annealing.tempering import temper

# Tabu flips that cost what a sweep of annealing costs on a dense model, as a part of its spins.
_FLIPS_A_SWEEP = 1 / 16
# One read in so many is tempered, and only where its ladder has time for some rounds of swaps.
_GROUP = 16
_ENOUGH = 400
# Sweeps a spin after which a fresh start is worth more than a slower anneal, and the most starts of a read.
_LONG = 100
_MOST_STARTS = 16


class Method(Enum):
    """`AUTO`: annealing with fresh starts or some tempering for sparse models, tabu search for dense ones."""

    AUTO = "auto"
    ANNEALING = "annealing"
    TEMPERING = "tempering"
    TABU = "tabu"
    PATH_INTEGRAL = "path-integral"
    DESCENT = "descent"


@dataclass(frozen=True)
class Plan:
    """What to run. `betas` (one a sweep) or `beta_range` (hot, cold) replace those found from the model.

    `initial` [k, n] are first states, repeated in turn over the reads.
    """

    reads: int = 100
    sweeps: int = 1000
    seed: int = 0
    method: Method = Method.AUTO
    beta_range: tuple[float, float] | None = None
    betas: NDArray[np.float64] | None = None
    initial: Spins | None = None
    rule: Rule = Rule.METROPOLIS
    threads: int | None = None


def solve(model: SpinModel, plan: Plan, watch: Watch | None = None) -> Spins:
    """States [reads, n] of low energy; the same for the same plan whatever the threads."""
    watch = watch or Watch()
    if plan.method is Method.TABU or (plan.method is Method.AUTO and is_dense(model) and plan.betas is None):
        steps = max(1, int(plan.sweeps * max(model.size * _FLIPS_A_SWEEP, 1)))
        return tabu(model.dense, steps, plan.reads, plan.seed, initial=plan.initial, threads=plan.threads, watch=watch)
    if plan.method is Method.PATH_INTEGRAL:
        transverse, problem, beta = default_drive(model, plan.sweeps)
        return path_integral(
            model,
            transverse,
            problem,
            plan.reads,
            plan.seed,
            beta=beta,
            initial=plan.initial,
            threads=plan.threads,
            watch=watch,
        )
    if plan.method is Method.TEMPERING:
        return temper(
            model,
            plan.beta_range or beta_range(model),
            plan.sweeps,
            plan.reads,
            plan.seed,
            initial=plan.initial,
            threads=plan.threads,
            watch=watch,
        )
    if plan.method is not Method.AUTO or plan.betas is not None or plan.initial is not None:
        return _annealed(model, plan, watch)
    starts = min(_MOST_STARTS, plan.sweeps // (_LONG * max(model.size, 1)))
    if starts > 1:
        return _restarted(model, plan, starts, watch)
    ends = plan.beta_range or beta_range(model)
    return with_ladders(
        _annealed(model, plan, watch),
        plan,
        lambda sweeps, count: temper(model, ends, sweeps, count, plan.seed, threads=plan.threads, watch=watch),
        lambda states: energies(model, states, plan.threads),
    )


def _annealed(model: SpinModel, plan: Plan, watch: Watch) -> Spins:
    return anneal(
        model,
        temperatures(model, plan),
        plan.reads,
        plan.seed,
        initial=plan.initial,
        rule=Rule.GREEDY if plan.method is Method.DESCENT else plan.rule,
        threads=plan.threads,
        watch=watch,
    )


def _restarted(model: SpinModel, plan: Plan, starts: int, watch: Watch) -> Spins:
    """The best of several anneals for every read, which together have the sweeps of one.

    A small model is at rest long before its sweeps are spent: what is missed then is missed by the valley chosen early.
    """
    shorter = replace(plan, reads=plan.reads * starts, sweeps=plan.sweeps // starts)
    found = _annealed(model, shorter, watch)
    best = energies(model, found, plan.threads).reshape(plan.reads, starts).argmin(axis=1)
    return np.ascontiguousarray(found[np.arange(plan.reads) * starts + best])


def with_ladders(
    found: Spins,
    plan: Plan,
    climbed: Callable[[int, int], Spins],
    energies_of: Callable[[Spins], NDArray[np.float64]],
) -> Spins:
    """Every sixteenth read replaced by the best state of a tempered ladder, where that is lower.

    Long anneals end close together; a ladder crosses barriers that stop them all. `climbed` gives the states of some
    ladders of some sweeps, half of the anneals' time. Plans without time for some rounds of swaps stay as they are.
    """
    places = np.arange(_GROUP - 1, plan.reads, _GROUP)
    if not len(places) or plan.sweeps < _ENOUGH:
        return found
    tempered = climbed(plan.sweeps // 4, len(places))
    lower = energies_of(tempered) < energies_of(found[places])
    found[places[lower]] = tempered[lower]
    return found


def temperatures(model: SpinModel | DenseSpins, plan: Plan) -> NDArray[np.float64]:
    """The inverse temperature of each sweep of a plan: given, or geometric between the ends."""
    if plan.betas is not None:
        return plan.betas
    if plan.method is Method.DESCENT:
        return np.ones(1)
    return schedules.geometric(*(plan.beta_range or beta_range(model)), plan.sweeps)
