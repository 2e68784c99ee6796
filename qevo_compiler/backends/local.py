"""The local backend: no account, no network.

Spin models of up to 12 spins are enumerated, and of up to 20 where nothing steers an annealer (a schedule, a number of
sweeps, a method); larger ones are annealed by the evaluator's kernels; circuits are sampled from their state vector.
`Annealer` is the same annealing as a `dimod.Sampler`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from qevo_compiler.backends.base import Backend, Samples, Spins, check_sampling, energies_of
from qevo_compiler.backends.bounded import bounded_program
from qevo_compiler.backends.enumeration import lowest
from qevo_compiler.backends.products import product_program
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.backends import BadSampling
from qevo_compiler.diagnostics.ir import IllegalOp
from qevo_compiler.dialects import anneal, ising
from qevo_compiler.dialects.gate import CircuitOp
from qevo_compiler.dialects.ising import ProductsOp
from qevo_compiler.evaluator.annealing import (
    Method,
    Plan,
    SpinModel,
    Watch,
    anneal_polynomial,
    beta_range,
    energies,
    is_dense,
    polynomial_beta_range,
    solve,
)
from qevo_compiler.evaluator.annealing.bounded import bounded_beta_range, solve_bounded
from qevo_compiler.evaluator.annealing.bounded_model import BoundedModel
from qevo_compiler.evaluator.annealing.schedules import along, geometric
from qevo_compiler.ir import Module
from qevo_compiler.passes.binary_to_spin import spin_view
from qevo_compiler.passes.quantities import ENERGY_ERROR
from qevo_compiler.targets.common import the_model

READS = 100
SWEEPS = 1000
MOST_SWEEPS = 4000
# The least for bits between equations, where a sweep finds more, and couplings that take as long as a spin; twice the
# one and thrice the other where couplings are a matrix.
NETWORK_SWEEPS = 400
_COUPLINGS = 24
# How many spins of a sparse model with couplings of penalties alone take as long as one of a model with bounds.
_PENALISED = 4
# Members of a polynomial's terms that take as long as a spin.
_MEMBERS = 50
TINY = 12
# Programs, which are run once: 50 ms and 8 MB at most, and the answer is proved.
SMALL = 20
_SPLIT = "leave `quadratize.keep` at 2 for annealers, or compile for `openqasm3` or `cirq`"


@dataclass(frozen=True)
class LocalBackend(Backend):
    """`exact` asks for enumeration whatever the size (up to its limit); `progress` hears the part done of an anneal."""

    name: ClassVar[str] = "local"

    exact: bool = False
    method: Method = Method.AUTO
    progress: Callable[[float], None] | None = None

    def sample(
        self, module: Module, reads: int | None = None, seed: int | None = None, sweeps: int | None = None
    ) -> Samples:
        """Samples of the circuit when `@main` has one, else of its spin model.

        Arguments left out come from `anneal.sample`, then from the defaults (100 reads, seed 0, 1000 sweeps, up to
        4000 for small programs). A circuit beside no model, as read back from a program's files, gives energies of NaN
        with reads in order of their spins.
        """
        asked = module.main.first(anneal.SampleOp) or anneal.SampleOp()
        reads = reads if reads is not None else asked.reads if asked.reads is not None else READS
        seed = seed if seed is not None else asked.seed if asked.seed is not None else 0
        sweeps = sweeps if sweeps is not None else asked.sweeps
        check_sampling(reads, seed, sweeps)
        circuit = module.main.first(CircuitOp)
        if circuit is not None and not self.exact:
            return _measure(circuit, module, reads, seed)
        model, schedule, products = _the_model(module), _schedule(module), module.main.first(ProductsOp)
        if products is not None and not self.exact:
            raise CompileError(IllegalOp(products.span, products.name, "for the local annealer", _SPLIT))
        steered = schedule is not None or sweeps is not None or self.method is not Method.AUTO
        if self._enumerates(model, TINY if steered else SMALL):
            return lowest(model, reads, products)
        plan = Plan(reads, _sweeps_for(model.size) if sweeps is None else sweeps, seed, self.method)
        if self.method is Method.AUTO:
            found = self._without_helpers(module, plan, sweeps is None)
            if found is not None:
                return _sampled(SpinModel.of(model), found)
            if sweeps is None and module.main.first(ising.PenaltyOp) and not is_dense(SpinModel.of(model)):
                plan = replace(plan, sweeps=_sweeps_for(model.size // _PENALISED))
        return self._anneal(model, plan, schedule)

    def _without_helpers(self, module: Module, plan: Plan, choose: bool) -> Spins | None:
        """Samples found without slack and auxiliary bits; None where the program has none, or they are needed.

        With `choose` the sweeps of a polynomial are those for what is left of the program. A rounded model is no
        longer the problem's: it is sampled as it was emitted.
        """
        if any(entry.quantity == ENERGY_ERROR for entry in module.ledger):
            return None
        watch, schedule = Watch(self.progress), _schedule(module)
        bounded = bounded_program(module)
        if bounded is not None:
            if choose:
                plan = replace(plan, sweeps=_bounded_sweeps(bounded.model))
            if schedule is not None:
                plan = _scheduled(plan, schedule, bounded_beta_range(bounded.model))
            return bounded.samples(solve_bounded(bounded.model, plan, watch))
        products = product_program(module)
        if products is None:
            return None
        if choose:
            plan = replace(plan, sweeps=_sweeps_for(max(products.model.size, products.model.members // _MEMBERS)))
        ends = polynomial_beta_range(products.model)
        betas = geometric(*ends, plan.sweeps)
        if schedule is not None:
            betas = along(schedule.times.values, schedule.fractions.values, *ends, plan.sweeps)
        return products.samples(anneal_polynomial(products.model, betas, plan.reads, plan.seed, watch=watch))

    def sample_model(
        self,
        model: ising.ModelOp,
        reads: int,
        seed: int = 0,
        sweeps: int | None = None,
        initial_states: Spins | None = None,
        beta_range: tuple[float, float] | None = None,
    ) -> Samples:
        """Low-energy states of a model.

        Enumeration returns the lowest states, each once, so fewer than `reads` of a tiny model; it
        ignores sweeps, `initial_states` [k, n] (repeated in turn over the reads) and `beta_range`
        (inverse temperatures, hot to cold), which steer the annealer. Raises `CompileError` for states of
        another shape or of other values than -1 and +1.
        """
        check_sampling(reads, seed, sweeps)
        if initial_states is not None:
            initial_states = _checked_states(model, initial_states)
        if self._enumerates(model, TINY):
            return lowest(model, reads)
        steps = SWEEPS if sweeps is None else sweeps
        plan = Plan(reads, steps, seed, self.method, beta_range=beta_range, initial=initial_states)
        return self._anneal(model, plan)

    def _enumerates(self, model: ising.ModelOp, most: int) -> bool:
        return self.exact or model.size <= most

    def _anneal(self, model: ising.ModelOp, plan: Plan, schedule: anneal.ScheduleOp | None = None) -> Samples:
        spins_of = SpinModel.of(model)
        if schedule is not None and plan.method is not Method.TEMPERING:
            plan = _scheduled(plan, schedule, beta_range(spins_of))
        return _sampled(spins_of, solve(spins_of, plan, Watch(self.progress)))


def _sampled(model: SpinModel, spins: Spins) -> Samples:
    return Samples.ordered(spins, energies(model, spins))


def _schedule(module: Module) -> anneal.ScheduleOp | None:
    """The program's anneal schedule, if it is another than one straight line up."""
    op = module.main.first(anneal.ScheduleOp)
    return None if op is None or op.fractions.values.tolist() == [0.0, 1.0] else op


