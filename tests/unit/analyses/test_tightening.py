"""Tightened rows are satisfied by the same points, by rational arithmetic, and need no more slack nor a finer unit."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ising_support import polynomials

from qevo_compiler.analyses.bounds import Groups, group_bounds
from qevo_compiler.analyses.granularity import row_units
from qevo_compiler.analyses.structure import cut_rows, row_caps, shared_losses
from qevo_compiler.analyses.structure.tightening import accurate_sums
from qevo_compiler.analyses.tolerances import row_tolerances
from qevo_compiler.dialects.poly import Polynomials, arithmetic

Row = tuple[list[Fraction], Fraction]


def cut(p: Polynomials, groups: Groups | None = None) -> tuple[Polynomials, np.ndarray, np.ndarray]:
    """The rows as they are cut, their caps, and what they may exceed 0 by."""
    count = max(int(p.block(1)[1].max(initial=-1)) + 1, 1)
    groups = groups or Groups.none(count)
    units = row_units(p)
    tolerance = np.minimum(row_tolerances(p), np.where(units > 0, units, np.inf) / 4)
    high, constants = group_bounds(p, groups)[1], p.constants()
    tolerance = np.minimum(tolerance, 1e-9 * (np.abs(constants) + np.abs(high - constants)))
    caps = row_caps(p, high, units, tolerance, groups)
    if caps is None:
        return p, np.full(p.rows, np.inf), tolerance
    return cut_rows(p, caps, shared_losses(p, caps, groups)), caps, tolerance


def stated(rows: list[Row]) -> Polynomials:
    return polynomials([{(i,): float(c) for i, c in enumerate(cs) if c} | {(): float(c0)} for cs, c0 in rows])


def points(count: int) -> np.ndarray:
    return np.array(list(itertools.product((0, 1), repeat=count)), np.int8)


def capacities(p: Polynomials) -> np.ndarray:
    """The largest slack of every row in its units, its constant rounded up to them."""
    units, constants = row_units(p), p.constants()
    whole = np.ceil((constants - units / 4) / units) * units
    return np.rint((constants - whole - group_bounds(p, Groups.none(8))[0]) / units)


@st.composite
def rows(draw: st.DrawFn, places: int, largest: int) -> list[Row]:
    """Rows of decimals with so many places whose limit lies somewhere between the sums of their points."""
    found = []
    for _ in range(draw(st.integers(1, 4))):
        count = draw(st.integers(1, 6))
        digits = draw(st.lists(st.integers(-99, 99).filter(bool), min_size=count, max_size=count))
        scales = draw(st.lists(st.sampled_from([0, 0, 0, 1, 3, largest]), min_size=count, max_size=count))
        values = [Fraction(d * 10**e, 10**places) for d, e in zip(digits, scales, strict=True)]
        held = draw(st.lists(st.booleans(), min_size=count, max_size=count))
        room = Fraction(draw(st.integers(0, 30)), 10**places)
        found.append((values, -sum((v for v, h in zip(values, held, strict=True) if h), Fraction(0)) - room))
    return found


def check(family: list[Row]) -> None:
    p = stated(family)
    tight, caps, allowed = cut(p)
    assert tight.rows == len(family)
    for k in np.flatnonzero(np.isfinite(caps)).tolist():
        values, constant = family[k]
        state = points(len(values))
        holds = [sum((v for v, x in zip(values, s, strict=True) if x), constant) <= 0 for s in state.tolist()]
        padded = np.pad(state, ((0, 0), (0, 8 - len(values))))
        body = arithmetic.evaluate(tight, padded)[:, k]
        assert (body <= allowed[k]).tolist() == holds
        missed = [float(sum((v for v, x in zip(values, s, strict=True) if x), constant)) for s in state.tolist()]
        assert np.maximum(body, 0) == pytest.approx(np.maximum(missed, 0), abs=4 * allowed[k] + 1e-12)
        owner, _, coefficients = tight.block(1)
        assert np.abs(coefficients[owner == k]).max() <= caps[k]
    left = np.where(np.isfinite(caps), -1, np.arange(p.rows))
    assert arithmetic.select(tight, left) == arithmetic.select(p, left)


@given(rows(0, 10))
def test_whole_rows_hold_at_the_same_points(family: list[Row]) -> None:
    check(family)


@given(rows(1, 5))
def test_decimals_with_a_unit_hold_at_the_same_points(family: list[Row]) -> None:
    check(family)


@given(rows(2, 9))
def test_decimals_beside_a_big_m_hold_at_the_same_points(family: list[Row]) -> None:
    check(family)


@given(rows(0, 2) | rows(1, 2))
def test_slack_only_shrinks_and_units_only_grow(family: list[Row]) -> None:
    p = stated(family)
    tight, caps, _ = cut(p)
    changed = np.isfinite(caps)
    units = row_units(p)
    assert (row_units(tight)[changed] >= units[changed] * (1 - 1e-9)).all()
    assert (capacities(tight)[changed] < capacities(p)[changed]).all()
    again = cut(tight)
    assert again[0] is tight


@pytest.mark.parametrize(
    ("row", "tight"),
    [
        # A big M becomes what it has to cover.
        ({(0,): 1, (1,): 1, (2,): 1, (3,): -1e10}, {(0,): 1, (1,): 1, (2,): 1, (3,): -3}),
        ({(0,): 1, (1,): 1, (2,): 1, (3,): 1e10, (): -1e10 - 1}, {(0,): 1, (1,): 1, (2,): 1, (3,): 2, (): -3}),
        ({(0,): 0.5, (1,): 0.25, (2,): 1e10, (): -1e10}, {(0,): 0.5, (1,): 0.25, (2,): 0.75, (): -0.75}),
        # The unit of what stays counts: 4 and 6 are exceeded by 10 at most, by 9.5 stated.
        ({(0,): 4, (1,): 6, (2,): -101, (): -0.5}, {(0,): 4, (1,): 6, (2,): -10, (): -0.5}),
        ({(0,): 0.01, (1,): -1e14}, {(0,): 0.01, (1,): -0.01}),
        # Nothing stays: at most three of four.
        ({(0,): 5, (1,): 4, (2,): 3, (3,): 2, (): -12}, {(0,): 2, (1,): 2, (2,): 2, (3,): 2, (): -6}),
        # Left alone: nothing is above what the row can be exceeded by, or nothing can exceed it.
        ({(0,): 2, (1,): 2, (2,): 3, (): -3}, None),
        ({(0,): 2, (1,): 2, (2,): 9, (): -13}, None),
        ({(0,): 1, (1,): 1, (0, 1): 1, (2,): -1e10}, None),
    ],
)
def test_rows_by_hand(row: dict[tuple[int, ...], float], tight: dict[tuple[int, ...], float] | None) -> None:
    p = polynomials([row])
    found = cut(p)[0]
    assert found == polynomials([tight or row])
    assert tight is not None or found is p


def test_rows_of_a_family_are_cut_each_by_itself() -> None:
    family = [{(0,): 1, (1,): 1, (): -1}, {(0,): 1, (1,): 7, (2,): -1e9}, {(): -2}, {(2,): 3, (3,): -50}]
    tight, caps, _ = cut(polynomials(family))
    assert caps.tolist() == [np.inf, 8, np.inf, 3]
    assert tight == polynomials([family[0], {(0,): 1, (1,): 7, (2,): -8}, {(): -2}, {(2,): 3, (3,): -3}])


members = st.lists(st.sampled_from([-900, -3, -1, 1, 2, 5, 698, 700]), min_size=4, max_size=4)


@given(members, st.integers(-12, 3), st.sampled_from([0, -800, -700]), st.booleans())
def test_groups_count_once(values: list[int], constant: int, held: int, complete: bool) -> None:
    """The first three bits are one-hot, with or without one that the row does not have: valid points stay."""
    p = stated([([Fraction(v) for v in [*values, -1000, 800]], Fraction(constant + held))])
    groups = Groups.of(7, np.array([0, 0, 0, -1, -1, -1, -1 if complete else 0]))
    tight, caps, allowed = cut(p, groups)
    state = points(7)
    one_hot = state[:, :3].sum(axis=1) + (0 if complete else state[:, 6]) == 1
    before, after = (arithmetic.evaluate(body, state[one_hot])[:, 0] for body in (p, tight))
    assert ((after <= allowed[0]) == (before <= 0)).all()
    # What a soft row is missed by stays as well.
    assert np.maximum(after, 0) == pytest.approx(np.maximum(before, 0), abs=1e-9)
    assert caps[0] <= cut(p)[1][0]


@pytest.mark.parametrize(
    ("values", "caps"),
    [
        # At most 4 of 1 + 2 + 3 + 4, then M of a choice's label, then the only label that counts.
        ([1, 2, 4, -1e6, 0], 4),
        ([0, 0, -1e6, 3, 0], 3),
        ([1e6, 0, 0, 3, -1e6], 3),
        # Two labels close: at most one of them is set, so they are one literal.
        ([1e6, 1e6, 0, 3, -1e6], 3),
        ([1e6, 1e6, -5, 3, -1e6], 3),
        # One closes and one counts itself, or they close by different numbers: the lesser ones hold.
        ([1e6, 1, 0, 3, -1e6], 3),
        ([1e6, 2e6, 0, 3, -2e6], 3),
        ([1e6, 1e6 - 2, 0, 3, -1e6], 3),
    ],
)
def test_caps_of_groups(values: list[float], caps: float) -> None:
    *row, constant = values
    p = polynomials([{(i,): c for i, c in enumerate(row) if c} | {(): constant}])
    assert cut(p, Groups.of(4, np.array([0, 0, 0, -1])))[1].tolist() == [caps]


def test_labels_that_close_together_lose_their_big_m_once() -> None:
    p = polynomials([{(0,): 1e9, (1,): 1e9, (3,): 1.0, (4,): 1.0, (5,): 1.0, (): -1e9 - 1}, {(3,): 1.0, (0,): -7.0}])
    groups = Groups.of(6, np.array([0, 0, 0, -1, -1, -1]))
    tight, caps, _ = cut(p, groups)
    assert caps.tolist() == [2, 1]
    first = {(0,): 2.0, (1,): 2.0, (3,): 1.0, (4,): 1.0, (5,): 1.0, (): -3.0}
    assert tight == polynomials([first, {(3,): 1.0, (0,): -1.0}])
    shared = shared_losses(p, caps, groups)
    assert shared is not None
    assert shared.tolist() == [[1], [0]]
    assert shared_losses(p, caps, Groups.none(6)) is None


def test_labels_of_different_big_m_keep_how_far_they_are_apart() -> None:
    first = {(0,): 1e9, (1,): 1e9 - 1, (2,): 7.0, (4,): 1.0, (5,): 1.0, (6,): 1.0, (): -1e9 - 1}
    p = polynomials([first, {(4,): 1.0, (0,): -7.0}])
    tight, caps, _ = cut(p, Groups.of(7, np.array([0, 0, 0, 0, -1, -1, -1])))
    assert caps.tolist() == [2, 1]
    least = {(0,): 2.0, (1,): 1.0, (4,): 1.0, (5,): 1.0, (6,): 1.0, (): -3.0}
    assert tight == polynomials([least, {(4,): 1.0, (0,): -1.0}])


def test_big_numbers_that_cancel_leave_the_small_ones() -> None:
    values = np.array([1e16, 0.5, 0.25, 1e16, -1.0, 3.0])
    sums = accurate_sums(np.array([0, 0, 0, 1, 1, 1]), values, np.array([-1e16, -1e16]))
    assert sums.tolist() == [0.75, 2.0]
