"""Weights by bounds that know of groups and of rows that are violated together, by enumeration."""

from __future__ import annotations

import numpy as np
import pytest
from ising_support import constraint, lower, objective, problem_module, variable
from test_penalty_oracle import PENALIZED, check_optimum, ground, row_dict, satisfied, states, values
from test_repair_rule import one_hot, random_objective

from qevo_compiler import compile
from qevo_compiler.analyses.bounds import Groups
from qevo_compiler.decode.decoder import model_energies
from qevo_compiler.diagnostics import Diagnostics
from qevo_compiler.dialects import poly
from qevo_compiler.dialects.ising import ModelOp, PenaltyOp, PenaltyRule, RegisterOp
from qevo_compiler.dialects.poly import ConstraintOp
from qevo_compiler.dialects.problem import Domain, Relation
from qevo_compiler.passes.penalty.bound_rule import Share, bound_needs
from qevo_compiler.passes.penalty.dependent_rows import least_violations
from qevo_compiler.passes.penalty.family_rows import PenaltyRows, RowOptions
from qevo_compiler.passes.penalty.penalty_rows import penalty_rows

LATIN = """program latin
data c: int[n, n, n]
var x: binary[n, n, n]
minimize sum(c[i, j, k] * x[i, j, k] for i in 0..n for j in 0..n for k in 0..n)
subject to
  cell[i, j]: sum(x[i, j, k] for k in 0..n) == 1 for i in 0..n for j in 0..n
  row[i, k]: sum(x[i, j, k] for j in 0..n) == 1 for i in 0..n for k in 0..n
  col[j, k]: sum(x[i, j, k] for i in 0..n) == 1 for j in 0..n for k in 0..n
"""


def ready(op: ConstraintOp, bits: int) -> PenaltyRows:
    found = penalty_rows(op, Groups.none(bits), RowOptions(), Diagnostics())
    assert found is not None
    return found


def violated_together(families: list[ConstraintOp], bits: int) -> list[int]:
    """By enumeration: the fewest violated rows of all families where one of a family's own is."""
    points = states(bits)
    broken = [
        np.stack(
            [
                ~satisfied(op.relation, values(poly.arithmetic.select(op.body, np.array([r])), points))
                for r in range(op.body.rows)
            ]
        )
        for op in families
    ]
    total = np.concatenate(broken).sum(axis=0)
    return [int(total[own.any(axis=0)].min()) for own in broken]


def sums(rng: np.random.Generator, bits: int, whole: bool) -> list[list[int]]:
    """A random partition of the bits, or of some of them."""
    used = rng.permutation(bits)[: bits if whole else int(rng.integers(2, bits + 1))]
    cuts = np.sort(rng.choice(np.arange(1, len(used)), int(rng.integers(0, min(3, len(used)))), replace=False))
    return [part.tolist() for part in np.split(used, cuts)]


def test_rows_that_are_violated_together_against_enumeration() -> None:
    """Sums of bits equal to those at a random point, in one to four families."""
    rng, met = np.random.default_rng(7), set()
    for _ in range(300):
        bits = int(rng.integers(3, 9))
        point = rng.integers(0, 2, bits)
        families = []
        for k in range(int(rng.integers(1, 5))):
            rows = [
                {(int(i),): 1.0 for i in part} | {(): -float(point[part].sum())}
                for part in sums(rng, bits, bool(rng.integers(0, 3)))
            ]
            families.append(constraint(f"f{k}", Relation.EQ, *rows))
        found = least_violations([ready(op, bits) for op in families], bits)
        assert all(f <= m for f, m in zip(found, violated_together(families, bits), strict=True))
        met |= set(found)
    assert {1, 2} <= met


def test_rows_of_a_grid_of_a_latin_square_and_with_one_bit_more() -> None:
    grid = np.arange(9).reshape(3, 3)
    rows, columns = (one_hot("f", table.tolist()) for table in (grid, grid.T))
    assert least_violations([ready(op, 9) for op in (rows, columns)], 9) == [2, 2]
    loose = one_hot("f", [[0, 1, 2], [3, 4, 5], [6, 7, 8, 9]])
    assert least_violations([ready(op, 10) for op in (loose, columns)], 10) == [1, 1]
    cube = np.arange(8).reshape(2, 2, 2)
    square = [one_hot("f", np.moveaxis(cube, axis, 2).reshape(4, 2).tolist()) for axis in range(3)]
    assert least_violations([ready(op, 8) for op in square], 8) == [3, 3, 3] == violated_together(square, 8)


