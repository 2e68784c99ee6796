"""The whole way from packed polynomials to a spin model, against enumeration of the problem itself."""

from __future__ import annotations

import numpy as np
import pytest
from ising_support import (
    all_points,
    all_spins,
    constraint,
    ground_energies,
    lower,
    merits,
    objective,
    problem_module,
    variable,
)

from qevo_compiler.decode import Decoder
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.dialects import poly
from qevo_compiler.dialects.ising import ModelOp, PenaltyOp, PenaltyRule
from qevo_compiler.dialects.problem import Domain, Encoding, Relation, Sense, VariableOp
from qevo_compiler.ir import Module, parse_module, print_module
from qevo_compiler.passes.penalty.methods import Method
from qevo_compiler.source import SourceFile

LABELS = ("a", "b", "c", "d")


def random_variable(rng: np.random.Generator, symbol: str) -> VariableOp:
    domain = rng.choice(list(Domain))
    shape = () if rng.random() < 0.5 else (int(rng.integers(1, 3)),)
    match domain:
        case Domain.INTEGER:
            low = int(rng.integers(-2, 3))
            return variable(
                symbol, domain, shape, low, low + int(rng.integers(0, 5)), encoding=rng.choice([None, *Encoding])
            )
        case Domain.REAL:
            low = float(rng.choice([-1, 0, 0.5, 0.1]))
            return variable(
                symbol, domain, shape, low, low + float(rng.choice([1, 2, 0.7])), bits=int(rng.integers(1, 4))
            )
        case Domain.CHOICE:
            encoding = rng.choice([None, Encoding.ONE_HOT, Encoding.DOMAIN_WALL])
            return variable(symbol, domain, shape, labels=LABELS[: rng.integers(1, 5)], encoding=encoding)
    return variable(symbol, domain, shape)


def random_terms(rng: np.random.Generator, size: int, degree: int, count: int) -> dict[tuple[int, ...], float]:
    terms = {}
    for _ in range(count):
        names = tuple(sorted(rng.integers(0, size, int(rng.integers(0, degree + 1))).tolist()))
        terms[names] = float(rng.choice([rng.integers(-5, 6), round(rng.normal(), 2), rng.integers(-10, 11) * 0.5]))
    return terms


def random_problem(seed: int) -> Module:
    rng = np.random.default_rng(seed)
    variables = [random_variable(rng, f"v{k}") for k in range(rng.integers(1, 4))]
    size = sum(op.width for op in variables)
    ops = list(variables)
    if rng.random() < 0.9:
        degree = 4 if rng.random() < 0.4 else 2
        ops.append(objective(random_terms(rng, size, degree, int(rng.integers(1, 8))), rng.choice(list(Sense))))
    for k in range(rng.integers(0, 3)):
        rows = [
            random_terms(rng, size, int(rng.choice([1, 1, 1, 2])), int(rng.integers(1, 6)))
            for _ in range(rng.integers(1, 3))
        ]
        weight = None if rng.random() < 0.7 else float(rng.choice([0.5, 1, 2]))
        ops.append(constraint(f"c{k}", rng.choice(list(Relation)), *rows, weight=weight))
    return problem_module(*ops)


def check_against_enumeration(module: Module, **options: dict[str, object]) -> Module | None:
    """The ground states decode to the optimum, and everything infeasible or broken lies strictly above."""
    points = all_points(module)
    value, feasible = merits(module, points)
    try:
        lowered = lower(module, **options)
    except CompileError:
        assert not feasible.any()
        return None
    model = lowered.main.only(ModelOp)
    if model.size > 16:
        return lowered
    energies, decoder = ground_energies(model), Decoder(lowered)
    lowest = energies <= energies.min() + 1e-9 * (1 + np.abs(energies).max())
    if not feasible.any():
        assert not decoder.decode(all_spins(model.size)[lowest]).feasible.any()
        return lowered
    optimum = value[feasible].min()
    # Penalties are large multiples of small numbers: energies are as exact as the largest of them.
    assert energies.min() == pytest.approx(optimum, abs=1e-9 + 1e-14 * np.abs(model.couplings.values).sum(), rel=1e-9)
    ground = decoder.decode(all_spins(model.size)[lowest])
    assert ground.feasible.all()
    assert ground.codes_valid.all()
    every = decoder.decode(all_spins(model.size)[:4096])
    bad = ~(every.feasible & every.codes_valid)
    assert (energies[:4096][bad] > optimum + 1e-9).all()
    np.testing.assert_allclose(sum(every.energy_split.values()), energies[:4096], atol=1e-8 * np.abs(energies).max())
    np.testing.assert_allclose(every.energy, energies[:4096], atol=1e-9 * (1 + np.abs(energies).max()))
    return lowered


def sweep(first: int, count: int) -> None:
    solved = 0
    for seed in range(first, first + count):
        module = random_problem(seed)
        if len(all_points(module)) <= 2000:
            solved += check_against_enumeration(module) is not None
    assert solved > count // 3


def test_random_problems() -> None:
    sweep(0, 250)


@pytest.mark.slow
def test_many_random_problems() -> None:
    sweep(1000, 4000)


