"""The K-best lattice search: GPTQ at K = 1, the exact optimum when K never cuts."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qevo_compiler.analyses.rounding_grid import Grid, gptq, row_errors
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
