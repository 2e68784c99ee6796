"""Turn constraints into penalties that provably dominate the objective, with slack where needed.

before: poly.objective {maximize 3 a + 4 b}; poly.constraint {symbol = "fits", a + b - 1 <= 0}
after:  poly.objective {minimize -3 a - 4 b + 3.0625 a b}; ising.penalty {symbol = "fits", weight = 3.0625}
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from qevo_compiler.analyses.incumbent import SearchSpace, find_incumbent
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.poly import NotFinite
from qevo_compiler.dialects import anneal, poly
from qevo_compiler.dialects.ising import PenaltyOp, PenaltyRule, RegisterOp, SettledOp
from qevo_compiler.dialects.poly import Polynomials, Vartype, arithmetic
from qevo_compiler.dialects.problem import Relation, Sense
from qevo_compiler.ir import Builder, Evidence, Func, LedgerEntry, Legal, Module
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.limits import check_numbers
from qevo_compiler.passes.penalty.combine import combine
from qevo_compiler.passes.penalty.family_rows import PenaltyRows, RowOptions
from qevo_compiler.passes.penalty.family_weights import Weighing, soft_value
from qevo_compiler.passes.penalty.found_families import Found, find_families, known_families, said
from qevo_compiler.passes.penalty.methods import Method, family_weights, family_words
from qevo_compiler.passes.penalty.overflow import LARGEST_ENERGY, stays_below
from qevo_compiler.passes.penalty.penalty_energy import penalty_energy
from qevo_compiler.passes.penalty.penalty_ops import penalty_op, slack_register
from qevo_compiler.passes.penalty.penalty_weights import MARGIN, Weight, largest, round_up
from qevo_compiler.passes.penalty.raise_rule import Integral
from qevo_compiler.passes.penalty.settled_rows import settled_energy
from qevo_compiler.passes.penalty.size_estimate import check_size, estimate
from qevo_compiler.passes.penalty.slack_codes import SlackCode
from qevo_compiler.passes.quantities import PENALTY_FLOOR, PENALTY_GAP, SLACK_ROUNDING
from qevo_compiler.passes.stages import ENCODED, UNCONSTRAINED

ZERO = Polynomials(1, ())
_NOTES = {
    PenaltyRule.VLM: "the largest change of the objective by one flip (VLM): heuristic",
    PenaltyRule.MOMC: "the largest change of the objective by one flip over the least of a row (MOMC): heuristic",
    PenaltyRule.UNBALANCED: "without slack, a weight for a form that satisfied rows do not bring to 0: heuristic",
    PenaltyRule.LAGRANGIAN: "a weight for the square beside a multiplier: heuristic",
    PenaltyRule.GIVEN: "given: not checked",
}


@dataclass(frozen=True)
class PenalizeConstraints(Pass):
    """Residuals are counted in their own units, so that a violated row costs at least its family's weight.

    A weight is the least that the rules of `flip_rule` (by family) and `penalty_weights` (one for the rest) prove,
    and the part `margin` more, times `scale` (below 1 nothing is proved). `method` takes another rule for all hard
    families, `methods` for some (`fits=unbalanced:pair=vlm`), `weights` sets weights (`fits=2.5`). `slack` chooses the
    slack's code, `slacks` that of some families (`fits=unary`), `slack_bound` the largest weight of a bounded one,
    `precision` the target's bits that `auto` respects; `slope` is what the unbalanced form multiplies u with. Rows of
    clauses of up to `clauses` literals (0: none) take no slack. `tighten` cuts coefficients of hard inequalities to the
    most that a row can be exceeded by, which no 0/1 point notices. A row whose exact slack would need more than
    `slack_bits` bits, or that has no unit, gets one of `coarse_bits` and a ledger entry. `search_steps` bounds the
    search for a feasible state. `memory` is the bytes that couplings may take; without it, what the machine has left.
    """

    name: ClassVar[str] = "penalize-constraints"
    takes: ClassVar[Legal] = ENCODED
    leaves: ClassVar[Legal] = UNCONSTRAINED

    scale: float = 1.0
    margin: float = MARGIN
    search_steps: int = 400
    slack_bits: int = 24
    coarse_bits: int = 15
    method: Method = Method.AUTO
    methods: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    slack: SlackCode = SlackCode.AUTO
    slacks: tuple[str, ...] = ()
    slack_bound: int | None = None
    precision: int | None = None
    slope: float = 2.0
    clauses: int = 3
    tighten: bool = True
    memory: float | None = None

    def run(self, module: Module, context: Context = SILENT) -> Module:
        self._check_options()
        main = module.main
        objective = _objective(main)
        constraints = main.ops_of(poly.ConstraintOp)
        bits = sum(register.count for register in main.ops_of(RegisterOp))
        if not constraints and main.first(poly.ObjectiveOp) == objective:
            check_size(estimate(objective, [], bits), self.memory, context)
            return module
        symbols = {op.symbol for op in constraints}
        methods = family_words("methods", self.methods, symbols, Method)
        row_options = self._row_options_by(methods, symbols)
        given = family_weights(self.weights, symbols)
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is reported below
            main, found = known_families(main, row_options, context)
            objective = _objective(main)
            check_size(estimate(objective, found.families, bits), self.memory, context)
            energies, slacks = _energies(main, found.families)
            bits = sum(register.count for register in main.ops_of(RegisterOp))
            weights = self._weights(
                objective.polynomial, found, energies, methods, given, Integral.of(main.ops_of(RegisterOp), bits)
            )
            parts = [(energy, weight.value) for energy, weight in zip(energies, weights, strict=True)]
            main, held = _with_price(main, objective.polynomial)
            total = combine([(objective.polynomial, 1.0), *parts, *held]) if parts or held else objective.polynomial
        if not stays_below(total, LARGEST_ENERGY):
            raise CompileError(NotFinite(objective.span, "the energy with its penalties", LARGEST_ENERGY))
        penalties = [penalty_op(family, weight) for family, weight in zip(found.families, weights, strict=True)]
        lowered = _lowered(main, replace(objective, polynomial=total), slacks, penalties)
        return module.with_main(lowered).record(*self._entries(found.families, weights))

    def judge(self, main: Func, context: Context = SILENT) -> None:
        """Find what `run` finds wrong with the constraints of an encoded func, without its energies and weights.

        Raises `CompileError` naming every hard row that can never hold; soft ones are warned of.
        """
        self._check_options()
        symbols = {op.symbol for op in main.ops_of(poly.ConstraintOp)}
        row_options = self._row_options_by(family_words("methods", self.methods, symbols, Method), symbols)
        with np.errstate(over="ignore", invalid="ignore"):
            said(find_families(main, row_options)[1], context)

    def _check_options(self) -> None:
        check_numbers(self, "scale", "margin", "slope")
        check_numbers(self, "precision", "slack_bound", "memory", least=1)
        check_numbers(self, "search_steps", "clauses", least=0)
        check_numbers(self, "slack_bits", least=0, most=52)
        check_numbers(self, "coarse_bits", least=1, most=52)

    def _row_options_by(
        self, methods: dict[str, Method], symbols: set[str]
    ) -> Callable[[poly.ConstraintOp], RowOptions]:
        slacks = family_words("slacks", self.slacks, symbols, SlackCode)

        def options(op: poly.ConstraintOp) -> RowOptions:
            if op.implied:
                return self._row_options(self.method, self.slack)
            return self._row_options(methods.get(op.symbol, self.method), slacks.get(op.symbol, self.slack))

        return options

    def _row_options(self, method: Method, slack: SlackCode) -> RowOptions:
        return RowOptions(
            self.slack_bits,
            self.coarse_bits,
            slack,
            self.slack_bound,
            self.precision,
            self.clauses,
            self.slope,
            method,
            self.tighten,
        )

    def _weights(
        self,
        objective: Polynomials,
        found: Found,
        energies: list[Polynomials],
        methods: dict[str, Method],
        given: dict[str, float],
        integral: Integral,
    ) -> list[Weight]:
        chosen = [self._method(family, methods) for family in found.families]
        known = {family.op.symbol for family in found.families if not family.op.implied}
        fixed = {
            k: given[family.op.symbol]
            for k, family in enumerate(found.families)
            if family.op.symbol in given and (not family.op.implied or family.op.symbol not in known)
        }
        weighing = Weighing(
            objective,
            found.families,
            energies,
            found.positions,
            found.one_hot,
            found.others,
            chosen,
            fixed,
            self._incumbent(objective, found),
            self.margin,
            integral,
        )
        return [self._scaled(weight) for weight in weighing.weights()]

    def _method(self, family: PenaltyRows, methods: dict[str, Method]) -> Method:
        if family.op.implied:
            return self.method if self.method in (Method.AUTO, Method.RANGE, Method.VLM) else Method.AUTO
        asked = methods.get(family.op.symbol, self.method)
        if family.slopes is not None:
            return Method.LAGRANGIAN if asked is Method.LAGRANGIAN else Method.UNBALANCED
        # Rows that take no slack anyway have an exact penalty, whatever was asked for.
        return Method.AUTO if asked in (Method.UNBALANCED, Method.LAGRANGIAN) else asked

    def _scaled(self, weight: Weight) -> Weight:
        if self.scale == 1.0 or weight.rule in (PenaltyRule.SOFT, PenaltyRule.GIVEN):
            return weight
        rule = PenaltyRule.HEURISTIC if self.scale < 1.0 and weight.rule.proved else weight.rule
        return replace(weight, value=weight.value * self.scale, rule=rule)

    def _incumbent(self, objective: Polynomials, found: Found) -> Callable[[], float | None]:
        """A search for objective plus soft penalties at a feasible state."""
        hard = [family for family in found.families if not family.soft]
        soft = [family for family in found.families if family.soft]

        def search() -> float | None:
            flat = not objective.degree and not soft  # all feasible states cost the same
            if flat or not all(family.exact for family in hard):
                return None
            rows = arithmetic.stack([rows for family in hard for rows in (family.residual, family.lower_sides)])
            equal = np.concatenate(
                [np.full(n, f.op.relation is Relation.EQ) for f in hard for n in (f.residual.rows, f.lower_sides.rows)]
            )
            labels = found.one_hot.first
            space = SearchSpace(len(labels), objective, rows, equal, labels, found.one_hot.grid())
            state = find_incumbent(space, self.search_steps)
            if state is None:
                return None
            return float(arithmetic.evaluate(objective, state)[0]) + sum(soft_value(family, state) for family in soft)

        return search

    def _entries(self, families: list[PenaltyRows], weights: list[Weight]) -> list[LedgerEntry]:
        """One entry a weight: for all hard families when they share it, else for each."""
        hard = [(f, w) for f, w in zip(families, weights, strict=True) if not f.soft]
        shared = len({(w.value, w.rule) for _, w in hard}) == 1
        entries = [self._entry(weight, "" if shared else _title(f.op)) for f, weight in (hard[:1] if shared else hard)]
        return entries + [self._floor_entry(family) for family in families if not family.exact]

    def _entry(self, weight: Weight, subject: str) -> LedgerEntry:
        kind = Evidence.PROVED if weight.rule.proved else Evidence.ESTIMATED
        why = _NOTES.get(weight.rule)
        note = f"weight {weight.value:g}, "
        note += why if why else f"needed more than {weight.needed:g}, by the {weight.rule.value} rule"
        note += f": {weight.why}" if weight.why else ""
        gap = 0.0 if np.isnan(weight.needed) else weight.value - weight.needed
        return LedgerEntry(self.name, PENALTY_GAP, gap, kind, subject, f"{subject}: {note}" if subject else note)

    def _floor_entry(self, family: PenaltyRows) -> LedgerEntry:
        quantity, value = PENALTY_FLOOR, float(family.units.max())
        note = f"no common unit of the coefficients, or one that takes more than {self.slack_bits} bits of slack: "
        note += "smaller violations are penalised less than the objective may gain"
        if family.soft:
            step = float(-family.low.min()) / (2.0**self.coarse_bits - 1)
            quantity, value = SLACK_ROUNDING, float(family.soft_weights.max()) * step**2 / 4
            note = "slack in steps: a satisfied row may still cost up to this"
        return LedgerEntry(self.name, quantity, value, Evidence.ESTIMATED, family.op.symbol, note)


def _with_price(main: Func, objective: Polynomials) -> tuple[Func, list[tuple[Polynomials, float]]]:
    """The func with a price on other values of settled bits, on the objective's scale, and that part of the energy."""
    settled = main.first(SettledOp)
    if settled is None:
        return main, []
    priced = replace(settled, weight=round_up(0.0, largest(objective)))
    return replace(main, ops=tuple(priced if op is settled else op for op in main.ops)), [(settled_energy(priced), 1.0)]


def _title(op: poly.ConstraintOp) -> str:
    return f"encoding of {op.symbol}" if op.implied else op.symbol


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
            slacks.append(slack_register(family, first))
            first += family.slack_bits
    return energies, slacks


def _lowered(main: Func, objective: poly.ObjectiveOp, slacks: list[RegisterOp], penalties: list[PenaltyOp]) -> Func:
    builder = Builder()
    kept = (RegisterOp, SettledOp, anneal.RequestOp, anneal.SampleOp)
    for op in (*main.ops_of(RegisterOp), *slacks, *penalties, objective):
        builder.append(op)
    for op in main.ops:
        if isinstance(op, kept[1:]):
            builder.append(op)
    return builder.finish()
