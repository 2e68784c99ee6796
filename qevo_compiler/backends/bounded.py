"""A program's energy with every slack at its best value: what the local annealer searches where it can.

A penalty P (body + slack)^2 whose slack bits reach every integer from 0 to S is, at the best slack, P times the
squared distance of the body from [-S, 0]; an equation is the case S = 0, and so is a clause, whose body is at most 1,
with S as large as its body can be. The annealer moves decision bits alone, also two of one constraint at once, or up
to four between equations; slack and auxiliary bits follow. The samples are states of the emitted model, with its
energies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.backends.free_bits import FreeBits
from qevo_compiler.decode.projection import Projection
from qevo_compiler.dialects import ising
from qevo_compiler.dialects.ising import FORMS, PenaltyForm, PenaltyOp, PenaltyRule, RegisterOp, Role
from qevo_compiler.dialects.poly import Polynomials, Vartype, arithmetic
from qevo_compiler.evaluator.annealing import SpinModel, is_dense
from qevo_compiler.evaluator.annealing.bounded_model import BoundedModel
from qevo_compiler.evaluator.annealing.chains import chains_of
from qevo_compiler.evaluator.annealing.mates import Mates
from qevo_compiler.ir import Array, Module
from qevo_compiler.passes.binary_to_spin import spin_model

Floats = NDArray[np.float64]
Spins = NDArray[np.int8]

# Units divide coefficients; the quotients are whole but for this.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class BoundedRows:
    """A family whose row r costs its weight times the squared distance of body r from [-widths[r], 0].

    `bodies` are over all bits but slack. Row r's slack, if it has some, is steps[r] times the sum of the whole
    `weights` at `bits` (numbers of the registers), starts[r] .. starts[r + 1].
    """

    penalty: PenaltyOp
    bodies: Polynomials
    widths: Floats
    steps: Floats
    starts: NDArray[np.int64]
    bits: NDArray[np.int64]
    weights: Floats

    def fill(self, ones: NDArray[np.bool_]) -> None:
        """Set the slack bits of states [reads, bits] to their best: largest weights first.

        Equal weights are set from the lowest bit on, as a domain wall wants them.
        """
        if not len(self.bits):
            return
        values = np.rint(np.maximum(-arithmetic.evaluate(self.bodies, ones.astype(np.int8)), 0.0) / self.steps)
        for row in range(len(self.starts) - 1):
            part = slice(self.starts[row], self.starts[row + 1])
            weights, numbers, left = self.weights[part], self.bits[part], values[:, row]
            for k in np.lexsort((numbers, -weights)).tolist():
                taken = left >= weights[k]
                ones[:, numbers[k]] = taken
                left = left - weights[k] * taken


@dataclass(frozen=True)
class BoundedProgram:
    """`model` over the bits `moved.free`, and how its states become samples."""

    model: BoundedModel
    moved: FreeBits
    families: tuple[BoundedRows, ...]

    def samples(self, states: Spins) -> Spins:
        """Samples [reads, spins] of the emitted model from decision spins [reads, free]."""
        ones = self.moved.ones(states)
        for family in self.families:
            family.fill(ones)
        return self.moved.samples(ones)


def bounded_program(module: Module) -> BoundedProgram | None:
    """None where no row can be a bound, or a slack, a form or a product of more than two bits does not fit.

    Dense models without slack are left to what is best for them, unless most of their bits are edges between equations.
    """
    registers = module.main.ops_of(RegisterOp)
    if not registers or registers[0].vartype is Vartype.SPIN or module.find("problem") is None:
        return None
    slacks = {op.symbol: op for op in registers if op.role is Role.SLACK and op.count}
    projection = Projection(module)
    families: list[BoundedRows] = []
    soft, hard = list[PenaltyOp](), list[PenaltyOp]()
    for op in projection.penalties:
        slack = None if op.implied else slacks.get(op.symbol)
        family = _family(projection, op, slack)
        if family is not None:
            families.append(family)
        elif slack is None:
            (soft if op.rule is PenaltyRule.SOFT else hard).append(op)
        else:
            return None
    moved = FreeBits(module, (Role.DECISION,))
    if not families or (not slacks and _suits_tabu(projection, families, moved)):
        return None
    objective = projection.objective_bits()
    energies = [
        moved.over(arithmetic.add(start, *_weighted(projection, part)))
        for start, part in ((objective, soft), (arithmetic.scale(objective, 0.0), hard))
    ]
    if any(energy.degree > 2 for energy in energies):
        return None
    pairs, hard_pairs = (_pairs(energy, len(moved.free)) for energy in energies)
    model = BoundedModel(pairs, hard_pairs, *_rows(families, moved), _mates(projection, moved))
    return BoundedProgram(model, moved, tuple(families))


def _suits_tabu(projection: Projection, families: list[BoundedRows], moved: FreeBits) -> bool:
    """Whether the model is dense, and less than half of its bits are edges between equations."""
    if not is_dense(SpinModel.of(projection.model)):
        return False
    bases, widths, _, rows, sites, weights = _rows(families, moved)
    here, size = widths[rows] == 0, len(moved.free)
    return 2 * chains_of(size, rows[here], sites[here], weights[here], len(bases)).count < size


def _weighted(projection: Projection, penalties: list[PenaltyOp]) -> list[Polynomials]:
    return [arithmetic.scale(projection.penalty_total(op), op.weight) for op in penalties]


def _family(projection: Projection, op: PenaltyOp, register: RegisterOp | None) -> BoundedRows | None:
    """None unless squares are penalised and the slack reaches every step up to the largest, or there is none.

    Steps of a slack that is coarser than its row cost a little more than nothing between them, which is left out.
    """
    bodies = projection.bodies(op)
    numbers = np.concatenate([np.zeros(0), *(block.coefficients.values for block in bodies.terms)])
    if bodies.degree > 1 or not (np.isfinite(numbers).all() and (register is not None or _whole(numbers))):
        return None
    ones, none = np.ones(bodies.rows), (np.zeros(bodies.rows + 1, np.int64), np.zeros(0, np.int64), np.zeros(0))
    forms = op.row_forms(bodies.rows)
    if (forms == FORMS.index(PenaltyForm.LOGIC)).all():
        if np.bincount(bodies.block(1)[0]).max(initial=0) <= 2:
            return None  # a coupling each
        low, high = arithmetic.bounds(bodies, *np.array([[0.0], [1.0]]).repeat(projection.size, axis=1))
        if (high > 1).any() and projection.penalty_total(op).degree <= 2:
            return None  # couplings
        return BoundedRows(op, bodies, -low, ones, *none)
    free = _slackless_widths(projection, bodies, forms)
    if free is None or (register is None and free.any()):
        return None
    if register is None:
        return BoundedRows(op, bodies, 0 * ones, ones, *none)
    affine = register.affine
    if affine is None or affine.offsets.values.any():
        return None
    starts, bits = affine.starts.values.astype(np.int64), affine.bits.values.astype(np.int64) + register.first
    row = np.repeat(np.arange(bodies.rows), np.diff(starts))
    weights = affine.weights.values / (1.0 if op.units is None else op.units.values[row])
    widths, steps = np.bincount(row, weights, bodies.rows) + free, np.full(bodies.rows, np.inf)
    np.minimum.at(steps, row, weights)
    weights = weights / steps[row]
    if not _whole(weights) or not _complete(row, np.rint(weights)):
        return None
    return BoundedRows(op, bodies, widths, steps, starts, bits, np.rint(weights))


def _slackless_widths(projection: Projection, bodies: Polynomials, forms: NDArray[np.int64]) -> Floats | None:
    """How far below 0 rows with a form of their own may be, 0 for squares; None where a form is no such bound.

    What a triangle costs at more than one step from its bound, u (u + 1) / 2, the search takes for u^2, and so what
    clauses cost of which several can be violated at once.
    """
    triangle, logic = (forms == FORMS.index(form) for form in (PenaltyForm.TRIANGLE, PenaltyForm.LOGIC))
    if not (triangle | logic | (forms == FORMS.index(PenaltyForm.SQUARE))).all():
        return None
    if not logic.any():
        return np.where(triangle, 1.0, 0.0)
    low, _ = arithmetic.bounds(bodies, *np.array([[0.0], [1.0]]).repeat(projection.size, axis=1))
    return np.where(logic, -low, triangle)


def _whole(numbers: Floats) -> bool:
    return bool(np.isfinite(numbers).all()) and np.abs(numbers - np.rint(numbers)).max(initial=0.0) <= _ROUNDING


def _complete(row: NDArray[np.int64], weights: Floats) -> bool:
    """Whether each row's weights sum to every integer from 0 to their total."""
    order = np.lexsort((weights, row))
    ascending, rows = weights[order], row[order]
    before = np.cumsum(ascending) - ascending
    starts = np.searchsorted(rows, rows)
    return bool((weights >= 1).all() and (ascending <= 1 + before - before[starts]).all())


