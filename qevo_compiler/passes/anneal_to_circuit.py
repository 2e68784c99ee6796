"""Trotterise the anneal of a spin model into a circuit.

before: ising.model {fields = [1.0, 0.0], rows = [0], columns = [1], couplings = [0.5]}, anneal.schedule {...}
after:  the same, and gate.circuit: h on all; per layer rz(2 dt s h), rzz(2 dt s J), rx(-2 dt (1 - s))

The circuit follows, with hbar = 1 and s(u) the schedule over the fraction u of its duration,

    H(s) = -(1 - s) sum X_i + s E / m,   E = sum h_i Z_i + sum J_ij Z_i Z_j + sum K_ijk Z_i Z_j Z_k + ...

with m = max(|h|, |J|, |K|), where products of three and more spins (`ising.products`) are turned as they are,
for the dimensionless time T (option `time`, default 0.75 a layer), from the ground state |+...+> of
H(0). Layer k of p holds s at its midpoint u = (k + 1/2) / p for dt = T / p. Order 1 splits each layer as
cost, then mixer. Order 2 splits it as half mixer, cost, half mixer; half mixers of neighbouring layers
merge and the first one only turns the phase of |+...+>, so both orders have the same gates. The energy's
offset turns only the global phase and is left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.diagnostics import CompileError, Diagnostics
from qevo_compiler.diagnostics.targets import BadTrotter, NoModel, NotForward
from qevo_compiler.dialects import anneal, ising
from qevo_compiler.dialects.gate import CircuitOp, Gate
from qevo_compiler.dialects.ising import ProductsOp
from qevo_compiler.ir import Array, Evidence, LedgerEntry, Module
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.gates.edge_colouring import edge_colours
from qevo_compiler.passes.gates.parity_network import parity_network
from qevo_compiler.passes.stages import CIRCUIT, SCHEDULED

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STEP = 0.75


@dataclass(frozen=True)
class AnnealToCircuit(Pass):
    """Options: `layers`, `order` (1 or 2), and `time`, the dimensionless evolution time.

    Or `gammas` and `betas`, as many of one as of the other: layer k of a QAOA circuit is exp(-i gamma_k E), in the
    model's own units, then exp(-i beta_k sum X). The schedule and the other options are then not used.
    """

    name: ClassVar[str] = "anneal-to-circuit"
    takes: ClassVar = SCHEDULED
    leaves: ClassVar = CIRCUIT

    layers: int = 4
    order: int = 2
    time: float | None = None
    gammas: tuple[float, ...] = ()
    betas: tuple[float, ...] = ()

    def run(self, module: Module, context: Context = SILENT) -> Module:
        self._check_options()
        models = module.main.ops_of(ising.ModelOp)
        if len(models) != 1:
            raise CompileError(NoModel(None, self.name, len(models)))
        energy = _Energy(models[0], module.main.first(ProductsOp))
        if self.gammas:
            gammas, betas = np.array(self.gammas), np.array(self.betas)
            return _append(module, _layers(energy, 2.0, gammas, 2.0 * betas, 0.0))
        times, curve = _curve(module.main.first(anneal.ScheduleOp))
        fractions = np.interp((np.arange(self.layers) + 0.5) / self.layers, times, curve)
        variation = float(np.abs(np.diff(curve)).sum())
        circuit = self._circuit(energy, fractions)
        return _append(module, circuit).record(*self._ledger(energy, fractions, variation))

    @property
    def _step(self) -> float:
        return STEP if self.time is None else self.time / self.layers

    def _check_options(self) -> None:
        found = Diagnostics()
        if self.layers < 1:
            found.add(BadTrotter(None, "layers", str(self.layers), "a whole number from 1"))
        if self.order not in (1, 2):
            found.add(BadTrotter(None, "order", str(self.order), "1 or 2"))
        if self.time is not None and not (0 < self.time < math.inf):
            found.add(BadTrotter(None, "time", str(self.time), "a positive number"))
        if len(self.gammas) != len(self.betas):
            expected = f"one angle for each of the {len(self.gammas)} gammas"
            found.add(BadTrotter(None, "betas", f"{len(self.betas)} angles", expected))
        for option in ("gammas", "betas"):
            if not all(map(math.isfinite, getattr(self, option))):
                found.add(BadTrotter(None, option, ":".join(map(str, getattr(self, option))), "finite numbers"))
        found.raise_if_any()

    def _circuit(self, energy: _Energy, fractions: Floats) -> CircuitOp:
        size, step = energy.model.size, self._step
        mixers = -2.0 * step * (1.0 - fractions)
        phase = 0.0
        if self.order == 2:
            # exp(i a X) |+> = e^(i a) |+>: the first half mixer is a phase.
            phase = math.remainder(-mixers[0] / 4 * size, math.tau)
            mixers = (mixers + np.append(mixers[1:], 0.0)) / 2
        return _layers(energy, 2.0 * step / energy.largest, fractions, mixers, phase)

    def _ledger(self, energy: _Energy, fractions: Floats, variation: float) -> tuple[LedgerEntry, ...]:
        splitting, formula = _splitting_bound(energy, fractions, self._step, self.order)
        steps = f"{self.layers} layers of time {self._step!r}, order {self.order}"
        held = _held_bound(energy, self._step, variation)
        return (
            LedgerEntry(self.name, "splitting error", splitting, Evidence.PROVED, "", f"{steps}: {formula}; {_NORM}"),
            LedgerEntry(
                self.name, "schedule held", held, Evidence.PROVED, "", f"{steps}: dt/2 |dH/ds| a unit; {_NORM}"
            ),
        )


_NORM = "a distance of unitaries, at most 2 however large the bound"


def _curve(schedule: anneal.ScheduleOp | None) -> tuple[Floats, Floats]:
    """Duration as [0, 1] and s; a linear ramp when no schedule was synthesised."""
    if schedule is None:
        return np.array([0.0, 1.0]), np.array([0.0, 1.0])
    t, s = schedule.times.values, schedule.fractions.values
    if s[0] != 0:
        raise CompileError(NotForward(schedule.span, float(s[0])))
    return (t - t[0]) / (t[-1] - t[0]), s


@dataclass(frozen=True)
class _Energy:
    """A spin model and the products of three and more spins beside it."""

    model: ising.ModelOp
    products: ProductsOp | None

    @property
    def largest(self) -> float:
        """The largest coefficient by magnitude, 1 where all are 0."""
        found = 0.0 if self.products is None else self.products.largest
        for values in (self.model.fields.values, self.model.couplings.values):
            found = max(found, float(np.abs(values).max(initial=0.0)))
        return found or 1.0

    @property
    def terms(self) -> Iterator[tuple[Ints, Floats]]:
        """The spins [m, d] and the coefficients [m] of the terms, by degree."""
        model = self.model
        yield np.arange(model.size)[:, None], model.fields.values
        yield np.stack([model.rows.values, model.columns.values], axis=1).astype(np.int64), model.couplings.values
        for block in () if self.products is None else self.products.energy.terms:
            yield block.variables.values.astype(np.int64), block.coefficients.values


def _layers(energy: _Energy, factor: float, costs: Floats, mixers: Floats, phase: float) -> CircuitOp:
    """h on all, then for every layer the energy's phases times `factor` and its cost, and rx by its mixer."""
    size = energy.model.size
    cost = _cost_layer(energy, factor)
    parts = [_one_qubit_layer(Gate.H, size, 0.0)]
    for fraction, mixer in zip(costs.tolist(), mixers.tolist(), strict=True):
        parts += [(cost[0], cost[1], cost[2] * fraction), _one_qubit_layer(Gate.RX, size, mixer)]
    opcodes, qubits, angles = (np.concatenate(column) for column in zip(*parts, strict=True))
    both = np.stack([angles, np.zeros_like(angles)], axis=1)
    return CircuitOp(size, Array(opcodes), Array(qubits), Array(both), phase, span=energy.model.span)


