"""Give a compiled program other penalty weights, or another objective of the same shape, without compiling again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from qevo_compiler.decode.coefficients import CoefficientTable, same_model
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.penalties import BadFamilyChoice, NotReweightable
from qevo_compiler.dialects import anneal, gate, ising, poly
from qevo_compiler.dialects.ising import PenaltyOp, PenaltyRule, ProductsOp, Role
from qevo_compiler.ir import Evidence, Func, LedgerEntry, Module
from qevo_compiler.passes.base import Pass
from qevo_compiler.passes.penalty.combine import combine
from qevo_compiler.passes.pipeline import Pipeline
from qevo_compiler.passes.quantities import PENALTY_GAP, UNUSED_WEIGHT

if TYPE_CHECKING:
    from qevo_compiler.program import CompiledProgram

STAGE = "reweight"
_AFTER = "binary-to-spin"
_PRESOLVE = "presolve"
_LOWERING = "quadratize"
_SCHEDULE = "synthesize-schedule"
_MADE_ANEW = (
    PenaltyOp, ising.ModelOp, ising.QuboOp, ProductsOp, ising.ReductionOp, gate.CircuitOp, anneal.ScheduleOp,
)  # fmt: skip


def coefficient_table(program: CompiledProgram) -> CoefficientTable:
    """The program's sources as vectors. Raises `CompileError` where its model is not their weighted sum."""
    main = program.module.main
    model = main.first(ising.ModelOp)
    if model is None and main.first(ising.QuboOp) is None:
        raise CompileError(NotReweightable(None, program.name, "it has no spin model"))
    table = CoefficientTable(program.module)
    if model is not None and _is_sum(program, table) and not _rounded(program):
        present = table.model([op.weight for op in program.module.main.ops_of(PenaltyOp)])
        if present is None or not same_model(present, model):
            raise CompileError(NotReweightable(None, program.name, "later steps changed its coefficients"))
    return table


def reweighted(
    program: CompiledProgram,
    factors: Mapping[str, float],
    weights: Mapping[str, float],
    rule: PenaltyRule | None = None,
) -> CompiledProgram:
    """The program with other weights; `rule` names how those that changed were found (default: GIVEN).

    A family without a penalty takes any weight, and the ledger says that it has no effect.
    Raises `CompileError` for unknown families and for numbers that are no weights.
    """
    penalties, unused = program.module.main.ops_of(PenaltyOp), _without_penalty(program)
    chosen = _chosen(penalties, unused, factors, weights)
    changed = _regraded(penalties, chosen, rule or PenaltyRule.GIVEN)
    found = _rebuilt(program, changed, None)
    assert found is not None
    return _said_unused(found, [name for name in unused if name in factors or name in weights])


def with_objective(program: CompiledProgram, objective: poly.ObjectiveOp) -> CompiledProgram | None:
    """The program with another objective over the same variables; None where its couplings are not in the pattern.

    Weights stay; those that were proved for the old objective are now only given.
    """
    penalties = program.module.main.ops_of(PenaltyOp)
    changed = [replace(op, rule=PenaltyRule.GIVEN) if op.rule.proved else op for op in penalties]
    return _rebuilt(program, changed, objective)


def _without_penalty(program: CompiledProgram) -> list[str]:
    """The stated families whose rows hold by themselves, at the settled bits or by other rows."""
    problem = program.module.find("problem")
    stated = () if problem is None else problem.ops_of(poly.ConstraintOp)
    known = _names(program.module.main.ops_of(PenaltyOp))
    return [op.symbol for op in stated if op.symbol not in known and op.weight != 0]


def _said_unused(program: CompiledProgram, names: Sequence[str]) -> CompiledProgram:
    note = "no penalty, so no effect: its rows hold wherever settled bits and the other constraints do"
    entries = [LedgerEntry(STAGE, UNUSED_WEIGHT, 0.0, Evidence.PROVED, name, f"{name}: {note}") for name in names]
    new = [entry for entry in entries if entry not in program.ledger]
    return replace(program, module=program.module.record(*new)) if new else program


def _chosen(
    penalties: Sequence[PenaltyOp], unused: Sequence[str], factors: Mapping[str, float], weights: Mapping[str, float]
) -> dict[int, float]:
    """The new weight of each penalty that is given one, by its number."""
    names = _names(penalties)
    found = {}
    for given, relative in ((factors, True), (weights, False)):
        for name, value in given.items():
            if name not in (*names, *unused) or not (np.isfinite(value) and value > 0):
                listed = ", ".join(f"`{known}`" for known in (*names, *unused)) or "none"
                expected = f"a number above 0 for one of {listed}"
                raise CompileError(BadFamilyChoice(None, STAGE, f"{name}={value:g}", expected))
            if name in names:
                found[names[name]] = float(value) * (penalties[names[name]].weight if relative else 1.0)
    return found


def _names(penalties: Sequence[PenaltyOp]) -> dict[str, int]:
    """Families by name; an encoding goes by its variable unless a constraint has that name."""
    return {op.symbol: k for k, op in sorted(enumerate(penalties), key=lambda item: not item[1].implied)}


def _regraded(penalties: Sequence[PenaltyOp], chosen: Mapping[int, float], rule: PenaltyRule) -> list[PenaltyOp]:
    """New weights with the rule that still stands for them.

    A weight that is not smaller keeps its proof, but for the repair rule, which needs all weights alike.
    """
    ratios = {chosen.get(k, op.weight) / op.weight for k, op in enumerate(penalties) if op.rule.proved}
    alike = len(ratios) <= 1
    result = []
    for k, op in enumerate(penalties):
        weight = chosen.get(k, op.weight)
        kept = op.rule
        if op.rule is not PenaltyRule.SOFT and weight != op.weight:
            stands = op.rule.proved and weight > op.weight and (alike or op.rule is not PenaltyRule.REPAIR)
            kept = op.rule if stands else rule
        elif op.rule is PenaltyRule.REPAIR and not alike:
            kept = rule
        result.append(replace(op, weight=weight, rule=kept))
    return result


