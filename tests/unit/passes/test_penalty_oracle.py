"""Every row of at most three bits, and thousands of random models: the least energy over slack is the penalty.

The oracle enumerates all states with numpy; it knows nothing of forms, codes and rules.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from ising_support import constraint, lower, objective, problem_module, variable

from qevo_compiler.analyses.structure import RowKind, recognise, row_kinds
from qevo_compiler.analyses.structure.recognise import whole_rows
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.dialects import poly
from qevo_compiler.dialects.ising import PenaltyForm, PenaltyOp, PenaltyRule, RegisterOp, Role
from qevo_compiler.dialects.poly import Polynomials
from qevo_compiler.dialects.problem import Domain, Encoding, Relation, Sense
from qevo_compiler.ir import Module
from qevo_compiler.passes.penalty.methods import Method
from qevo_compiler.passes.penalty.slack_codes import SlackCode

PENALIZED = "encode-variables,penalize-constraints"
KINDS = list(RowKind)
SLACKS = [SlackCode.LOG, SlackCode.BOUNDED, SlackCode.UNARY, SlackCode.DOMAINWALL]


def states(count: int) -> np.ndarray:
    return ((np.arange(2**count)[:, None] >> np.arange(count)) & 1).astype(np.float64)


def values(p: Polynomials, points: np.ndarray) -> np.ndarray:
    """The first row of a polynomial at all points, term by term."""
    total = np.zeros(len(points))
    for block in p.terms:
        for names, coefficient in zip(block.variables.values, block.coefficients.values, strict=True):
            total += coefficient * points[:, names].prod(axis=1)
    return total


def ground(module: Module, decisions: int) -> np.ndarray:
    """The least energy over the other bits for every state of the decision bits."""
    bits = sum(register.count for register in module.main.ops_of(RegisterOp))
    energy = values(module.main.only(poly.ObjectiveOp).polynomial, states(bits))
    return energy.reshape(-1, 2**decisions).min(axis=0)


def satisfied(relation: Relation, body: np.ndarray) -> np.ndarray:
    return {Relation.EQ: np.abs(body) < 1e-9, Relation.LE: body < 1e-9, Relation.GE: body > -1e-9}[relation]


def row_dict(coefficients: tuple[int, ...], constant: float) -> dict[tuple[int, ...], float]:
    return {(i,): float(c) for i, c in enumerate(coefficients)} | {(): constant}


def check_optimum(module: Module, energy: np.ndarray, merit: np.ndarray, feasible: np.ndarray) -> None:
    """Feasible states have their own objective, and every infeasible one lies above the best of them."""
    assert energy[feasible] == pytest.approx(merit[feasible], abs=1e-9)
    proved = all(op.rule.proved for op in module.main.ops_of(PenaltyOp))
    if proved and feasible.any() and not feasible.all():
        assert energy[~feasible].min() > merit[feasible].min()


@pytest.mark.parametrize("relation", list(Relation))
@pytest.mark.parametrize("count", [1, 2, 3])
def test_every_small_row_costs_nothing_where_it_holds_and_a_unit_where_it_does_not(
    relation: Relation, count: int
) -> None:
    """All coefficients in -1, 0, 1, all constants: recognised kinds, forms and slack at once."""
    points = states(count)
    for coefficients in itertools.product((-1, 0, 1), repeat=count):
        for constant in range(-3, 4):
            body = points @ np.array(coefficients, float) + constant
            holds = satisfied(relation, body)
            module = problem_module(
                variable("x", Domain.BINARY, (count,)), constraint("c", relation, row_dict(coefficients, constant))
            )
            if not holds.any():
                with pytest.raises(CompileError):
                    lower(module, PENALIZED)
                continue
            lowered = lower(module, PENALIZED)
            energy = ground(lowered, count)
            assert (energy[holds] == 0).all()
            weight = [op.weight for op in lowered.main.ops_of(PenaltyOp)]
            assert (energy[~holds] >= (weight or [0])[0]).all()
            if relation is not Relation.EQ:
                # An inequality of up to three bits of weight 1 never needs slack.
                assert sum(r.count for r in lowered.main.ops_of(RegisterOp)) == count


def random_rows(rng: np.random.Generator, bits: int) -> list[tuple[Relation, dict[tuple[int, ...], float]]]:
    rows = []
    for _ in range(int(rng.integers(1, 4))):
        used = rng.choice(bits, int(rng.integers(1, bits + 1)), replace=False)
        kind = rng.integers(0, 4)
        coefficients = np.ones(len(used)) if kind == 0 else rng.integers(1, 6, len(used)).astype(float)
        if kind == 2:
            coefficients *= rng.choice([-1, 1], len(used))
        relation = Relation(rng.choice([r.value for r in Relation], p=[0.2, 0.5, 0.3]))
        low, high = np.minimum(coefficients, 0).sum(), np.maximum(coefficients, 0).sum()
        constant = -float(rng.integers(int(low), int(high) + 1))
        terms = {(int(i),): float(c) for i, c in zip(used, coefficients, strict=True)} | {(): constant}
        rows.append((relation, terms))
    return rows


def random_model(seed: int, bits: int) -> tuple[Module, np.ndarray, np.ndarray]:
    """A module with the values of its objective and its feasible states."""
    rng = np.random.default_rng(seed)
    points = states(bits)
    pairs = {tuple(sorted(rng.choice(bits, 2, replace=False).tolist())): float(rng.integers(-6, 7)) for _ in range(4)}
    singles = {(i,): float(rng.integers(-9, 10)) for i in range(bits)}
    terms = {key: value for key, value in (pairs | singles).items() if value}
    merit = sum((v * points[:, list(k)].prod(axis=1) for k, v in terms.items()), np.zeros(len(points)))
    feasible = np.ones(len(points), bool)
    families = []
    for k, (relation, row) in enumerate(random_rows(rng, bits)):
        body = sum((v * points[:, list(key)].prod(axis=1) for key, v in row.items()), np.zeros(len(points)))
        feasible &= satisfied(relation, body)
        families.append(constraint(f"c{k}", relation, row))
    module = problem_module(variable("x", Domain.BINARY, (bits,)), objective(terms), *families)
    return module, merit, feasible


def sweep(first: int, count: int) -> set[tuple[str, str]]:
    """Random models with every slack code and rule in turn; the forms and rules that were met."""
    met = set()
    for seed in range(first, first + count):
        module, merit, feasible = random_model(seed, 4)
        options = {
            "slack": SLACKS[seed % 4],
            "slack_bound": 1 + seed % 3,
            "method": Method.RANGE if seed % 5 == 0 else Method.AUTO,
            "search_steps": 20 * (seed % 2),
            "clauses": seed % 4,
        }
        try:
            lowered = lower(module, PENALIZED, penalize_constraints=options)
        except CompileError:
            assert not feasible.any()
            continue
        if sum(r.count for r in lowered.main.ops_of(RegisterOp)) > 15:
            continue
        check_optimum(lowered, ground(lowered, 4), merit, feasible)
        met |= {(op.form.value, op.rule.value) for op in lowered.main.ops_of(PenaltyOp)}
    return met


def test_random_models() -> None:
    met = sweep(0, 1500)
    assert {form for form, _ in met} >= {"square", "linear", "triangle", "logic"}
    assert {rule for _, rule in met} >= {"range", "incumbent", "flip"}


@pytest.mark.slow
def test_many_random_models() -> None:
    sweep(10_000, 20_000)


@pytest.mark.parametrize("encoding", list(Encoding))
def test_every_encoding_in_a_constraint(encoding: Encoding) -> None:
    """Integers over all codes under each sense: the best energy is the best feasible objective, by enumeration."""
    for relation, constant in itertools.product(Relation, (-5.0, -3.0, -1.0)):
        module = problem_module(
            variable("k", Domain.INTEGER, (2,), 0, 3, encoding=encoding),
            objective({(0,): 3.0, (1,): -2.0, (0, 1): 1.0}, Sense.MAXIMIZE),
            constraint("c", relation, {(0,): 1.0, (1,): 2.0, (): constant}),
        )
        lowered = lower(module, PENALIZED, encode_variables={"bound": 2})
        k = np.array(list(itertools.product(range(4), repeat=2)), float)
        merit = -(3 * k[:, 0] - 2 * k[:, 1] + k[:, 0] * k[:, 1])
        feasible = satisfied(relation, k[:, 0] + 2 * k[:, 1] + constant)
        bits = sum(register.count for register in lowered.main.ops_of(RegisterOp))
        energy = values(lowered.main.only(poly.ObjectiveOp).polynomial, states(bits))
        assert energy.min() == pytest.approx(merit[feasible].min())


def test_rows_of_one_family_take_a_form_each() -> None:
    rows = [
        {(0,): 1.0, (1,): 1.0, (): -1.0},
        {(0,): 3.0, (1,): -5.0, (2,): 2.0, (): -1.0},
        {(0,): 1.0, (1,): 2.0, (2,): 3.0, (3,): 4.0, (): -6.0},
    ]
    module = problem_module(variable("x", Domain.BINARY, (4,)), constraint("c", Relation.LE, *rows))
    lowered = lower(module, PENALIZED)
    op = lowered.main.only(PenaltyOp)
    assert op.form is PenaltyForm.MIXED
    assert op.forms is not None
    points = states(4)
    holds = np.ones(16, bool)
    for row in rows:
        holds &= sum(v * points[:, list(k)].prod(axis=1) for k, v in row.items()) < 1e-9
    energy = ground(lowered, 4)
    assert (energy[holds] == 0).all()
    assert (energy[~holds] >= op.weight).all()


def test_copies_and_looser_rows_cost_nothing() -> None:
    row = {(0,): 2.0, (1,): 2.0, (2,): 3.0, (3,): 5.0}
    module = problem_module(
        variable("x", Domain.BINARY, (4,)),
        objective({(0,): -1.0, (3,): -2.0}),
        constraint("tight", Relation.LE, row | {(): -6.0}),
        constraint("loose", Relation.LE, row | {(): -9.0}, {k: 2 * v for k, v in row.items()} | {(): -12.0}),
        constraint("same", Relation.GE, {k: -v for k, v in row.items()} | {(): 6.0}),
    )
    lowered = lower(module, PENALIZED)
    assert [op.symbol for op in lowered.main.ops_of(PenaltyOp)] == ["tight"]


@pytest.mark.parametrize(
    ("relation", "row", "kind"),
    [
        (Relation.EQ, {(0,): 1, (1,): 1, (2,): 1, (): -1}, RowKind.ONE_HOT),
        (Relation.LE, {(0,): 2, (1,): 2, (2,): 2, (): -3}, RowKind.AT_MOST_ONE),
        (Relation.LE, {(0,): 1, (1,): -1}, RowKind.IMPLICATION),
        (Relation.GE, {(0,): 3, (1,): -2}, RowKind.IMPLICATION),
        (Relation.LE, {(0,): 3, (1,): 2, (): -4}, RowKind.CONFLICT),
        (Relation.GE, {(0,): 1, (1,): 1, (2,): 1, (): -1}, RowKind.COVER),
        (Relation.GE, {(0,): 1, (1,): 1, (): -1}, RowKind.COVER),
        (Relation.EQ, {(0,): 1, (1,): -1}, RowKind.EQUIVALENCE),
        (Relation.EQ, {(0,): 1, (1,): 1, (2,): 1, (3,): 1, (): -2}, RowKind.COUNT),
        (Relation.LE, {(0,): 1, (1,): 1, (2,): 1, (3,): 1, (): -2}, RowKind.COUNT_LIMIT),
        (Relation.LE, {(0,): 5, (1,): 5, (2,): 1, (3,): 1, (): -7}, RowKind.CLAUSES),
        (Relation.LE, {(0,): 5, (1,): 4, (2,): 3, (3,): 2, (): -7}, RowKind.KNAPSACK),
        (Relation.EQ, {(0,): 5, (1,): 4, (2,): 3, (): -7}, RowKind.EQUATION),
        (Relation.LE, {(0,): 1}, RowKind.FIXES),
        (Relation.EQ, {(0,): 1, (1,): 1, (): -2}, RowKind.FIXES),
        (Relation.LE, {(0,): 1, (): -1}, RowKind.HOLDS),
        (Relation.LE, {(0, 1): 1, (): -1}, RowKind.PRODUCTS),
    ],
)
def test_kinds(relation: Relation, row: dict[tuple[int, ...], float], kind: RowKind) -> None:
    body, equal = whole_rows(constraint("c", relation, row))
    assert KINDS[row_kinds(body, equal)[0]] is kind


def test_the_structure_of_a_problem() -> None:
    found = recognise(
        (
            constraint("chain", Relation.LE, *({(i,): 1, (i + 1,): -1} for i in range(3))),
            constraint("fix", Relation.EQ, {(5,): 1, (): -1}),
            constraint("again", Relation.LE, {(0,): 2, (1,): -2}),
            constraint("soft", Relation.LE, {(0,): 2, (6,): -2}, weight=1.0),
        ),
        objective({(4, 5): 1.0}).polynomial,
        7,
    )
    assert found.kinds == {RowKind.IMPLICATION: 4, RowKind.FIXES: 1}
    assert (found.fixed.tolist(), found.values.tolist()) == ([5], [1])
    assert found.chains == (4,)
    assert found.redundant == 1
    assert found.components.tolist() == [0, 0, 0, 0, 1, 1, 2]
    assert "monotone chains of 4 bits" in list(found.lines())


@pytest.mark.parametrize("method", [Method.VLM, Method.MOMC, Method.UNBALANCED, Method.LAGRANGIAN])
def test_methods_without_a_proof_say_so(method: Method) -> None:
    knapsack = constraint("fits", Relation.LE, {(0,): 2, (1,): 3, (2,): 4, (3,): 5, (): -7})
    module = problem_module(variable("x", Domain.BINARY, (4,)), objective({(i,): -1.0 - i for i in range(4)}), knapsack)
    lowered = lower(module, PENALIZED, penalize_constraints={"method": method})
    op = lowered.main.only(PenaltyOp)
    assert op.rule is PenaltyRule(method.value)
    assert not op.rule.proved
    assert [entry.kind.value for entry in lowered.ledger] == ["estimated"]
    slack = sum(r.count for r in lowered.main.ops_of(RegisterOp)) - 4
    assert (slack == 0) == (method is Method.UNBALANCED)


def test_methods_and_weights_by_family() -> None:
    rows = ({(0,): 2, (1,): 3, (2,): 4, (3,): 5, (): -7}, {(0,): 2, (1,): 2, (2,): 3, (3,): 4, (): -7})
    module = problem_module(
        variable("x", Domain.BINARY, (4,)),
        objective({(i,): -1.0 - i for i in range(4)}),
        *(constraint(f"c{k}", Relation.LE, row) for k, row in enumerate(rows)),
        constraint("soft", Relation.EQ, {(0,): 1, (1,): -1}, weight=3.0),
    )
    options = {"methods": ("c0=unbalanced",), "weights": ("c1=2.5", "soft=4")}
    lowered = lower(module, PENALIZED, penalize_constraints=options)
    found = {op.symbol: (op.rule, op.weight) for op in lowered.main.ops_of(PenaltyOp)}
    assert found["c0"][0] is PenaltyRule.UNBALANCED
    assert found["c1"] == (PenaltyRule.GIVEN, 2.5)
    assert found["soft"] == (PenaltyRule.SOFT, 4.0)
    coded = lower(module, PENALIZED, penalize_constraints={"slack": "unary", "slacks": ("c1=log",)})
    codes = {op.symbol: (op.encoding, op.count) for op in coded.main.ops_of(RegisterOp) if op.role is Role.SLACK}
    assert codes == {"c0": (Encoding.UNARY, 7), "c1": (Encoding.LOG, 3)}
    wrong: list[dict[str, tuple[str, ...]]] = [{"methods": ("c9=vlm",)}, {"methods": ("c0=best",)}]
    wrong += [{"weights": ("c0=-1",)}, {"weights": ("c0",)}, {"slacks": ("c0=short",)}, {"slacks": ("soft",)}]
    for bad in wrong:
        with pytest.raises(CompileError, match="Q0666"):
            lower(module, PENALIZED, penalize_constraints=bad)


def test_the_unbalanced_form_is_least_at_one_unit_of_room() -> None:
    row = {(i,): 1.0 for i in range(5)} | {(): -3.0}
    module = problem_module(variable("x", Domain.BINARY, (5,)), constraint("c", Relation.LE, row))
    lowered = lower(module, PENALIZED, penalize_constraints={"slack": SlackCode.NONE})
    weight = lowered.main.only(PenaltyOp).weight
    u = states(5).sum(axis=1) - 3
    assert ground(lowered, 5) == pytest.approx(weight * (u**2 + 2 * u))
