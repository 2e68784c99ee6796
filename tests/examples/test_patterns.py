"""Every program of examples/patterns reaches the optimum that an independent method finds from the same data."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import LinearConstraint, milp

from qevo_compiler import compile
from qevo_compiler.results import RunResult

FOLDER = Path(__file__).parents[2] / "examples" / "patterns"


def bits(count: int) -> np.ndarray:
    return np.array(list(itertools.product((0, 1), repeat=count)))


def colouring() -> float:
    border = [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3), (2, 4), (3, 4), (3, 5), (4, 5)]
    return min(sum(c[a] == c[b] for a, b in border) for c in itertools.product(range(3), repeat=6))


def covering() -> float:
    near = np.array(
        [[1, 0, 0, 1, 0], [1, 1, 0, 0, 0], [0, 1, 1, 0, 0], [0, 0, 1, 1, 0], [0, 0, 1, 0, 1], [0, 1, 0, 0, 1]]
    )
    states = bits(5)
    return float((states @ [3, 4, 2, 3, 2])[(states @ near.T >= 1).all(axis=1)].min())


def locating() -> float:
    rent = np.array([6, 5, 7])
    cost = np.array([[4, 9, 5, 8, 7, 3], [6, 3, 8, 4, 5, 9], [8, 6, 2, 7, 3, 5]])
    return float(min(rent[list(d)].sum() + cost[list(d)].min(axis=0).sum() for k in (1, 2, 3) for d in chosen(3, k)))


def chosen(count: int, size: int) -> itertools.combinations[tuple[int, ...]]:
    return itertools.combinations(range(count), size)


def packing() -> float:
    size, boxes = [6, 5, 4, 4, 3, 3, 2], range(1, 8)
    return float(next(b for b in boxes if any(fits(size, into, b) for into in itertools.product(range(b), repeat=7))))


def fits(size: list[int], into: tuple[int, ...], boxes: int) -> bool:
    return bool((np.bincount(into, size, boxes) <= 10).all())


def clauses() -> float:
    name = [[0, 1, 2], [0, 2, 3], [1, 3, 4], [1, 2, 4], [0, 3, 4], [0, 1, 3], [2, 3, 4], [1, 2, 4]]
    deny = [[0, 0, 1], [1, 0, 0], [0, 1, 0], [1, 1, 1], [0, 1, 1], [1, 1, 0], [0, 0, 0], [0, 1, 0]]
    return float(
        max(sum(any(x[v] != d for v, d in zip(*c, strict=True)) for c in zip(name, deny, strict=True)) for x in bits(5))
    )


def autocorrelation() -> float:
    signs = 2 * bits(11) - 1
    return float(sum((signs[:, : 11 - k] * signs[:, k:]).sum(axis=1) ** 2 for k in range(1, 11)).min())


def roster() -> float:
    wish = [
        [0, 0, 1, 3, 0, 2, 2],
        [1, 0, 0, 3, 2, 0, 0],
        [0, 2, 0, 3, 0, 0, 0],
        [3, 0, 0, 2, 0, 1, 3],
        [2, 0, 3, 0, 0, 3, 3],
    ]
    on = np.arange(35).reshape(5, 7)
    # A weekend on both days is violated by one, so its square is the excess itself, a further variable.
    cost = np.concatenate([np.ravel(wish), np.full(5, 0.5)])
    rows, low, high = [], [], []

    def row(members: np.ndarray, least: float, most: float, excess: int | None = None) -> None:
        line = np.zeros(40)
        line[members] = 1
        if excess is not None:
            line[35 + excess] = -1
        rows.append(line)
        low.append(least)
        high.append(most)

    for day in range(7):
        row(on[:, day], 2, 2)
    for person in range(5):
        row(on[person], 2, 3)
        row(on[person, 5:], 0, 1, person)
        for day in range(5):
            row(on[person, day : day + 3], 0, 2)
    found = milp(cost, integrality=np.ones(40), bounds=(0, 1), constraints=LinearConstraint(np.array(rows), low, high))
    return float(found.fun)


def holdings() -> float:
    gain, risk = np.array([0.09, 0.05, 0.12, 0.03, 0.07]), np.array([0.06, 0.02, 0.11, 0.01, 0.04])
    pairs = [(a, b, k / 7) for a, b in chosen(5, 2) for k in range(8)]
    return float(
        min(risk[a] * s**2 + risk[b] * (1 - s) ** 2 - 0.5 * (gain[a] * s + gain[b] * (1 - s)) for a, b, s in pairs)
    )


def jobs() -> float:
    hours, due = [2, 3, 1, 2], [3, 8, 2, 5]
    best = np.inf
    for starts in itertools.product(*(range(8 - h + 1) for h in hours)):
        busy = [t for s, h in zip(starts, hours, strict=True) for t in range(s, s + h)]
        if len(set(busy)) == len(busy):
            best = min(best, sum(max(s + h - d, 0) for s, h, d in zip(starts, hours, due, strict=True)))
    return float(best)


def workshops() -> float:
    flow = np.array([[0, 5, 2, 4], [5, 0, 3, 0], [2, 3, 0, 0], [4, 0, 0, 0]])
    distance = np.array([[0, 1, 1, 2], [1, 0, 2, 1], [1, 2, 0, 1], [2, 1, 1, 0]])
    return float(min((flow * distance[np.ix_(at, at)]).sum() / 2 for at in itertools.permutations(range(4))))


def heaps() -> float:
    return float((((2 * bits(10) - 1) @ [23, 31, 29, 44, 53, 38, 63, 85, 89, 82]) ** 2).min())


def regression() -> float:
    a, b = np.array([[1, 2, 0], [2, -1, 1], [0, 3, -2], [1, 1, 1], [3, 0, -1]]), np.array([4, 1, 9, 3, 2])
    points = np.array(list(itertools.product(range(-3, 5), repeat=3)))
    return float(((points @ a.T - b) ** 2).sum(axis=1).min())


def makespan() -> float:
    hours, into = [7, 5, 9, 4, 6, 8, 3, 5, 7], itertools.product(range(3), repeat=9)
    return float(min(np.bincount(on, hours, 3).max() for on in into))


def shares() -> float:
    worth = np.array([[3, 5, 2, 7, 4, 1, 6], [4, 2, 6, 3, 3, 5, 4], [5, 4, 4, 2, 6, 2, 3]])
    owners, gift = itertools.product(range(3), repeat=7), np.arange(7)
    return float(max(np.bincount(owner, worth[owner, gift], 3).min() for owner in map(list, owners)))


def tardiness() -> float:
    hours, due, weight = np.array([3, 5, 2, 4]), np.array([4, 8, 5, 10]), np.array([3, 1, 4, 2])
    orders = (np.array(order) for order in itertools.permutations(range(4)))
    return float(min(weight[o] @ np.maximum(np.cumsum(hours[o]) - due[o], 0) for o in orders))


def centers() -> float:
    way = [[2, 7, 9, 4, 6], [4, 3, 8, 5, 9], [7, 2, 5, 8, 3], [9, 6, 1, 7, 4], [8, 9, 3, 2, 7], [5, 8, 6, 1, 9]]
    return float(min(np.array(way)[:, list(pair)].min(axis=1).max() for pair in chosen(5, 2)))


def shifts() -> float:
    need = np.array([2, 3, 5, 6, 6, 4, 3, 2])
    covers = [[1, 1, 1, 1, 0, 0, 0, 0], [0, 1, 1, 1, 1, 0, 0, 0], [0, 0, 1, 1, 1, 1, 0, 0], [0, 0, 0, 0, 1, 1, 1, 1]]
    staff = np.array(list(itertools.product(range(5), repeat=4)))
    cost = staff.sum(axis=1) + np.maximum(staff - 1, 0) ** 2 @ [0.5, 2, 1, 0.25]
    return float(cost[(np.abs(staff @ covers - need) <= 2).all(axis=1)].min())


OPTIMA: dict[str, Callable[[], float]] = {
    "centers": centers,
    "coloring": colouring,
    "cover": covering,
    "facility": locating,
    "holdings": holdings,
    "jobs": jobs,
    "labs": autocorrelation,
    "makespan": makespan,
    "packing": packing,
    "partition": heaps,
    "quadratic_assignment": workshops,
    "regression": regression,
    "roster": roster,
    "sat": clauses,
    "shares": shares,
    "shifts": shifts,
    "tardiness": tardiness,
}


def run(name: str) -> RunResult:
    return compile(FOLDER / f"{name}.qevo").run()


@pytest.mark.parametrize("name", OPTIMA)
def test_the_pattern_reaches_its_optimum(name: str) -> None:
    result = run(name)
    best = result.best
    soft = sum(float(family.costs[best.read]) for family in best.families.values())
    assert best.feasible
    assert best.objective + soft == pytest.approx(OPTIMA[name](), abs=1e-9)


def test_the_latin_square_is_one() -> None:
    result = run("latin")
    assert result.best.feasible
    square = result.best.values["cell"].argmax(axis=2)
    for line in (*square, *square.T):
        assert sorted(line) == [0, 1, 2, 3]
    assert [square[0, 0], square[1, 2], square[3, 1]] == [0, 3, 2]


def test_no_queen_meets_another() -> None:
    result = run("queens")
    assert result.best.feasible
    row = result.best.values["row"]
    for lines in (row, row + np.arange(6), row - np.arange(6)):
        assert len(set(lines.tolist())) == 6


def test_every_pattern_is_tried() -> None:
    assert {path.stem for path in FOLDER.glob("*.qevo")} == {*OPTIMA, "latin", "queens"}