def _scheduled(plan: Plan, schedule: anneal.ScheduleOp, ends: tuple[float, float]) -> Plan:
    return replace(plan, betas=along(schedule.times.values, schedule.fractions.values, *ends, plan.sweeps))


def _bounded_sweeps(model: BoundedModel) -> int:
    more = 2 if model.dense else 1
    work = max(model.size, len(model.pairs.couplings) // (_COUPLINGS * (2 * more - 1)))
    return _sweeps_for(work, more * NETWORK_SWEEPS if model.chains.count else SWEEPS)


def _sweeps_for(size: int, least: int = SWEEPS) -> int:
    """More where they cost little: penalties make even small programs slow to settle."""
    return max(least, min(MOST_SWEEPS, SWEEPS * SWEEPS // max(size, 1)))


def _the_model(module: Module) -> ising.ModelOp:
    return spin_view(module) or the_model(module, "local backend")


def _checked_states(model: ising.ModelOp, states: Spins) -> Spins:
    states = np.atleast_2d(np.asarray(states, np.int8))
    if states.shape[1] != model.size or not len(states) or not (np.abs(states) == 1).all():
        expected = f"an array of -1 and +1 with {model.size} columns"
        raise CompileError(BadSampling(None, "initial_states", f"of shape {states.shape}", expected))
    return states


def _measure(circuit: CircuitOp, module: Module, reads: int, seed: int) -> Samples:
    from qevo_compiler.backends.statevector import draw

    spins = draw(circuit, reads, seed)
    model, products = module.main.first(ising.ModelOp), module.main.first(ProductsOp)
    energies = np.full(len(spins), np.nan) if model is None else energies_of(model, spins, products)
    return Samples.ordered(spins, energies)


def __getattr__(name: str) -> Any:
    """`Annealer`, on first use: dimod takes a while to import."""
    if name == "Annealer":
        from qevo_compiler.backends.annealer import Annealer

        return Annealer
    raise AttributeError(name)
