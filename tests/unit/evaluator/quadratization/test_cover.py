"""The compiled sweep takes the reference's choices, and the search finds small covers."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qevo_compiler.evaluator.quadratization import Cover, Effort, Options, Resources, choose
from qevo_compiler.evaluator.quadratization.reference import sweep


def random_problem(rng: np.random.Generator, monomials: int, resources: int) -> tuple[Options, Resources]:
    counts = rng.integers(1, 6, monomials)
    total = int(counts.sum())
    first = rng.integers(-1, resources, total).astype(np.int32)
    second = np.where(rng.random(total) < 0.5, -1, rng.integers(-1, resources, total)).astype(np.int32)
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    ways = rng.integers(0, 5, total).astype(np.int16)
    options = Options(starts, first, second, ways, rng.random(5), rng.integers(-9, 10, monomials) + 0.5)
    kept = rng.integers(0, 2, resources).astype(np.int32)
    costs = (1 + rng.random(4), rng.random(4), rng.integers(2, 5, 4).astype(float))
    return options, Resources(rng.integers(0, 4, resources).astype(np.int16), *costs, kept, kept // 2)


def alike(options: int, resources: int) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, ...]]:
    """Options that cost nothing and resources that cost 1."""
    costs = (np.ones(1), np.zeros(1), np.full(1, 2.0))
    return (np.zeros(options, np.int16), np.zeros(1)), (np.zeros(resources, np.int16), *costs)


def chosen_resources(options: Options, cover: Cover) -> set[int]:
    return {int(r) for part in (options.first, options.second) for r in part[cover.choice] if r >= 0}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("monomials", [0, 1, 7, 200])
def test_the_compiled_sweep_chooses_as_the_reference(seed: int, monomials: int) -> None:
    rng = np.random.default_rng(seed)
    options, resources = random_problem(rng, monomials, 23)
    effort = Effort(sweeps=3 * (seed % 3), heat=0.7, limit=11.5 if seed % 2 else np.inf, slope=0.05 * (seed % 2))
    ours, plain = choose(options, resources, effort), choose(options, resources, effort, sweep)
    np.testing.assert_array_equal(ours.choice, plain.choice)
    np.testing.assert_array_equal(ours.users, plain.users)


@given(st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_users_are_those_that_chose(seed: int) -> None:
    rng = np.random.default_rng(seed)
    options, resources = random_problem(rng, int(rng.integers(1, 40)), 9)
    cover = choose(options, resources, Effort(sweeps=5))
    assert (cover.choice >= options.starts[:-1]).all()
    assert (cover.choice < options.starts[1:]).all()
    named = np.concatenate([options.first[cover.choice], options.second[cover.choice]])
    np.testing.assert_array_equal(cover.users, resources.users + np.bincount(named[named >= 0], minlength=9))


def test_the_smallest_cover_of_small_problems_is_found() -> None:
    rng = np.random.default_rng(4)
    for _ in range(20):
        rows = [rng.choice(8, 3, replace=False) for _ in range(9)]
        first = np.concatenate(rows).astype(np.int32)
        free, costs = alike(27, 8)
        options = Options(np.arange(10) * 3, first, np.full(27, -1, np.int32), *free, np.ones(9))
        none = np.zeros(8, np.int32)
        resources = Resources(*costs, none, none)
        found = chosen_resources(options, choose(options, resources, Effort(sweeps=200)))
        least = next(
            size
            for size in range(1, 9)
            if any(all(set(row) & set(kept) for row in rows) for kept in itertools.combinations(range(8), size))
        )
        assert len(found) == least


def test_load_beyond_the_limit_is_spread() -> None:
    first = np.tile(np.array([0, 1, 2], np.int32), 12)
    free, costs = alike(36, 3)
    options = Options(np.arange(13) * 3, first, np.full(36, -1, np.int32), *free, np.full(12, 5.0))
    none = np.zeros(3, np.int32)
    resources = Resources(*costs, none, none)
    assert len(chosen_resources(options, choose(options, resources, Effort()))) == 1
    spread = choose(options, resources, Effort(limit=20.0, slope=1.0))
    assert spread.users.tolist() == [4, 4, 4]


def test_progress_reaches_one() -> None:
    seen: list[float] = []
    rng = np.random.default_rng(0)
    options, resources = random_problem(rng, 30, 9)
    choose(options, resources, Effort(sweeps=10, progress=seen.append))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
