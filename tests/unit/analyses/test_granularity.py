"""The common unit of a row: whole numbers, decimals, grid steps, and numbers that have none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ising_support import polynomials

from qevo_compiler.analyses.granularity import row_units


def unit(*coefficients: float) -> float:
    return float(row_units(polynomials([{(i,): c for i, c in enumerate(coefficients)}]))[0])


@given(st.lists(st.integers(-(10**9), 10**9).filter(bool), min_size=1, max_size=9))
def test_whole_numbers(values: list[int]) -> None:
    assert unit(*values) == math.gcd(*values)


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=9), st.sampled_from([1e-3, 1 / 3, 0.1, 2 / 7, 0.7 / 127]))
def test_multiples_of_a_fraction(values: list[int], step: float) -> None:
    assert unit(*(value * step for value in values)) == pytest.approx(math.gcd(*values) * step, rel=1e-12)


def test_products_of_grid_steps() -> None:
    assert unit(1 / 3 * 4, 2 / 7 * 4, 1 / 3 * 2 / 7) == pytest.approx(2 / 21)


@given(st.integers(1, 6), st.data())
def test_decimals_of_any_size_that_squares_can_carry(places: int, data: st.DataObject) -> None:
    """Money and weights: whole numbers over a power of ten, whose ratios are no fractions of small numbers."""
    wholes = data.draw(st.lists(st.integers(1, 2**26), min_size=1, max_size=6))
    common = math.gcd(*wholes)
    assert unit(*(whole / 10**places for whole in wholes)) == pytest.approx(common / 10**places, rel=1e-9)


@pytest.mark.parametrize("values", [(9999999.5, 1.0), (123456.0625, 3.0, 70000.25)])
def test_binary_fractions_beside_large_numbers(values: tuple[float, ...]) -> None:
    assert unit(*values) == float(np.gcd.reduce([int(16 * value) for value in values])) / 16


@pytest.mark.parametrize("values", [(math.sqrt(2), 1.0), (math.pi, math.e, 1.5), (1.0, 1.23456789012e-9)])
def test_numbers_without_a_unit(values: tuple[float, ...]) -> None:
    assert unit(*values) == 0


def test_rows_are_independent_and_constants_do_not_count() -> None:
    p = polynomials([{(0,): 4.0, (1, 2): 6.0, (): 0.1}, {(): 5.0}, {}, {(0,): 0.25, (3,): 1.0}])
    assert row_units(p).tolist() == [2.0, np.inf, np.inf, 0.25]
