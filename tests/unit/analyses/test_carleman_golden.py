"""The worked examples a1 to d2: values to 1e-12, errors to 1e-6, from specification section 7 and its golden file."""

from __future__ import annotations

import numpy as np
import pytest
from carleman_examples import (
    AFFINE_QUADRATIC,
    QUARTIC,
    WELL_AT_ONE,
    WELL_AT_ZERO,
    golden,
    repeated,
    saddle,
    tanh_unit,
)

from qevo_compiler.analyses.carleman.aposteriori import iterate
from qevo_compiler.analyses.carleman.bounds import bound_a, bound_b, bound_c
from qevo_compiler.analyses.carleman.lift import lift, propagate
from qevo_compiler.analyses.carleman.majorant import dissipation
from qevo_compiler.analyses.carleman.norms import step_norms
from qevo_compiler.analyses.carleman.optimizer import shift
from qevo_compiler.analyses.carleman.pivots import minimiser
from qevo_compiler.analyses.carleman.reupload import reupload

ROOT = np.sqrt(0.8)
# name in the golden file: step about the pivot, steps, start and pivot.
EXAMPLES = {
    "a1_quartic": (lambda: QUARTIC, 50, [0.5], [0.0]),
    "a2_quartic_R0.9": (lambda: QUARTIC, 50, [0.9], [0.0]),
    "a3_quartic_R1.2": (lambda: QUARTIC, 50, [1.2], [0.0]),
    "a4_double_well_shift1": (lambda: WELL_AT_ONE, 40, [0.7], [1.0]),
    "a5_double_well_noshift": (lambda: WELL_AT_ZERO, 40, [0.7], [0.0]),
    "a6_affine_quadratic": (lambda: AFFINE_QUADRATIC, 40, [0.3], [0.0]),
    "c1_deep_linear_saddle": (saddle, 10, [0.3, 0.1], [0.0, 0.0]),
    "c2_deep_linear_shifted": (
        lambda: shift(repeated(saddle(), 1), [ROOT, ROOT]).variants[0],
        30,
        [0.7, 0.8],
        [ROOT, ROOT],
    ),
    "c3_deep_linear_wd1": (lambda: saddle(1.0), 30, [0.3, 0.1], [0.0, 0.0]),
    "d1_tanh3_unit": (tanh_unit, 30, [0.1, 0.05], [0.0, 0.0]),
}


def run(step, steps, start, pivot, order):
    """The propagated state at the end, the optimizer's own, and the error, in the coordinates of the start."""
    shifted = np.array(start) - np.array(pivot)
    steps = repeated(step, steps)
    lifted = lift(steps, shifted, order)
    state = propagate(lifted, lifted.initial, steps.steps)[-1, lifted.first_block] + pivot
    direct = iterate(steps, shifted)[-1] + pivot
    return state, direct, float(np.linalg.norm(state - direct))


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_order_of_an_example(name: str) -> None:
    expected = golden(name)
    make, *rest = EXAMPLES[name]
    for order, row in expected["by_N"].items():
        state, direct, error = run(make(), *rest, int(order))
        assert direct == pytest.approx(expected["direct"], rel=1e-12)
        # An amplified lift (a5) carries rounding with its values.
        assert state == pytest.approx(row["theta"], rel=1e-12 if name[:2] != "a5" else 1e-10)
        if row["err"] >= 1e-12:
            assert error == pytest.approx(row["err"], rel=1e-6)


def test_d2_about_the_fixed_point_of_the_step() -> None:
    expected = golden("d2_tanh3_recentred")
    steps = repeated(tanh_unit(), 30)
    pivot = minimiser(steps, [0.1, 0.05])
    assert pivot == pytest.approx(expected["pivot"], rel=1e-12)
    step = shift(steps, pivot).variants[0]
    found = dissipation(repeated(step, 30), np.array([0.1, 0.05]) - pivot)
    assert found.norms[1:] == pytest.approx(expected["norms"][1:], rel=1e-12)
    assert (found.upper, found.ratio) == pytest.approx((expected["r_star"], expected["R"]), rel=1e-10)
    for order, row in expected["by_N"].items():
        state, _, error = run(step, 30, [0.1, 0.05], pivot, int(order))
        assert state == pytest.approx(row["theta"], rel=1e-12)
        assert error == pytest.approx(row["err"], rel=1e-6)


@pytest.mark.parametrize(
    ("step", "steps", "start", "pivot", "order", "value", "error"),
    [
        (QUARTIC, 50, [0.5], [0], 5, [0.00227410063524761], 1.299554e-05),
        (QUARTIC, 50, [0.9], [0], 9, [0.00357024923197047], 2.9864e-4),
        (WELL_AT_ONE, 40, [0.7], [1], 4, [0.992138593928523], 1.8624e-04),
        (WELL_AT_ZERO, 40, [0.7], [0], 3, [-49.5491716439479], 50.5411),
        (AFFINE_QUADRATIC, 40, [0.3], [0], 5, [0.0514452062876707], 3.3699e-07),
        (saddle(), 10, [0.3, 0.1], [0, 0], 5, [0.449402803237474, 0.354963408465325], 4.6992e-04),
        (tanh_unit(), 30, [0.1, 0.05], [0, 0], 2, [0.374862366938466, 0.0482287529391966], 3.7167e-02),
        (tanh_unit(), 30, [0.1, 0.05], [0, 0], 7, [0.406492838655209, 0.0677844969822684], 2.1181e-05),
    ],
)
def test_rows_printed_in_the_specification(step, steps, start, pivot, order, value, error) -> None:
    state, _, found = run(step, steps, start, pivot, order)
    assert state == pytest.approx(value, rel=1e-12)
    assert found == pytest.approx(error, rel=5e-5)


