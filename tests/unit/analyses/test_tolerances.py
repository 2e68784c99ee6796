"""A row may be off by rounding: a billionth of its terms, and of terms that dwarf others what floats lose."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ising_support import polynomials

from qevo_compiler.analyses.tolerances import ROUNDING, TOLERANCE, row_tolerances, term_tolerances, wide_rows
from qevo_compiler.dialects.poly import arithmetic

FAMILY = polynomials(
    [
        {(0,): 2.0, (1,): -3.0, (): 5.0},
        {(0,): 1.5, (0, 1): -2.0, (2,): 4e9, (): -4e9},
        {},
        {(1,): 7e9},
    ]
)


def test_only_terms_that_dwarf_others_of_their_row_are_held_to_more() -> None:
    assert row_tolerances(FAMILY).tolist() == [10 * TOLERANCE, 8e9 * ROUNDING + 3.5 * TOLERANCE, 0, 7e9 * TOLERANCE]
    assert wide_rows(FAMILY).tolist() == [False, True, False, False]
    assert not wide_rows(polynomials([{(0,): 2.0, (1,): 5.0}, {}])).any()


def test_at_a_point_terms_count_as_large_as_they_are_there() -> None:
    found = arithmetic.evaluate(term_tolerances(FAMILY), np.array([1.0, 0.0, 0.0]))
    assert found == pytest.approx([7 * TOLERANCE, 4e9 * ROUNDING + 1.5 * TOLERANCE, 0, 0], rel=1e-12, abs=0)


@given(st.lists(st.floats(1e-3, 1e12), min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_sums_in_any_order_agree_within_it(values: list[float], random: object) -> None:
    """A limit that is the sum of the terms in one order is met by the sum in another."""
    p = polynomials([{(i,): v for i, v in enumerate(values)} | {(): -sum(values)}])
    shuffled = sorted(values, key=lambda _: random.random())  # type: ignore[attr-defined]
    assert abs(sum(shuffled) - sum(values)) <= row_tolerances(p)[0]
