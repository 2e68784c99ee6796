"""The local annealer for users of Ocean: a `dimod.Sampler` with the vocabulary of dwave-samplers.

from qevo_compiler.backends.local import Annealer

Annealer().sample(bqm, num_reads=100, num_sweeps=1000, seed=7).first
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

import dimod
import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.annealing import (
    Method,
    Plan,
    Rule,
    SpinModel,
    Watch,
    beta_range,
    energies,
    solve,
)
from qevo_compiler.evaluator.annealing import schedules as curves

Floats = NDArray[np.float64]
_MOST_SEED = 2**63 - 1


class Annealer(dimod.Sampler, dimod.Initialized):  # type: ignore[misc]
    """Simulated annealing, parallel tempering and tabu search on this machine, in compiled code.

    The same seed gives the same samples on any number of threads. Energies are those of the binary quadratic
    model, in 64-bit floats.
    """

    properties: ClassVar[dict[str, Any]] = {
        "beta_schedule_options": ("linear", "geometric", "custom"),
        "methods": tuple(method.value for method in Method),
    }
    parameters: ClassVar[dict[str, list[str]]] = {
        "num_reads": [],
        "num_sweeps": [],
        "num_sweeps_per_beta": [],
        "beta_range": [],
        "beta_schedule_type": ["beta_schedule_options"],
        "beta_schedule": [],
        "seed": [],
        "initial_states": [],
        "initial_states_generator": [],
        "proposal_acceptance_criteria": [],
        "method": ["methods"],
        "threads": [],
        "interrupt_function": [],
        "progress": [],
    }

    def sample(
        self,
        bqm: dimod.BinaryQuadraticModel,
        *,
        num_reads: int | None = None,
        num_sweeps: int | None = None,
        num_sweeps_per_beta: int = 1,
        beta_range: Sequence[float] | None = None,
        beta_schedule_type: Literal["linear", "geometric", "custom"] = "geometric",
        beta_schedule: Sequence[float] | None = None,
        seed: int | None = None,
        initial_states: Any = None,
        initial_states_generator: Literal["none", "tile", "random"] = "random",
        proposal_acceptance_criteria: Literal["Metropolis", "Gibbs"] = "Metropolis",
        method: str = "auto",
        threads: int | None = None,
        interrupt_function: Callable[[], bool] | None = None,
        progress: Callable[[float], None] | None = None,
        **kwargs: Any,
    ) -> dimod.SampleSet:
        """Low-energy samples of a model.

        `num_reads` (default: as many as initial states, else 1) independent runs of `num_sweeps` (default 1000)
        sweeps, each inverse temperature held for `num_sweeps_per_beta` of them: a curve of
        `beta_schedule_type` between the ends `beta_range`, which by default come from the model, or the numbers
        of `beta_schedule` ("custom"). `method` is "auto" (annealing with one read in 16 tempered; on
        dense models tabu search), "annealing", "tempering" (each read is the best of a ladder of 32
        temperatures), "tabu", "path-integral" (simulated quantum annealing of four slices) or "descent".
        `seed` None draws one; the info of the result names it. `progress` hears the part done, from 0 to 1; when
        `interrupt_function` gives true, the samples are those reached so far.

        Raises `ValueError` for numbers out of range and names that are not options.
        """
        if kwargs:
            raise ValueError(f"unknown parameters: {', '.join(sorted(kwargs))}")
        variables, model = _spin_model(bqm)
        reads, initial = 1 if num_reads is None else num_reads, None
        if initial_states is not None:
            given = self.parse_initial_states(bqm, initial_states, initial_states_generator, num_reads, 0)
            reads, initial = given.num_reads, _states(given.initial_states, variables)
        plan = Plan(
            reads=_count("num_reads", reads),
            sweeps=_count("num_sweeps", 1000 if num_sweeps is None else num_sweeps),
            seed=_seed(seed),
            method=Method(method),
            beta_range=None if beta_range is None else _ends(beta_range),
            initial=initial,
            rule=Rule(proposal_acceptance_criteria.lower()),
            threads=threads,
        )
        betas = _betas(model, plan, beta_schedule_type, beta_schedule, num_sweeps, num_sweeps_per_beta)
        plan = replace(plan, betas=betas)
        spins = solve(model, plan, Watch(progress, interrupt_function))
        return _sample_set(bqm, variables, spins, energies(model, spins), plan)


def _spin_model(bqm: dimod.BinaryQuadraticModel) -> tuple[list[Any], SpinModel]:
    """The variables in the model's order, and the model over spins."""
    spin = bqm.change_vartype("SPIN", inplace=False) if bqm.vartype is not dimod.SPIN else bqm
    variables = list(spin.variables)
    vectors = spin.to_numpy_vectors(variable_order=variables)
    i, j, values = vectors.quadratic
    return variables, SpinModel.from_pairs(vectors.linear_biases, i, j, values, float(spin.offset))


