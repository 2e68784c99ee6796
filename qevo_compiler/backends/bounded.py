"""A program's energy with every slack at its best value: what the local annealer searches where it can.

A penalty P (body + slack)^2 whose slack bits reach every integer from 0 to S is, at the best slack, P times the
squared distance of the body from [-S, 0]. The annealer moves decision bits alone; the slack bits follow. The
samples are states of the emitted model, with its energies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.decode.numbering import Numbering
from qevo_compiler.decode.sources import Projection
from qevo_compiler.dialects import ising
from qevo_compiler.dialects.ising import FORMS, PenaltyForm, PenaltyOp, RegisterOp, Role
from qevo_compiler.dialects.poly import Polynomials, Vartype, arithmetic
from qevo_compiler.evaluator.annealing import SpinModel
from qevo_compiler.evaluator.annealing.bounded import BoundedModel
from qevo_compiler.ir import Array, Module
from qevo_compiler.passes.binary_to_spin import spin_model

Floats = NDArray[np.float64]
Spins = NDArray[np.int8]

# Units divide coefficients; the quotients are whole but for this.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class SlackRows:
    """A family of inequalities over all bits: `bodies` without slack, and the slack's bits by row.

    Row r's slack is the sum of `weights` at `bits` (numbers of the registers), starts[r] .. starts[r + 1].
    """

    penalty: PenaltyOp
    bodies: Polynomials
    starts: NDArray[np.int64]
    bits: NDArray[np.int64]
    weights: Floats

    @property
    def widths(self) -> Floats:
        """The largest slack of every row."""
        totals = np.concatenate([[0.0], np.cumsum(self.weights)])
        return np.asarray(totals[self.starts[1:]] - totals[self.starts[:-1]], np.float64)

    def fill(self, bits: Spins) -> None:
        """Set the slack bits of states [reads, bits] of 0 and 1 to their best: largest weights first.

        Equal weights are set from the lowest bit on, as a domain wall wants them.
        """
        values = np.rint(np.maximum(-arithmetic.evaluate(self.bodies, bits), 0.0))
        for row in range(len(self.starts) - 1):
            part = slice(self.starts[row], self.starts[row + 1])
            weights, numbers, left = self.weights[part], self.bits[part], values[:, row]
            for k in np.lexsort((numbers, -weights)).tolist():
                taken = left >= weights[k]
                bits[:, numbers[k]] = taken
                left = left - weights[k] * taken


@dataclass(frozen=True)
class BoundedProgram:
    """`model` over the decision bits `decisions` (numbers of the registers), and how its states become samples."""

    model: BoundedModel
    decisions: NDArray[np.int64]
    families: tuple[SlackRows, ...]
    numbering: Numbering

    def samples(self, states: Spins) -> Spins:
        """Samples [reads, spins] of the emitted model from decision spins [reads, decisions]."""
        bits = np.zeros((len(states), self.numbering.bits), np.int8)
        bits[:, self.decisions] = states > 0
        for family in self.families:
            family.fill(bits)
        return self.numbering.restrict((2 * bits - 1).astype(np.int8))


def bounded_program(module: Module) -> BoundedProgram | None:
    """None where there is no slack, or where a slack, a form or a product of more than two bits does not fit."""
    registers = module.main.ops_of(RegisterOp)
    slacks = {op.symbol: op for op in registers if op.role is Role.SLACK and op.count}
    products = any(op.role is Role.AUXILIARY and op.count for op in registers)
    if not slacks or products or registers[0].vartype is Vartype.SPIN or module.find("problem") is None:
        return None
    projection = Projection(module)
    bounded = [op for op in projection.penalties if not op.implied and op.symbol in slacks]
    families = [_family(projection, op, slacks[op.symbol]) for op in bounded]
    found = tuple(family for family in families if family is not None)
    energy = _unbounded_energy(projection, [op for op in projection.penalties if op not in bounded])
    if len(found) < len(families) or energy.degree > 2:
        return None
    decisions = np.concatenate([np.arange(r.first, r.first + r.count) for r in registers if r.role is Role.DECISION])
    place = np.full(projection.numbering.bits, -1, np.int32)
    place[decisions] = np.arange(len(decisions))
    return BoundedProgram(
        _model(_pairs(energy, place, len(decisions)), found, place), decisions, found, projection.numbering
    )


def _unbounded_energy(projection: Projection, penalties: list[PenaltyOp]) -> Polynomials:
    weighted = [arithmetic.scale(projection.penalty_total(op), op.weight) for op in penalties]
    energy = arithmetic.add(projection.objective_bits(), *weighted) if weighted else projection.objective_bits()
    return arithmetic.reduce_powers(energy, Vartype.BINARY)


def _family(projection: Projection, op: PenaltyOp, register: RegisterOp) -> SlackRows | None:
    """None unless squares of whole numbers are penalised and every whole slack up to the largest can be had."""
    bodies, affine = projection.bodies(op), register.affine
    square = (op.row_forms(bodies.rows) == FORMS.index(PenaltyForm.SQUARE)).all()
    if affine is None or affine.offsets.values.any() or bodies.degree > 1 or not square:
        return None
    starts = affine.starts.values.astype(np.int64)
    row = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    units = np.ones(bodies.rows) if op.units is None else op.units.values
    weights = affine.weights.values / units[row]
    numbers = np.concatenate([weights, *(block.coefficients.values for block in bodies.terms)])
    if not np.isfinite(numbers).all() or np.abs(numbers - np.rint(numbers)).max(initial=0.0) > _ROUNDING:
        return None
    bits = affine.bits.values.astype(np.int64) + register.first
    family = SlackRows(op, bodies, starts, bits, np.rint(weights))
    return family if _complete(starts, family.weights) else None


def _complete(starts: NDArray[np.int64], weights: Floats) -> bool:
    """Whether each row's weights sum to every integer from 0 to their total."""
    row = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    order = np.lexsort((weights, row))
    ascending = weights[order]
    before = np.concatenate([[0.0], np.cumsum(ascending)])[:-1]
    before = before - np.repeat(before[starts[:-1][np.diff(starts) > 0]], np.diff(starts)[np.diff(starts) > 0])
    return bool((weights >= 1).all() and (ascending <= 1 + before).all())


