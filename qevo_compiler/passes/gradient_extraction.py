"""Add the explicit gradient of the objective to the module, as a func of primitive tensor ops.

before: @main { w = nn.parameter; x = nn.constant; y = nn.mul(w, x); problem.objective(y) }
after:  the same, and @gradient { w; x; y; one = nn.constant; g = nn.mul(one, x); return y, g }

`@gradient` has main's declarations and returns the value of the objective, then its derivative with
respect to every parameter in order of declaration (with respect to the decision variables where there
are no parameters). The objective's sense is not applied. Vector-Jacobian products are made of the same
primitive ops, so the gradient can be differentiated again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.model import NoObjective, NothingToTrain
from qevo_compiler.dialects import nn, problem
from qevo_compiler.dialects.nn.ops import shape_of
from qevo_compiler.ir import Func, Legal, Module, Value
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.gradient import differentiate
from qevo_compiler.passes.stages import PRIMITIVE


@dataclass(frozen=True)
class GradientExtraction(Pass):
    name: ClassVar[str] = "gradient-extraction"
    takes: ClassVar[Legal] = PRIMITIVE
    leaves: ClassVar[Legal] = PRIMITIVE

    def run(self, module: Module, context: Context = SILENT) -> Module:
        gradient = gradient_func(module.main)
        return module if module.find(gradient.name) == gradient else module.with_func(gradient)


def gradient_func(func: Func) -> Func:
    """`@gradient` of the objective that `func` states."""
    sources = [op.result for op in func.ops_of(nn.ParameterOp)] or [op.result for op in func.ops_of(problem.VariableOp)]
    if not sources:
        raise CompileError(NothingToTrain(None, "parameter and no decision variable"))
    return differentiate(func, objective_of(func).x, sources)


def objective_of(func: Func) -> problem.ObjectiveOp:
    """The one scalar objective of `func`. Raises `CompileError` (`NoObjective`) when there is none."""
    found = func.ops_of(problem.ObjectiveOp)
    if len(found) != 1:
        raise CompileError(
            NoObjective(None, f"the program states {len(found) or 'no'} objective{'s' * (len(found) > 1)}")
        )
    if shape_of(found[0].x) != ():
        shape = _shape_text(found[0].x)
        raise CompileError(NoObjective(found[0].span, f"the objective has shape {shape}, not one number"))
    return found[0]


def _shape_text(value: Value) -> str:
    return "[" + ", ".join(map(str, shape_of(value))) + "]"
