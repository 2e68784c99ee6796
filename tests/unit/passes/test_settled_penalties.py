"""Penalties of rows whose bits other rows settle: slack for what can still be reached, and the same best points.

The oracle enumerates all states of decisions and slack, those with settled bits at other values too.
"""

from __future__ import annotations

import numpy as np
import pytest
from ising_support import constraint, lower, objective, problem_module, variable
from test_penalty_oracle import check_optimum, ground, random_model, states

from qevo_compiler import compile
from qevo_compiler.decode.explain_model import explain_constraint
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.dialects.ising import ModelOp, PenaltyOp, PenaltyRule, RegisterOp, Role, SettledOp
from qevo_compiler.dialects.problem import Domain, Relation
from qevo_compiler.driver import Options
from qevo_compiler.driver import lower as lower_program
from qevo_compiler.frontend.load import import_source
from qevo_compiler.ir import Module

SETTLED = "encode-variables,settle-bits,penalize-constraints"
BITS = 5


def fixings(rng: np.random.Generator, points: np.ndarray) -> tuple[list[object], np.ndarray]:
    """Rows that settle a few bits, some of them by way of another row, and the states that satisfy them."""
    bits = rng.choice(BITS, int(rng.integers(1, 4)), replace=False).tolist()
    ones = rng.integers(0, 2, len(bits)).tolist()
    rows = [constraint(f"fix{i}", Relation.EQ, {(i,): 1.0, (): -float(v)}) for i, v in zip(bits, ones, strict=True)]
    holds = (points[:, bits] == ones).all(axis=1)
    left = [i for i in range(BITS) if i not in bits]
    if rng.integers(0, 2):
        i, j = bits[0], left[0]
        rows.append(constraint("same", Relation.EQ, {(i,): 1.0, (j,): -1.0}))
        holds &= points[:, i] == points[:, j]
    return rows, holds


def check(seed: int) -> set[str]:
    rng = np.random.default_rng(seed)
    module, merit, feasible = random_model(seed, BITS)
    rows, holds = fixings(rng, states(BITS))
    problem = module.func("main")
    module = problem_module(*problem.ops, *rows)
    try:
        lowered = lower(module, SETTLED, penalize_constraints={"search_steps": 20 * (seed % 2)})
    except CompileError:
        assert not (feasible & holds).any()
        return set()
    if sum(r.count for r in lowered.main.ops_of(RegisterOp)) > 15:
        return set()
    check_optimum(lowered, ground(lowered, BITS), merit, feasible & holds)
    best = states(BITS)[feasible & holds]
    if len(best):
        settled = lowered.main.only(SettledOp)
        assert settled.weight > 0
        assert (best[:, settled.bits.values] == settled.ones.values).all()
    return {op.rule.value for op in lowered.main.ops_of(PenaltyOp)}


def test_random_models_with_settled_bits() -> None:
    met = set().union(*(check(seed) for seed in range(700)))
    assert {"flip", "incumbent"} <= met


@pytest.mark.slow
def test_many_random_models_with_settled_bits() -> None:
    for seed in range(10_000, 22_000):
        check(seed)


def slack_bits(module: Module) -> int:
    return sum(r.count for r in module.main.ops_of(RegisterOp) if r.role is Role.SLACK)


def knapsack(*fixed: tuple[int, int]) -> Module:
    weights = (5.0, 9.0, 12.0, 3.0, 7.0, 4.0)
    return problem_module(
        variable("x", Domain.BINARY, (6,)),
        objective({(i,): -w for i, w in enumerate(weights)}),
        constraint("fits", Relation.LE, {(i,): w for i, w in enumerate(weights)} | {(): -25.0}),
        *(constraint(f"f{i}", Relation.EQ, {(i,): 1.0, (): -float(value)}) for i, value in fixed),
    )


def test_slack_is_as_wide_as_what_is_left() -> None:
    """Of 25, 21 are taken by what is in: 4 are left, of which 3 or 4 are used."""
    assert slack_bits(lower(knapsack(), SETTLED)) == 5
    assert slack_bits(lower(knapsack((1, 1), (2, 1)), SETTLED)) == 0  # no more than one of the others fits: clauses
    assert slack_bits(lower(knapsack((0, 0), (2, 1)), SETTLED)) == 4


