"""Grids, scales and GPTQ against textbook definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qevo_compiler.analyses.rounding_grid import (
    CLIPPING,
    Grid,
    gptq,
    round_nearest,
    row_errors,
    row_scales,
    upper_factor,
)


def case(seed: int, rows: int = 4, size: int = 6) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    inputs = random.normal(size=(20, size)) * random.uniform(0.2, 3.0, size)
    return inputs.T @ inputs / 20 + 0.01 * np.eye(size), random.normal(size=(rows, size)) * 2


def brain_surgeon(gram: np.ndarray, row: np.ndarray, grid: Grid) -> np.ndarray:
    """GPTQ as published: round one weight, move the free ones by the inverse Hessian, strike it out."""
    free = list(np.argsort(np.diag(gram), kind="stable")[::-1])
    w, q = row.copy(), np.zeros_like(row)
    while free:
        inverse = np.linalg.inv(gram[np.ix_(free, free)])
        first = free[0]
        q[first] = np.clip(np.rint(w[first]), grid.lowest, grid.highest)
        w[free] -= (w[first] - q[first]) / inverse[0, 0] * inverse[:, 0]
        free = free[1:]
    return q


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 5))
def test_gptq_is_optimal_brain_surgery_in_order_of_the_diagonal(seed: int, bits: int) -> None:
    gram, target = case(seed)
    grid = Grid(bits)
    expected = np.array([brain_surgeon(gram, row, grid) for row in target])
    assert np.array_equal(gptq(gram, target, grid), expected)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_gptq_is_babai_rounding_of_a_point_near_the_lattice(seed: int) -> None:
    """A point within half a Gram-Schmidt step of a lattice point in every direction is rounded to it."""
    gram, _ = case(seed)
    random = np.random.default_rng(seed)
    order = np.argsort(np.diag(gram), kind="stable")
    factor = upper_factor(gram[np.ix_(order, order)])
    lattice = random.integers(-3, 4, (5, 6)).astype(float)
    nudge = random.uniform(-0.49, 0.49, (5, 6)) * np.diag(factor)
    target = np.empty_like(lattice)
    target[:, order] = lattice[:, order] + np.linalg.solve(factor, nudge.T).T
    assert np.array_equal(gptq(gram, target, Grid(8)), lattice)


def test_gptq_of_a_diagonal_matrix_is_nearest() -> None:
    _, target = case(0)
    assert np.array_equal(gptq(np.diag([1.0, 2, 3, 4, 5, 6]), target, Grid(3)), round_nearest(target, Grid(3)))


def test_gptq_takes_a_singular_matrix() -> None:
    _, target = case(1)
    q = gptq(np.ones((6, 6)), target, Grid(4))
    assert np.isfinite(q).all()
    assert np.array_equal(q, np.rint(q))


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_grid_is_twos_complement(bits: int) -> None:
    grid = Grid(bits)
    assert grid.highest - grid.lowest + 1 == 2**bits
    assert round_nearest(np.array([[-1e9, 1e9, 0.4]]), grid).tolist() == [[grid.lowest, grid.highest, 0]]


def test_scale_is_the_best_of_the_documented_search() -> None:
    weights = np.random.default_rng(3).normal(size=(5, 40))
    grid = Grid(2)
    scales = row_scales(weights, grid)
    for w, s in zip(weights, scales, strict=True):
        full = max(w.max() / grid.highest, w.min() / grid.lowest)
        errors = [((w - f * full * round_nearest(w / (f * full), grid)) ** 2).sum() for f in CLIPPING]
        assert ((w - s * round_nearest(w / s, grid)) ** 2).sum() == pytest.approx(min(errors), rel=1e-12)


def test_a_row_on_the_grid_keeps_its_values_and_zeros_get_scale_one() -> None:
    weights = np.array([[0.5, -1.0, 0.0, 0.5], [0.0, 0.0, 0.0, 0.0]])
    scales = row_scales(weights, Grid(2))
    assert scales.tolist() == [0.5, 1.0]


def test_row_errors() -> None:
    gram, target = case(4)
    assert row_errors(gram, target) == pytest.approx([v @ gram @ v for v in target])
