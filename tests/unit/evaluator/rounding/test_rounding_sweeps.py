"""The compiled sweep of rows against the same steps in numpy, number for number."""

from __future__ import annotations

import numpy as np
import pytest

from qevo_compiler.evaluator.llvm import host
from qevo_compiler.evaluator.rounding import sweep_rows
from qevo_compiler.runtime import row_annealer


def swept(gram: np.ndarray, limits: np.ndarray, state: np.ndarray, gradient: np.ndarray) -> None:
    """One bit of all rows at a time."""
    for bit in range(len(gram)):
        step = 1.0 - 2.0 * state[:, bit]
        flips = np.flatnonzero(gram[bit, bit] + 2.0 * step * gradient[:, bit] < limits[:, bit])
        state[flips, bit] += step[flips]
        gradient[flips] += step[flips, None] * gram[bit]


@pytest.mark.parametrize(("rows", "size"), [(1, 1), (3, 7), (5, 8), (4, 33), (6, 130)])
def test_a_sweep_is_that_of_numpy(rows: int, size: int) -> None:
    random = np.random.default_rng(size)
    inputs = random.normal(size=(2 * size, size))
    gram = inputs.T @ inputs / size
    state = random.integers(0, 2, (rows, size)).astype(float)
    aim = random.uniform(0, 1, (rows, size))
    gradient = (state - aim) @ gram
    ours = state.copy(), gradient.copy()
    for temperature in (2.0, 0.3, 0.0):
        limits = random.standard_exponential((rows, size)) * temperature
        before = ours[0].copy()
        swept(gram, limits, state, gradient)
        sweep_rows(gram, limits, *ours, 0, rows)
        assert np.array_equal(ours[0], state)
        assert np.array_equal(ours[1], gradient)
        assert temperature < 1 or not np.array_equal(before, state)


def test_rows_outside_of_the_range_stay() -> None:
    gram, state, gradient = np.eye(3), np.zeros((4, 3)), np.full((4, 3), -1.0)
    sweep_rows(gram, np.zeros((4, 3)), state, gradient, 1, 3)
    assert state.tolist() == [[0, 0, 0], [1, 1, 1], [1, 1, 1], [0, 0, 0]]


def test_reads_are_the_same_on_any_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    inputs = random.normal(size=(40, 20))
    gram, residual = inputs.T @ inputs / 40, random.uniform(0, 1, (3, 20))
    starts = random.integers(0, 2, (3, 4, 20)).astype(float)
    found = []
    for threads in (1, 3):
        monkeypatch.setattr(row_annealer, "thread_count", lambda threads=threads: threads)
        found.append(row_annealer.anneal_rows(gram, residual, starts, 30, np.random.default_rng(1)))
    assert np.array_equal(*found)
    assert host.thread_count() >= 1


def test_reads_are_the_same_however_many_numbers_are_drawn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(3)
    inputs = random.normal(size=(40, 20))
    gram, residual = inputs.T @ inputs / 40, random.uniform(0, 1, (3, 20))
    starts = random.integers(0, 2, (3, 4, 20)).astype(float)
    together = row_annealer.anneal_rows(gram, residual, starts, 30, np.random.default_rng(1))
    monkeypatch.setattr(row_annealer, "_NUMBERS_DRAWN", 1)
    assert np.array_equal(together, row_annealer.anneal_rows(gram, residual, starts, 30, np.random.default_rng(1)))