def _rebuilt(
    program: CompiledProgram, penalties: Sequence[PenaltyOp], objective: poly.ObjectiveOp | None
) -> CompiledProgram | None:
    table = program.coefficients
    weights = [op.weight for op in penalties]
    module = program.module
    kept = [op for op in module.main.ops if not isinstance(op, _MADE_ANEW)]
    pipeline = Pipeline.parse(str(program.options.get("pipeline", "")))
    if _is_sum(program, table):
        model = table.model(weights, objective)
        if model is None:
            return None
        passes = behind(pipeline, _AFTER)
        main = Func("main", (), (*kept, *penalties, replace(model, span=module.main.only(ising.ModelOp).span)))
    else:
        own = table.objective if objective is None else table.objective_bits(objective)
        # What presolve finds and how products are split depends on the weighted sum, so both are done anew.
        total = combine([(own, 1.0), *zip(table.energies, weights, strict=True)])
        kept = [op for op in kept if not (isinstance(op, ising.RegisterOp) and op.role is Role.AUXILIARY)]
        passes = _from(pipeline, _PRESOLVE) or _from(pipeline, _LOWERING)
        main = Func("main", (), (*kept, *penalties, poly.ObjectiveOp(total)))
    before = module.main.ops_of(PenaltyOp)
    ledger = _ledger(program, {step.name for step in passes}, before, penalties)
    module = replace(module.with_main(main), ledger=ledger)
    return finished(program, passes, module if objective is None else module.with_func(_stating(module, objective)))


def finished(program: CompiledProgram, passes: tuple[Pass, ...], module: Module) -> CompiledProgram:
    """The program again, from a module that `passes` are still to run on; its schedule stays."""
    lowered = _scheduled(passes, module, program.module.main)
    program.target.check(lowered)
    return replace(program, module=lowered.record(*program.target.ledger(lowered)))


def _scheduled(passes: tuple[Pass, ...], module: Module, before: Func) -> Module:
    """Run the passes; a program that had a schedule gets the same one instead of one made anew."""
    schedule = before.first(anneal.ScheduleOp)
    at = next((k for k, step in enumerate(passes) if step.name == _SCHEDULE), None)
    if schedule is None or at is None:
        return Pipeline(passes).run(module)
    module = Pipeline(passes[:at]).run(module)
    main = replace(module.main, ops=(*module.main.ops, schedule))
    return Pipeline(passes[at + 1 :]).run(module.with_main(main))


def _stating(module: Module, objective: poly.ObjectiveOp) -> Func:
    problem = module.func("problem")
    ops = tuple(objective if isinstance(op, poly.ObjectiveOp) else op for op in problem.ops)
    return replace(problem, ops=ops)


def behind(pipeline: Pipeline, name: str) -> tuple[Pass, ...]:
    """The passes behind the one of that name, or all where it does not run."""
    names = [step.name for step in pipeline.passes]
    if name in names:
        return pipeline.passes[names.index(name) + 1 :]
    return pipeline.passes


def _from(pipeline: Pipeline, name: str) -> tuple[Pass, ...]:
    names = [step.name for step in pipeline.passes]
    return pipeline.passes[names.index(name) :] if name in names else ()


def _is_sum(program: CompiledProgram, table: CoefficientTable) -> bool:
    """Whether the model is the weighted sum of the vectors: over spins, without auxiliaries and eliminated bits."""
    main = program.module.main
    whole = main.first(ising.ReductionOp) is None and main.first(ising.ModelOp) is not None
    return table.quadratic and whole


def _rounded(program: CompiledProgram) -> bool:
    return any(entry.stage == "round-coefficients" for entry in program.ledger)


def _ledger(
    program: CompiledProgram, again: set[str], before: Sequence[PenaltyOp], after: Sequence[PenaltyOp]
) -> tuple[LedgerEntry, ...]:
    """The entries that still hold, and the gaps of the new weights."""
    stale = set(program.target.ledger(program.module))
    again = again - {_SCHEDULE}
    gaps = {entry.subject: entry.value for entry in program.ledger if entry.quantity == PENALTY_GAP}
    kept = [e for e in program.ledger if e not in stale and e.stage not in again and e.quantity != PENALTY_GAP]
    return (
        *kept,
        *(_gap(old, new, gaps) for old, new in zip(before, after, strict=True) if new.rule is not PenaltyRule.SOFT),
    )


def _gap(old: PenaltyOp, new: PenaltyOp, gaps: Mapping[str, float]) -> LedgerEntry:
    subject = f"encoding of {new.symbol}" if new.implied else new.symbol
    needed = old.weight - gaps.get(subject, gaps.get("", 0.0))
    kind = Evidence.PROVED if new.rule.proved else Evidence.ESTIMATED
    kind = Evidence.MEASURED if new.rule is PenaltyRule.TUNED else kind
    why = f"needed more than {needed:g}, by the {new.rule.value} rule" if new.rule.proved else f"{new.rule.value}"
    note = f"{subject}: weight {new.weight:g}, {why}"
    return LedgerEntry(STAGE, PENALTY_GAP, new.weight - needed, kind, subject, note)
