"""Bounds hold over the states that they speak of, and are reached for linear rows."""

from __future__ import annotations

import numpy as np
import pytest
from ising_support import all_spins, polynomials

from qevo_compiler.analyses.bounds import Groups, group_bounds, largest_drop, largest_rise
from qevo_compiler.dialects.poly import Polynomials, arithmetic

BITS = 7
LABELS = np.array([0, 0, 0, -1, 1, 1, -1])


def random_rows(seed: int, degree: int = 3) -> Polynomials:
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(3):
        names = [tuple(sorted(rng.choice(BITS, rng.integers(0, degree + 1), replace=False).tolist())) for _ in range(9)]
        rows.append({n: float(rng.integers(-5, 6)) for n in names})
    return polynomials(rows)


def states(exactly: bool) -> np.ndarray:
    bits = (all_spins(BITS) + 1) // 2
    for group in (0, 1):
        count = bits[:, group == LABELS].sum(axis=1)
        bits = bits[count == 1 if exactly else count <= 1]
        LABELS.setflags(write=False)
    return bits


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("exactly", [True, False])
def test_bounds_hold(seed: int, exactly: bool) -> None:
    p = random_rows(seed)
    values = arithmetic.evaluate(p, states(exactly))
    low, high = group_bounds(p, Groups.of(BITS, LABELS), exactly)
    assert (low <= values.min(axis=0) + 1e-12).all()
    assert (high >= values.max(axis=0) - 1e-12).all()
    loose_low, loose_high = group_bounds(p, Groups.none(BITS))
    assert (loose_low <= low).all()
    assert (loose_high >= high).all()


@pytest.mark.parametrize("seed", range(5))
def test_linear_bounds_are_reached(seed: int) -> None:
    p = random_rows(seed, 1)
    values = arithmetic.evaluate(p, states(True))
    low, high = group_bounds(p, Groups.of(BITS, LABELS))
    np.testing.assert_allclose([low, high], [values.min(axis=0), values.max(axis=0)])


@pytest.mark.parametrize("seed", range(10))
def test_drop_and_rise_bound_single_flips(seed: int) -> None:
    p = arithmetic.total(random_rows(seed))
    drop, rise = largest_drop(p, BITS), largest_rise(p, Groups.of(BITS, LABELS))
    for bit in range(BITS):
        for allowed, every in ((False, True), (True, False)):
            bits = (all_spins(BITS) + 1) // 2 if every else states(allowed is None)
            off = bits[bits[:, bit] == 0]
            if not every and LABELS[bit] >= 0:
                off = off[off[:, LABELS[bit] == LABELS].sum(axis=1) == 0]
            on = off.copy()
            on[:, bit] = 1
            change = (arithmetic.evaluate(p, on) - arithmetic.evaluate(p, off))[:, 0]
            assert (change >= -drop[bit] - 1e-12).all() if every else (change <= rise[bit] + 1e-12).all()
