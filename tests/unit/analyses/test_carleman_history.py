"""The history system: solution, golden condition numbers and probabilities, bounds, iterative norms, rescaling."""

from __future__ import annotations

import numpy as np
import pytest
from carleman_examples import QUARTIC, random_map, repeated
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.linalg import spsolve

from qevo_compiler.analyses.carleman import history
from qevo_compiler.analyses.carleman.history import HistorySystem, best_rescaling, rescaling_candidates
from qevo_compiler.analyses.carleman.inverse_bound import inverse_bound, period_of, periodic_bound
from qevo_compiler.analyses.carleman.lift import lift, propagate
from qevo_compiler.dialects.linear import StepMap

# The golden block `l_history_system`: a1 at order 3 on all monomials of positive degree, T = 10, P = 11.
KAPPA = {10: (21.592684696804, 9.94659687339289), 20: (35.07, 14.11), 40: (60.42, 17.60), 80: (111.26, 19.52)}


def golden_system(padding: int = 11, gamma: float = 1.0, steps: int = 10) -> HistorySystem:
    lifted = lift(repeated(QUARTIC, steps), [0.5], 3, closure=False, constant=False)
    return HistorySystem(lifted, padding, gamma)


def test_the_golden_system() -> None:
    system = golden_system()
    assert (system.unknowns, system.nonzeros, system.matrix().nnz) == (66, 139, 139)
    assert system.singular_values[0] == pytest.approx(1.9865995495670676, rel=1e-12)
    assert system.condition == pytest.approx(21.592684696804, rel=1e-11)
    # The specification's 23.158 is the sum of |M^min(d, T)|, which is no bound in general and here is above.
    assert system.condition_bound() == pytest.approx(21.756916201211805, rel=1e-12)
    assert np.linalg.norm(system.solution()) == pytest.approx(1.2383771751606059, rel=1e-12)
    assert system.success() == pytest.approx(0.18066566646525406, rel=1e-12)
    assert golden_system(0).success() == pytest.approx(0.018192557396352074, rel=1e-12)


@pytest.mark.parametrize("steps", KAPPA)
def test_padding_makes_the_condition_number_grow_with_the_horizon(steps: int) -> None:
    padded, bare = KAPPA[steps]
    assert golden_system(steps + 1, steps=steps).condition == pytest.approx(padded, rel=5e-4)
    assert golden_system(0, steps=steps).condition == pytest.approx(bare, rel=5e-4)


@pytest.mark.parametrize(
    ("gamma", "kappa", "success"),
    [
        (0.25, 20.99245060413456, 0.021378867022838255),
        (0.5, 21.028873687246726, 0.10622220737969928),
        (2.0, 29.248460442418555, 0.20380632867368123),
    ],
)
def test_rescaling_trades_condition_for_probability(gamma: float, kappa: float, success: float) -> None:
    system = golden_system(gamma=gamma)
    assert system.condition == pytest.approx(kappa, rel=1e-11)
    assert system.success() == pytest.approx(success, rel=1e-12)


@given(st.integers(0, 10**6), st.integers(0, 5), st.floats(0.3, 3))
@settings(max_examples=20)
def test_the_solution_is_the_propagated_lift(seed: int, padding: int, gamma: float) -> None:
    step, start = random_map(seed, constant=True)
    other, _ = random_map(seed + 1, constant=True)
    variants = [step, other] if other.rows == step.rows else [step]
    steps = StepMap.from_steps([variants[t % len(variants)] for t in range(5)])
    lifted = lift(steps, start, 2)
    system = HistorySystem(lifted, padding, gamma)
    matrix, b = system.matrix(), system.right_side()
    y = system.solution()
    assert matrix.nnz == system.nonzeros
    assert spsolve(matrix.tocsc(), b) == pytest.approx(y.reshape(-1), rel=1e-9, abs=1e-12)
    expected = propagate(lifted, lifted.initial, 5) * gamma ** -lifted.degrees.astype(float)
    assert y[:6] == pytest.approx(expected, rel=1e-10, abs=1e-13)
    assert np.array_equal(y[5:], np.repeat(y[5:6], padding + 1, axis=0))
    c = np.cos(np.arange(system.unknowns))
    assert matrix.T @ system.apply_inverse_transpose(c) == pytest.approx(c, abs=1e-9)
    assert system.condition <= system.condition_bound() * (1 + 1e-9)


