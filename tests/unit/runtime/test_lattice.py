"""The K-best lattice search: GPTQ at K = 1, the exact optimum when K never cuts."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qevo_compiler.analyses.rounding_grid import Grid, gptq, row_errors, upper_factor
from qevo_compiler.evaluator.rounding.branches import WIDTH
from qevo_compiler.runtime.lattice import search_lattice


def case(seed: int, size: int = 5) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    inputs = random.normal(size=(12, size)) + random.normal(size=(12, 1))
    return inputs.T @ inputs / 12 + 0.01 * np.eye(size), random.normal(size=(4, size))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 4))
def test_one_kept_choice_is_gptq(seed: int, bits: int) -> None:
    gram, target = case(seed)
    assert np.array_equal(search_lattice(gram, target, Grid(bits), keep=1), gptq(gram, target, Grid(bits)))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_many_kept_choices_beat_gptq_and_stay_on_the_grid(seed: int) -> None:
    gram, target = case(seed)
    found = search_lattice(gram, target, Grid(2), keep=64)
    assert (row_errors(gram, found - target) <= row_errors(gram, gptq(gram, target, Grid(2)) - target) + 1e-12).all()
    assert found.min() >= -2
    assert found.max() <= 1


@pytest.mark.parametrize("seed", range(4))
def test_the_nearest_lattice_point_of_a_well_conditioned_row(seed: int) -> None:
    gram, target = case(seed)
    gram = gram + np.eye(5)
    points = np.array(list(itertools.product(range(-4, 4), repeat=5)), float)
    best = [row_errors(gram, points - row).min() for row in target]
    found = search_lattice(gram, target, Grid(3), keep=256)
    assert row_errors(gram, found - target) == pytest.approx(best, rel=1e-9)


def settled_one_by_one(factor: np.ndarray, aim: np.ndarray, grid: Grid, keep: int) -> np.ndarray:
    """The search written out: every beginning as a whole vector, its cost summed anew."""
    beginnings = [(0.0, np.array(aim))]
    for i in range(len(aim) - 1, -1, -1):
        grown = []
        for cost, q in beginnings:
            centre = aim[i] - factor[i, i + 1 :] @ (q - aim)[i + 1 :] / factor[i, i]
            near = np.clip(np.rint(centre), grid.lowest, grid.highest)
            for value in (near, near + (1.0 if centre > near else -1.0)):
                if grid.lowest <= value <= grid.highest:
                    whole = q.copy()
                    whole[i] = value
                    grown.append((cost + (factor[i, i] * (value - centre)) ** 2, whole))
        beginnings = sorted(grown, key=lambda pair: pair[0])[:keep]
    return beginnings[0][1]


@pytest.mark.parametrize("size", [WIDTH - 1, WIDTH, WIDTH + 1, 2 * WIDTH + 5])
def test_blocks_change_nothing(size: int) -> None:
    random = np.random.default_rng(size)
    inputs = random.normal(size=(2 * size, size)) + random.normal(size=(2 * size, 1))
    gram, target = inputs.T @ inputs / size + 0.01 * np.eye(size), random.normal(size=(2, size))
    order = np.argsort(np.diag(gram), kind="stable")
    factor = upper_factor(gram[np.ix_(order, order)])
    found = search_lattice(gram, target, Grid(3), keep=7)
    for row, aim in zip(found, target, strict=True):
        assert np.array_equal(row[order], settled_one_by_one(factor, aim[order], Grid(3), 7))
