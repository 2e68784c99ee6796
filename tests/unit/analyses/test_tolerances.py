"""A row may be off by rounding: a billionth of its terms, and of terms that dwarf others what floats lose."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ising_support import constraint, polynomials

from qevo_compiler.analyses.bounds import Groups, free_bounds
from qevo_compiler.analyses.granularity import row_units
from qevo_compiler.analyses.structure import cut_rows, row_caps
from qevo_compiler.analyses.structure.propagation import settled_bits
from qevo_compiler.analyses.structure.recognise import whole_rows
from qevo_compiler.analyses.tolerances import (
    ROUNDING,
    TOLERANCE,
    largest_slips,
    row_tolerances,
    term_tolerances,
    unit_tolerances,
    wide_rows,
)
from qevo_compiler.decode.judging import Judge
from qevo_compiler.dialects.poly import arithmetic
from qevo_compiler.dialects.problem import Relation

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


def test_the_tolerance_ends_at_a_quarter_of_the_unit() -> None:
    long = polynomials([{(i,): 1e6 for i in range(1000)} | {(1000,): 1.0}])
    assert row_tolerances(long)[0] > 1
    assert unit_tolerances(long, row_units(long)).tolist() == [0.25]
    assert unit_tolerances(long, np.zeros(1)).tolist() == row_tolerances(long).tolist()


Limited = tuple[list[int], int, float, float]


@st.composite
def limited_rows(draw: st.DrawFn) -> Limited:
    """Numbers of decimal steps, perhaps a big M, and a limit that some add up to: in steps, and as a sum of floats."""
    step = draw(st.sampled_from([1.0, 0.1, 0.3, 1e-6, 7e5]))
    steps = draw(st.lists(st.integers(-9, 9).filter(bool), min_size=2, max_size=6))
    if draw(st.booleans()):
        steps[0] = -(10 ** draw(st.sampled_from([3, 6, 9, 12])))
    chosen = draw(st.lists(st.sampled_from(range(len(steps))), unique=True))
    return steps, sum(steps[k] for k in chosen), step, sum(step * steps[k] for k in chosen)


def points(count: int) -> np.ndarray:
    return (np.arange(2**count)[:, None] >> np.arange(count)) & 1


@given(limited_rows(), st.sampled_from([Relation.LE, Relation.GE]))
def test_judging_settling_rounding_and_cutting_agree_about_every_point(row: Limited, relation: Relation) -> None:
    """All of them against whole numbers, at limits that are met exactly but for the rounding of a sum."""
    steps, most, step, limit = row
    sign = 1.0 if relation is Relation.LE else -1.0
    op = constraint("c", relation, {(i,): sign * step * n for i, n in enumerate(steps)} | {(): -sign * limit})
    states = points(len(steps))
    holds = states @ np.array(steps) <= most
    judged = (
        Judge(op, np.zeros(len(steps), bool), None).residuals(arithmetic.evaluate(op.body, states), states).satisfied
    )
    assert (judged[:, 0] == holds).all()
    body, _ = whole_rows(op)
    units = row_units(body)
    allowed = unit_tolerances(body, units)
    assert ((arithmetic.evaluate(body, states)[:, 0] <= allowed[0]) == holds).all()
    settled = settled_bits([op], len(steps), 5)
    assert (states[holds][:, settled.bits] == settled.values).all()
    _, high = free_bounds(body)
    slips = np.minimum(allowed, largest_slips(body.constants(), high))
    caps = row_caps(body, high, units, slips, Groups.none(len(steps)))
    if caps is not None:
        assert ((arithmetic.evaluate(cut_rows(body, caps), states)[:, 0] <= allowed[0]) == holds).all()