def test_norms_by_lanczos_and_substitution(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = golden_system().singular_values
    monkeypatch.setattr(history, "EXACT_UNKNOWNS", 10)
    system = golden_system()
    assert not system.exact
    assert system.singular_values == pytest.approx(exact, rel=1e-9)


def test_the_bound_on_the_inverse_without_products(monkeypatch: pytest.MonkeyPatch) -> None:
    with_products = golden_system().inverse_bound()
    monkeypatch.setattr(history, "_PRODUCT_BUDGET", 0)
    assert golden_system().inverse_bound() >= with_products


@pytest.mark.parametrize("pattern", [[0], [0, 1], [0, 1, 1], [0, 1, 0, 0, 1]])
def test_the_bound_from_one_period_of_steps(pattern: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_PRODUCT_BUDGET", 0)
    checked = 0
    for seed in range(20):
        step, start = random_map(seed, True, scale=0.05)
        other, _ = random_map(seed + 1, True, scale=0.4)
        if other.rows != step.rows:
            continue
        variants = [step, other]
        steps = StepMap.from_steps([variants[pattern[t % len(pattern)]] for t in range(9)])
        system = HistorySystem(lift(steps, start, 2), seed % 4, 1.0)
        exact = np.linalg.norm(np.linalg.inv(system.matrix().toarray()), 2)
        bound = system.inverse_bound()
        assert exact <= bound * (1 + 1e-12)
        # A product of several steps is never longer than the largest step's power.
        largest = max(map(history.dense_norm, system.matrices))
        assert bound <= periodic_bound(np.array([[1.0, largest]]), 9, seed % 4) * (1 + 1e-12)
        checked += 1
    assert checked > 3


def test_the_period_of_steps() -> None:
    patterns = {1: [0, 0, 0], 2: [0, 1, 0, 1, 0], 3: [0, 1, 1, 0, 1], 4: [0, 1, 2, 3]}
    assert {p: period_of(np.array(which)) for p, which in patterns.items()} == {p: p for p in patterns}


@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(0, 8), st.floats(0.3, 3), st.booleans())
@settings(max_examples=60)
def test_the_bound_is_above_the_exact_condition_number(
    seed: int, horizon: int, padding: int, gamma: float, constant: bool
) -> None:
    """Maps that contract to different extents, with the constant dropped where it can be."""
    step, start = random_map(seed, constant, scale=0.05)
    other, _ = random_map(seed + 1, constant, scale=0.4)
    variants = [step, other] if other.rows == step.rows and seed % 2 else [step]
    steps = StepMap.from_steps([variants[t % len(variants)] for t in range(horizon)])
    system = HistorySystem(lift(steps, start, 2, constant=False), padding, gamma)
    values = np.linalg.svd(system.matrix().toarray(), compute_uv=False)
    assert values[0] / values[-1] <= system.condition_bound() * (1 + 1e-12)
    assert 1 / values[-1] <= system.inverse_bound() * (1 + 1e-12)


@given(st.integers(0, 2**32), st.integers(1, 5), st.integers(0, 6), st.sampled_from([0.0, 0.3, 1.0, 2.0]))
@settings(max_examples=60)
def test_the_bound_on_the_inverse_holds_for_any_matrices(seed: int, horizon: int, padding: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    steps = [rng.normal(size=(2, 2)) * scale for _ in range(horizon)]
    matrix = np.eye(2 * (horizon + padding + 1))
    for t in range(horizon + padding):
        matrix[2 * t + 2 : 2 * t + 4, 2 * t : 2 * t + 2] = -steps[t] if t < horizon else -np.eye(2)
    assert np.linalg.norm(np.linalg.inv(matrix), 2) <= inverse_bound(steps, range(horizon), padding) * (1 + 1e-12)


def test_the_bound_counts_the_identities_among_the_copies() -> None:
    """M = 0: the inverse holds a triangle of ones over the copies, whose norm grows with their number."""
    matrix = np.eye(22) - np.diag(np.append(0.0, np.ones(20)), -1)
    exact = float(np.linalg.norm(np.linalg.inv(matrix), 2))
    assert 13 < exact <= inverse_bound([np.zeros((1, 1))], [0], 20) < 13.8


def test_the_best_rescaling_is_the_cheapest_of_the_candidates() -> None:
    lifted = golden_system().lift
    best, rows = best_rescaling(lifted, 11, rescaling_candidates(0.0, 1.0, 0.5))
    costs = {gamma: kappa / np.sqrt(success) for gamma, kappa, success in rows}
    assert costs[best] == min(costs.values()) <= costs[1.0]
    assert min(rescaling_candidates(None, None, 2.0)) == pytest.approx(0.25)
    assert 1.0 in rescaling_candidates(0.2, np.inf, 0.0)
