"""Stochastic Lanczos spectra against dense eigenvalues, masks, shares and periods."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qevo_compiler.analyses.carleman.proxies import growth
from qevo_compiler.analyses.hessian import Spectrum, lanczos, magnitude_mask, stochastic_lanczos


def symmetric(eigenvalues: np.ndarray, seed: int = 0) -> np.ndarray:
    basis, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(len(eigenvalues), len(eigenvalues))))
    return basis * eigenvalues @ basis.T


@given(st.integers(1, 30), st.integers(0, 100))
def test_all_steps_find_all_eigenvalues(size: int, seed: int) -> None:
    matrix = symmetric(np.random.default_rng(seed).normal(size=size), seed)
    diagonal, beside = lanczos(lambda v: matrix @ v, np.random.default_rng(seed).normal(size=size), size)
    tridiagonal = np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)
    assert np.linalg.eigvalsh(tridiagonal) == pytest.approx(np.linalg.eigvalsh(matrix), abs=1e-9)


def test_no_ghosts_of_a_separated_eigenvalue() -> None:
    values = np.concatenate([np.linspace(0, 1, 199), [100.0]])
    diagonal, beside = lanczos(lambda v: values * v, np.ones(200), 80)
    found = np.linalg.eigvalsh(np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1))
    assert (found > 50).sum() == 1


def test_breakdown_stops_early() -> None:
    diagonal, beside = lanczos(lambda v: np.where(np.arange(6) < 3, 1.0, 4.0) * v, np.ones(6), 6)
    assert (len(diagonal), len(beside)) == (2, 1)


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_moments_of_the_spectrum(degree: int) -> None:
    values = np.random.default_rng(3).normal(size=300)
    matrix = symmetric(values)
    found = stochastic_lanczos(lambda v: matrix @ v, 300, probes=40, steps=10)
    # Probes estimate the trace; their error is about sqrt(2) ||A||_F / (n sqrt(probes)).
    allowed = 5 * np.sqrt(2 * (values ** (2 * degree)).sum() / 40) / 300
    assert abs(found.weights @ found.curvatures**degree - (values**degree).mean()) <= allowed
    assert found.weights.sum() == pytest.approx(1)
    assert found.trace() == pytest.approx(300 * (found.weights @ found.curvatures))


def test_extremes_and_shares_of_a_known_spectrum() -> None:
    values = np.concatenate([np.full(60, 0.5), np.full(30, -0.1), np.full(10, 30.0)])
    found = stochastic_lanczos(lambda v: values * v, 100, probes=50, steps=20, seed=1)
    assert found.extremes() == pytest.approx((-0.1, 30.0), abs=1e-9)
    # A diagonal operator and signs: every probe sees the exact counts.
    assert found.dissipative_share(rate=0.1) == pytest.approx(0.6)
    assert found.dissipative_share(rate=0.05) == pytest.approx(0.7)


def test_the_density_integrates_to_one() -> None:
    spectrum = Spectrum(np.array([-1.0, 0.0, 2.0]), np.array([0.2, 0.5, 0.3]), 10)
    grid = np.linspace(-10, 10, 4001)
    density = spectrum.density(grid, 0.3)
    assert density.sum() * (grid[1] - grid[0]) == pytest.approx(1, abs=1e-9)
    assert grid[np.argmax(density)] == pytest.approx(0.0, abs=0.01)


def test_the_period_is_where_growth_turns() -> None:
    spectrum = Spectrum(np.array([-0.2, 0.1, 1.0, 4.0]), np.full(4, 0.25), 4)
    values = growth(spectrum.curvatures, spectrum.weights, 0.05, np.arange(300))
    assert spectrum.period(0.05, 299) == np.argmin(values) > 1
    assert spectrum.growth(0.05, [7]) == pytest.approx(values[7])
    assert Spectrum(np.array([1.0]), np.array([1.0]), 1).period(0.1, 50) == 50
    assert Spectrum(np.array([-1.0]), np.array([1.0]), 1).period(0.1, 50) == 1


def test_pruning_keeps_the_largest() -> None:
    weights = {"a": np.array([[0.1, -3.0], [2.0, 0.0]]), "b": np.array([0.1, -0.2])}
    found = magnitude_mask(weights, 0.5)
    assert {name: mask.tolist() for name, mask in found.items()} == {
        "a": [[False, True], [True, False]],
        "b": [False, True],
    }
    assert sum(mask.sum() for mask in magnitude_mask(weights, 0.01).values()) == 1
    ties = magnitude_mask({"a": np.ones(4), "b": np.ones(4)}, 0.25)
    assert (ties["a"].sum(), ties["b"].sum()) == (2, 0)
    for density in (0.0, 1.5):
        with pytest.raises(ValueError, match="density"):
            magnitude_mask(weights, density)
