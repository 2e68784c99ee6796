import os
import subprocess
import sys

import numpy as np
import pytest
import sympy

from qevo_compiler.analyses.symbolic import MAX_TERMS, to_latex, to_sympy, variable_names
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.dialects import poly, problem
from qevo_compiler.dialects.poly import arithmetic
from qevo_compiler.dialects.problem import Domain, Relation, Sense
from qevo_compiler.evaluator.reference import evaluate_func
from qevo_compiler.ir import Array, Builder, Module


def module():
    builder = Builder()
    builder.append(problem.VariableOp("x", Domain.BINARY, (2,)))
    builder.append(problem.VariableOp("layer_kind", Domain.CHOICE, (), labels=("none", "conv_3")))
    bounds = Array(np.array(-1.0)), Array(np.array(2.0))
    builder.append(
        problem.VariableOp("net.w", Domain.INTEGER, (1,), *bounds, positions=Array(np.array([4])), tensor_shape=(2, 3))
    )
    v = arithmetic.variables(np.arange(5))
    x0, w = arithmetic.select(v, np.array([0])), arithmetic.select(v, np.array([4]))
    objective = arithmetic.add(
        arithmetic.scale(arithmetic.multiply(x0, arithmetic.power(w, 2)), 2.0),
        arithmetic.scale(arithmetic.select(v, np.array([3])), -0.5),
        arithmetic.constants([3.0]),
    )
    builder.append(poly.ObjectiveOp(objective, Sense.MAXIMIZE))
    body = arithmetic.add(arithmetic.select(v, np.array([0, 1])), arithmetic.constants([-1.0, 0.0]))
    builder.append(poly.ConstraintOp("cap", Relation.LE, body, Array(np.array([[0], [1]]))))
    return Module("m", (builder.finish(),))


def test_names():
    assert variable_names(module().main) == [
        "x[0]",
        "x[1]",
        "layer_kind == none",
        "layer_kind == conv_3",
        "net.w[1, 1]",
    ]


def test_sympy_agrees_with_the_evaluator():
    found = to_sympy(module().main)
    assert found.sense is Sense.MAXIMIZE
    point = {"x": np.array([1, 0]), "layer_kind": np.array(1), "net.w": np.array([2])}
    values = dict(zip(found.symbols, [1, 0, 0, 1, 2], strict=True))
    want = evaluate_func(module().main, variables=point)
    assert float(found.objective.subs(values)) == want.objective == 10.5
    assert [float(relation.lhs.subs(values)) for relation in found.constraints["cap"]] == want.constraints[
        "cap"
    ].tolist()
    assert all(isinstance(relation, sympy.Le) for relation in found.constraints["cap"])


def test_latex():
    text = to_latex(module())
    assert text.startswith("\\begin{align*}\n\\max \\quad & ")
    for part in (
        r"2 x_{0} \mathit{net.w}_{1,1}^{2}",
        r"- 0.5 [\mathit{layer\_kind} = \text{conv\_3}]",
        r"\text{cap[1]:} \quad & x_{1} \leq 0",
        r"x \in \{0, 1\}",
        r"\mathit{layer\_kind} \in \{\text{none}, \text{conv\_3}\}",
        r"\mathit{net.w} \in \{-1, \ldots, 2\}",
    ):
        assert part in text


def test_latex_is_the_same_for_every_hash_seed():
    here = os.path.dirname(os.path.abspath(__file__))
    code = "import test_symbolic as t; print(t.to_latex(t.module()))"
    texts = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=here,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(texts) == 1


def test_a_problem_without_objective():
    builder = Builder()
    builder.append(problem.VariableOp("x", Domain.BINARY, ()))
    found = to_sympy(builder.finish())
    assert found.objective is None
    assert "x \\in" in to_latex(Module("m", (builder.finish(),)))


def test_large_problems_are_refused():
    builder = Builder()
    builder.append(problem.VariableOp("x", Domain.BINARY, (MAX_TERMS + 1,)))
    for call in (to_sympy, lambda func: to_latex(Module("m", (func,)))):
        with pytest.raises(CompileError, match="Q0609"):
            call(builder.finish())
