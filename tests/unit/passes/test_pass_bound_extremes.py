"""Extremes as rows and variables: what is made of each position, and that values of the stated problem are reached."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from qevo_compiler.dialects import nn, problem
from qevo_compiler.dialects.problem import Domain
from qevo_compiler.evaluator.reference import evaluate_func
from qevo_compiler.frontend.dsl import import_program
from qevo_compiler.ir import Module, parse_module, print_module
from qevo_compiler.passes.bound_extremes import BoundExtremes
from qevo_compiler.passes.fold_constants import FoldConstants
from qevo_compiler.passes.pipeline import Pipeline
from qevo_compiler.source import SourceFile

HEAD = "program bounded\nvar x: binary[3]\nvar k: int[2] in [0, 9]\nvar r: real[2] in [0, 1] bits 3\n"


def lowered(text: str, **options: int) -> Module:
    step = BoundExtremes(**options)
    module = Pipeline((FoldConstants(), step)).run(import_program(SourceFile("bounded.qevo", HEAD + text), None))
    assert step.run(module) is module
    return module


def added(module: Module) -> list[problem.VariableOp]:
    return [op for op in module.main.ops_of(problem.VariableOp) if op.symbol not in "xkr"]


def rows(module: Module) -> dict[str, int]:
    return {op.symbol: len(op.indices) for op in module.main.ops_of(problem.ConstraintOp)}


def test_a_least_largest_value_is_one_variable_and_a_row_an_entry() -> None:
    module = lowered("minimize max(3 * x[0], 5 * x[1] - 1, k[0] + x[2])\n")
    (top,) = added(module)
    assert (top.symbol, top.domain, top.shape) == ("max1", Domain.INTEGER, ())
    assert (int(top.lower.values), int(top.upper.values)) == (0, 10)
    assert rows(module) == {"max1_entries": 3}
    assert module.func("stated").first(nn.ExtremeOp) is not None
    assert not module.ledger


def test_entries_that_cannot_matter_take_no_row() -> None:
    assert rows(lowered("minimize max(x[0] - 4, k[0] + 0)\n")) == {"max1_entries": 1}


def test_a_bound_on_a_largest_value_is_a_bound_on_each() -> None:
    text = "subject to\n  top: max(k[0] + x[i] for i in 0..3) <= k[1]\n  low: min(k) >= x[0] + 1\n"
    module = lowered(f"{text}  near: abs(k[0] - k[1]) <= 3\n  deep: 7 >= max(abs(k[0] - 2 * k[1] - i) for i in 0..2)\n")
    assert not added(module)
    assert module.find("stated") is None
    assert rows(module) == {"top": 3, "low": 2, "near": 2, "deep": 4}


def test_soft_bounds_keep_the_square_of_the_largest() -> None:
    module = lowered("subject to\n  top: max(k) <= 4 weight 2\n  near: abs(k[0] - k[1]) <= 3 weight 2\n")
    assert [op.symbol for op in added(module)] == ["max1"]
    assert rows(module) == {"top": 1, "near": 2, "max1_entries": 2}


def test_the_wrong_way_round_an_entry_is_picked() -> None:
    module = lowered("maximize max(k[0], 2 * k[1])\n")
    assert [(op.symbol, op.domain) for op in added(module)] == [
        ("max1", Domain.INTEGER),
        ("max1_pick", Domain.BINARY),
    ]
    assert rows(module) == {"max1_picked": 1, "max1_reached": 2}


def test_an_absolute_value_takes_one_row() -> None:
    module = lowered("minimize sum(abs(2 * k - 8))\n")
    (top,) = added(module)
    assert top.upper.values.tolist() == [5, 5]  # in steps of 2, the positive parts
    assert rows(module) == {"abs1_entries": 2}


def test_functions_of_few_values_and_asked_polynomials_stay() -> None:
    module = lowered("minimize abs(x[0] - x[1]) + abs(k[0] - 3)\napproximate abs degree = 2\n")
    assert not added(module)
    assert len(module.main.ops_of(nn.ApplyOp)) == 2


def test_values_without_a_unit_are_rounded_up_to_steps_that_the_ledger_tells() -> None:
    module = lowered("minimize max(3.14159265358979 * x[0], 2.718281828459045 * x[1])\n", bits=4)
    (top,) = added(module)
    assert (top.domain, top.bits) == (Domain.REAL, 4)
    (entry,) = module.ledger
    assert entry.value == pytest.approx(3.14159265358979 / 15)
    grid = added(lowered("minimize max(r[0] + 2 * r[1], 3 * x[0])\n"))[0]
    assert grid.domain is Domain.INTEGER


def test_names_do_not_meet_those_of_the_program() -> None:
    module = lowered(
        "var max1: binary\nminimize max(k) + max1 + max(k[0] - 5, k[1], 1)\nsubject to\n  max2_entries: k[0] >= 1\n"
    )
    assert [op.symbol for op in added(module)] == ["max1", "max3", "max4"]


def test_the_text_of_an_extreme_reads_back() -> None:
    module = import_program(SourceFile("bounded.qevo", f"{HEAD}minimize max(k) - min(x)\n"), None)
    again = parse_module(SourceFile("bounded.qir", print_module(module)))
    assert again == module


@pytest.mark.parametrize("objective", ["max(k[0], 4 - k[1])", "min(k) + abs(k[0] - k[1])", "relu(k[0] - 4)"])
@pytest.mark.parametrize("sense", ["minimize", "maximize"])
def test_the_best_of_the_new_variables_is_the_stated_value(objective: str, sense: str) -> None:
    text = "program bounded\nvar k: int[2] in [0, 6]\n" + f"{sense} {objective}\n"
    module = Pipeline((FoldConstants(), BoundExtremes())).run(import_program(SourceFile("b.qevo", text), None))
    new = [op for op in module.main.ops_of(problem.VariableOp) if op.symbol != "k"]
    for k in [(0, 0), (3, 5), (6, 1), (4, 4)]:
        point = {"k": np.array(k)}
        found = [
            value.objective
            for extra in itertools.product(*(values_of(op) for op in new))
            if feasible(value := evaluate_func(module.main, variables=point | named(new, extra)), module)
        ]
        expected = evaluate_func(module.func("stated"), variables=point).objective
        assert (min if sense == "minimize" else max)(found) == pytest.approx(expected)


def values_of(op: problem.VariableOp) -> list[np.ndarray]:
    if op.domain is Domain.BINARY:
        ends = [(0, 1)] * op.size
    else:
        lower, upper = (np.broadcast_to(end.values, op.shape).reshape(-1) for end in (op.lower, op.upper))
        ends = list(zip(lower.tolist(), upper.tolist(), strict=True))
    return [np.array(v).reshape(op.shape) for v in itertools.product(*(range(a, b + 1) for a, b in ends))]


def named(new: list[problem.VariableOp], values: tuple[np.ndarray, ...]) -> dict[str, np.ndarray]:
    return {op.symbol: value for op, value in zip(new, values, strict=True)}


def feasible(found: object, module: Module) -> bool:
    relations = {op.symbol: op.relation.value for op in module.main.ops_of(problem.ConstraintOp)}
    return all(
        (np.abs(body) < 1e-9).all() if relations[name] == "==" else (body < 1e-9).all()
        for name, body in found.constraints.items()
    )
