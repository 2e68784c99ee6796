"""A compiled program for new data that leave its constraints and its pattern of couplings as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.penalties import ChangedPattern
from qevo_compiler.dialects import poly
from qevo_compiler.dialects.problem import VariableOp
from qevo_compiler.frontend.load import Task, import_source
from qevo_compiler.ir import Func, Module
from qevo_compiler.passes.pipeline import Pipeline
from qevo_compiler.passes.pipelines import SOURCES
from qevo_compiler.reweighting import with_objective

if TYPE_CHECKING:
    from qevo_compiler.program import CompiledProgram


def updated(program: CompiledProgram, source: Any, data: Mapping[str, Any] | None) -> CompiledProgram:
    """See `CompiledProgram.update`."""
    imported = import_source(source, data=data)
    if imported.task is not Task.PROBLEM:
        raise CompileError(ChangedPattern(None, "the task"))
    if program.module.find("history") is not None:
        raise CompileError(ChangedPattern(None, "the step map of the training"))
    lowered = Pipeline.parse(SOURCES["problem"]).run(imported.module)
    new = lowered.func("problem")
    old = program.module.func("problem")
    for what, kind in (("the variables", VariableOp), ("the constraints", poly.ConstraintOp)):
        if _texts(old, kind) != _texts(new, kind):
            raise CompileError(ChangedPattern(None, what))
    objective = new.first(poly.ObjectiveOp) or poly.ObjectiveOp(poly.Polynomials(1, ()))
    found = with_objective(program, objective)
    if found is None:
        raise CompileError(ChangedPattern(None, "which bits are coupled"))
    return replace(found, module=_with_stated(found.module, lowered.find("stated")))


def _with_stated(module: Module, stated: Func | None) -> Module:
    """The module with the functions that samples are judged by, or without any."""
    others = tuple(func for func in module.funcs if func.name != "stated")
    return replace(module, funcs=others if stated is None else (*others, stated))


def _texts(func: Func, kind: type[VariableOp] | type[poly.ConstraintOp]) -> list[tuple[object, ...]]:
    """What ops of a kind say, without where they stand in the source."""
    if kind is VariableOp:
        return [
            (op.name, op.symbol, op.domain, op.shape, op.lower, op.upper, op.bits, op.labels, op.encoding)
            for op in func.ops_of(VariableOp)
        ]
    return [(op.symbol, op.relation, op.body, op.weight) for op in func.ops_of(poly.ConstraintOp)]
