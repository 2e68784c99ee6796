"""Tabu search, tempering and the portfolio: minima of small models, the same samples on any threads and widths."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_spin_models import dense_of, random_spins

from qevo_compiler.evaluator.annealing import Method, Plan, SpinModel, Watch, energies, solve, tabu, temper

METHODS = list(Method)


def least(model: SpinModel) -> float:
    n = model.size
    states = 1 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1).astype(np.int8)
    return float(energies(model, states).min())


@given(st.integers(2, 13), st.integers(0, 2**32 - 1), st.floats(0.1, 1.0), st.booleans())
@settings(max_examples=25, deadline=None)
def test_small_models_are_solved(size: int, seed: int, density: float, whole: bool) -> None:
    model = random_spins(seed, size, density, whole)
    best = least(model)
    for method in METHODS:
        if method is not Method.DESCENT:
            found = solve(model, Plan(reads=16, sweeps=300, seed=seed, method=method))
            assert energies(model, found).min() == pytest.approx(best)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("density", [0.05, 0.6])
def test_samples_do_not_depend_on_threads_or_vectors(
    method: Method, whole: bool, density: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = random_spins(7, 70, density, whole)
    plan = Plan(reads=21, sweeps=30, seed=11, method=method)
    monkeypatch.setenv("QEVO_VECTOR_BITS", "512")
    expected = solve(model, replace(plan, threads=1))
    for bits in ("128", "256", "512"):
        monkeypatch.setenv("QEVO_VECTOR_BITS", bits)
        for threads in (1, 2, 4):
            assert np.array_equal(solve(model, replace(plan, threads=threads)), expected)


@pytest.mark.parametrize("method", METHODS)
def test_reads_continue_each_other(method: Method) -> None:
    """The first samples of a longer run are those of a shorter one: a read depends on its own number alone."""
    model = random_spins(8, 50)
    long = solve(model, Plan(reads=40, sweeps=20, seed=1, method=method))
    assert np.array_equal(solve(model, Plan(reads=3, sweeps=20, seed=1, method=method)), long[:3])
    assert not np.array_equal(solve(model, Plan(reads=40, sweeps=20, seed=2, method=method)), long)


@pytest.mark.parametrize("method", METHODS)
def test_every_state_is_a_local_minimum_or_a_walks_best(method: Method) -> None:
    model = random_spins(5, 60, 0.3)
    found = solve(model, Plan(reads=9, sweeps=40, seed=3, method=method))
    gains = found * (found @ dense_of(model) + model.fields)
    assert gains.max() <= 1e-5


def test_a_walk_never_ends_above_its_start() -> None:
    model = random_spins(4, 80, 1.0)
    starts = np.where(np.random.default_rng(0).random((6, 80)) < 0.5, 1, -1).astype(np.int8)
    found = tabu(model.dense, 100, 6, initial=starts)
    assert (energies(model, found) <= energies(model, starts)).all()


def test_tempering_swaps_towards_the_cold_end() -> None:
    """A frustrated model on which a cold replica alone is stuck: the ladder's best beats sweeps at its cold end."""
    model = random_spins(12, 120, 0.1)
    ladder = energies(model, temper(model, (0.05, 5.0), 400, 4, 1))
    cold = energies(model, temper(model, (4.99, 5.0), 400, 4, 1))
    assert ladder.mean() < cold.mean()


def test_small_models_get_fresh_starts_in_place_of_slower_anneals() -> None:
    lower = 0
    for seed in range(4):
        model = random_spins(seed, 80, 0.06)
        plan = Plan(reads=16, sweeps=400 * 80, seed=1)
        fresh, slow = (energies(model, solve(model, replace(plan, method=m))) for m in (Method.AUTO, Method.ANNEALING))
        assert len(fresh) == 16
        lower += fresh.mean() < slow.mean() - 1e-9
    assert lower == 4


@pytest.mark.parametrize("method", [Method.ANNEALING, Method.TEMPERING, Method.TABU])
def test_a_run_that_is_ended_early_gives_states(method: Method) -> None:
    model = random_spins(2, 64)
    looks: list[float] = []

    def stop() -> bool:
        looks.append(1)
        return len(looks) > 2

    found = solve(model, Plan(reads=8, sweeps=10**7, method=method, threads=2), Watch(interrupted=stop))
    assert found.shape == (8, 64)
    assert set(np.unique(found)) <= {-1, 1}
    assert len(looks) < 50


@pytest.mark.parametrize("method", METHODS)
def test_progress_rises_to_one(method: Method) -> None:
    heard: list[float] = []
    solve(random_spins(1, 40), Plan(reads=5, sweeps=50, method=method), Watch(heard.append))
    if method is not Method.DESCENT:
        assert heard == sorted(heard)
        assert heard[-1] == pytest.approx(1.0)


@pytest.mark.parametrize("method", METHODS)
def test_tiny_and_empty_models(method: Method) -> None:
    for size in (0, 1, 2):
        model = SpinModel.from_pairs(np.ones(size), [], [], [])
        found = solve(model, Plan(reads=3, sweeps=20, method=method))
        assert found.tolist() == [[-1] * size] * 3