def _states(found: dimod.SampleSet, variables: list[Any]) -> NDArray[np.int8]:
    place = [found.variables.index(v) for v in variables]
    states = np.asarray(found.record.sample, np.int8)[:, place]
    return states if found.vartype is dimod.SPIN else (2 * states - 1).astype(np.int8)


def _betas(
    model: SpinModel,
    plan: Plan,
    kind: str,
    custom: Sequence[float] | None,
    sweeps: int | None,
    held: int,
) -> Floats | None:
    held = _count("num_sweeps_per_beta", held)
    if (kind == "custom") != (custom is not None):
        raise ValueError('`beta_schedule` and `beta_schedule_type="custom"` go together')
    if custom is not None:
        points = np.asarray(custom, np.float64)
        if points.ndim != 1 or not len(points) or not (points >= 0).all() or not np.isfinite(points).all():
            raise ValueError("`beta_schedule` must be a list of numbers from 0")
        if sweeps is not None and sweeps != held * len(points):
            raise ValueError("`num_sweeps` must be `num_sweeps_per_beta` times the length of `beta_schedule`")
        return np.repeat(points, held)
    curve = {"geometric": curves.geometric, "linear": curves.linear}.get(kind)
    if curve is None:
        raise ValueError(f'`beta_schedule_type` is "linear", "geometric" or "custom", not {kind!r}')
    if plan.sweeps % held:
        raise ValueError("`num_sweeps` must be a multiple of `num_sweeps_per_beta`")
    if plan.method not in (Method.AUTO, Method.ANNEALING) or (
        kind == "geometric" and held == 1 and plan.beta_range is None
    ):
        return None
    return np.repeat(curve(*(plan.beta_range or beta_range(model)), plan.sweeps // held), held)


def _ends(given: Sequence[float]) -> tuple[float, float]:
    hot, cold = (float(beta) for beta in given)
    if not (hot > 0 and cold > 0 and np.isfinite([hot, cold]).all()):
        raise ValueError("`beta_range` must be two finite numbers above 0")
    return hot, cold


def _count(name: str, value: int) -> int:
    if value < 1:
        raise ValueError(f"`{name}` must be a whole number from 1, not {value!r}")
    return int(value)


def _seed(seed: int | None) -> int:
    if seed is None:
        return int(np.random.SeedSequence().generate_state(1, np.uint64)[0] >> np.uint64(1))
    if not 0 <= seed <= _MOST_SEED:
        raise ValueError(f"`seed` must be a whole number from 0 to {_MOST_SEED}")
    return int(seed)


def _sample_set(
    bqm: dimod.BinaryQuadraticModel, variables: list[Any], spins: NDArray[np.int8], values: Floats, plan: Plan
) -> dimod.SampleSet:
    states = spins if bqm.vartype is dimod.SPIN else ((spins + 1) // 2).astype(np.int8)
    info: dict[str, Any] = {"seed": plan.seed, "method": plan.method.value}
    if plan.betas is not None:
        info["beta_range"] = [float(plan.betas[0]), float(plan.betas[-1])]
    return dimod.SampleSet.from_samples((states, variables), bqm.vartype, values, info=info, sort_labels=False)