def test_settled_bits_do_not_stand_in_the_way_of_the_flip_rule() -> None:
    found = {op.symbol: op for op in lower(knapsack((0, 0), (2, 1)), SETTLED).main.ops_of(PenaltyOp)}
    assert set(found) == {"fits"}
    assert found["fits"].rule is PenaltyRule.FLIP


def test_a_row_that_settled_values_break_is_warned_of_and_nothing_counts_as_settled() -> None:
    """Bounds of single rows see room that the unit of what is left does not have."""
    text = "program p\nvar x: binary[3]\nminimize sum(x)\nsubject to\n"
    text += "  a: 2 * x[0] + 2 * x[1] + x[2] == 3\n  b: x[2] == 0\n"
    program = compile(text)
    assert [warning.code for warning in program.warnings] == ["Q0654"]
    assert program.module.main.first(SettledOp) is None
    assert {op.symbol for op in program.module.main.ops_of(PenaltyOp)} == {"a", "b"}


ROSTER = """program roster
data off: int[3]
data cost: int[4, 5] = [[3, 1, 4, 1, 5], [9, 2, 6, 5, 3], [5, 8, 9, 7, 9], [3, 2, 3, 8, 4]]
var x: binary[4, 5]
minimize sum(cost[p, d] * x[p, d] for p in 0..4 for d in 0..5)
subject to
  cover[d]: 1 <= sum(x[p, d] for p in 0..4) <= 3 for d in 0..5
  week[p]: sum((2 + d) * x[p, d] for d in 0..5) <= 9 for p in 0..4
  away[k]: x[k, off[k]] == 0 for k in 0..3
  there: x[3, 0] == 1
"""


def test_explanations_splits_and_updates_agree_with_the_energy() -> None:
    program = compile(ROSTER, data={"off": [0, 1, 2]})
    assert program.module.main.only(SettledOp).weight > 0
    result = program.run(reads=20, seed=3)
    assert result.best.feasible
    model = program.module.main.only(ModelOp)
    for solution in result.solutions[:5]:
        assert sum(solution.energy_split.values()) == pytest.approx(solution.energy / model.scale)
    other = program.update(ROSTER, data={"off": [4, 0, 1]})
    fresh = compile(ROSTER, data={"off": [4, 0, 1]})
    assert other.module.main.only(ModelOp) == fresh.module.main.only(ModelOp)
    assert all(op.rule.proved for op in other.module.main.ops_of(PenaltyOp))


def test_explanations_say_where_settled_bits_do_the_work() -> None:
    program = compile(ROSTER, data={"off": [0, 1, 2]})
    assert "  no penalty: it always holds at the settled bits' values, or other constraints imply it" in (
        explain_constraint(program.module, "there")
    )
    week = "\n".join(explain_constraint(program.module, "week[3]"))
    assert "x[3, 0]" in week
    free = compile(ROSTER, data={"off": [0, 1, 2]}, level=0)
    assert "slack spins" in "\n".join(explain_constraint(free.module, "week[3]"))
    assert not any("settled" in line for line in explain_constraint(free.module, "there"))


def test_without_presolve_the_price_holds_settled_bits() -> None:
    """The polynomial before presolve has its minimum at the settled values, and its sources add up to it."""
    pipeline = "fold-constants,decompose-layers,approximate-functions,expand-polynomials,encode-variables,settle-bits,"
    pipeline += "penalize-constraints,quadratize,binary-to-spin,scale-coefficients,synthesize-schedule"
    program = lower_program(import_source(ROSTER, data={"off": [0, 1, 2]}), Options(pipeline=pipeline))
    plain = compile(ROSTER, data={"off": [0, 1, 2]})
    found = program.run(reads=100, seed=1).best
    assert found.feasible
    assert found.objective == plain.run(reads=100, seed=1).best.objective
    again = program.reweight(cover=program.module.main.ops_of(PenaltyOp)[0].weight)
    assert again.module.main.only(ModelOp).fields.values == pytest.approx(
        program.module.main.only(ModelOp).fields.values
    )
