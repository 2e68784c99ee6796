"""A loss over parameters, evaluated numerically: value, gradient, curvature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.model import NotFinite, NothingToTrain, NotOnlyParameters
from qevo_compiler.dialects import nn, problem
from qevo_compiler.evaluator.reference import run_func
from qevo_compiler.ir import Func, Module
from qevo_compiler.passes.gradient_extraction import gradient_func, objective_of
from qevo_compiler.passes.quadratic.block import Weights, flatten
from qevo_compiler.passes.quadratic.curvature import Curvature, GaussNewton, Hessian, SecondOrder

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Loss:
    """The objective that `func` states, with its gradient in the IR and all its weights."""

    func: Func
    objective: problem.ObjectiveOp
    gradient: Func
    weights: Weights

    @staticmethod
    def of(module: Module) -> Loss:
        """The loss of `@main`. `@gradient` is used where it belongs to main's present weights.

        Raises `CompileError` for a program without parameters or objective, and for one that states
        variables or constraints.
        """
        main = module.main
        _check_statements(main)
        stored = module.find("gradient")
        if stored is None or stored.ops_of(nn.ParameterOp) != main.ops_of(nn.ParameterOp):
            stored = gradient_func(main)
        return Loss(main, objective_of(main), stored, Weights.of(main))

    def at(self, parameters: Mapping[str, Floats]) -> float:
        """The loss with other values for some parameters."""
        return float(run_func(self.func, parameters=parameters)[self.objective.x])

    def value_and_gradient(self) -> tuple[float, Floats]:
        """At the present weights. Raises `CompileError` (`NotFinite`)."""
        known = run_func(self.gradient)
        value, *parts = (known[result] for result in self.gradient.returns)
        gradient = flatten(parts)
        self.check_finite("loss", value)
        self.check_finite("gradient of the loss", gradient)
        return float(value), gradient

    def second(self, kind: Curvature) -> SecondOrder:
        if kind is Curvature.HESSIAN:
            return Hessian.of(self.weights, self.gradient)
        return GaussNewton.of(self.func, self.objective.x)

    def check_finite(self, quantity: str, numbers: Floats) -> None:
        """Raise `CompileError` (`NotFinite`) when one of `numbers` is NaN or infinite."""
        bad = numbers[~np.isfinite(numbers)]
        if bad.size:
            found = f"{bad.size} of its {numbers.size} numbers are not" if numbers.ndim else f"it is {float(bad[0])}"
            raise CompileError(NotFinite(self.objective.span, quantity, found))


def _check_statements(func: Func) -> None:
    errors = [NotOnlyParameters(op.span, "the variable", op.symbol) for op in func.ops_of(problem.VariableOp)]
    errors += [NotOnlyParameters(op.span, "the constraint", op.symbol) for op in func.ops_of(problem.ConstraintOp)]
    if errors:
        raise CompileError(*errors)
    if not any(op.value.size for op in func.ops_of(nn.ParameterOp)):
        raise CompileError(NothingToTrain(None, "parameter"))