def _rows(
    families: list[BoundedRows], moved: FreeBits
) -> tuple[Floats, Floats, Floats, NDArray[np.int32], NDArray[np.int32], Floats]:
    """Bases, widths and penalties of rows, and rows, spins and weights of entries.

    Bits are (1 + s) / 2: half of a coefficient goes to the base of its row.
    """
    bodies = moved.over(arithmetic.stack([family.bodies for family in families]))
    rows, names, values = bodies.block(1)
    bases = bodies.constants() + np.bincount(rows, values / 2, bodies.rows)
    widths = np.concatenate([family.widths for family in families])
    penalties = np.concatenate([family.penalty.row_weights(family.bodies.rows) for family in families])
    return bases, widths, penalties, rows, names[:, 0], values / 2


def _mates(projection: Projection, moved: FreeBits) -> Mates:
    """Decisions of one hard constraint that is no clause: those of a clause do not stand in for each other."""
    hard = []
    for op in projection.penalties:
        if op.rule is not PenaltyRule.SOFT:
            bodies = projection.bodies(op)
            clauses = op.row_forms(bodies.rows) == FORMS.index(PenaltyForm.LOGIC)
            hard.append(arithmetic.select(bodies, np.where(clauses, -1, np.arange(bodies.rows))))
    if not hard:
        return Mates(np.zeros(0, np.int32), np.zeros(0, np.int32))
    rows, names, _ = moved.over(arithmetic.stack(hard)).block(1)
    return Mates(rows, names[:, 0])


def _pairs(energy: Polynomials, count: int) -> SpinModel:
    _, names, single = energy.block(1)
    _, pairs, quadratic = energy.block(2)
    linear = np.bincount(names[:, 0], single, count).astype(np.float64)
    found = SpinModel.from_pairs(linear, pairs[:, 0], pairs[:, 1], quadratic, energy.constants()[0])
    arrays = (Array(part) for part in (found.fields, found.rows, found.columns, found.couplings))
    return SpinModel.of(spin_model(ising.QuboOp(found.offset, *arrays)))
