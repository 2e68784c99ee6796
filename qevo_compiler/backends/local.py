"""The local backend: no account, no network.

Spin models of up to 12 spins are enumerated, larger ones annealed by dwave-samplers; circuits are
sampled from their state vector.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qevo_compiler.backends.base import Backend, Samples, Spins, check_sampling, energies_of
from qevo_compiler.backends.enumeration import lowest
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.backends import BadSampling
from qevo_compiler.dialects import anneal, ising
from qevo_compiler.dialects.gate import CircuitOp
from qevo_compiler.ir import Module
from qevo_compiler.passes.binary_to_spin import spin_view
from qevo_compiler.targets.common import need, the_model
from qevo_compiler.targets.dwave import to_dimod

READS = 100
SWEEPS = 1000
TINY = 12


@dataclass(frozen=True)
class LocalBackend(Backend):
    """`exact` asks for enumeration whatever the size (up to its limit)."""

    name: ClassVar[str] = "local"

    exact: bool = False

    def sample(
        self, module: Module, reads: int | None = None, seed: int | None = None, sweeps: int | None = None
    ) -> Samples:
        """Samples of the circuit when `@main` has one, else of its spin model.

        Arguments left out come from `anneal.sample`, then from the defaults (100 reads, seed 0, 1000
        sweeps). A circuit beside no model, as read back from a program's files, gives energies of NaN
        with reads in order of their spins.
        """
        asked = module.main.first(anneal.SampleOp) or anneal.SampleOp()
        reads = reads if reads is not None else asked.reads if asked.reads is not None else READS
        seed = seed if seed is not None else asked.seed if asked.seed is not None else 0
        sweeps = sweeps if sweeps is not None else asked.sweeps
        check_sampling(reads, seed, sweeps)
        circuit = module.main.first(CircuitOp)
        if circuit is not None and not self.exact:
            return _measure(circuit, module.main.first(ising.ModelOp), reads, seed)
        return self.sample_model(_the_model(module), reads, seed, sweeps)

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
        if self.exact or model.size <= TINY:
            return lowest(model, reads)
        given: dict[str, Any] = {} if beta_range is None else {"beta_range": list(beta_range)}
        if initial_states is not None:
            given["initial_states"] = (initial_states, list(range(model.size)))
            given["initial_states_generator"] = "tile"
        return _anneal(model, reads, seed, SWEEPS if sweeps is None else sweeps, given)


def _the_model(module: Module) -> ising.ModelOp:
    return spin_view(module) or the_model(module, "local backend")


def _checked_states(model: ising.ModelOp, states: Spins) -> Spins:
    states = np.atleast_2d(np.asarray(states, np.int8))
    if states.shape[1] != model.size or not len(states) or not (np.abs(states) == 1).all():
        expected = f"an array of -1 and +1 with {model.size} columns"
        raise CompileError(BadSampling(None, "initial_states", f"of shape {states.shape}", expected))
    return states


def _anneal(model: ising.ModelOp, reads: int, seed: int, sweeps: int, given: dict[str, Any]) -> Samples:
    samplers = need("dwave.samplers", "annealing on this machine", "dwave")
    found = samplers.SimulatedAnnealingSampler().sample(
        to_dimod(model), num_reads=reads, num_sweeps=sweeps, seed=seed, **given
    )
    columns = np.argsort(np.array(list(found.variables), np.int64), kind="stable")
    spins = np.ascontiguousarray(found.record.sample[:, columns], np.int8)
    return Samples.ordered(spins, energies_of(model, spins))


def _measure(circuit: CircuitOp, model: ising.ModelOp | None, reads: int, seed: int) -> Samples:
    from qevo_compiler.backends.statevector import draw

    spins = draw(circuit, reads, seed)
    energies = np.full(len(spins), np.nan) if model is None else energies_of(model, spins)
    return Samples.ordered(spins, energies)