def _model(pairs: SpinModel, families: tuple[SlackRows, ...], place: NDArray[np.int32]) -> BoundedModel:
    """Bits are (1 + s) / 2: half of a coefficient goes to the base of its row."""
    bases, rows, sites, weights, first = [], [], [], [], 0
    for family in families:
        row, names, values = family.bodies.block(1)
        bases.append(family.bodies.constants() + np.bincount(row, values / 2, family.bodies.rows))
        rows.append(row + np.int32(first))
        sites.append(place[names[:, 0]])
        weights.append(values / 2)
        first += family.bodies.rows
    widths = np.concatenate([family.widths for family in families])
    penalties = np.concatenate([np.full(family.bodies.rows, family.penalty.weight) for family in families])
    parts = (np.concatenate(part) for part in (rows, sites, weights))
    return BoundedModel(pairs, np.concatenate(bases), widths, penalties, *parts)


def _pairs(energy: Polynomials, place: NDArray[np.int32], count: int) -> SpinModel:
    _, names, single = energy.block(1)
    _, pairs, quadratic = energy.block(2)
    linear = np.bincount(place[names[:, 0]], single, count).astype(np.float64)
    found = SpinModel.from_pairs(linear, place[pairs[:, 0]], place[pairs[:, 1]], quadratic, energy.constants()[0])
    arrays = (Array(part) for part in (found.fields, found.rows, found.columns, found.couplings))
    return SpinModel.of(spin_model(ising.QuboOp(found.offset, *arrays)))
