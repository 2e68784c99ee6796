"""Each form of penalty, each rule for its weight, and each refusal."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ising_support import all_spins, constraint, ground_energies, lower, objective, problem_module, variable

from qevo_compiler.decode import Decoder
from qevo_compiler.diagnostics import CompileError, Diagnostic
from qevo_compiler.diagnostics.constraints import NeverEqual, NeverMet, NeverSatisfied
from qevo_compiler.dialects import poly
from qevo_compiler.dialects.ising import ModelOp, PenaltyForm, PenaltyOp, PenaltyRule, RegisterOp, Role
from qevo_compiler.dialects.poly import arithmetic
from qevo_compiler.dialects.problem import Domain, Encoding, Relation, Sense
from qevo_compiler.driver import compile
from qevo_compiler.ir import Evidence, Module, parse_module, print_module
from qevo_compiler.passes import penalize_constraints
from qevo_compiler.passes.base import Context
from qevo_compiler.passes.penalize_constraints import PenalizeConstraints
from qevo_compiler.source import SourceFile, Span

PENALIZED = "encode-variables,penalize-constraints"


def penalized(*ops: object, **options: object) -> Module:
    return lower(problem_module(*ops), PENALIZED, penalize_constraints=options)


def slack_bits(module: Module) -> int:
    return sum(r.count for r in module.main.ops_of(RegisterOp) if r.role is Role.SLACK)


def test_the_pair_of_the_passs_documentation() -> None:
    module = penalized(
        variable("x", Domain.BINARY, (2,)),
        objective({(0,): 3.0, (1,): 4.0}, Sense.MAXIMIZE),
        constraint("fits", Relation.LE, {(0,): 1.0, (1,): 1.0, (): -1.0}),
    )
    penalty = module.main.only(PenaltyOp)
    assert (penalty.form, penalty.rule) == (PenaltyForm.TRIANGLE, PenaltyRule.FLIP)
    _, pairs, weights = module.main.only(poly.ObjectiveOp).polynomial.block(2)
    assert pairs.tolist() == [[0, 1]]
    assert weights.tolist() == [penalty.weight]
    assert penalty.weight > 3
    assert slack_bits(module) == 0


@pytest.mark.parametrize(
    ("relation", "row", "form", "bits"),
    [
        (Relation.LE, {(0,): 1, (1,): 1, (2,): 1, (): -1}, PenaltyForm.TRIANGLE, 0),
        (Relation.LE, {(0,): 1, (1,): -1}, PenaltyForm.TRIANGLE, 0),
        (Relation.GE, {(0,): 1, (1,): 1, (): -1}, PenaltyForm.TRIANGLE, 0),
        (Relation.LE, {(0, 1): 1}, PenaltyForm.LINEAR, 0),
        (Relation.EQ, {(0, 1): 1, (2,): 2}, PenaltyForm.LINEAR, 0),
        (Relation.EQ, {(0,): -1.5, (1,): -0.3}, PenaltyForm.LINEAR, 0),
        (Relation.LE, {(0,): 0.3, (1,): np.pi}, PenaltyForm.LINEAR, 0),
        (Relation.EQ, {(0,): 1, (1,): 1, (): -1}, PenaltyForm.SQUARE, 0),
        (Relation.LE, {(0,): 2, (1,): 3, (2,): 5, (): -7}, PenaltyForm.LOGIC, 0),
        (Relation.LE, {(0,): 20, (1,): 30, (2,): 50, (): -75}, PenaltyForm.LOGIC, 0),
        (Relation.GE, {(0,): 0.1, (1,): 0.2, (2,): 0.3, (): -0.25}, PenaltyForm.LOGIC, 0),
        (Relation.LE, {(0,): 1, (1,): 1, (2,): 1, (3,): 1, (): -2}, PenaltyForm.SQUARE, 2),
        (Relation.LE, {(0,): 20, (1,): 30, (2,): 50, (3,): 10, (): -75}, PenaltyForm.SQUARE, 3),
    ],
)
def test_forms(relation: Relation, row: dict[tuple[int, ...], float], form: PenaltyForm, bits: int) -> None:
    x = variable("x", Domain.BINARY, (4,))
    module = penalized(x, objective({(0,): 1.0, (1,): -1.0}), constraint("c", relation, row))
    assert module.main.only(PenaltyOp).form is form
    assert slack_bits(module) == bits
    assert all(entry.kind is Evidence.PROVED for entry in module.ledger)


def test_rows_that_always_hold_cost_nothing() -> None:
    module = penalized(
        variable("x", Domain.BINARY, (2,)),
        constraint("loose", Relation.LE, {(0,): 1, (1,): 1, (): -2}),
        constraint("same", Relation.EQ, {}),
    )
    assert not module.main.ops_of(PenaltyOp)
    assert len(module.main.only(poly.ObjectiveOp).polynomial) == 0


@pytest.mark.parametrize(
    ("relation", "row", "kind"),
    [
        (Relation.GE, {(0,): 1, (1,): 1, (): -3}, NeverSatisfied),
        (Relation.LE, {(): 0.5}, NeverSatisfied),
        (Relation.EQ, {(0,): 2, (1,): 4, (): -3}, NeverEqual),
        (Relation.EQ, {(0,): 0.2, (1,): 0.4, (): -0.3}, NeverEqual),
    ],
)
def test_impossible_rows_are_named(relation: Relation, row: dict[tuple[int, ...], float], kind: type) -> None:
    span = Span("m.qevo", 4, 3, 4, 9)
    family = replace(constraint("c", relation, {}, row, row), span=span)
    with pytest.raises(CompileError) as caught:
        penalized(variable("x", Domain.BINARY, (2,)), family)
    assert [(type(d), d.span) for d in caught.value.diagnostics] == [(kind, span), (kind, span)]
    assert {d.name for d in caught.value.diagnostics} == {"c[1]", "c[2]"}


@pytest.mark.parametrize(
    ("relation", "row", "low", "high"),
    [
        (Relation.GE, {(0,): 1, (1,): 1, (): -5}, "-5", "-3"),
        (Relation.LE, {(0,): 1, (): 3}, "3", "4"),
        (Relation.EQ, {(0,): 1, (): 3}, "3", "4"),
        (Relation.LE, {(): 2}, "2", "2"),
    ],
)
def test_soft_rows_out_of_reach_are_penalised_and_warned_of(
    relation: Relation, row: dict[tuple[int, ...], float], low: str, high: str
) -> None:
    warnings: list[Diagnostic] = []
    family = constraint("c", relation, row, weight=2.0)
    module = problem_module(variable("x", Domain.BINARY, (2,)), objective({(0,): 1.0}), family)
    encoded = lower(module, "encode-variables")
    result = PenalizeConstraints().run(encoded, Context(warn=warnings.append))
    (warning,) = warnings
    assert isinstance(warning, NeverMet)
    assert (warning.low, warning.high, warning.more) == (low, high, 0)
    polynomial = result.main.only(poly.ObjectiveOp).polynomial
    bits = np.array(list(itertools.product((0.0, 1.0), repeat=2)))
    body = sum(c * np.prod([bits[:, i] for i in key], axis=0) if key else c for key, c in row.items())
    assert arithmetic.evaluate(polynomial, bits)[:, 0].tolist() == (bits[:, 0] + 2 * body**2).tolist()


def test_soft_rows_off_the_grid_are_no_warning() -> None:
    warnings: list[Diagnostic] = []
    family = constraint("c", Relation.EQ, {(0,): 2, (1,): 2, (): -3}, weight=2.0)
    module = problem_module(variable("x", Domain.BINARY, (2,)), objective({(0,): 1.0}), family)
    PenalizeConstraints().run(lower(module, "encode-variables"), Context(warn=warnings.append))
    assert warnings == []


def test_impossible_among_valid_codes() -> None:
    c = variable("c", Domain.CHOICE, (2,), labels=("a", "b", "d"))
    with pytest.raises(CompileError, match="constraint `two` cannot"):
        penalized(c, constraint("two", Relation.GE, {(0,): 1.0, (1,): 1.0, (): -2.0}))


@pytest.mark.parametrize("weight", [-1.0, np.nan, np.inf])
def test_bad_soft_weights(weight: float) -> None:
    with pytest.raises(CompileError, match="Q0227"):
        penalized(variable("x", Domain.BINARY), constraint("c", Relation.EQ, {(0,): 1.0}, weight=weight))


@pytest.mark.parametrize("scale", [0.0, -1.0, np.nan])
def test_bad_scale(scale: float) -> None:
    with pytest.raises(CompileError, match="Q0663"):
        penalized(variable("x", Domain.BINARY), scale=scale)


@given(
    st.lists(st.integers(-4, 4), min_size=2, max_size=4),
    st.floats(-3, 3).map(lambda v: round(v, 1)),
    st.sampled_from(list(Relation)),
    st.sampled_from([0.5, 1.0, 3.0]),
)
@settings(max_examples=60, deadline=None)
def test_soft_rows_cost_the_violation_squared(
    row: list[int], constant: float, relation: Relation, weight: float
) -> None:
    size = len(row)
    terms: dict[tuple[int, ...], float] = {(i,): float(c) for i, c in enumerate(row)} | {(): constant}
    module = problem_module(variable("x", Domain.BINARY, (size,)), constraint("c", relation, terms, weight=weight))
    lowered = lower(module)
    model = lowered.main.only(ModelOp)
    bits = (all_spins(size) + 1) // 2
    body = bits @ np.array(row, float) + constant
    excess = {Relation.EQ: body, Relation.LE: np.maximum(body, 0), Relation.GE: np.maximum(-body, 0)}[relation]
    np.testing.assert_allclose(ground_energies(model, size), weight * excess**2, atol=1e-9)


def test_scale_below_one_is_called_heuristic() -> None:
    ops = (
        variable("x", Domain.BINARY, (2,)),
        objective({(0,): -3.0, (1,): -4.0}),
        constraint("one", Relation.EQ, {(0,): 1.0, (1,): 1.0, (): -1.0}),
    )
    full, half, double = (penalized(*ops, scale=scale) for scale in (1.0, 0.5, 2.0))
    weights = [module.main.only(PenaltyOp).weight for module in (full, half, double)]
    assert weights == [weights[0], weights[0] / 2, weights[0] * 2]
    assert half.main.only(PenaltyOp).rule is PenaltyRule.HEURISTIC
    assert double.main.only(PenaltyOp).rule is full.main.only(PenaltyOp).rule
    assert [m.ledger[0].kind for m in (full, half)] == [Evidence.PROVED, Evidence.ESTIMATED]


def test_rows_without_a_unit_get_a_floor_and_an_estimate() -> None:
    module = penalized(
        variable("x", Domain.BINARY, (3,)),
        objective({(0,): -1.0, (1,): -1.0, (2,): -1.0}),
        constraint("c", Relation.LE, {(0,): np.sqrt(2), (1,): np.pi, (2,): np.e, (): -4.5}),
        coarse_bits=8,
    )
    assert module.main.only(PenaltyOp).rule is PenaltyRule.HEURISTIC
    assert {(e.quantity, e.kind) for e in module.ledger} == {
        ("penalty gap", Evidence.ESTIMATED),
        ("penalty floor", Evidence.ESTIMATED),
    }
    lowered = lower(module, "quadratize,binary-to-spin")
    solutions = Decoder(lowered).decode(all_spins(lowered.main.only(ModelOp).size))
    best = solutions[int(np.argmin(solutions.energy))]
    assert best.feasible
    assert best.objective == -2


def test_weights_of_groups_count_the_least_of_each_group_only() -> None:
    labels = ("a", "b", "c", "d")
    c = variable("c", Domain.CHOICE, (3,), labels=labels, encoding=Encoding.ONE_HOT)
    costs = {(i,): -10.0 - i % 4 for i in range(12)}
    budget = constraint("b", Relation.LE, {(i,): float(i % 4) for i in range(12)} | {(): -7.0})
    module = penalized(c, objective(costs), budget, search_steps=0)
    # Over all states the objective falls to -138; at most one bit a group leaves -39, and 13 for one more bit.
    assert module.main.ops_of(PenaltyOp)[0].weight < 30


def test_unconstrained_minimisation_is_returned_as_it_is() -> None:
    module = lower(problem_module(variable("x", Domain.BINARY), objective({(0,): 1.0})), "encode-variables")
    assert PenalizeConstraints().run(module) is module


def test_maximisation_is_negated() -> None:
    module = penalized(variable("x", Domain.BINARY), objective({(0,): 2.0}, Sense.MAXIMIZE))
    op = module.main.only(poly.ObjectiveOp)
    assert op.sense is Sense.MINIMIZE
    assert op.polynomial.block(1)[2].tolist() == [-2.0]


def test_a_weight_that_may_be_any_widens_no_range() -> None:
    module = penalized(
        variable("x", Domain.BINARY, (3,)),
        objective({(2,): 100.0}),
        constraint("one", Relation.EQ, {(0,): 1.0, (1,): 1.0, (): -1.0}),
    )
    penalty = module.main.only(PenaltyOp)
    assert penalty.rule.proved
    assert 10 < penalty.weight < 100


BIG = {(0,): 1.0, (1,): 1.0, (2,): -1e10}


def test_a_soft_big_m_is_cut_too_and_costs_what_it_did() -> None:
    ops = (variable("x", Domain.BINARY, (3,)), objective({(0,): -1.0}), constraint("s", Relation.LE, BIG, weight=2.0))
    tight, stated = (penalized(*ops, tighten=on) for on in (True, False))
    assert slack_bits(tight) == 2 < slack_bits(stated)
    assert (tight.ledger, len(stated.ledger)) == ((), 1)
    points = np.array(list(itertools.product((0, 1), repeat=3)), float)
    missed = np.maximum(sum((v * points[:, list(key)].prod(axis=1) for key, v in BIG.items()), np.zeros(8)), 0)
    energy = tight.main.only(poly.ObjectiveOp).polynomial
    slack = np.array(list(itertools.product((0, 1), repeat=2)), float)
    found = [min(float(arithmetic.evaluate(energy, np.append(x, s))[0]) for s in slack) for x in points]
    assert found == pytest.approx(2 * missed**2 - points[:, 0])


def test_a_soft_row_of_a_big_m_alone_costs_what_is_missing() -> None:
    """Squares of the M would be 10^18, beside which the 4.5 of the row is nothing."""
    soft = constraint("s", Relation.LE, {(0,): -1000000007.0, (): 3.0}, weight=0.5)
    module = penalized(variable("x", Domain.BINARY, (2,)), objective({(1,): 1.0}), soft)
    energy = module.main.only(poly.ObjectiveOp).polynomial
    assert slack_bits(module) == 0
    assert [float(arithmetic.evaluate(energy, np.array([x, 0]))[0]) for x in (0, 1)] == [4.5, 0.0]


def test_a_big_m_is_cut_to_what_it_covers() -> None:
    family = constraint("linked", Relation.LE, BIG, {(0,): 1.0, (1,): 1.0, (): -1.0})
    tight, stated = (
        penalized(variable("x", Domain.BINARY, (3,)), objective({(0,): -1.0, (2,): 2.0}), family, tighten=on)
        for on in (True, False)
    )
    op = tight.main.only(PenaltyOp)
    assert op.caps is not None
    assert op.caps.values.tolist() == [2.0, np.inf]
    assert stated.main.only(PenaltyOp).caps is None
    assert (slack_bits(tight), slack_bits(stated)) == (0, 15)
    assert (op.rule.proved, stated.main.only(PenaltyOp).rule.proved) == (True, False)
    assert parse_module(SourceFile("m.qir", print_module(tight))) == tight


def test_rows_of_a_grid_beside_a_big_m_are_no_rounding() -> None:
    """Without tightening a billionth of M is more than what the row can be exceeded by."""
    grid = variable("r", Domain.REAL, (), 0.0, 0.7, bits=2)
    row = {(0,): 1.0, (1,): 1e12, (): -1e12}
    module = penalized(
        grid, variable("closed", Domain.BINARY), objective({(0,): -1.0}), constraint("c", Relation.LE, row)
    )
    op = module.main.only(PenaltyOp)
    assert op.rule.proved
    bits = sum(r.count for r in module.main.ops_of(RegisterOp))
    states = (np.arange(2**bits)[:, None] >> np.arange(bits)) & 1
    energy = arithmetic.evaluate(module.main.only(poly.ObjectiveOp).polynomial, states)[:, 0]
    least = energy.reshape(-1, 8).min(axis=0)
    value = (np.arange(8) % 4) * 0.7 / 3
    closed = np.arange(8) >= 4
    assert least[~closed] == pytest.approx(-value[~closed])
    assert (least[closed & (value > 0)] > -0.7).all()


@pytest.mark.parametrize(
    "family",
    [
        constraint("equal", Relation.EQ, BIG),
        constraint("product", Relation.LE, BIG | {(0, 1): 1.0}),
        constraint("plain", Relation.LE, {(0,): 2.0, (1,): 2.0, (2,): 3.0, (): -4.0}),
    ],
    ids=lambda op: op.symbol,
)
def test_what_is_not_tightened(family: poly.ConstraintOp) -> None:
    ops = (variable("x", Domain.BINARY, (3,)), objective({(0,): -1.0}), family)
    tight, stated = (penalized(*ops, tighten=on) for on in (True, False))
    assert tight == stated
    assert all(op.caps is None for op in tight.main.ops_of(PenaltyOp))


def test_a_code_counts_with_its_largest_value() -> None:
    """One-hot values 0 .. 4 exceed by 4, not by 1 + 2 + 3 + 4; unary bits are all 1 at 4."""
    for encoding in (Encoding.ONE_HOT, Encoding.UNARY, Encoding.LOG):
        module = penalized(
            variable("k", Domain.INTEGER, (), 0, 4, encoding=encoding),
            variable("open", Domain.BINARY),
            constraint("linked", Relation.LE, {(0,): 1.0, (1,): -1e6}),
        )
        caps = next(op.caps for op in module.main.ops_of(PenaltyOp) if not op.implied)
        assert caps is not None
        assert caps.values.tolist() == [4.0]


def test_without_an_objective_no_feasible_state_is_searched_for(monkeypatch: pytest.MonkeyPatch) -> None:
    searches = []
    monkeypatch.setattr(penalize_constraints, "find_incumbent", lambda *args: searches.append(args))
    text = "program p\nvar x: binary[4]\nsubject to\n  a: 2 * x[0] + 3 * x[1] + 4 * x[2] <= 6\n  b: sum(x) == 2\n"
    program = compile(text)
    assert {op.weight for op in program.module.main.ops_of(PenaltyOp)} == {1.0}
    assert not searches
    compile(text + "minimize x[0] + x[1] * x[2] - x[3]\n")
    assert searches
