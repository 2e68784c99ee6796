"""The repair rule by enumeration: every minimum is feasible and best, by weights as the proof says."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from ising_support import constraint, lower, objective, problem_module, variable
from test_penalty_oracle import PENALIZED, check_optimum, ground, states, values

from qevo_compiler import compile
from qevo_compiler.analyses.structure.recognise import labelled
from qevo_compiler.dialects import poly
from qevo_compiler.dialects.ising import PenaltyOp, PenaltyRule
from qevo_compiler.dialects.poly import ConstraintOp
from qevo_compiler.dialects.problem import Domain, Relation
from qevo_compiler.ir import Module
from qevo_compiler.passes.penalty.repair_rule import NO_PAIRS, repair_need

Terms = dict[tuple[int, ...], float]


def random_objective(rng: np.random.Generator, bits: int) -> Terms:
    """Costs, profits or both, with products of any sign."""
    low, high = [(-9, 10), (0, 10), (-9, 1)][int(rng.integers(0, 3))]
    terms = {(i,): float(rng.integers(low, high)) for i in range(bits)}
    for _ in range(int(rng.integers(0, 2 * bits))):
        i, j = sorted(rng.choice(bits, 2, replace=False).tolist())
        terms[i, j] = float(rng.integers(low, high))
    return {key: value for key, value in terms.items() if value}


def one_hot(symbol: str, groups: list[list[int]]) -> ConstraintOp:
    return constraint(symbol, Relation.EQ, *({(i,): 1.0 for i in group} | {(): -1.0} for group in groups))


def apart(symbol: str, rows: list[list[int]], by_pairs: bool) -> ConstraintOp:
    """At most one of each row, as it is or as a product of each two."""
    if by_pairs:
        pairs = [pair for row in rows for pair in itertools.combinations(sorted(row), 2)]
        return constraint(symbol, Relation.EQ, *({pair: 1.0} for pair in pairs))
    return constraint(symbol, Relation.LE, *({(i,): 1.0 for i in row} | {(): -1.0} for row in rows))


def lowered(bits: int, terms: Terms, *families: ConstraintOp, soft: bool = False) -> Module:
    extra = [constraint("soft", Relation.EQ, {(0,): 1.0, (bits - 1,): -1.0}, weight=2.0)] if soft else []
    module = problem_module(variable("x", Domain.BINARY, (bits,)), objective(terms), *families, *extra)
    return lower(module, PENALIZED, penalize_constraints={"search_steps": 0})


def merits(bits: int, terms: Terms, soft: bool) -> np.ndarray:
    points = states(bits)
    found = sum((v * points[:, list(k)].prod(axis=1) for k, v in terms.items()), np.zeros(len(points)))
    return found + 2.0 * soft * (points[:, 0] != points[:, -1])


def check(bits: int, terms: Terms, families: list[ConstraintOp], soft: bool) -> set[str]:
    """Every state against the best feasible one; the rules of the weights."""
    module = lowered(bits, terms, *families, soft=soft)
    points, feasible = states(bits), np.ones(2**bits, bool)
    for op in families:
        for row in range(op.body.rows):
            one = poly.arithmetic.select(op.body, np.array([row]))
            body = values(one, points)
            feasible &= body == 0 if op.relation is Relation.EQ else body <= 0
    check_optimum(module, ground(module, bits), merits(bits, terms, soft), feasible)
    return {op.rule.value for op in module.main.ops_of(PenaltyOp) if op.rule is not PenaltyRule.SOFT}


def grid(side: int, first: int = 0) -> tuple[list[list[int]], list[list[int]]]:
    table = first + np.arange(side * side).reshape(side, side)
    return table.tolist(), table.T.tolist()


def assignments(seed: int) -> set[str]:
    rng = np.random.default_rng(seed)
    if seed % 3 == 0:  # two of two by two and one group besides
        parts = [grid(2), grid(2, 4)]
        rows, columns = ([row for part in parts for row in part[k]] for k in (0, 1))
        return check(
            10, random_objective(rng, 10), [one_hot("r", [*rows, [8, 9]]), one_hot("c", columns)], seed % 2 > 0
        )
    rows, columns = grid(3)
    return check(9, random_objective(rng, 9), [one_hot("r", rows), one_hot("c", columns)], seed % 2 > 0)


def packings(seed: int) -> set[str]:
    """Groups of two to four bits, with random rows of bits that exclude each other, some without a group."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, 5, int(rng.integers(2, 4))).tolist()
    ends = np.cumsum(sizes)
    groups = [list(range(end - size, end)) for end, size in zip(ends, sizes, strict=True)]
    bits = int(ends[-1]) + int(rng.integers(0, 2))
    rows = [rng.choice(bits, int(rng.integers(2, 4)), replace=False).tolist() for _ in range(int(rng.integers(1, 4)))]
    families = [one_hot("g", groups), apart("p", rows, seed % 2 == 0)]
    feasible = any(
        all(sum(point[i] for i in group) == 1 for group in groups)
        and all(sum(point[i] for i in row) < 2 for row in rows)
        for point in itertools.product((0, 1), repeat=bits)
    )
    if not feasible:
        return set()
    return check(bits, random_objective(rng, bits), families, seed % 3 == 0)