def _one_qubit_layer(gate: Gate, size: int, angle: float) -> tuple[Ints, Ints, Floats]:
    qubits = np.stack([np.arange(size), np.full(size, -1)], axis=1)
    return np.full(size, gate.opcode), qubits, np.full(size, angle)


def _cost_layer(energy: _Energy, factor: float) -> tuple[Ints, Ints, Floats]:
    """rz on every spin with a field, then all couplings: with products as one network, else rzz by colour."""
    (_, h), *others = energy.terms
    touched = np.flatnonzero(h)
    fields = np.stack([touched, np.full(len(touched), -1)], axis=1)
    if energy.products is None:
        opcodes, qubits, angles = _by_colour(energy.model)
    else:
        opcodes, qubits, angles = parity_network(others, energy.model.size)
    opcodes = np.concatenate([np.full(len(touched), Gate.RZ.opcode), opcodes])
    return opcodes, np.concatenate([fields, qubits]), np.concatenate([h[touched], angles]) * factor


def _by_colour(model: ising.ModelOp) -> tuple[Ints, Ints, Floats]:
    """rzz for every coupling; gates of one colour run in one time step."""
    strengths = model.couplings.values
    rows, columns = model.rows.values.astype(np.int64), model.columns.values.astype(np.int64)
    kept = np.flatnonzero(strengths)
    kept = kept[np.argsort(edge_colours(rows[kept], columns[kept], model.size), kind="stable")]
    return np.full(len(kept), Gate.RZZ.opcode), np.stack([rows[kept], columns[kept]], axis=1), strengths[kept]


