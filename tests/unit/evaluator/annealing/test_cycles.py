"""Cycles that end descents: energies fall by what is recomputed, and linear networks end at their optimum."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from annealing_support import random_model
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, linear_sum_assignment, milp
from test_chains import assert_marked, grid, network, numbers

from qevo_compiler.evaluator.annealing.acceptance import Rule
from qevo_compiler.evaluator.annealing.bounded_model import BoundedModel
from qevo_compiler.evaluator.annealing.bounded_walk import Walk
from qevo_compiler.evaluator.annealing.model import SpinModel
from qevo_compiler.evaluator.annealing.runs import first_states

PENALTY = 1e3


def linear(model: BoundedModel, costs: np.ndarray) -> BoundedModel:
    """With costs of bits as its objective, and penalties that dominate them."""
    none = np.zeros(0, np.int32)
    pairs = SpinModel.from_pairs(costs / 2, none, none, np.zeros(0), float(costs.sum()) / 2)
    empty = SpinModel.from_pairs(0 * costs, none, none, np.zeros(0), 0.0)
    return replace(model, pairs=pairs, hard=empty, penalties=np.full(len(model.bases), PENALTY))


def at_rest(model: BoundedModel, cycles: int, seed: int = 1) -> np.ndarray:
    walk = Walk(model)
    group = walk.load(first_states(seed, walk.group.width, model.size))
    walk.descend(group, cycles=cycles)
    return walk.group.unload(group.spins)


def cheapest(model: BoundedModel, costs: np.ndarray) -> float:
    """By integer programming over bits (1 + s) / 2."""
    matrix = np.zeros((len(model.bases), model.size))
    matrix[model.rows, model.sites] = 2 * model.weights
    target = matrix.sum(axis=1) / 2 - model.bases
    found = milp(costs, constraints=LinearConstraint(matrix, target, target), integrality=1, bounds=(0, 1))
    return float(found.fun)


@pytest.mark.parametrize("seed", range(3))
def test_descents_end_at_the_assignment_of_the_hungarian_method(seed: int) -> None:
    costs = np.random.default_rng(seed).integers(1, 100, (12, 12)).astype(float)
    model = linear(grid(12, PENALTY, seed), costs.ravel())
    rows, columns = linear_sum_assignment(costs)
    assert model.energies(at_rest(model, 1000)) == pytest.approx(costs[rows, columns].sum())
    assert (model.energies(at_rest(model, 0)) > costs[rows, columns].sum()).any()


@pytest.mark.parametrize("seed", range(3))
def test_descents_end_at_the_cheapest_flow_of_whole_numbers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    arcs = [(a, b) for a in range(6) for b in range(6) if a != b and rng.random() < 0.6] + [(0, -1), (3, -1)]
    lengths = rng.integers(1, 4, len(arcs))
    units = [2.0**k for length in lengths for k in range(length)]
    costs = np.repeat(rng.integers(1, 20, len(arcs)), lengths) * np.array(units)
    model = linear(numbers(arcs, lengths.tolist(), [2.0, 1.0, -1.0, 0.0, -1.0, 0.0], seed, extra=False), costs)
    assert model.energies(at_rest(model, 1000)) == pytest.approx(cheapest(model, costs))


arcs_of = st.lists(
    st.tuples(st.integers(0, 4), st.integers(-1, 4)).filter(lambda arc: arc[0] != arc[1]), min_size=3, max_size=14
)


@given(arcs_of, st.booleans(), st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_cycles_lower_energies_and_keep_what_is_carried(arcs: list[tuple[int, int]], extra: bool, seed: int) -> None:
    """With couplings, inequalities, and equations that do not hold."""
    lengths = np.random.default_rng(seed).integers(1, 4, len(arcs)).tolist()
    model = numbers(arcs, lengths, [1.0, -1.0, 0.0, 2.0, 0.0], seed, extra)
    walk = Walk(model)
    one, found = np.ones((1, walk.group.width), np.float32), []
    for cycles in (0, 1000):
        group = walk.load(first_states(seed, walk.group.width, model.size))
        walk.sweep(Rule.GREEDY, one, one, 0, 0, [0] * 4, group, cycles=cycles)
        states = walk.group.unload(group.spins)
        found.append(model.energies(states))
        assert np.array_equal(group.sums[: len(model.bases)], model.sums(states).T)
        if walk.chains:
            assert_marked(model, group.masks, states)
        offsets = model.pairs.offset + model.hard.offset
        assert walk.energies(group) * model.unit + offsets == pytest.approx(found[-1], rel=1e-4, abs=1e-4)
    assert (found[1] <= found[0] + 1e-4 * np.abs(found[0])).all()


@given(st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_cycles_keep_equations_that_hold(seed: int) -> None:
    model = grid(5, 1e4, seed, extra=True)
    model = replace(model, pairs=random_model(25, 0.5, seed))
    start = 2 * np.eye(5, dtype=np.int8).reshape(1, -1) - 1
    walk = Walk(model)
    group = walk.load(np.repeat(start, walk.group.width, axis=0))
    one = np.ones((1, walk.group.width), np.float32)
    walk.sweep(Rule.GREEDY, one, one, 0, 0, [0] * 4, group, cycles=1000)
    ones = (walk.group.unload(group.spins) > 0).reshape(-1, 5, 5)
    assert all((ones.sum(axis=axis) == 1).all() for axis in (1, 2))


def test_a_path_mends_two_equations() -> None:
    """A line of nodes whose ends lack a unit: only all of its arcs together help."""
    count = 8
    arcs = [(node, node + 1) for node in range(count - 1)] + [(node + 1, node) for node in range(count - 1)]
    balance = [1.0] + [0.0] * (count - 2) + [-1.0]
    costs = np.ones(len(arcs))
    model = linear(network(arcs, balance, 1.0, 1, extra=False), costs)
    walk = Walk(model)
    group = walk.load(np.full((walk.group.width, len(arcs)), -1, np.int8))
    one = np.ones((1, walk.group.width), np.float32)
    walk.sweep(Rule.GREEDY, one, one, 0, 0, [0] * 4, group, cycles=1000)
    assert model.energies(walk.group.unload(group.spins)) == pytest.approx(count - 1)