def test_what_the_rules_ask_for() -> None:
    costs = {(0,): 4.0, (1,): 6.0, (2,): 3.0, (3,): 9.0}
    energy = problem_module(variable("x", Domain.BINARY, (4,)), objective(costs)).main.only(poly.ObjectiveOp).polynomial
    groups = Groups.of(4, np.array([0, 0, 1, 1]))
    # Feasible states cost 7 to 15; a group without a bit saves at most 4 of its cheapest.
    asked = [Share(1, True), Share(1, False), Share(2, True), Share(3, False)]
    assert [need.value for need in bound_needs(energy, 0.0, groups, None, asked)] == [12, 8, 8, 8 / 3]
    assert [need.value for need in bound_needs(energy, 0.0, groups, 10.0, asked)] == [7, 3, 5.5, 1]
    alone = bound_needs(energy, 5.0, Groups.none(4), None, [Share(), Share(2, True)])
    assert [(need.value, need.rule) for need in alone] == [(27, PenaltyRule.RANGE), (13.5, PenaltyRule.RANGE)]
    assert "13.5 for each of at least 2 rows" in alone[1].why


def families_of(rng: np.random.Generator, kind: int) -> tuple[int, list[ConstraintOp]]:
    if kind == 0:  # a latin square of two
        cube = np.arange(8).reshape(2, 2, 2)
        return 8, [one_hot(f"f{a}", np.moveaxis(cube, a, 2).reshape(4, 2).tolist()) for a in range(3)]
    if kind == 1:  # jobs on machines of limited room
        groups = [[0, 1], [2, 3], [4, 5]]
        load = [[int(w) for w in rng.integers(1, 5, 3)] for _ in range(2)]
        rows = [
            row_dict(tuple(load[m][i // 2] if i % 2 == m else 0 for i in range(6)), -float(rng.integers(4, 8)))
            for m in range(2)
        ]
        return 6, [one_hot("one", groups), constraint("fits", Relation.LE, *rows)]
    if kind == 2:  # a grid with a cover
        table = np.arange(4).reshape(2, 2)
        cover = {(int(i),): 1.0 for i in rng.choice(6, 3, replace=False)} | {(): -float(rng.integers(1, 3))}
        return 6, [one_hot("r", table.tolist()), one_hot("c", table.T.tolist()), constraint("k", Relation.GE, cover)]
    # Neighbours of different colours, two of them for a path of three.
    pairs = [{(2 * v + q, 2 * v + 2 + q): 1.0} for v in range(2) for q in range(2)]
    return 6, [one_hot("g", [[0, 1], [2, 3], [4, 5]]), constraint("p", Relation.EQ, *pairs)]


def check(seed: int) -> set[str]:
    rng = np.random.default_rng(seed)
    bits, families = families_of(rng, seed % 4)
    terms = random_objective(rng, bits)
    points, feasible = states(bits), np.ones(2**bits, bool)
    for op in families:
        for row in range(op.body.rows):
            feasible &= satisfied(op.relation, values(poly.arithmetic.select(op.body, np.array([row])), points))
    if not feasible.any():
        return set()
    module = problem_module(variable("x", Domain.BINARY, (bits,)), objective(terms), *families)
    module = lower(module, PENALIZED, penalize_constraints={"search_steps": 30 * (seed // 4 % 2)})
    if sum(register.count for register in module.main.ops_of(RegisterOp)) > 16:
        return set()
    merit = sum((v * points[:, list(k)].prod(axis=1) for k, v in terms.items()), np.zeros(len(points)))
    check_optimum(module, ground(module, bits), merit, feasible)
    return {op.rule.value for op in module.main.ops_of(PenaltyOp)}


def test_random_problems_with_groups_and_more() -> None:
    met = set().union(*(check(seed) for seed in range(240)))
    assert {"range", "incumbent"} <= met


@pytest.mark.slow
def test_many_random_problems_with_groups_and_more() -> None:
    for seed in range(10_000, 16_000):
        check(seed)


def test_a_latin_square_needs_a_third() -> None:
    rng = np.random.default_rng(3)
    program = compile(LATIN, data={"c": rng.integers(20, 30, (3, 3, 3))})
    weights = {op.symbol: op.weight for op in program.module.main.ops_of(PenaltyOp)}
    best = program.run(seed=1).best
    assert best.feasible
    assert weights["col"] < best.objective / 20
    assert weights["cell"] < 30 < best.objective / 6
    assert any("at least 3 rows that are violated together" in entry.note for entry in program.ledger)


def test_other_families_need_nothing_for_bits_of_groups() -> None:
    """A weight that is the objective's range would be 24 here, of which 20 are what an empty group saves."""
    text = """program jobs
var x: binary[2, 2]
minimize sum((10 + i + m) * x[i, m] for i in 0..2 for m in 0..2)
subject to
  one[i]: sum(x[i, m] for m in 0..2) == 1 for i in 0..2
  fits[m]: 3 * x[0, m] + 5 * x[1, m] <= 6 for m in 0..2
"""
    weights = {op.symbol: op.weight for op in compile(text).module.main.ops_of(PenaltyOp)}
    assert weights["fits"] < 2
    assert 11 < weights["one"] < 14


def scheduled(seed: int) -> set[str]:
    """Jobs on machines by their makespan and costs, at all states; the rules of the groups."""
    rng = np.random.default_rng(seed)
    p, cost = rng.integers(1, 3, (3, 2)), rng.integers(-3, 4, (3, 2))
    crossed = "  col[m]: x[0, m] + x[1, m] == 1 for m in 0..2\n" if seed % 3 == 0 else ""
    crossed += "  apart: x[1, 0] + x[2, 0] <= 1\n" if seed % 3 == 1 else ""
    text = f"""program jobs
data p: int[3, 2]
data cost: int[3, 2]
var x: binary[3, 2]
minimize 2 * max(sum(p[i, m] * x[i, m] for i in 0..3) for m in 0..2) + sum(cost * x)
subject to
  one[i]: sum(x[i, m] for m in 0..2) == 1 for i in 0..3
{crossed}"""
    points = states(6).reshape(-1, 3, 2)
    feasible = (points.sum(axis=2) == 1).all(axis=1)
    feasible &= (points[:, :2].sum(axis=1) == 1).all(axis=1) | (seed % 3 != 0)
    feasible &= (points[:, 1, 0] + points[:, 2, 0] <= 1) | (seed % 3 != 1)
    merit = 2 * (p * points).sum(axis=1).max(axis=1) + (cost * points).sum(axis=(1, 2))
    program = compile(text, data={"p": p, "cost": cost}, level=0)
    model, spins = program.module.main.only(ModelOp), 2 * states(program.decoder.size) - 1
    energy = model_energies(model, spins.astype(np.int8)) / model.scale
    assert energy.min() == pytest.approx(merit[feasible].min())
    found = program.decoder.decode(spins[energy < energy.min() + 1e-9])
    assert found.feasible.all()
    assert (found.objective == merit[feasible].min()).all()
    rules = {op.symbol: op.rule.value for op in program.module.main.ops_of(PenaltyOp)}
    return {rules["one"]}


def test_groups_beside_integers_that_are_raised() -> None:
    met = set().union(*(scheduled(seed) for seed in range(30)))
    assert met == {"repair"}


def test_a_makespan_needs_no_more_than_its_longest_job() -> None:
    text = """program makespan
data p: int[j] = [3, 8, 5, 7, 4, 9, 2, 6]
var x: binary[j, 3]
minimize max(sum(p[i] * x[i, k] for i in 0..j) for k in 0..3)
subject to
  one[i]: sum(x[i, k] for k in 0..3) == 1 for i in 0..j
"""
    needed = {op.symbol: (op.weight, op.rule) for op in compile(text).module.main.ops_of(PenaltyOp)}
    assert needed["one"] == (9.1875, PenaltyRule.REPAIR)