def _splitting_bound(energy: _Energy, fractions: Floats, step: float, order: int) -> tuple[float, str]:
    """A bound on the distance between the circuit and the evolution under the held Hamiltonians.

    With A = a sum X, B = b E / m and r_i the sum of |coefficient| / m of the terms with spin i, the commutators obey
    |[A, B]| <= 2 a b sum r, |[B, [B, A]]| <= 4 a b^2 sum r^2 and, as a product of d spins meets d of the X twice,
    |[A, [A, B]]| <= a^2 b sum 4 d^2 |coefficient| / m; a layer then errs by at most dt^2 / 2 |[A, B]|
    (order 1) or dt^3 (|[B, [B, A]]| / 12 + |[A, [A, B]]| / 24) (order 2). Source: Childs, Su, Tran, Wiebe
    and Zhu, Phys. Rev. X 11, 011020 (2021), propositions 9 and 10. Errors of layers add up.
    """
    reach, twice = np.zeros(energy.model.size), 0.0
    for spins, coefficients in energy.terms:
        strengths = np.abs(coefficients) / energy.largest
        twice += 4 * spins.shape[1] ** 2 * float(strengths.sum())
        for column in spins.T:
            reach += np.bincount(column, strengths, energy.model.size)
    a, b = 1.0 - fractions, fractions
    if order == 1:
        return float(step**2 * (a * b).sum() * reach.sum()), "dt^2/2 |[A, B]| a layer"
    inner = 4 * float((a * b**2).sum()) * float((reach**2).sum()) / 12
    outer = float((a**2 * b).sum()) * twice / 24
    return step**3 * (inner + outer), "dt^3 (|[B, [B, A]]| / 12 + |[A, [A, B]]| / 24) a layer"


def _held_bound(energy: _Energy, step: float, variation: float) -> float:
    """A bound on what holding s at a layer's middle costs: the integral of |s(t) - s_k| |dH/ds|.

    In each half of a layer |s - s_k| is at most the variation of s there, so the integral over all layers
    is at most dt/2 times the variation of s over the schedule (1 for a monotone one).
    """
    strengths = sum(float(np.abs(coefficients).sum()) for _, coefficients in energy.terms)
    return step / 2 * variation * (energy.model.size + strengths / energy.largest)


def _append(module: Module, circuit: CircuitOp) -> Module:
    main = module.main
    return module.with_main(type(main)(main.name, main.arguments, (*main.ops, circuit), main.returns))
