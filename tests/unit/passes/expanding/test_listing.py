"""Integers that are compared become listed variables, and the polynomials say what the tensors say."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from qevo_compiler.analyses.symbolic import to_latex, variable_names
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.dialects import nn, problem
from qevo_compiler.dialects.problem import Domain, Encoding, ListedOp, VariableOp
from qevo_compiler.evaluator.reference import evaluate_func, polynomial_point
from qevo_compiler.frontend.dsl import import_program
from qevo_compiler.ir import Array, Builder, Invalid, Module, parse_module, print_module, verify
from qevo_compiler.passes.pipeline import Pipeline
from qevo_compiler.source import SourceFile

EXPANDED = Pipeline.parse("fold-constants,decompose-layers,approximate-functions,expand-polynomials")
TEXT = """program test
data top: int[3] = [2, 3, 1]
var k: int[3] in [-1, top]
var j: int in [0, 9]
var x: binary[2]
minimize 3 * (k[0] == 1) + (k[0] != k[1]) * j + (k[2] + 2 * x[0] >= 1) * x[1] + (k[1] > 1) * k[1] ^ 2
subject to
  c: abs((k[0] < 0) - x[1]) + k[2] <= 1
  d[i]: k[i] != k[i + 1] for i in 0..2
"""


def imported(text: str) -> Module:
    return import_program(SourceFile("test.qevo", text), None)


def test_polynomials_say_what_the_tensors_say() -> None:
    module = imported(TEXT)
    expanded = EXPANDED.run(module)
    listed = {op.symbol: isinstance(op, ListedOp) for op in expanded.main.ops_of(VariableOp)}
    assert listed == {"k": True, "j": False, "x": False}
    for k in itertools.product(range(-1, 3), range(-1, 4), range(-1, 2)):
        for x in itertools.product((0, 1), repeat=2):
            point = {"k": np.array(k), "j": np.array(4), "x": np.array(x)}
            stated = evaluate_func(module.main, variables=point)
            found = evaluate_func(expanded.main, variables=point)
            assert found.objective == pytest.approx(stated.objective)
            for name, body in stated.constraints.items():
                assert found.constraints[name] == pytest.approx(body)


def test_a_listed_module_is_read_back_from_text() -> None:
    expanded = EXPANDED.run(imported(TEXT))
    again = parse_module(SourceFile("t.qir", print_module(expanded)))
    verify(again)
    assert again == expanded


def test_names_and_points_go_element_by_element() -> None:
    main = EXPANDED.run(imported(TEXT)).main
    names = variable_names(main)
    assert names[:4] == ["k[0] == -1", "k[0] == 0", "k[0] == 1", "k[0] == 2"]
    assert names[4:9] == [f"k[1] == {value}" for value in range(-1, 4)]
    assert names[9:] == ["k[2] == -1", "k[2] == 0", "k[2] == 1", "j", "x[0]", "x[1]"]
    point = polynomial_point(main, {"k": np.array([2, -1, 0]), "j": np.array(5), "x": np.array([0, 1])})
    assert [name for name, value in zip(names, point, strict=True) if value] == [
        "k[0] == 2",
        "k[1] == -1",
        "k[2] == 0",
        "j",
        "x[1]",
    ]


def test_latex_names_values() -> None:
    text = to_latex(EXPANDED.run(imported("program t\nvar k: int[2] in [0, 2]\nminimize 2 * (k[1] == 2)\n")))
    assert r"2 [k_{1} = 2]" in text
    assert r"k \in \{0, \ldots, 2\}" in text


@pytest.mark.parametrize("encoding", [None, Encoding.ONE_HOT, Encoding.DOMAIN_WALL, Encoding.ORDER])
def test_the_code_is_kept(encoding: Encoding | None) -> None:
    code = "" if encoding is None else f" encoded as {encoding.value}"
    module = EXPANDED.run(imported(f"program t\nvar k: int in [0, 2]{code}\nminimize k == 1\n"))
    assert module.main.only(VariableOp).encoding is encoding


def test_all_wrong_variables_are_named_at_once() -> None:
    text = "program t\nvar k: int in [0, 64]\nvar j: int in [0, 3] encoded as unary\nminimize (k == 3) + (j == 1)\n"
    with pytest.raises(CompileError) as caught:
        EXPANDED.run(imported(text))
    assert [found.code for found in caught.value.diagnostics] == ["Q0215", "Q0215"]


def test_only_integers_are_listed() -> None:
    builder = Builder()
    builder.append(ListedOp("r", Domain.REAL, (), Array(np.array(0.0)), Array(np.array(1.0)), 3))
    with pytest.raises(Invalid, match="listed"):
        verify(Module("t", (builder.finish(),)))


def test_an_indicator_is_what_it_says() -> None:
    builder = Builder()
    x = builder.add(problem.VariableOp("x", Domain.INTEGER, (3,), Array(np.array(-1)), Array(np.array(1))))
    values = [builder.add(nn.IndicatorOp(x, condition)) for condition in nn.Condition]
    func = builder.finish(*values)
    zero, positive = evaluate_func(func, variables={"x": np.array([-1, 0, 1])}).returns
    assert zero.tolist() == [0, 1, 0]
    assert positive.tolist() == [0, 0, 1]
