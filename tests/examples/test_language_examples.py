"""The example programs give their brute-force optimum, and run on published instances."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from qevo_compiler import compile
from qevo_compiler.validation import validate

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("name", ["knapsack", "tour", "maxcut", "cell", "portfolio"])
@pytest.mark.parametrize("target", ["dwave", "openqasm3", "cirq"])
def test_every_example_compiles_for_every_target_and_validates(name: str, target: str) -> None:
    program = compile(EXAMPLES / f"{name}.qevo", target=target)
    validate(program)
    assert f"{name}.manifest.json" in program.files


def test_knapsack() -> None:
    best = compile(EXAMPLES / "knapsack.qevo").run(seed=1).best
    profit, weight = np.array([8, 3, 5, 9]), np.array([4, 2, 3, 5])
    optimum = max(profit @ x for x in np.array(list(itertools.product([0, 1], repeat=4))) if weight @ x <= 9)
    assert (best.objective, best.feasible) == (optimum, True)


def test_tour_is_the_shortest_of_all() -> None:
    d = np.load(EXAMPLES / "data" / "distances.npy")
    n = len(d)
    tours = ((0, *rest) for rest in itertools.permutations(range(1, n)))
    optimum = min(sum(d[tour[t], tour[(t + 1) % n]] for t in range(n)) for tour in tours)
    best = compile(EXAMPLES / "tour.qevo").run(seed=1).best
    assert best.feasible
    assert best.objective == pytest.approx(optimum)


def test_maxcut() -> None:
    with np.load(EXAMPLES / "data" / "graph.npz") as data:
        edge, w = data["edge"], data["w"]
    spins = np.array(list(itertools.product([-1, 1], repeat=int(edge.max()) + 1)))
    optimum = max((w * (1 - spins[:, edge[:, 0]] * spins[:, edge[:, 1]]) / 2).sum(axis=1))
    assert compile(EXAMPLES / "maxcut.qevo").run(seed=1).best.objective == pytest.approx(optimum)


def test_cell() -> None:
    cost, pair = np.array([0, 0, 1, 3, 0.5]), np.loadtxt(EXAMPLES / "data" / "pair.csv", delimiter=",")
    cells = np.array(list(itertools.product(range(5), repeat=6)))
    allowed = cells[(cost[cells].sum(axis=1) <= 7) & (cells == 3).any(axis=1)]
    optimum = pair[allowed[:, :-1], allowed[:, 1:]].sum(axis=1).min()
    best = compile(EXAMPLES / "cell.qevo").run().best
    assert best.feasible
    assert best.objective == pytest.approx(optimum)


def test_portfolio() -> None:
    program = compile(EXAMPLES / "portfolio.qevo")
    best = program.run(reads=200, seed=1, sweeps=4000).best
    problem = program.module.func("problem")
    assert best.feasible
    assert best.values["share"].sum() == pytest.approx(1)
    grid = np.arange(16) * 0.04
    points = np.array([p for p in itertools.product(grid, repeat=4) if abs(sum(p) - 1) < 1e-9])
    from qevo_compiler.evaluator.reference import evaluate_func

    values = [evaluate_func(problem, variables={"share": p}).objective for p in points]
    assert best.objective == pytest.approx(min(values), abs=1e-4)
    assert best.objective >= min(values) - 1e-12


def test_fit_becomes_least_squares_for_an_annealer() -> None:
    program = compile(EXAMPLES / "fit.qevo")
    assert program.decoder.size > 0
    assert any(entry.stage == "carleman-truncation" for entry in program.ledger)
