"""A compiled program for new data that leave the bits of its variables and slack and its pattern of couplings."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
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
from qevo_compiler.source import SourceMap, Span

if TYPE_CHECKING:
    from qevo_compiler.program import CompiledProgram

_EXPANSION = "expand-polynomials"
_LET = re.compile(r"\s*let\s+(\w+)\s*=(.*)")
_WORD = re.compile(r"[A-Za-z_]\w*")

# The names of new data in the source at a span.
NamesIn = Callable[[Span | None], tuple[str, ...]]


def updated(program: CompiledProgram, source: Any, data: Mapping[str, Any] | None, prove: bool) -> CompiledProgram:
    """See `CompiledProgram.update`."""
    sources = SourceMap()
    with showing(sources):
        imported = import_source(source, data=data, sources=sources)
        return _updated(program, imported, prove, partial(_names_in, tuple(data or ()), sources))


def _updated(program: CompiledProgram, imported: Imported, prove: bool, names_in: NamesIn) -> CompiledProgram:
    if imported.task is not Task.PROBLEM:
        raise CompileError(ChangedPattern(None, "the task"))
    if program.module.find("history") is not None:
        raise CompileError(ChangedPattern(None, "the step map of the training"))
    pipeline = Pipeline.parse(str(program.options.get("pipeline", "")))
    lowered = resume(_expansion(pipeline), imported.module).run(imported.module)
    old, new = program.module.func("problem"), lowered.func("problem")
    if prove or _variables(old) != _variables(new) or _constraints(old) != _constraints(new):
        return _penalized(program, lowered, behind(pipeline, _EXPANSION), prove, names_in)
    objective = new.first(poly.ObjectiveOp) or poly.ObjectiveOp(poly.Polynomials(1, ()))
    found = with_objective(program, objective)
    if found is None:
        raise CompileError(ChangedPattern(None, "which bits are coupled"))
    return replace(found, module=_with_stated(found.module, lowered.find("stated")))


def _names_in(names: Sequence[str], sources: SourceMap, span: Span | None) -> tuple[str, ...]:
    """Which of the names the source at a span has, in `let`s that it names too."""
    if span is None or span.file not in sources:
        return ()
    file = sources[span.file]
    lets = {found[1]: found[2] for found in map(_LET.match, file.lines) if found}
    words = set(_WORD.findall("\n".join(file.lines[span.line - 1 : span.end_line])))
    while more := {word for let in words & lets.keys() for word in _WORD.findall(lets.pop(let))}:
        words |= more
    return tuple(name for name in names if name in words)


def _expansion(pipeline: Pipeline) -> Pipeline:
    """The program's own way to polynomials; one that began behind it takes the usual way."""
    names = [step.name for step in pipeline.passes]
    if _EXPANSION not in names:
        return Pipeline.parse(SOURCES["problem"])
    return Pipeline(pipeline.passes[: names.index(_EXPANSION) + 1])


def _penalized(
    program: CompiledProgram, lowered: Module, passes: tuple[Pass, ...], prove: bool, names_in: NamesIn
) -> CompiledProgram:
    """The program with its penalties made anew, for the same bits."""
    pinned = tuple(f"{name}={weight!r}" for name, weight in _kept(program, prove).items())
    at, penalize = next((k, step) for k, step in enumerate(passes) if isinstance(step, PenalizeConstraints))
    module = Pipeline((*passes[:at], replace(penalize, weights=pinned))).run(lowered)
    _compare(program.module.main, module.main, names_in)
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


def _compare(old: Func, new: Func, names_in: NamesIn) -> None:
    """Raises `CompileError` naming the first block of bits that is not where and how large it was.

    Of a program whose rows settle bits, it depends on the data which ones and so how much slack is needed.
    """
    settled = old.first(ising.SettledOp) is not None
    free = {ising.Role.AUXILIARY, ising.Role.SLACK} if settled else {ising.Role.AUXILIARY}
    pair = ([op for op in func.ops_of(RegisterOp) if op.role not in free] for func in (old, new))
    for before, after in zip_longest(*pair):
        if before is None or after is None or _bits(before) != _bits(after):
            span = None if after is None else after.span
            raise CompileError(ChangedPattern(span, _difference(before, after), names_in(span)))


def _difference(before: RegisterOp | None, after: RegisterOp | None) -> str:
    """What of the first blocks that differ is not as it was, in words."""
    op = before or after
    assert op is not None
    bits = f"the number of slack bits of `{op.symbol}`" if op.role is ising.Role.SLACK else f"the bits of `{op.symbol}`"
    if before is not None and after is not None and _bits(before)[:3] == _bits(after)[:3]:
        return f"{bits} from {before.count} to {after.count}"
    return bits if {found.role for found in (before, after) if found} == {ising.Role.SLACK} else "the variables"


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