def test_random_assignments() -> None:
    met = set().union(*(assignments(seed) for seed in range(240)))
    assert "repair" in met


def test_random_groups_with_excluding_pairs() -> None:
    met = set().union(*(packings(seed) for seed in range(400)))
    assert {"repair", "range"} <= met


@pytest.mark.slow
def test_many_random_assignments_and_packings() -> None:
    for seed in range(10_000, 14_000):
        assignments(seed)
        packings(seed)


def need(terms: Terms, first: list[int], second: list[int] | None = None, pairs: np.ndarray = NO_PAIRS) -> float | None:
    bits = len(first)
    energy = objective(terms).polynomial
    found = repair_need(energy, np.array(first), np.full(bits, -1) if second is None else np.array(second), pairs)
    return None if found is None else found.need


def test_what_the_rule_asks_for() -> None:
    rows, columns = [0, 0, 1, 1], [0, 1, 0, 1]
    profits = {(0,): -5.0, (1,): -3.0, (2,): -4.0, (3,): -2.0}
    assert need(profits, rows) == 5.0
    assert need(profits, rows, columns) == 5.0
    assert need({key: -value for key, value in profits.items()}, rows, columns) == 2.5
    mixed = profits | {(3,): 4.0}
    assert need(mixed, rows, columns) == 7.0
    # Three labels for two groups that must differ: a label is always left, the third cheapest at worst the second.
    apart_pairs = np.array([[0, 3], [1, 4], [2, 5]])
    costs = {(k,): float(v) for k, v in enumerate([1, 5, 9, 2, 6, 7])}
    assert need(costs, [0, 0, 0, 1, 1, 1], None, apart_pairs) == 6.0
    gains = {key: -value for key, value in costs.items()}
    assert need(gains, [0, 0, 0, 1, 1, 1], None, apart_pairs) == 9.0
    # Two labels for three groups: no label may be left.
    assert need({}, [0, 0, 1, 1, 2, 2], None, np.array([[0, 2], [0, 4], [1, 3], [1, 5]])) is None
    # Crossing groups that are no whole grid.
    assert need({}, [0, 0, 1, 1], [0, 1, 0, -1]) is None


def test_labels_of_parts() -> None:
    assert labelled(np.array([[3, 1], [1, 4]]), 6).tolist() == [0, 1, 2, 1, 1, 3]


COLOURS = """program colours
data cost: int[5, 4] = [[0, 9, 8, 9], [0, 9, 9, 9], [0, 8, 9, 9], [0, 9, 9, 7], [0, 9, 9, 9]]
var c: choice {red, green, blue, grey}[5]
minimize sum(cost[v, 0] * (c[v] == red) + cost[v, 1] * (c[v] == green) + cost[v, 2] * (c[v] == blue)
  + cost[v, 3] * (c[v] == grey) for v in 0..5)
subject to
  edge[v]: c[v] != c[(v + 1) % 5] for v in 0..5
"""


def test_colours_enough_for_all_neighbours_and_its_ledger_entry() -> None:
    program = compile(COLOURS)
    assert {op.rule for op in program.module.main.ops_of(PenaltyOp)} == {PenaltyRule.REPAIR}
    notes = [entry.note for entry in program.ledger if entry.stage == "penalize-constraints"]
    assert any("by the repair rule: one removal or one setting mends a group, at most" in note for note in notes)
    assert program.run(seed=1).best.feasible
