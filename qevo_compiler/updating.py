"""A compiled program for new data that leave its variables, its slack and its pattern of couplings as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from qevo_compiler.diagnostics import CompileError, showing
from qevo_compiler.diagnostics.penalties import ChangedPattern
from qevo_compiler.dialects import ising, poly
from qevo_compiler.dialects.ising import PenaltyOp, PenaltyRule, RegisterOp
from qevo_compiler.dialects.problem import VariableOp
from qevo_compiler.frontend.load import Imported, Task, import_source
from qevo_compiler.ir import Func, Module
from qevo_compiler.passes.base import Pass
from qevo_compiler.passes.penalize_constraints import PenalizeConstraints
from qevo_compiler.passes.pipeline import Pipeline
from qevo_compiler.passes.pipelines import SOURCES
from qevo_compiler.passes.running import resume
from qevo_compiler.reweighting import behind, finished, with_objective
from qevo_compiler.source import SourceMap

if TYPE_CHECKING:
    from qevo_compiler.program import CompiledProgram

_EXPANSION = "expand-polynomials"


def updated(program: CompiledProgram, source: Any, data: Mapping[str, Any] | None, prove: bool) -> CompiledProgram:
    """See `CompiledProgram.update`."""
    sources = SourceMap()
    with showing(sources):
        return _updated(program, import_source(source, data=data, sources=sources), prove)


def _updated(program: CompiledProgram, imported: Imported, prove: bool) -> CompiledProgram:
    if imported.task is not Task.PROBLEM:
        raise CompileError(ChangedPattern(None, "the task"))
    if program.module.find("history") is not None:
        raise CompileError(ChangedPattern(None, "the step map of the training"))
    pipeline = Pipeline.parse(str(program.options.get("pipeline", "")))
    lowered = resume(_expansion(pipeline), imported.module).run(imported.module)
    old, new = program.module.func("problem"), lowered.func("problem")
    if _variables(old) != _variables(new):
        raise CompileError(ChangedPattern(None, "the variables"))
    if prove or _constraints(old) != _constraints(new):
        return _penalized(program, lowered, behind(pipeline, _EXPANSION), prove)
    objective = new.first(poly.ObjectiveOp) or poly.ObjectiveOp(poly.Polynomials(1, ()))
    found = with_objective(program, objective)
    if found is None:
        raise CompileError(ChangedPattern(None, "which bits are coupled"))
    return replace(found, module=_with_stated(found.module, lowered.find("stated")))


def _expansion(pipeline: Pipeline) -> Pipeline:
    """The program's own way to polynomials; one that began behind it takes the usual way."""
    names = [step.name for step in pipeline.passes]
    if _EXPANSION not in names:
        return Pipeline.parse(SOURCES["problem"])
    return Pipeline(pipeline.passes[: names.index(_EXPANSION) + 1])


def _penalized(program: CompiledProgram, lowered: Module, passes: tuple[Pass, ...], prove: bool) -> CompiledProgram:
    """The program with its penalties made anew, for the same bits."""
    pinned = tuple(f"{name}={weight!r}" for name, weight in _kept(program, prove).items())
    at, penalize = next((k, step) for k, step in enumerate(passes) if isinstance(step, PenalizeConstraints))
    module = Pipeline((*passes[:at], replace(penalize, weights=pinned))).run(lowered)
    _compare(program.module.main, module.main)
    found = finished(program, passes[at + 1 :], module)
    model = found.module.main.first(ising.ModelOp)
    if model is not None and not _within(program, found.module.main, model):
        raise CompileError(ChangedPattern(None, "which bits are coupled"))
    return found


def _kept(program: CompiledProgram, prove: bool) -> dict[str, float]:
    """The weights of hard families that stay, by name: all, or those that had no proof to be made anew."""
    found = {}
    penalties = program.module.main.ops_of(PenaltyOp)
    for op in sorted(penalties, key=lambda op: not op.implied):
        if op.rule is not PenaltyRule.SOFT and (not prove or op.rule in (PenaltyRule.GIVEN, PenaltyRule.TUNED)):
            found[op.symbol] = op.weight
    return found


def _compare(old: Func, new: Func) -> None:
    """Raises `CompileError` naming the first block of bits that is not where and how large it was.

    Of a program whose rows settle bits, it depends on the data which ones and so how much slack is needed.
    """
    settled = old.first(ising.SettledOp) is not None
    free = {ising.Role.AUXILIARY, ising.Role.SLACK} if settled else {ising.Role.AUXILIARY}
    pair = ([op for op in func.ops_of(RegisterOp) if op.role not in free] for func in (old, new))
    for before, after in zip_longest(*pair):
        if before is None or after is None or _bits(before) != _bits(after):
            op = before or after
            assert op is not None
            slack = op.role is ising.Role.SLACK
            what = f"the number of slack bits of `{op.symbol}`" if slack else f"the bits of `{op.symbol}`"
            raise CompileError(ChangedPattern(op.span, what))


def _bits(op: RegisterOp) -> tuple[object, ...]:
    return op.symbol, op.role, op.vartype, op.first, op.count


def _within(program: CompiledProgram, main: Func, model: ising.ModelOp) -> bool:
    """Whether a model keeps to the program's pattern; where bits are eliminated or products split it may change."""
    before = program.module.main
    free = (before.first(ising.ReductionOp), main.first(ising.ReductionOp))
    split = any(op.role is ising.Role.AUXILIARY for op in (*before.ops_of(RegisterOp), *main.ops_of(RegisterOp)))
    if free != (None, None) or split:
        return True
    old = before.only(ising.ModelOp)
    same = old.rows == model.rows and old.columns == model.columns
    # A coupling that cancelled before is in the pattern as well.
    return same or program.coefficients.covers(model)


def _with_stated(module: Module, stated: Func | None) -> Module:
    """The module with the functions that samples are judged by, or without any."""
    others = tuple(func for func in module.funcs if func.name != "stated")
    return replace(module, funcs=others if stated is None else (*others, stated))


def _variables(func: Func) -> list[tuple[object, ...]]:
    """What is said of variables, without where it stands in the source."""
    return [
        (op.name, op.symbol, op.domain, op.shape, op.lower, op.upper, op.bits, op.labels, op.encoding)
        for op in func.ops_of(VariableOp)
    ]


def _constraints(func: Func) -> list[tuple[object, ...]]:
    return [(op.symbol, op.relation, op.body, op.weight, op.factors) for op in func.ops_of(poly.ConstraintOp)]
