"""The parts of a model's energy over its registers' bits: the objective, and every penalty as its rows state it.

Each is projected by itself: its polynomial in `@problem` is written over the bits, a constraint's through its
`ising.penalty`, and restated over spins where that is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.bounds import Groups, group_bounds
from qevo_compiler.analyses.structure import cut_rows
from qevo_compiler.decode.numbering import Numbering
from qevo_compiler.decode.penalty_forms import clauses_of, equation_signs, row_energy, slack_rows, whole_coefficients
from qevo_compiler.dialects import ising, poly
from qevo_compiler.dialects.ising import FORMS, PenaltyForm, PenaltyOp, RegisterOp, Role, SettledOp
from qevo_compiler.dialects.poly import Polynomials, Vartype, arithmetic
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.dialects.problem import Domain, Encoding, Relation, Sense, VariableOp
from qevo_compiler.ir import Array, Module
from qevo_compiler.passes.binary_to_spin import spin_model, spin_view
from qevo_compiler.passes.encoding.bit_writer import BitWriter
from qevo_compiler.passes.encoding.codes import Code, encode
from qevo_compiler.passes.penalty.penalty_energy import form_energy, wall_rows, weighted_squares
from qevo_compiler.passes.penalty.rounding_dust import magnitude, without_dust
from qevo_compiler.passes.penalty.settled_rows import at_settled, settled_energy
from qevo_compiler.passes.scale_coefficients import scaled

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Projection:
    """The energy of a module that has `@problem` and, in `@main`, registers, penalties and a spin model.

    `penalty_rows` and `logic_counts` need no model.
    """

    def __init__(self, module: Module) -> None:
        main, problem = module.main, module.func("problem")
        self.module = module
        self.registers = main.ops_of(RegisterOp)
        self._model = spin_view(module) or main.first(ising.ModelOp)
        self.numbering = Numbering(main)
        self.penalties = main.ops_of(PenaltyOp)
        self.size = sum(op.count for op in self.registers)
        self.vartype = self.registers[0].vartype if self.registers else Vartype.BINARY
        self._slacks = {op.symbol: op for op in self.registers if op.role is Role.SLACK}
        decisions = [op for op in self.registers if op.role is Role.DECISION]
        codes = [_code(op, v) for op, v in zip(decisions, problem.ops_of(VariableOp), strict=True)]
        self._codes = {op.symbol: (op, code) for op, code in zip(decisions, codes, strict=True)}
        firsts = np.cumsum([0, *(code.count for code in codes)])
        self._writer = BitWriter(codes, firsts, self.vartype)
        self._objective = problem.first(poly.ObjectiveOp)
        self._constraints = {op.symbol: op for op in problem.ops_of(poly.ConstraintOp)}
        settled = main.first(SettledOp)
        self.settled = settled if settled is not None and settled.weight else None

    @property
    def model(self) -> ising.ModelOp:
        """The spin model that is projected."""
        assert self._model is not None
        return self._model

    def polynomial(self) -> Polynomials:
        """Objective and penalties as one polynomial over the bits, of any degree, before scaling and rounding."""
        parts = [self.objective_bits(), *(arithmetic.total(self.penalty_rows(op)) for op in self.penalties)]
        if len(parts) == 1:
            return parts[0]
        return without_dust(arithmetic.add(*parts), arithmetic.add(*map(magnitude, parts)))

    def penalty_rows(self, op: PenaltyOp, rows: Sequence[int] | None = None) -> Polynomials:
        """The weighted penalty of each instance of a family (or of those in `rows`) as a polynomial over bits."""
        residual = self._residual(op)
        chosen = np.arange(residual.rows) if rows is None else np.asarray(rows, np.int64)
        forms = op.row_forms(residual.rows)[chosen]
        slopes = None if op.slopes is None else op.slopes.values[chosen]
        parts = []
        for number in np.unique(forms).tolist():
            here = arithmetic.select(residual, np.where(forms == number, chosen, -1))
            parts.append(row_energy(FORMS[number], here, slopes))
        if op.factors is not None:
            parts = [arithmetic.scale(part, op.factors.values[chosen]) for part in parts]
        walls = self._slack_walls(op)
        if walls is not None:
            parts.append(arithmetic.select(walls, chosen))
        energy = parts[0] if len(parts) == 1 else arithmetic.add(*parts)
        return arithmetic.scale(arithmetic.reduce_powers(energy, self.vartype), op.weight)

    def penalty_total(self, op: PenaltyOp) -> Polynomials:
        """The penalty of weight 1 of all instances of a family, as one row; quicker than by instance."""
        residual = self._residual(op)
        forms = op.row_forms(residual.rows)
        parts = []
        if op.factors is not None:
            parts, forms = [weighted_squares(residual, self.vartype, op.factors.values)], forms[:0]
        for number in np.unique(forms).tolist():
            rows = np.flatnonzero(forms == number)
            here = residual if len(rows) == residual.rows else arithmetic.select(residual, rows)
            if FORMS[number] is PenaltyForm.LOGIC:
                here = whole_coefficients(here)
            slopes = None if op.slopes is None else op.slopes.values[rows]
            parts += form_energy(FORMS[number], here, self.vartype, slopes)
        walls = self._slack_walls(op)
        if walls is not None:
            parts.append(arithmetic.total(walls))
        return parts[0] if len(parts) == 1 else arithmetic.add(*parts)

    def _slack_walls(self, op: PenaltyOp) -> Polynomials | None:
        """What every row of a family pays for bits set behind unset ones, where its slack is coded as a wall."""
        slack = None if op.implied else self._slacks.get(op.symbol)
        if slack is None or slack.affine is None or slack.encoding is not Encoding.DOMAIN_WALL:
            return None
        return wall_rows(slack.affine, slack.first)

    def residuals(self, op: PenaltyOp, bits: NDArray[np.int8]) -> Floats:
        """u of every row with its slack at states [..., bits] of 0 and 1."""
        return arithmetic.evaluate(self._residual(op), bits)

    def logic_counts(self, op: PenaltyOp, bits: NDArray[np.int8]) -> Floats:
        """For states [reads, bits] of 0 and 1, how many clauses each row of form LOGIC violates, [reads, rows]."""
        residual = self._residual(op)
        logical = op.row_forms(residual.rows) == FORMS.index(PenaltyForm.LOGIC)
        rows = clauses_of(arithmetic.select(residual, np.where(logical, np.arange(residual.rows), -1)))
        return arithmetic.evaluate(rows, bits)

    def indices(self, symbol: str) -> Integers:
        """The index rows of a constraint's instances; none for a symbol that is no constraint of the problem."""
        op = self._constraints.get(symbol)
        return np.zeros((0, 0), np.int64) if op is None else op.indices.values

    def rows_with(self, op: PenaltyOp, bits: Sequence[int]) -> list[int]:
        """The instances of a family whose residual has all of `bits`."""
        residual = self._residual(op)
        present = np.ones(residual.rows, bool)
        for bit in bits:
            here = np.zeros(residual.rows, bool)
            for block in residual.terms:
                here[block.row.values[(block.variables.values == bit).any(axis=1)]] = True
            present &= here
        return np.flatnonzero(present).tolist()

    def in_spins(self, energy: Polynomials) -> ising.ModelOp:
        """One row over bits as a spin model in the final model's units; terms of degree 3 and more are left out."""
        fixed = float(energy.constants()[0])
        _, names, single = energy.block(1)
        _, pairs, quadratic = energy.block(2)
        linear = Array(np.bincount(names[:, 0], single, self.numbering.bits).astype(np.float64))
        rows, columns = Array(pairs[:, 0]), Array(pairs[:, 1])
        if self.vartype is Vartype.SPIN:
            model = ising.ModelOp(fixed, linear, rows, columns, Array(quadratic))
        else:
            model = spin_model(ising.QuboOp(fixed, linear, rows, columns, Array(quadratic)))
        return scaled(self.numbering.over_spins(model), self.model.scale)

    def objective_bits(self, other: poly.ObjectiveOp | None = None) -> Polynomials:
        """The objective, or another one over the same variables, over bits and to be minimised.

        Where the energy is that of settled values, so is this, with the price of other ones.
        """
        op = other or self._objective
        bits = Polynomials(1, ()) if op is None else self._writer.over_bits(op.polynomial)
        if op is not None and op.sense is not Sense.MINIMIZE:
            bits = arithmetic.scale(bits, -1.0)
        if self.settled is None:
            return bits
        return arithmetic.add(self._known(bits), settled_energy(self.settled))

    def _known(self, p: Polynomials) -> Polynomials:
        """Rows over bits as the energy takes them: with settled bits at their values."""
        return p if self.settled is None else at_settled(p, self.size, self.settled)

    def objective_bound(self) -> float:
        """What the objective, to be minimised, is at least, whatever the variables are: the sum of its terms' bounds.

        Bits of one variable's one-hot code exclude each other.
        """
        p = self.objective_bits()
        if self.vartype is Vartype.SPIN:
            sizes = sum(float(np.abs(block.coefficients.values).sum()) for block in p.terms if block.degree)
            return float(p.constants()[0]) - sizes
        labels, groups = np.full(self.size, -1), 0
        for register, code in self._codes.values():
            if code.group is not None:
                grouped = code.group >= 0
                labels[register.first : register.first + code.count][grouped] = code.group[grouped] + groups
                groups += int(code.group.max(initial=-1)) + 1
        return float(group_bounds(p, Groups.of(self.size, labels))[0][0])

    def bodies(self, op: PenaltyOp) -> Polynomials:
        """u of every row of a family without its slack."""
        return self._residual(op, False)

    def _residual(self, op: PenaltyOp, with_slack: bool = True) -> Polynomials:
        """u of every row with its slack; see `ising.penalty`."""
        body, relation = self.stated(op)
        if relation is Relation.EQ:
            linear = op.row_forms(body.rows) == FORMS.index(PenaltyForm.LINEAR)
            if linear.any():
                body = arithmetic.scale(body, np.where(linear, equation_signs(body), 1.0))
        if op.caps is not None:
            body = cut_rows(body, op.caps.values, None if op.shared is None else op.shared.values)
        parts = [body]
        if op.shifts is not None:
            parts.append(arithmetic.constants(op.shifts.values))
        slack = None if op.implied or not with_slack else self._slacks.get(op.symbol)
        if slack is not None and slack.affine is not None:
            parts.append(slack_rows(slack, slack.affine))
        residual = arithmetic.add(*parts) if len(parts) > 1 else body
        if op.units is None:
            return residual
        units = op.units.values
        return arithmetic.scale(residual, np.where(units > 0, 1 / np.where(units > 0, units, 1.0), 0.0))

    def stated(self, op: PenaltyOp) -> tuple[Polynomials, Relation]:
        """The rows of a family over bits as they are stated (`>=` negated), at settled values, and the relation."""
        if not op.implied:
            constraint = self._constraints[op.symbol]
            body, relation = self._known(self._writer.over_bits(constraint.body)), constraint.relation
            return (arithmetic.scale(body, -1.0) if relation is Relation.GE else body), relation
        register, code = self._codes[op.symbol]
        assert code.implied is not None
        first, terms = np.int32(register.first), code.implied.terms
        shifted = ((b.row.values, b.variables.values + first, b.coefficients.values) for b in terms)
        return self._known(pack(code.implied.rows, shifted)), Relation.EQ


def _code(register: RegisterOp, variable: VariableOp) -> Code:
    """The code that a register states; its groups and walls follow from the encoding."""
    assert register.affine is not None
    coded = register.encoding in (Encoding.ONE_HOT, Encoding.DOMAIN_WALL, Encoding.ORDER)
    if coded and variable.domain in (Domain.CHOICE, Domain.INTEGER):
        assert register.encoding is not None
        return replace(encode(variable, register.encoding, register.vartype), affine=register.affine)
    return Code(register.affine, register.count, register.encoding)
