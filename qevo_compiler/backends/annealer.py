"""The local annealer for users of Ocean: a `dimod.Sampler` with the vocabulary of dwave-samplers.

from qevo_compiler.backends.local import Annealer

Annealer().sample(bqm, num_reads=100, num_sweeps=1000, seed=7).first
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import Enum
from numbers import Integral
from typing import Any, ClassVar, Literal, TypeVar

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
_Option = TypeVar("_Option", bound=Enum)


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

        Raises `ValueError` for numbers out of range, models that are not finite and names that are not options, and
        `TypeError` for what is no binary quadratic model.
        """
        if not hasattr(bqm, "to_numpy_vectors"):
            kind = type(bqm).__name__
            raise TypeError(f"the sampler takes a dimod.BinaryQuadraticModel, not a {kind} (see dimod.cqm_to_bqm)")
        if kwargs:
            raise ValueError(f"unknown parameters: {', '.join(sorted(kwargs))}")
        variables, own = _own_model(bqm)
        model = own if bqm.vartype is dimod.SPIN else _in_spins(own)
        reads, initial = 1 if num_reads is None else num_reads, None
        if initial_states is not None:
            given = self.parse_initial_states(bqm, initial_states, initial_states_generator, num_reads, 0)
            reads, initial = given.num_reads, _states(given.initial_states, variables)
        plan = Plan(
            reads=_count("num_reads", reads),
            sweeps=_count("num_sweeps", 1000 if num_sweeps is None else num_sweeps),
            seed=_seed(seed),
            method=_named("method", method, Method),
            beta_range=None if beta_range is None else _ends(beta_range),
            initial=initial,
            rule=_named("proposal_acceptance_criteria", str(proposal_acceptance_criteria).lower(), Rule),
            threads=None if threads is None else _count("threads", threads),
        )
        betas = _betas(model, plan, beta_schedule_type, beta_schedule, num_sweeps, num_sweeps_per_beta)
        plan = replace(plan, betas=betas)
        spins = solve(model, plan, Watch(progress, interrupt_function))
        states = spins if bqm.vartype is dimod.SPIN else ((spins + 1) // 2).astype(np.int8)
        # Energies are sums of the model's own numbers: restated over spins they could cancel.
        return dimod.SampleSet.from_samples(
            (states, variables), bqm.vartype, energies(own, states), info=_info(plan), sort_labels=False
        )


def _own_model(bqm: dimod.BinaryQuadraticModel) -> tuple[list[Any], SpinModel]:
    """The variables in the model's order, and its own biases, of spins or of bits, in 64-bit floats."""
    variables = list(bqm.variables)
    vectors = bqm.to_numpy_vectors(variable_order=variables)
    i, j, values = vectors.quadratic
    model = SpinModel.from_pairs(vectors.linear_biases, i, j, values, float(bqm.offset))
    if not all(np.isfinite(numbers).all() for numbers in (model.fields, model.couplings, model.offset)):
        raise ValueError("the model's biases and offset must be finite numbers")
    return variables, model


def _in_spins(bits: SpinModel) -> SpinModel:
    """A model of bits x = (1 + s) / 2 restated; dimod does it in the type of the numbers, which may be float32."""
    quarters, halves = bits.couplings / 4, bits.fields / 2
    offset = bits.offset + float(halves.sum()) + float(quarters.sum())
    ends = (np.bincount(end, quarters, bits.size) for end in (bits.rows, bits.columns))
    return replace(bits, offset=offset, fields=np.asarray(halves + sum(ends), np.float64), couplings=quarters)


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
    ends = [float(beta) for beta in given]
    if len(ends) != 2 or not (np.isfinite(ends).all() and min(ends) > 0):
        raise ValueError("`beta_range` must be two finite numbers above 0")
    return ends[0], ends[1]


def _named(name: str, value: str, options: type[_Option]) -> _Option:
    """The option of that value."""
    known = [option.value for option in options]
    if value not in known:
        raise ValueError(f"`{name}` is one of {', '.join(known)}, not {value!r}")
    return options(value)


def _count(name: str, value: int) -> int:
    if not (isinstance(value, Integral) and value >= 1):
        raise ValueError(f"`{name}` must be a whole number from 1, not {value!r}")
    return int(value)


def _seed(seed: int | None) -> int:
    if seed is None:
        return int(np.random.SeedSequence().generate_state(1, np.uint64)[0] >> np.uint64(1))
    if not (isinstance(seed, Integral) and 0 <= seed <= _MOST_SEED):
        raise ValueError(f"`seed` must be a whole number from 0 to {_MOST_SEED}")
    return int(seed)


def _info(plan: Plan) -> dict[str, Any]:
    info: dict[str, Any] = {"seed": plan.seed, "method": plan.method.value}
    if plan.betas is not None:
        info["beta_range"] = [float(plan.betas[0]), float(plan.betas[-1])]
    return info
