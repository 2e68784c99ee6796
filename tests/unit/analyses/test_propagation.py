"""Settled bits have their value at every feasible point, and a broken constraint means that there is none."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ising_support import constraint

from qevo_compiler.analyses.structure.propagation import settled_bits
from qevo_compiler.checking import check
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.dialects.ising import ModelOp, ReductionOp, SettledOp
from qevo_compiler.dialects.poly import ConstraintOp, arithmetic
from qevo_compiler.dialects.problem import Relation
from qevo_compiler.driver import compile
from qevo_compiler.frontend.load import import_source

BITS = 5
ROW = st.tuples(
    st.lists(st.integers(-4, 4), min_size=BITS, max_size=BITS), st.integers(-6, 6), st.sampled_from(list(Relation))
)


def feasible(rows: list[ConstraintOp]) -> np.ndarray:
    """All feasible points, by the definition."""
    points = np.array(list(itertools.product((0, 1), repeat=BITS)), np.int8)
    holds = np.ones(len(points), bool)
    for op in rows:
        values = arithmetic.evaluate(op.body, points)
        test = {Relation.EQ: np.isclose(values, 0), Relation.LE: values <= 1e-9, Relation.GE: values >= -1e-9}
        holds &= test[op.relation].all(axis=1)
    return points[holds]


def stated(rows: list[tuple[list[int], int, Relation]], unit: float = 1.0) -> list[ConstraintOp]:
    found = []
    for number, (coefficients, constant, relation) in enumerate(rows):
        terms = {(i,): unit * c for i, c in enumerate(coefficients) if c}
        found.append(constraint(f"c{number}", relation, {(): unit * constant, **terms}))
    return found


@given(st.lists(ROW, min_size=1, max_size=4), st.sampled_from([1.0, 0.1, 1e7]))
@settings(max_examples=300, deadline=None)
def test_settled_bits_are_the_same_at_every_feasible_point(
    rows: list[tuple[list[int], int, Relation]], unit: float
) -> None:
    constraints = stated(rows, unit)
    points = feasible(stated(rows))
    settled = settled_bits(constraints, BITS, 50)
    if settled.broken is not None:
        assert not len(points)
    assert (points[:, settled.bits] == settled.values).all()


def test_one_row_settles_what_another_needs() -> None:
    rows = [([1, 0, 0, 0, 0], -1, Relation.EQ), ([1, 1, 1, 0, 0], -1, Relation.EQ), ([0, 1, 1, -3, 0], 1, Relation.LE)]
    settled = settled_bits(stated(rows), BITS, 50)
    assert dict(zip(settled.bits.tolist(), settled.values.tolist(), strict=True)) == {0: 1, 1: 0, 2: 0, 3: 1}
    assert not len(settled_bits(stated(rows), BITS, 0).bits)
    assert settled_bits(stated(rows), BITS, 1).bits.tolist() == [0, 3]


CLUES = """program clues
data cost: int[3, 3] = [[3, 1, 4], [1, 5, 9], [2, 6, 5]]
var x: binary[4, 3]
var late: int in [0, 9]
minimize sum(cost[i, j] * x[i, j] for i in 0..3 for j in 0..3) + late - 2 * x[3, 0] * x[3, 1]
subject to
  row[i]: sum(x[i, j] for j in 0..3) == 1 for i in 0..3
  column[j]: sum(x[i, j] for i in 0..3) == 1 for j in 0..3
  clue: x[1, 1] == 1
  slow: late >= 7 * x[1, 1] - 3 * x[0, 0]
  free: x[3, 0] + x[3, 1] + x[3, 2] <= 2
"""


@pytest.mark.parametrize("target", ["dwave", "qubo"])
@pytest.mark.parametrize("level", [1, 2])
def test_settled_bits_have_no_spins_and_come_back(target: str, level: int) -> None:
    program = compile(CLUES, target=target, level=level)
    plain = compile(CLUES, target=target, level=0)
    bits = program.module.main.only(SettledOp).bits.values
    assert {4, 1, 7, 3, 5} <= set(bits.tolist())
    assert set(bits.tolist()) <= set(program.module.main.only(ReductionOp).eliminated.values.tolist())
    assert plain.module.main.first(SettledOp) is None
    best = program.run(reads=50, seed=1).best
    assert best.feasible
    assert best.objective == plain.run(reads=200, seed=1).best.objective
    assert best.values["x"][1].tolist() == [0, 1, 0]


def test_reweighting_keeps_what_is_settled() -> None:
    program = compile(CLUES)
    again = compile(CLUES, passes={"penalize-constraints": {"weights": ("row=40",)}})
    found, expected = (part.module.main.only(ModelOp) for part in (program.reweight(row=40.0), again))
    assert found.size == expected.size
    assert found.fields.values == pytest.approx(expected.fields.values)
    assert found.couplings.values == pytest.approx(expected.couplings.values)


def test_constraints_without_a_common_point_are_warned_of() -> None:
    text = "program p\nvar x: binary[2]\nminimize sum(x)\nsubject to\n  a: x[0] + x[1] >= 2\n  b: x[0] + x[1] <= 1\n"
    program = compile(text)
    assert [warning.code for warning in program.warnings] == ["Q0654"]
    assert program.module.main.first(SettledOp) is None
    assert not compile(text.replace("<= 1", "<= 1 weight 2")).warnings


def test_a_row_that_is_wrong_by_itself_is_an_error_alone() -> None:
    """Its unit says so; that its bounds leave no bits either is no second mistake."""
    text = "program p\nvar x: binary[2]\nminimize sum(x)\nsubject to\n  a: x[0] + x[1] == 0.5\n"
    with pytest.raises(CompileError) as caught:
        check(import_source(text))
    assert [found.code for found in caught.value.diagnostics] == ["Q0651"]