@pytest.mark.parametrize(
    ("step", "steps", "start", "order", "a", "b"),
    [
        (QUARTIC, 50, [0.5], 5, 2.050e-05, 1.554e-02),
        (QUARTIC, 50, [0.5], 9, 1.060e-06, 9.715e-04),
        (saddle(1.0), 30, [0.3, 0.1], 1, 2.129e-02, 7.722e-02),
        (saddle(1.0), 30, [0.3, 0.1], 9, 1.686e-05, 5.363e-04),
    ],
)
def test_bounds_a_and_b(step, steps, start, order, a, b) -> None:
    steps = repeated(step, steps)
    found = dissipation(steps, start)
    assert bound_a(step_norms(steps), steps.which.values, found.start_norm, order)[-1] == pytest.approx(a, rel=5e-4)
    assert bound_b(found.norms, found.start_norm, found.ratio, order, steps.steps) == pytest.approx(b, rel=5e-4)


def test_bounds_at_full_precision() -> None:
    expected = golden("a6_affine_quadratic")
    steps = repeated(AFFINE_QUADRATIC, 40)
    found = dissipation(steps, [0.3])
    assert found.upper == pytest.approx(expected["r_plus"], rel=1e-12)
    for order, a in expected["bound_A"].items():
        value = bound_a(step_norms(steps), steps.which.values, 0.3, int(order))[-1]
        assert value == pytest.approx(a, rel=1e-6)
    for order, c in expected["bound_C"].items():
        value = bound_c(found.norms, 0.3, (found.lower, found.upper), int(order), 40)
        assert value == pytest.approx(c, rel=1e-2)
    for name, step in (("a1_quartic", QUARTIC), ("c3_deep_linear_wd1", saddle(1.0))):
        block = golden(name)
        steps = repeated(step, block["T"])
        for order, a in block["bound_A"].items():
            radius = float(np.linalg.norm(block["u0"]))
            value = bound_a(step_norms(steps), steps.which.values, radius, int(order))[-1]
            assert value == pytest.approx(a, rel=1e-9)


def test_the_lifted_matrix_of_a1_in_the_plain_basis() -> None:
    lifted = lift(repeated(QUARTIC, 1), [0.5], 5, closure=False)
    expected = np.diag([1, 0.9, 0.81, 0.729, 0.6561, 0.59049])
    expected[1, 3], expected[2, 4], expected[3, 5] = -0.1, -0.18, -0.243
    assert lifted.matrices[0].toarray() == pytest.approx(expected, abs=1e-15)


def test_the_coefficients_of_d1() -> None:
    step = tanh_unit()
    row, names, values = step.block(5)
    assert values[(row == 0) & (names == 0).all(axis=1)] == pytest.approx(-0.00626366666666667, rel=1e-13)
    assert step.constants() == pytest.approx([0.0393333333333333, 0.0366666666666667], rel=1e-13)
    expected = golden("d1_tanh3_unit")
    for i, key in enumerate(("f_w", "f_b")):
        for exponents, value in expected[key].items():
            alpha = tuple(int(k) for k in exponents.strip("()").split(","))
            wanted = [v for v, e in enumerate(alpha) for _ in range(e)]
            rows, lists, coefficients = step.block(len(wanted))
            assert coefficients[(rows == i) & (lists == wanted).all(axis=1)] == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("recentre", [False, True])
@pytest.mark.parametrize("every", [30, 10, 5])
@pytest.mark.parametrize("order", [2, 3, 5])
def test_reupload_of_d1(order: int, every: int, recentre: bool) -> None:
    expected = golden("r_reupload_d1")["err"][f"N{order}_{'recentred' if recentre else 'fixed'}_every{every}"]
    steps = repeated(tanh_unit(), 30)
    found = reupload(steps, [0.1, 0.05], order, every, recentre)
    direct = iterate(steps, [0.1, 0.05])[-1]
    assert np.linalg.norm(found.states[-1] - direct) == pytest.approx(expected, rel=1e-6)
    assert found.uploads == tuple(range(0, 30, every))
    assert found.bounds[-1] >= expected


def test_reupload_about_a_fixed_pivot_of_a2() -> None:
    direct = iterate(repeated(QUARTIC, 50), [0.9])[-1]
    rows = {50: 8.30e-4, 25: 8.21e-4, 10: 6.16e-4, 5: 3.03e-4, 2: 6.37e-5}
    for every, error in rows.items():
        found = reupload(repeated(QUARTIC, 50), [0.9], 3, every, recentre=False)
        assert abs(found.states[-1] - direct)[0] == pytest.approx(error, rel=1e-2)
