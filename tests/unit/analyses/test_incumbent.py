"""The search returns feasible states only, the same every time, and good ones on problems like tours."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from ising_support import polynomials

from qevo_compiler.analyses import incumbent
from qevo_compiler.analyses.incumbent import SearchSpace, find_incumbent
from qevo_compiler.dialects.poly import arithmetic


def tour(size: int, seed: int) -> tuple[SearchSpace, np.ndarray]:
    rng = np.random.default_rng(seed)
    place = rng.random((size, 2))
    distance = np.linalg.norm(place[:, None] - place[None], axis=2)
    terms: dict[tuple[int, ...], float] = {}
    for a, b, t in itertools.product(range(size), range(size), range(size)):
        if a != b:
            names = tuple(sorted((a * size + t, b * size + (t + 1) % size)))
            terms[names] = terms.get(names, 0.0) + float(distance[a, b])
    rows = [{(a * size + t,): 1.0 for t in range(size)} | {(): -1.0} for a in range(size)]
    rows += [{(a * size + t,): 1.0 for a in range(size)} | {(): -1.0} for t in range(size)]
    equal = np.ones(2 * size, bool)
    group = np.repeat(np.arange(size), size)
    grid = np.arange(size * size).reshape(size, size)
    return SearchSpace(size * size, polynomials([terms]), polynomials(rows), equal, group, grid), distance


@pytest.mark.parametrize("seed", range(3))
def test_tours_come_close_to_the_shortest(seed: int) -> None:
    space, distance = tour(7, seed)
    state = find_incumbent(space, 400)
    assert state is not None
    assert not arithmetic.evaluate(space.rows, state).any()
    lengths = [
        sum(distance[a, b] for a, b in zip((0, *rest), (*rest, 0), strict=True))
        for rest in itertools.permutations(range(1, 7))
    ]
    assert arithmetic.evaluate(space.objective, state)[0] <= 1.2 * min(lengths)


def test_the_search_is_deterministic() -> None:
    space, _ = tour(5, 0)
    first, second = find_incumbent(space, 100), find_incumbent(space, 100)
    assert first is not None
    assert second is not None
    assert first.tolist() == second.tolist()


def test_nothing_feasible_gives_none() -> None:
    rows = polynomials([{(0,): 1.0, (1,): 1.0, (): -3.0}])
    space = SearchSpace(2, polynomials([{(0,): 1.0}]), rows, np.array([True]), np.full(2, -1))
    assert find_incumbent(space, 50) is None


def test_products_in_constraints() -> None:
    rows = polynomials([{(0, 1): -1.0, (1, 2): -1.0, (): 2.0}, {(0,): 1.0, (3,): 1.0, (): -1.0}])
    space = SearchSpace(4, polynomials([{(3,): -1.0, (1,): 2.0}]), rows, np.array([False, False]), np.full(4, -1))
    state = find_incumbent(space, 100)
    assert state is not None
    assert state.tolist() == [1, 1, 1, 0]


def test_no_steps_no_search() -> None:
    assert find_incumbent(tour(3, 0)[0], 0) is None


def test_where_few_moves_are_affordable_only_the_start_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a move costs as much as the rest of the pass")

    monkeypatch.setattr(incumbent, "WORK", 100.0)
    monkeypatch.setattr(incumbent._Search, "_moves", refuse)
    rows = polynomials([{(0,): 1.0, (1,): 1.0, (): -1.0}])
    space = SearchSpace(3, polynomials([{(0,): -1.0, (2,): -1.0}]), rows, np.array([False]), np.full(3, -1))
    state = find_incumbent(space, 400)
    assert state is not None
    assert state.tolist() == [0, 0, 0]
    monkeypatch.setattr(incumbent, "WORK", 1000.0)
    with pytest.raises(AssertionError, match="a move"):
        find_incumbent(space, 400)
