"""Programs as text, and what their modules say at a point."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from qevo_compiler.dialects import problem
from qevo_compiler.dialects.problem import Domain
from qevo_compiler.evaluator.reference import Evaluation, evaluate_func
from qevo_compiler.frontend.dsl import import_program
from qevo_compiler.ir import Module, verify
from qevo_compiler.source import SourceFile

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


def imported(text: str, folder: Path | None = None, **data: Any) -> Module:
    """The verified module of a program."""
    module = import_program(SourceFile("test.qevo", text), folder, data)
    verify(module)
    return module


def example(name: str) -> Module:
    text = (EXAMPLES / f"{name}.qevo").read_text(encoding="utf-8")
    module = import_program(SourceFile(f"{name}.qevo", text), EXAMPLES)
    verify(module)
    return module


def at(module: Module, **variables: Any) -> Evaluation:
    """Objective and constraints of `@main` at a point."""
    return evaluate_func(module.main, variables={name: np.asarray(value) for name, value in variables.items()})


def objective(text: str, folder: Path | None = None, **variables: Any) -> float:
    found = at(imported(text, folder), **variables).objective
    assert found is not None
    return found


def random_point(module: Module, rng: np.random.Generator) -> dict[str, np.ndarray[Any, Any]]:
    """A random value for every variable; a choice gets positions of labels."""
    return {op.symbol: _random_value(op, rng) for op in module.main.ops_of(problem.VariableOp)}


def _random_value(op: problem.VariableOp, rng: np.random.Generator) -> np.ndarray[Any, Any]:
    match op.domain:
        case Domain.BINARY:
            return rng.integers(0, 2, op.shape)
        case Domain.SPIN:
            return 2 * rng.integers(0, 2, op.shape) - 1
        case Domain.CHOICE:
            return rng.integers(0, len(op.labels), op.shape)
    assert op.lower is not None
    assert op.upper is not None
    if op.domain is Domain.INTEGER:
        return rng.integers(op.lower.values, op.upper.values + 1, op.shape)
    assert op.bits is not None
    step = (op.upper.values - op.lower.values) / (2**op.bits - 1)
    return op.lower.values + step * rng.integers(0, 2**op.bits, op.shape)