def rule_of(lowered: Module | None) -> set[PenaltyRule]:
    assert lowered is not None
    return {op.rule for op in lowered.main.ops_of(PenaltyOp)}


def knapsack(seed: int, *more: poly.ConstraintOp, size: int = 5) -> Module:
    rng = np.random.default_rng(seed)
    weights, profits = rng.integers(1, 9, size), rng.integers(1, 9, size)
    profit = {(i,): float(profits[i]) for i in range(size)}
    fits = {(i,): float(weights[i]) for i in range(size)} | {(): -float(weights.sum() // 2)}
    return problem_module(
        variable("take", Domain.BINARY, (size,)),
        objective(profit, Sense.MAXIMIZE),
        constraint("fits", Relation.LE, fits),
        *more,
    )


@pytest.mark.parametrize("seed", range(8))
def test_range_rule(seed: int) -> None:
    lowered = check_against_enumeration(knapsack(seed), penalize_constraints={"method": Method.RANGE})
    assert rule_of(lowered) == {PenaltyRule.RANGE}


@pytest.mark.parametrize("seed", range(8))
def test_flip_rule(seed: int) -> None:
    lowered = check_against_enumeration(knapsack(seed))
    assert rule_of(lowered) == {PenaltyRule.FLIP}
    ranged = lower(knapsack(seed), penalize_constraints={"method": Method.RANGE})
    assert lowered is not None
    assert lowered.main.only(PenaltyOp).weight < ranged.main.only(PenaltyOp).weight


@pytest.mark.parametrize("seed", range(8))
def test_incumbent_rule(seed: int) -> None:
    mixed = (constraint("same", Relation.EQ, {(0,): 1.0, (1,): -1.0}),)
    found = check_against_enumeration(knapsack(seed, *mixed))
    assert rule_of(found) == {PenaltyRule.INCUMBENT}
    ranged = lower(knapsack(seed, *mixed), penalize_constraints={"search_steps": 0})
    assert found is not None
    assert found.main.ops_of(PenaltyOp)[0].weight < ranged.main.ops_of(PenaltyOp)[0].weight


@pytest.mark.parametrize("seed", range(12))
def test_repair_rule_for_disjoint_groups(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pairs = {(i, 4 + j): float(rng.integers(-9, 10)) for i in range(4) for j in range(3)}
    singles = {(i,): float(rng.integers(-9, 10)) for i in range(8)}
    module = problem_module(
        variable("p", Domain.CHOICE, labels=LABELS, encoding=Encoding.ONE_HOT),
        variable("q", Domain.CHOICE, labels=LABELS[:3], encoding=Encoding.ONE_HOT),
        variable("x", Domain.BINARY),
        objective(pairs | singles | {(1, 7): 3.0, (5, 7): -4.0}),
    )
    assert rule_of(check_against_enumeration(module)) == {PenaltyRule.REPAIR}


def assignment(seed: int, size: int, soft: float | None = None) -> Module:
    rng = np.random.default_rng(seed)
    distance = rng.integers(0, 30, (size, size))
    terms: dict[tuple[int, ...], float] = {}
    for a in range(size):
        for b in range(size):
            for t in range(size):
                if a != b:
                    names = tuple(sorted((a * size + t, b * size + (t + 1) % size)))
                    terms[names] = terms.get(names, 0.0) + float(distance[a, b])
    rows = [{(a * size + t,): 1.0 for t in range(size)} | {(): -1.0} for a in range(size)]
    columns = [{(a * size + t,): 1.0 for a in range(size)} | {(): -1.0} for t in range(size)]
    return problem_module(
        variable("x", Domain.BINARY, (size, size)),
        objective(terms),
        constraint("visit", Relation.EQ, *rows),
        constraint("time", Relation.EQ, *columns),
    )


@pytest.mark.parametrize(("seed", "size"), [(s, n) for s in range(6) for n in (2, 3, 4)])
def test_repair_rule_for_assignments(seed: int, size: int) -> None:
    lowered = lower(assignment(seed, size))
    assert rule_of(lowered) == {PenaltyRule.REPAIR}
    model, decoder = lowered.main.only(ModelOp), Decoder(lowered)
    energies = ground_energies(model)
    solutions = decoder.decode(all_spins(model.size))
    best = solutions.objective[solutions.feasible].min()
    assert energies.min() == pytest.approx(best)
    assert (energies[~solutions.feasible] > best + 1e-9).all()


def test_one_city_is_not_an_assignment() -> None:
    check_against_enumeration(assignment(0, 1))


def test_feasible_point_without_objective() -> None:
    module = problem_module(
        variable("x", Domain.BINARY, (4,)),
        constraint("pick", Relation.EQ, {(0,): 1, (1,): 1, (2,): 1, (3,): 1, (): -2}),
    )
    check_against_enumeration(module)


def test_lowered_module_prints_and_parses() -> None:
    lowered = lower(random_problem(11))
    text = print_module(lowered)
    assert print_module(parse_module(SourceFile("again.qir", text))) == text


def test_same_module_twice_gives_the_same_text() -> None:
    assert print_module(lower(knapsack(3))) == print_module(lower(knapsack(3)))
