"""Annealing and energies of polynomials of any degree over spins or bits, without quadratization.

Random numbers depend on seed, replica, sweep and variable alone: see `metropolis`.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qevo_compiler.dialects.poly import Vartype
from qevo_compiler.evaluator.annealing.acceptance import Rule
from qevo_compiler.evaluator.annealing.energy_kernel import SQUARE
from qevo_compiler.evaluator.annealing.higher_kernel import (
    polynomial_descent,
    polynomial_energies_kernel,
    polynomial_slopes,
    polynomial_sweeps,
)
from qevo_compiler.evaluator.annealing.metropolis import DESCENTS, sweep_chunks
from qevo_compiler.evaluator.annealing.model import Floats, Singles
from qevo_compiler.evaluator.annealing.polynomial import PolynomialModel
from qevo_compiler.evaluator.annealing.runs import Spins, Watch, first_states, flip_key
from qevo_compiler.evaluator.annealing.sparse_kernel import BLOCK
from qevo_compiler.evaluator.annealing.temperatures import PILOTS, SPREADS, cold_beta
from qevo_compiler.evaluator.llvm import Function, Scalar, aligned, compiled, f32, f64, lanes, run_chunks, thread_count

# Samples of one task: enough to hide a call, few enough to spread.
_TASK = 64 * SQUARE
_RANDOM = 64


def anneal_polynomial(
    model: PolynomialModel,
    betas: ArrayLike,
    replicas: int,
    seed: int = 0,
    *,
    initial: Spins | None = None,
    rule: Rule = Rule.METROPOLIS,
    polish: bool = True,
    threads: int | None = None,
    watch: Watch | None = None,
) -> Spins:
    """States [replicas, n] in the model's own values after one sweep at each of `betas`, then a descent (`polish`).

    `initial` [k, n] replaces random first states. Cost: O(sweeps members replicas / lanes).
    """
    warm = np.asarray(betas, np.float64) if rule is not Rule.GREEDY else np.zeros(0)
    states = _first(model, seed, replicas, initial)
    if not states.size:
        return states
    need = -(-replicas // lanes(f32))
    group = PolynomialGroup(model, 2 if need >= 2 * (threads or thread_count()) else 1)
    slopes = ((2 if group.spins else 1) / np.log(2) * model.unit * warm).astype(np.float32)
    groups, watch, key = -(-replicas // group.width), watch or Watch(), flip_key(seed)

    def work(number: int) -> Spins:
        first = number * group.width
        values = group.load(states[first : first + group.width])
        for start, stop in sweep_chunks(len(slopes), group.sites * group.vectors):
            group.sweep(rule, start, first, key, slopes[start:stop], values)
            if not watch.advance((stop - start) / len(slopes) / groups):
                break
        if polish or rule is Rule.GREEDY:
            group.descend(values)
        return group.unload(values)

    return np.concatenate(run_chunks(work, range(groups), threads, watch.stop))[:replicas]


def polynomial_energies(model: PolynomialModel, samples: Spins, threads: int | None = None) -> Floats:
    """Energies [reads] of `samples` [reads, n] in the model's own values.

    Exact for `integral` models, whose terms are summed in 32-bit floats site by site; others in 64-bit floats.
    Cost: O(reads (n + members) / lanes).
    """
    reads, size = samples.shape
    rows = model.leading
    real: Scalar = f32 if model.integral else f64
    scale = model.unit if model.integral else 1.0
    kind = np.float32 if model.integral else np.float64
    values, fields = (rows.values / scale).astype(kind), (model.fields / scale).astype(kind)
    kernel = compiled(polynomial_energies_kernel(min(lanes(real), SQUARE), real, model.degrees))
    found = np.empty(-(-reads // SQUARE) * SQUARE, np.float64)

    def work(start: int) -> None:
        part = np.ascontiguousarray(samples[start : start + _TASK], np.int8)
        tiles = -(-len(part) // SQUARE)
        if len(part) % SQUARE:
            part = np.concatenate([part, np.repeat(part[-1:], tiles * SQUARE - len(part), axis=0)])
        turned = aligned(-(-size // SQUARE) * SQUARE * SQUARE, kind)
        out = found[start : start + tiles * SQUARE]
        kernel(tiles, size, rows.starts, rows.places, rows.members, values, fields, part, turned, out)

    run_chunks(work, range(0, reads, _TASK), threads)
    return np.asarray(found[:reads] * scale + model.offset, np.float64)


def polynomial_beta_range(model: PolynomialModel) -> tuple[float, float]:
    """Inverse temperatures, hot and cold, as `temperatures.beta_range` has them, by what flips change the energy.

    Root mean squares are those of 64 random states. (1, 1) for a model without numbers. Cost: some sweeps.
    """
    group = PolynomialGroup(model, 1)
    factor = 2.0 if group.spins else 1.0
    drawn = np.concatenate(
        [group.slopes(states) for states in np.split(_first(model, 0, _RANDOM), _RANDOM // group.width)]
    )
    spreads = np.sqrt((drawn**2).mean(axis=0))
    stiffest = factor * np.minimum(SPREADS * spreads, model.field_bounds).max(initial=0.0)
    if not stiffest > 0:
        return 1.0, 1.0
    hot = np.log(2) / float(stiffest)
    low = anneal_polynomial(model, np.zeros(0), PILOTS, rule=Rule.GREEDY, threads=1)
    return float(hot), float(max(hot, cold_beta(factor / 2 * group.slopes(low))))


class PolynomialGroup:
    """Some vectors of replicas of a polynomial: values [sites, width], sites padded with ones that are alone."""

    def __init__(self, model: PolynomialModel, vectors: int) -> None:
        self.lanes, self.vectors = lanes(f32), vectors
        self.width = self.lanes * vectors
        self.size, self.degrees, self.unit = model.size, model.degrees, model.unit
        self.spins = model.vartype is Vartype.SPIN
        self.sites = -(-model.size // BLOCK) * BLOCK
        rows, more = model.entries, self.sites - model.size
        starts = np.concatenate([rows.starts, np.full(more * len(self.degrees), rows.starts[-1], np.int32)])
        places = np.concatenate([rows.places, np.full(more * len(self.degrees), rows.places[-1], np.int64)])
        values, fields = (rows.values / model.unit), np.append(model.fields / model.unit, np.zeros(more))
        self._arrays = (starts, places, rows.members, values.astype(np.float32), fields.astype(np.float32))
        # Kept here: to write a kernel's text anew takes longer than a call on a small model.
        self._sweeps: dict[Rule, Function] = {}

    @cached_property
    def _descent(self) -> Function:
        return compiled(polynomial_descent(self.lanes, self.vectors, self.spins, self.degrees))

    def load(self, states: Spins) -> Singles:
        values: Singles = aligned((self.sites, self.width), np.float32)
        values[:] = 1
        values[: self.size, : len(states)] = states.T
        return values

    def unload(self, values: Singles) -> Spins:
        return np.ascontiguousarray(values[: self.size].T.astype(np.int8))

    def sweep(self, rule: Rule, first: int, replica: int, key: list[int], slopes: Singles, values: Singles) -> None:
        """A sweep at each of `slopes`, beta / ln 2 in units, for spins twice that."""
        if rule not in self._sweeps:
            written = polynomial_sweeps(self.lanes, self.vectors, rule, self.spins, self.degrees)
            self._sweeps[rule] = compiled(written)
        self._sweeps[rule](self.sites, len(slopes), first, replica, *key, *self._arrays, slopes, values)

    def descend(self, values: Singles) -> None:
        """To a local minimum of every replica; each sweep lowers some energy, up to rounding."""
        for _ in range(DESCENTS):
            if not self._descent(self.sites, *self._arrays, values):
                return

    def slopes(self, states: Spins) -> NDArray[np.float64]:
        """The derivative of the energy in every variable, [states, n], of at most `width` states."""
        found: Singles = aligned((self.sites, self.lanes), np.float32)
        compiled(polynomial_slopes(self.lanes, self.degrees))(self.sites, *self._arrays, self.load(states), found)
        return np.ascontiguousarray(found[: self.size, : len(states)].T.astype(np.float64)) * self.unit


def _first(model: PolynomialModel, seed: int, replicas: int, initial: Spins | None = None) -> Spins:
    states = first_states(seed, replicas, model.size, initial)
    return states if initial is not None or model.vartype is Vartype.SPIN else (states > 0).astype(np.int8)
