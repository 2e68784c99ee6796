"""Descent, annealing and exact search of rounding programs, against enumeration."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qevo_compiler.analyses.rounding_grid import row_errors
from qevo_compiler.runtime.certificate import settle_rows
from qevo_compiler.runtime.descent import descend
from qevo_compiler.runtime.row_annealer import anneal_rows, temperatures


def case(seed: int, rows: int = 5, size: int = 8) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    inputs = random.normal(size=(12, size)) + random.normal(size=(12, 1))
    return inputs.T @ inputs / 12 + 0.01 * np.eye(size), random.uniform(0, 1, (rows, size))


def is_settled(gram: np.ndarray, target: np.ndarray, q: np.ndarray, low: np.ndarray, high: np.ndarray) -> bool:
    """Whether no single step inside the box lowers any row's error."""
    here = row_errors(gram, q - target)
    for place in range(q.shape[1]):
        for step in (-1, 1):
            moved = q.copy()
            moved[:, place] += step
            inside = (moved[:, place] >= low[:, place]) & (moved[:, place] <= high[:, place])
            if (inside & (row_errors(gram, moved - target) < here - 1e-9)).any():
                return False
    return True


def optima(gram: np.ndarray, residual: np.ndarray) -> np.ndarray:
    states = np.array(list(itertools.product((0.0, 1.0), repeat=gram.shape[0])))
    return np.array([min(row_errors(gram, states - r)) for r in residual])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4))
def test_descent_never_rises_stays_in_the_box_and_ends_settled(seed: int, reach: int) -> None:
    gram, target = case(seed)
    start = np.random.default_rng(seed).integers(-reach, reach + 1, target.shape).astype(float)
    low, high = np.full(target.shape, -float(reach)), np.full(target.shape, float(reach))
    end = descend(gram, target, start, low, high)
    assert (row_errors(gram, end - target) <= row_errors(gram, start - target) + 1e-12).all()
    assert ((end >= low) & (end <= high)).all()
    assert np.array_equal(end, np.rint(end))
    assert is_settled(gram, target, end, low, high)
    assert np.array_equal(end, descend(gram, target, start, low, high))


def test_descent_leaves_a_settled_state_and_its_input_alone() -> None:
    gram, target = case(1)
    zero, one = np.zeros_like(target), np.ones_like(target)
    once = descend(gram, target, zero, zero, one)
    assert not zero.any()
    assert np.array_equal(descend(gram, target, once, zero, one), once)


@pytest.mark.parametrize("seed", range(3))
def test_annealing_finds_the_optimum_of_small_members(seed: int) -> None:
    gram, residual = case(seed)
    starts = np.zeros((len(residual), 4, len(gram)))
    found = anneal_rows(gram, residual, starts, 80, np.random.default_rng(seed))
    least = np.min([row_errors(gram, found[:, read] - residual) for read in range(4)], axis=0)
    assert least == pytest.approx(optima(gram, residual), rel=1e-9)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 5))
def test_annealing_is_never_worse_than_its_start_and_repeats(seed: int, sweeps: int) -> None:
    gram, residual = case(seed)
    starts = np.random.default_rng(seed).integers(0, 2, (5, 2, 8)).astype(float)
    found = anneal_rows(gram, residual, starts, sweeps, np.random.default_rng(seed))
    for read in range(2):
        before, after = row_errors(gram, starts[:, read] - residual), row_errors(gram, found[:, read] - residual)
        assert (after <= before * (1 + 1e-12)).all()
    again = anneal_rows(gram, residual, starts, sweeps, np.random.default_rng(seed))
    assert np.array_equal(found, again)
    assert set(np.unique(found)) <= {0.0, 1.0}


def test_temperatures_fall() -> None:
    steps = temperatures(case(0)[0], 10)
    assert (np.diff(steps) < 0).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_search_settles_every_small_member_from_any_state(seed: int) -> None:
    gram, residual = case(seed)
    known = np.random.default_rng(seed).integers(0, 2, residual.shape).astype(float)
    best, settled = settle_rows(gram, residual, known)
    assert settled.all()
    assert row_errors(gram, best - residual) == pytest.approx(optima(gram, residual), rel=1e-9)


def test_search_keeps_an_optimal_state() -> None:
    gram, residual = case(7)
    first, _ = settle_rows(gram, residual, np.zeros_like(residual))
    second, settled = settle_rows(gram, residual, first)
    assert settled.all()
    assert np.array_equal(first, second)


def test_search_gives_up_honestly() -> None:
    gram, residual = case(7)
    known = np.ones_like(residual)
    best, settled = settle_rows(gram, residual, known, limit=2)
    assert not settled.all()
    assert np.array_equal(best[~settled], known[~settled])
