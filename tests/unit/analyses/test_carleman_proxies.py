"""The proxies: the golden row of the specification (section 4.3) and sums term by term."""

from __future__ import annotations

import numpy as np
import pytest

from qevo_compiler.analyses.carleman.proxies import accumulated, growth, turning_point

CURVATURES = np.array([4, 2, 1, 0.5, 0.1, 0, -0.05, -0.2])
EQUAL = np.ones(8)
STEPS = [0, 10, 25, 50, 100, 200, 400, 800]


def test_the_golden_row() -> None:
    assert growth(CURVATURES, EQUAL, 0.05, STEPS) == pytest.approx(
        [1, 0.739016821462, 0.639130807425, 0.615002151395, 0.709959191917, 1.292128322663,
         7.171713372144, 359.152486612636],
        rel=1e-11,
    )  # fmt: skip
    assert accumulated(CURVATURES, EQUAL, 0.05, STEPS) == pytest.approx(
        [0, 8.537732600882, 18.754765745711, 34.264915104392, 66.809735418188, 161.504217724679, 823.304401344915,
         36250.34257605504],
        rel=1e-11,
    )  # fmt: skip


def test_accumulated_is_the_sum_of_powers() -> None:
    factors = 1 - 0.05 * CURVATURES
    expected = [np.mean([sum(f**k for k in range(t)) for f in factors]) for t in (0, 1, 7)]
    assert accumulated(CURVATURES, 3 * EQUAL, 0.05, [0, 1, 7]) == pytest.approx(expected, rel=1e-13)


def test_the_turning_point_is_the_least_of_all_steps() -> None:
    values = growth(CURVATURES, EQUAL, 0.05, np.arange(200))
    assert turning_point(CURVATURES, EQUAL, 0.05, 199) == int(np.argmin(values))
    assert 20 < turning_point(CURVATURES, EQUAL, 0.05, 199) < 100
    assert turning_point([1.0], [1.0], 0.1, 30) == 30
