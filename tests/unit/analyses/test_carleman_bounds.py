"""The bounds: true error <= A <= B on random maps, R_d, modes, classes, Lyapunov norms, orders from a tolerance."""

from __future__ import annotations

import numpy as np
import pytest
from carleman_examples import AFFINE_QUADRATIC, QUARTIC, WELL_AT_ZERO, family, random_map, repeated, saddle, scalar
from hypothesis import given, settings
from hypothesis import strategies as st

from qevo_compiler.analyses.carleman.aposteriori import iterate, truncation_error
from qevo_compiler.analyses.carleman.bounds import bound_a, bound_b, bound_c, tightness
from qevo_compiler.analyses.carleman.certificates import LYAPUNOV, Certifier
from qevo_compiler.analyses.carleman.lift import lift
from qevo_compiler.analyses.carleman.lyapunov import contracting_coordinates, transformed_norms
from qevo_compiler.analyses.carleman.majorant import (
    Dissipativity,
    dissipation,
    fixed_points,
    modes_of,
)
from qevo_compiler.analyses.carleman.norms import spectral_norm, step_norms, symmetric_norms
from qevo_compiler.analyses.carleman.optimizer import shift
from qevo_compiler.analyses.carleman.reupload import reupload
from qevo_compiler.analyses.carleman.tensor import symmetric_parts
from qevo_compiler.dialects.linear import StepMap

ROUNDING = 1e-13


def check_one(seed: int) -> tuple[float, float]:
    """Bound and true error of one random map; raises where an inequality fails."""
    rng = np.random.default_rng(seed)
    constant = bool(rng.integers(2))
    step, start = random_map(seed, constant)
    count, order = int(rng.integers(1, 12)), int(rng.integers(1, 6))
    steps = repeated(step, count)
    with np.errstate(over="ignore", invalid="ignore"):
        errors = truncation_error(lift(steps, start, order), iterate(steps, start))
    found = dissipation(steps, start)
    a = bound_a(step_norms(steps), steps.which.values, found.start_norm, order)
    proved = a < 1e100  # beyond, the true trajectory overflows first
    # For scalar maps bound and error are equal up to rounding.
    assert (errors[proved] <= a[proved] * (1 + 1e-10) + ROUNDING).all(), seed
    b = bound_b(found.norms, found.start_norm, found.ratio, order, count)
    if b is not None:
        assert a[-1] <= b * (1 + 1e-9) + ROUNDING, seed
    c = bound_c(found.norms, found.start_norm, (found.lower, found.upper), order, count)
    if c is not None:
        assert errors[-1] <= c + ROUNDING, seed
    return float(a[-1]), float(errors[-1])


def test_the_true_error_is_within_every_bound() -> None:
    pairs = [check_one(seed) for seed in range(300)]
    summary = tightness(*zip(*pairs, strict=True), floor=1e-9)
    assert summary["min"] >= 1 - 1e-6
    assert summary["count"] > 150
    assert summary["q25"] < 20 < summary["q95"]


@pytest.mark.slow
def test_the_true_error_is_within_every_bound_of_ten_thousand_maps() -> None:
    pairs = [check_one(seed) for seed in range(1000, 11000)]
    summary = tightness(*zip(*pairs, strict=True), floor=1e-9)
    print(summary)
    assert summary["min"] >= 1 - 1e-6


def test_bound_a_holds_for_steps_that_differ() -> None:
    first, start = random_map(11, constant=True)
    rng = np.random.default_rng(0)
    family_ = [first, *(x for x in (random_map(s, True)[0] for s in range(40)) if x.rows == first.rows)][:4]
    steps = StepMap.from_steps([family_[i] for i in rng.integers(len(family_), size=9)])
    errors = truncation_error(lift(steps, start, 3), iterate(steps, start))
    a = bound_a(step_norms(steps), steps.which.values, float(np.linalg.norm(start)), 3)
    assert (errors <= a + ROUNDING).all()
    assert errors[-1] > 0


def test_a_scalar_map_with_positive_coefficients_meets_bound_a() -> None:
    """For such a map the majorant is the map, so that the bound is the error."""
    steps = repeated(scalar(0.01, 0.7, 0.1, 0.05), 10)
    error = truncation_error(lift(steps, [0.4], 3), iterate(steps, [0.4]))
    assert bound_a(step_norms(steps), steps.which.values, 0.4, 3) == pytest.approx(error, rel=1e-9)


def test_r_d_of_a_quadratic_map_in_closed_form() -> None:
    step = family({(1, 0): 0.8, (2, 0): 0.1, (0, 2): -0.05}, {(0, 1): 0.6, (1, 1): 0.2})
    start = [0.3, -0.2]
    found = dissipation(repeated(step, 5), start)
    norms = symmetric_norms(step)
    assert found.ratio == pytest.approx(np.linalg.norm(start) * norms[2] / (1 - norms[1]), rel=1e-13)
    assert found.of_class(4, 5) is Dissipativity.FULL


