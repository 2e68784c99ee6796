"""Two rows that bound one expression: the least energy over slack is 0 between the sides and grows outside.

The oracle enumerates all states with numpy and knows nothing of pairs, forms and codes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ising_support import constraint, lower, objective, problem_module, variable

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.dialects import poly
from qevo_compiler.dialects.ising import PenaltyForm, PenaltyOp, RegisterOp
from qevo_compiler.dialects.poly import Polynomials
from qevo_compiler.dialects.problem import Domain, Relation
from qevo_compiler.ir import Array, Module
from qevo_compiler.passes.penalty.methods import Method
from qevo_compiler.passes.penalty.slack_codes import SlackCode

PENALIZED = "encode-variables,penalize-constraints"
CODES = [code for code in SlackCode if code is not SlackCode.NONE]
Row = dict[tuple[int, ...], float]


def states(count: int) -> np.ndarray:
    return ((np.arange(2**count)[:, None] >> np.arange(count)) & 1).astype(np.float64)


def ground(module: Module, decisions: int) -> np.ndarray:
    """The least energy over the other bits for every state of the decision bits."""
    bits = sum(register.count for register in module.main.ops_of(RegisterOp))
    points = states(bits)
    energy = np.zeros(len(points))
    for block in module.main.only(poly.ObjectiveOp).polynomial.terms:
        for names, coefficient in zip(block.variables.values, block.coefficients.values, strict=True):
            energy += coefficient * points[:, names].prod(axis=1)
    return energy.reshape(-1, 2**decisions).min(axis=0)


def two_sided(
    symbol: str, row: Row, low: float, high: float, relation: Relation = Relation.LE, weight: float | None = None
) -> poly.ConstraintOp:
    """`low <= row <= high`, or `high >= row >= low`, as the language states it."""
    minus = {key: -value for key, value in row.items()}
    below, above = (
        (minus | {(): low}, row | {(): -high}) if relation is Relation.LE else (minus | {(): high}, row | {(): -low})
    )
    op = constraint(symbol, relation, below, above, weight=weight)
    return replace(op, indices=Array(np.zeros((2, 0), np.int64)))


def value(row: Row, points: np.ndarray) -> np.ndarray:
    return sum((c * points[:, list(key)].prod(axis=1) for key, c in row.items()), np.zeros(len(points)))


def random_case(seed: int) -> tuple[Row, float, float, Row]:
    rng = np.random.default_rng(seed)
    coefficients = rng.integers(1, 5, 4) * rng.choice([-1, 1], 4) if seed % 2 else np.ones(4)
    row = {(i,): float(c) for i, c in enumerate(coefficients)}
    low = float(np.minimum(coefficients, 0).sum())
    sides = np.sort(rng.integers(0, int(np.abs(coefficients).sum()) + 1, 2)) + low
    if seed % 3 == 0:
        sides = sides + rng.choice([-0.25, 0.0, 0.25], 2)
    merit = {(i,): float(rng.integers(-9, 10)) for i in range(4)} | {(0, 3): float(rng.integers(-6, 7))}
    return row, *np.sort(sides).tolist(), {key: c for key, c in merit.items() if c}


def test_hard_rows_cost_nothing_between_their_sides_and_dominate_outside() -> None:
    points, joined = states(4), 0
    for seed in range(600):
        row, low, high, merit = random_case(seed)
        body = value(row, points)
        feasible = (body >= low) & (body <= high)
        relation = Relation.LE if seed % 5 else Relation.GE
        module = problem_module(
            variable("x", Domain.BINARY, (4,)), objective(merit), two_sided("c", row, low, high, relation)
        )
        options = {"slack": CODES[seed % len(CODES)], "slack_bound": 1 + seed % 3, "search_steps": 20 * (seed % 2)}
        if seed % 7 == 0:
            options["method"] = Method.RANGE
        try:
            lowered = lower(module, PENALIZED, penalize_constraints=options)
        except CompileError:
            assert not feasible.any()
            continue
        energy, stated = ground(lowered, 4), value(merit, points)
        assert energy[feasible] == pytest.approx(stated[feasible], abs=1e-9)
        if feasible.any() and not feasible.all():
            assert energy[~feasible].min() > stated[feasible].min()
        joined += bool(lowered.main.ops_of(PenaltyOp)) and (lowered.main.only(PenaltyOp).units is not None)
    assert joined > 100


def test_soft_rows_cost_the_violation_squared_on_either_side() -> None:
    points = states(4)
    for seed in range(300):
        row, low, high, _ = random_case(seed)
        body = value(row, points)
        relation = Relation.LE if seed % 5 else Relation.GE
        soft = two_sided("c", row, low, high, relation, weight=1.5)
        lowered = lower(problem_module(variable("x", Domain.BINARY, (4,)), soft), PENALIZED)
        violated = np.maximum(np.maximum(low - body, body - high), 0)
        assert ground(lowered, 4) == pytest.approx(1.5 * violated**2, abs=1e-9)


@pytest.mark.parametrize(("low", "high", "slack", "form"), [
    (2, 2, 0, PenaltyForm.SQUARE),
    (2, 3, 0, PenaltyForm.TRIANGLE),
    (2, 4, 2, PenaltyForm.SQUARE),
    (1.5, 4.5, 2, PenaltyForm.SQUARE),
    (1, 5, 3, PenaltyForm.SQUARE),
])  # fmt: skip
def test_slack_ends_at_the_other_side(low: float, high: float, slack: int, form: PenaltyForm) -> None:
    """Apart the rows would take up to three bits each."""
    row = {(i,): 1.0 for i in range(6)}
    module = problem_module(variable("x", Domain.BINARY, (6,)), two_sided("c", row, low, high))
    lowered = lower(module, PENALIZED)
    assert sum(r.count for r in lowered.main.ops_of(RegisterOp)) == 6 + slack
    op = lowered.main.only(PenaltyOp)
    assert op.form is form
    assert op.units is not None
    assert op.units.values.tolist() == [1, 0]


def test_sides_that_no_row_reaches_leave_one_row() -> None:
    row = {(i,): 1.0 for i in range(4)}
    module = problem_module(variable("x", Domain.BINARY, (4,)), two_sided("c", row, -3, 2))
    lowered = lower(module, PENALIZED)
    assert lowered.main.only(PenaltyOp).units.values.tolist() == [0, 1]
    assert sum(r.count for r in lowered.main.ops_of(RegisterOp)) == 4 + 2


def test_two_clauses_need_no_slack_apart() -> None:
    """1 <= 2 a + b + c <= 3 says that not all bits are alike: two clauses of three literals."""
    row = {(0,): 2.0, (1,): 1.0, (2,): 1.0}
    lowered = lower(problem_module(variable("x", Domain.BINARY, (3,)), two_sided("c", row, 1, 3)), PENALIZED)
    assert sum(r.count for r in lowered.main.ops_of(RegisterOp)) == 3
    alike = np.isin(states(3).sum(axis=1), [0, 3])
    assert ((ground(lowered, 3) > 0) == alike).all()


def test_crossed_sides_are_named() -> None:
    row = {(i,): 1.0 for i in range(5)}
    x = variable("x", Domain.BINARY, (5,))
    for low, high in ((3, 2), (2.2, 2.8)):
        with pytest.raises(CompileError, match=r"Q0653.*`c`"):
            lower(problem_module(x, two_sided("c", row, low, high)), PENALIZED)


def test_forms_without_exact_slack_leave_the_rows_apart() -> None:
    row = {(i,): 1.0 for i in range(6)}
    module = problem_module(variable("x", Domain.BINARY, (6,)), two_sided("c", row, 2, 4))
    for options in ({"slack": SlackCode.NONE}, {"method": Method.UNBALANCED}, {"method": Method.LAGRANGIAN}):
        op = lower(module, PENALIZED, penalize_constraints=options).main.only(PenaltyOp)
        assert op.form is PenaltyForm.SLOPED
        assert op.units is None


def test_rows_of_products_share_a_slack() -> None:
    row = {(0, 1): 1.0, (2, 3): 2.0, (0,): 3.0}
    points = states(4)
    body = value(row, points)
    lowered = lower(problem_module(variable("x", Domain.BINARY, (4,)), two_sided("c", row, 1, 3)), PENALIZED)
    assert ((ground(lowered, 4) > 1e-9) == ((body < 1) | (body > 3))).all()
    assert sum(r.count for r in lowered.main.ops_of(RegisterOp)) == 4 + 2


def test_pairs_are_rows_of_one_instance_only() -> None:
    row = {(i,): 1.0 for i in range(5)}
    apart = constraint("c", Relation.LE, {k: -v for k, v in row.items()} | {(): 1.0}, row | {(): -3.0})
    lowered = lower(problem_module(variable("x", Domain.BINARY, (5,)), apart), PENALIZED)
    assert lowered.main.only(PenaltyOp).units is None
    assert isinstance(lowered.main.only(poly.ObjectiveOp).polynomial, Polynomials)
