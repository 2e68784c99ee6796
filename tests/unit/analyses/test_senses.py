"""Which way values are drawn, against what a step of each element does to the reference evaluation."""

from __future__ import annotations

import numpy as np
import pytest

from qevo_compiler.analyses.intervals import decision_values, intervals
from qevo_compiler.analyses.senses import senses
from qevo_compiler.dialects import nn, problem
from qevo_compiler.evaluator.reference import evaluate_func
from qevo_compiler.frontend.dsl import import_program
from qevo_compiler.ir import Func
from qevo_compiler.passes.fold_constants import FoldConstants
from qevo_compiler.source import SourceFile

HEAD = """program drawn
data M: int[3, 2] = [[1, -2], [0, 3], [2, 0]]
var x: int[3] in [1, 4]
var y: int[3] in [-2, 3]
var b: binary[3]
"""
OBJECTIVES = [
    "sum(x) - sum(y)",
    "2 * x[0] - 3 * (y[1] - x[2])",
    "sum(x[i] * b[i] for i in 0..3)",
    "sum(x[i] * y[i] for i in 0..3)",
    "sum(x^2) - y[0]^3 + y[1]^2",
    "sum((y @ M)[0:1]) + sum(x @ M)",
    "sum(x[i] * M[i, j] for i in 0..3 for j in 0..2 if i != j)",
    "max(x) - min(y)",
    "max(x[0], y[1]) + relu(y[2]) - abs(x[1]) + abs(y[0])",
    "sum(exp(x) + tanh(y) - x / 2)",
    "sum(max(x[i] + y[j] for j in 0..3) for i in 0..3)",
    "5 * (x[0] >= 3) - (y[0] == 1)",
    "prod(x) + sum(x.T) + mean(y)",
    "sum([x[0], y[2]]) - sum(x[1:3] * 2)",
]


def stated(objective: str, sense: str) -> Func:
    module = import_program(SourceFile("drawn.qevo", f"{HEAD}{sense} {objective}\n"), None)
    return FoldConstants().run(module).main


@pytest.mark.parametrize("sense", ["minimize", "maximize"])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_step_against_the_draw_never_improves(objective: str, sense: str) -> None:
    func = stated(objective, sense)
    found = senses(func, intervals(func), decision_values(func))
    rng = np.random.default_rng(1)
    sign = 1 if sense == "minimize" else -1
    for op in func.ops_of(problem.VariableOp):
        down, up = found.get(op.result, (np.zeros(op.shape, bool),) * 2)
        for _ in range(30):
            point = {"x": rng.integers(1, 5, 3), "y": rng.integers(-2, 4, 3), "b": rng.integers(0, 2, 3)}
            element, top = int(rng.integers(3)), {"x": 4, "y": 3, "b": 1}[op.symbol]
            if point[op.symbol][element] == top:
                continue
            before = evaluate_func(func, variables=point).objective or 0.0
            point[op.symbol] = point[op.symbol] + np.eye(3, dtype=int)[element]
            step = sign * ((evaluate_func(func, variables=point).objective or 0.0) - before)
            assert step <= 1e-9 or down[element]
            assert step >= -1e-9 or up[element]


def test_constraints_draw_their_sides() -> None:
    text = f"{HEAD}subject to\n  a: x[0] <= y[0]\n  b: x[1] >= 2\n  c: x[2] == y[2]\n"
    func = FoldConstants().run(import_program(SourceFile("drawn.qevo", text), None)).main
    found = senses(func, intervals(func), decision_values(func))
    x, y, _ = func.ops_of(problem.VariableOp)
    assert found[x.result][0].tolist() == [True, False, True]
    assert found[x.result][1].tolist() == [False, True, True]
    assert found[y.result][0].tolist() == [False, False, True]
    assert found[y.result][1].tolist() == [True, False, True]


def test_what_nothing_depends_on_is_not_drawn() -> None:
    func = stated("x[0]", "minimize")
    found = senses(func, intervals(func), decision_values(func))
    (op,) = [op for op in func.ops_of(problem.VariableOp) if op.symbol == "y"]
    assert op.result not in found
    assert nn.ExtremeOp in nn.PRIMITIVES