@given(st.integers(0, 10**6))
@settings(max_examples=20)
def test_norms_are_those_of_the_symmetrised_parts(seed: int) -> None:
    step, _ = random_map(seed, constant=True)
    dense = [np.linalg.norm(part.toarray(), 2) for part in symmetric_parts(step)]
    assert symmetric_norms(step) == pytest.approx(dense, rel=1e-12, abs=1e-14)


def test_the_norm_of_a_large_part_by_lanczos(monkeypatch: pytest.MonkeyPatch) -> None:
    from scipy import sparse

    matrix = sparse.csr_array(np.random.default_rng(0).normal(size=(60, 80)))
    monkeypatch.setattr("qevo_compiler.analyses.carleman.majorant.DENSE", 10)
    assert spectral_norm(matrix) == pytest.approx(np.linalg.norm(matrix.toarray(), 2), rel=1e-10)


@pytest.mark.parametrize(
    ("norms", "expected"),
    [
        ([0, 0.9, 0, 0.1], (0.0, 1.0)),
        ([0, 0.9, 0.15, 0.05], (0.0, 0.561552812808830)),
        ([0, 1.0, 0.2], (0.0, 0.0)),
        ([0.1, 1.0, 0.2], (None, None)),
        ([0.5, 0.9, 1.0], (None, None)),
        ([0.2, 0.6], (0.5, np.inf)),
    ],
)
def test_fixed_points_of_the_majorant(norms, expected) -> None:
    found = fixed_points(np.array(norms, np.float64))
    assert found == pytest.approx(expected, rel=1e-12) if None not in expected else found == expected


def test_modes_and_classes() -> None:
    valley = shift(repeated(saddle(), 30), [np.sqrt(0.8)] * 2)
    flat = modes_of(valley)
    assert (flat.divergent, flat.flat, flat.unstable) == (0, 1, 0)
    assert dissipation(valley, [-0.19, -0.09]).of_class(4, 30) is Dissipativity.ALMOST
    hump = dissipation(repeated(WELL_AT_ZERO, 40), [0.7])
    assert (hump.modes.divergent, hump.of_class(3, 40)) == (1, Dissipativity.NONE)
    # Curvature 25 at rate 0.1 is beyond 2 / eta: the step is 1 - 2.5.
    beyond = modes_of(repeated(scalar(0, -1.5), 3))
    assert (beyond.unstable, beyond.divergent, beyond.radius) == (1, 0, 1.5)
    assert dissipation(repeated(AFFINE_QUADRATIC, 40), [0.3]).of_class(5, 40) is Dissipativity.FULL


def test_what_the_specification_calls_conservative() -> None:
    """R_d = 1.2 diverges for the scalar quartic, and bound A says nothing: it must not be finite and small."""
    steps = repeated(QUARTIC, 50)
    assert dissipation(steps, [1.2]).ratio == pytest.approx(1.2)
    assert bound_a(step_norms(steps), steps.which.values, 1.2, 5)[-1] > 1


def _momentum(beta: float = 0.5) -> StepMap:
    from qevo_compiler.analyses.carleman.optimizer import Sgd, fold, gradient, step_decay

    loss = family({(2,): 0.5, (4,): 0.25})
    return fold([gradient(loss, 1)], np.zeros(50, np.int64), Sgd(step_decay(0.1, 50), momentum=beta))


def test_momentum_is_certified_in_a_lyapunov_norm() -> None:
    steps, start = _momentum(), np.array([0.2, 0.0])
    assert dissipation(steps, start).rho > 1
    certificate = Certifier.of(steps, start).at(5)
    error = truncation_error(lift(steps, start, 5), iterate(steps, start))[-1]
    assert certificate.rule == LYAPUNOV
    assert error <= certificate.bound < 1e-6


def test_lyapunov_norms_are_those_of_the_transformed_map() -> None:
    steps = _momentum()
    for change in contracting_coordinates(steps):
        norms = transformed_norms(steps, change)[0]
        parts = [part.toarray() for part in symmetric_parts(steps.variants[0])]
        kron = np.ones((1, 1))
        for degree, part in enumerate(parts):
            moved = change.forward @ part @ kron
            assert norms[degree] == pytest.approx(np.linalg.norm(moved, 2), rel=1e-12, abs=1e-14)
            kron = np.kron(kron, change.backward)
        assert norms[1] < 1


def test_the_order_for_a_tolerance_is_the_smallest() -> None:
    certifier = Certifier.of(repeated(QUARTIC, 50), [0.5])
    order, tried = certifier.order_for(1e-6, 20)
    assert order == len(tried)
    assert tried[-1] <= 1e-6 < tried[-2]
    assert certifier.order_for(1e-30, 3) == (None, tried[:3])


@given(st.integers(0, 10**6))
@settings(max_examples=10)
def test_the_bound_on_a_loop_of_uploads_holds(seed: int) -> None:
    step, start = random_map(seed, constant=True)
    steps = repeated(step, 8)
    run = reupload(steps, start, 2, 3)
    error = np.linalg.norm(run.states[-1] - iterate(steps, start)[-1])
    assert error <= run.bounds[-1] + ROUNDING
