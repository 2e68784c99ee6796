"""Turn constraints into penalties that provably dominate the objective, with slack where needed.

before: poly.objective {maximize 3 a + 4 b}; poly.constraint {symbol = "fits", a + b - 1 <= 0}
after:  poly.objective {minimize -3 a - 4 b + 4.0625 a b}; ising.penalty {symbol = "fits", weight = 4.0625}
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.bounds import Groups
from qevo_compiler.analyses.incumbent import SearchSpace, find_incumbent
from qevo_compiler.diagnostics import CompileError, Diagnostics
from qevo_compiler.diagnostics.poly import NotFinite
from qevo_compiler.diagnostics.schedule import BadLimit
from qevo_compiler.dialects import anneal, poly
from qevo_compiler.dialects.ising import PenaltyOp, PenaltyRule, RegisterOp, Role
from qevo_compiler.dialects.poly import Polynomials, Vartype, arithmetic
from qevo_compiler.dialects.problem import Relation, Sense
from qevo_compiler.ir import Array, Builder, Evidence, Func, LedgerEntry, Legal, Module
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.penalty.overflow import LARGEST_ENERGY, stays_below
from qevo_compiler.passes.penalty.penalty_energy import penalty_energy
from qevo_compiler.passes.penalty.penalty_rows import PenaltyRows, penalty_rows
from qevo_compiler.passes.penalty.penalty_weights import OneHot, Weight, dominating_weight
from qevo_compiler.passes.penalty.rounding_dust import magnitude, without_dust
from qevo_compiler.passes.stages import ENCODED, UNCONSTRAINED

ZERO = Polynomials(1, ())


@dataclass(frozen=True)
class PenalizeConstraints(Pass):
    """All hard families share one weight P, because their residuals are counted in their own units.

    The weight is the least that the rules of `penalty_weights` prove, times `scale` (below 1 nothing is
    proved). A row whose exact slack would need more than `slack_bits` bits, or that has no unit, gets
    one of `coarse_bits` and a ledger entry. `search_steps` bounds the search for a feasible state.
    """

    name: ClassVar[str] = "penalize-constraints"
    takes: ClassVar[Legal] = ENCODED
    leaves: ClassVar[Legal] = UNCONSTRAINED

    scale: float = 1.0
    search_steps: int = 400
    slack_bits: int = 24
    coarse_bits: int = 15

    def run(self, module: Module, context: Context = SILENT) -> Module:
        if not (np.isfinite(self.scale) and self.scale > 0):
            raise CompileError(BadLimit(None, self.name, "scale", f"{self.scale:g}"))
        main = module.main
        objective = _objective(main)
        if not main.ops_of(poly.ConstraintOp) and main.first(poly.ObjectiveOp) == objective:
            return module
        one_hot, families = self._families(main)
        hard = [family for family in families if not family.soft]
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is reported below
            energies, slacks = _energies(main, families)
            weight = self._weight(objective.polynomial, families, energies, one_hot) if hard else None
            total = _total(objective.polynomial, families, energies, weight)
        if not stays_below(total, LARGEST_ENERGY):
            raise CompileError(NotFinite(objective.span, "the energy with its penalties", LARGEST_ENERGY))
        lowered = _lowered(main, replace(objective, polynomial=total), slacks, _penalties(families, weight))
        return module.with_main(lowered).record(*self._entries(families, weight))

    def _families(self, main: Func) -> tuple[OneHot, list[PenaltyRows]]:
        """The families that matter; raises `CompileError` naming every row that can never hold."""
        found = Diagnostics()
        constraints = main.ops_of(poly.ConstraintOp)
        bits = sum(register.count for register in main.ops_of(RegisterOp))
        one_hot, defining = one_hot_structure(constraints, bits)
        valid, loose = one_hot.groups, Groups.none(bits)
        families = []
        for index, op in enumerate(constraints):
            # The groups' own rows must not be judged by assuming that they hold.
            groups = loose if index in defining else valid
            rows = penalty_rows(op, groups, self.slack_bits, self.coarse_bits, found)
            if rows is not None:
                families.append(rows)
        found.raise_if_any()
        return one_hot, families

    def _weight(
        self, objective: Polynomials, families: list[PenaltyRows], energies: list[Polynomials], one_hot: OneHot
    ) -> Weight:
        hard = [family for family in families if not family.soft]
        soft = [(family, energy) for family, energy in zip(families, energies, strict=True) if family.soft]
        soft_energy = arithmetic.add(ZERO, *(arithmetic.scale(e, family.op.weight or 0.0) for family, e in soft))
        soft_high = sum(_worst(family) for family, _ in soft)

        def incumbent() -> float | None:
            return self._incumbent(objective, hard, [family for family, _ in soft], one_hot)

        weight = dominating_weight(objective, soft_energy, soft_high, one_hot, incumbent)
        if self.scale == 1.0 and all(family.exact for family in hard):
            return weight
        rule = weight.rule if self.scale >= 1.0 and all(family.exact for family in hard) else PenaltyRule.HEURISTIC
        return Weight(weight.value * self.scale, weight.needed, rule)

    def _incumbent(
        self, objective: Polynomials, hard: list[PenaltyRows], soft: list[PenaltyRows], one_hot: OneHot
    ) -> float | None:
        """Objective plus soft penalties at a feasible state, if the search meets one."""
        if not all(family.exact for family in hard):
            return None
        rows = arithmetic.stack([family.residual for family in hard])
        equal = np.concatenate([np.full(f.residual.rows, f.op.relation is Relation.EQ) for f in hard])
        space = SearchSpace(len(one_hot.first), objective, rows, equal, one_hot.first, one_hot.grid())
        state = find_incumbent(space, self.search_steps)
        if state is None:
            return None
        value = float(arithmetic.evaluate(objective, state)[0])
        return value + sum(_soft_value(family, state) for family in soft)

    def _entries(self, families: list[PenaltyRows], weight: Weight | None) -> list[LedgerEntry]:
        entries = []
        if weight is not None:
            proved = weight.rule is not PenaltyRule.HEURISTIC
            kind = Evidence.PROVED if proved else Evidence.ESTIMATED
            note = f"weight {weight.value:g}, needed more than {weight.needed:g}, by the {weight.rule.value} rule"
            entries.append(LedgerEntry(self.name, "penalty gap", weight.value - weight.needed, kind, "", note))
        for family in families:
            if not family.exact:
                entries.append(self._floor_entry(family))
        return entries

    def _floor_entry(self, family: PenaltyRows) -> LedgerEntry:
        quantity, value = "penalty floor", float(family.units.max())
        note = "no common unit of the coefficients: smaller violations are penalised less than the objective may gain"
        if family.soft:
            step = float(-family.low.min()) / (2.0**self.coarse_bits - 1)
            quantity, value = "slack rounding", (family.op.weight or 0.0) * step**2 / 4
            note = "slack in steps: a satisfied row may still cost up to this"
        return LedgerEntry(self.name, quantity, value, Evidence.ESTIMATED, family.op.symbol, note)


def one_hot_structure(constraints: tuple[poly.ConstraintOp, ...], bits: int) -> tuple[OneHot, frozenset[int]]:
    """One-hot families among hard constraints, and the indices of those that define the first labels."""
    labels = [np.full(bits, -1), np.full(bits, -1)]
    defining: set[int] = set()
    complete = True
    for index, op in enumerate(constraints):
        if op.weight is not None:
            continue
        groups = _one_hot_rows(op)
        side = None if groups is None else next((k for k in (0, 1) if (labels[k][groups[0]] < 0).all()), None)
        if groups is None or side is None:
            complete = False
            continue
        names, rows = groups
        labels[side][names] = rows + labels[side].max(initial=-1) + 1
        if side == 0:
            defining.add(index)
    return OneHot(labels[0], labels[1], complete), frozenset(defining)


def _one_hot_rows(op: poly.ConstraintOp) -> tuple[NDArray[np.int32], NDArray[np.int32]] | None:
    """Bits and rows of a family whose rows all say that exactly one of disjoint bits is 1."""
    row, names, coefficients = op.body.block(1)
    if op.relation is not Relation.EQ or op.body.degree != 1 or not len(row):
        return None
    first = np.searchsorted(row, np.arange(op.body.rows))
    if len(np.unique(row)) < op.body.rows or len(np.unique(names)) < len(row):
        return None
    unit = coefficients[first]
    alike = (coefficients == unit[row]).all() and (op.body.constants() == -unit).all()
    return (names[:, 0], row) if alike else None


def _objective(main: Func) -> poly.ObjectiveOp:
    """The objective to minimise; zero when the program only asks for a feasible point."""
    op = main.first(poly.ObjectiveOp) or poly.ObjectiveOp(ZERO)
    if op.sense is Sense.MINIMIZE:
        return op
    return replace(op, polynomial=arithmetic.scale(op.polynomial, -1.0), sense=Sense.MINIMIZE)


def _energies(main: Func, families: list[PenaltyRows]) -> tuple[list[Polynomials], list[RegisterOp]]:
    """Penalty polynomials of weight 1, and the registers of their slack bits behind the decision bits."""
    registers = main.ops_of(RegisterOp)
    vartype = registers[0].vartype if registers else Vartype.BINARY
    first = sum(register.count for register in registers)
    energies, slacks = [], []
    for family in families:
        energies.append(penalty_energy(family, first, vartype))
        if family.slack is not None:
            slacks.append(_slack_register(family, first))
            first += family.slack_bits
    return energies, slacks


def _slack_register(family: PenaltyRows, first: int) -> RegisterOp:
    op = family.op
    return RegisterOp(op.symbol, Role.SLACK, Vartype.BINARY, first, family.slack_bits, family.slack, span=op.span)


def _total(
    objective: Polynomials, families: list[PenaltyRows], energies: list[Polynomials], weight: Weight | None
) -> Polynomials:
    if not families:
        return objective
    factors = [_factor(family, weight) for family in families]
    parts = [objective, *(arithmetic.scale(e, f) for e, f in zip(energies, factors, strict=True))]
    return without_dust(arithmetic.add(*parts), arithmetic.add(*map(magnitude, parts)))


def _factor(family: PenaltyRows, weight: Weight | None) -> float:
    if family.op.weight is not None:
        return family.op.weight
    assert weight is not None
    return weight.value


def _penalties(families: list[PenaltyRows], weight: Weight | None) -> list[PenaltyOp]:
    found = []
    for family in families:
        rule = PenaltyRule.SOFT if family.soft or weight is None else weight.rule
        factor, op = _factor(family, weight), family.op
        units = None if (family.units == 1).all() else Array(family.units)
        shifts = Array(family.shifts) if family.shifts.any() else None
        found.append(PenaltyOp(op.symbol, factor, rule, family.form, units, shifts, op.implied, span=op.span))
    return found


def _lowered(main: Func, objective: poly.ObjectiveOp, slacks: list[RegisterOp], penalties: list[PenaltyOp]) -> Func:
    builder = Builder()
    kept = (RegisterOp, anneal.RequestOp, anneal.SampleOp)
    for op in (*main.ops_of(RegisterOp), *slacks, *penalties, objective):
        builder.append(op)
    for op in main.ops:
        if isinstance(op, kept[1:]):
            builder.append(op)
    return builder.finish()


def _worst(family: PenaltyRows) -> float:
    """The largest energy of a soft family over valid states."""
    excess = np.maximum(family.high, 0.0)
    if family.op.relation is Relation.EQ:
        excess = np.maximum(excess, -family.low)
    return float((excess[family.active] ** 2).sum()) * (family.op.weight or 0.0)


def _soft_value(family: PenaltyRows, state: NDArray[np.int8]) -> float:
    """A soft family's least energy over its slack at a state: violation squared times weight."""
    residual = arithmetic.evaluate(family.residual, state)
    if family.op.relation is not Relation.EQ:
        residual = np.maximum(residual, 0.0)
    return float((residual * residual).sum()) * (family.op.weight or 0.0)
