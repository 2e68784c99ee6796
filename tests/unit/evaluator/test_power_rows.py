"""Rows of powers of a map against products of polynomials as dictionaries."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qevo_compiler.analyses.carleman.monomials import FullBasis
from qevo_compiler.dialects.poly import Polynomials
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.evaluator import power_rows as module
from qevo_compiler.evaluator.power_rows import MonomialTree, power_rows
from qevo_compiler.evaluator.sparse import Rows

Names = tuple[int, ...]


def random_step(seed: int) -> Polynomials:
    """One to four rows with terms of degree 0 to 3, of small whole coefficients so that sums are exact."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 5))
    degrees = rng.choice(4, rng.integers(0, 5))
    blocks = [
        (rng.integers(0, n, 5), rng.integers(0, n, (5, degree)), rng.integers(-3, 4, 5).astype(float))
        for degree in degrees.tolist()
    ]
    return pack(n, blocks)


def tree_of(basis: FullBasis) -> MonomialTree:
    return MonomialTree(basis.order, basis.parent, basis.last, basis.degrees, basis.successors)


def power_rows_reference(step: Polynomials, basis: FullBasis) -> np.ndarray:
    """The dense matrix, by products of dictionaries from variable lists to coefficients."""
    factors: list[list[tuple[Names, float]]] = [[] for _ in range(step.rows)]
    for block in step.terms:
        for row, names, value in zip(
            block.row.values.tolist(), block.variables.values.tolist(), block.coefficients.values, strict=True
        ):
            factors[row].append((tuple(names), value))
    lists = [tuple(v for v in row if v >= 0) for row in basis.monomials.tolist()]
    place = {names: position for position, names in enumerate(lists)}
    found = np.zeros((basis.size, basis.size))
    for position, monomial in enumerate(lists):
        power: dict[Names, float] = {(): 1.0}
        for variable in monomial:
            longer: dict[Names, float] = defaultdict(float)
            for names, value in power.items():
                for more, factor in factors[variable]:
                    if len(names) + len(more) <= basis.order:
                        longer[tuple(sorted((*names, *more)))] += value * factor
            power = longer
        for names, value in power.items():
            found[position, place[names]] = value
    return found


def dense(rows: Rows) -> np.ndarray:
    size = len(rows.starts) - 1
    found = np.zeros((size, size))
    found[np.repeat(np.arange(size), np.diff(rows.starts)), rows.columns] = rows.values
    return found


@given(st.integers(0, 10**6), st.integers(0, 4))
@settings(max_examples=40)
def test_rows_are_products_of_polynomials(seed: int, order: int) -> None:
    step = random_step(seed)
    basis = FullBasis.of(step.rows, order)
    rows = power_rows(step, tree_of(basis))
    assert np.array_equal(dense(rows), power_rows_reference(step, basis))
    assert rows.values.all()
    inside = np.diff(np.repeat(np.arange(basis.size), np.diff(rows.starts))) == 0
    assert (np.diff(rows.columns)[inside] > 0).all()


def test_all_levels_of_the_marks() -> None:
    """Beyond 64^3 columns every level of the bitmaps has several words."""
    n = 800
    step = pack(n, [(np.arange(n), np.arange(n)[::-1, None], np.full(n, 2.0))])
    basis = FullBasis.of(n, 2)
    rows = power_rows(step, tree_of(basis))
    assert basis.size > 64**3
    assert np.array_equal(rows.starts, np.arange(basis.size + 1))
    assert np.array_equal(np.sort(rows.columns), np.arange(basis.size))
    assert np.array_equal(rows.values, 2.0**basis.degrees)


def test_buffers_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    step = pack(2, [(np.array([0, 0, 1, 1]), np.array([[0, 1], [1, 1], [0, 0], [0, 1]]), np.arange(1.0, 5.0))])
    tree = tree_of(FullBasis.of(step.rows, 6))
    whole = power_rows(step, tree)
    monkeypatch.setattr(module, "_FIRST", 1)
    again = power_rows(step, tree)
    assert len(whole.values) > 8
    assert all(np.array_equal(a, b) for a, b in zip(whole, again, strict=True))


def test_what_cancels_is_not_stored() -> None:
    """(x + y)(x - y) has no xy."""
    step = pack(2, [(np.array([0, 0, 1, 1]), np.array([[0], [1], [0], [1]]), np.array([1.0, 1.0, 1.0, -1.0]))])
    basis = FullBasis.of(2, 2)
    rows = power_rows(step, tree_of(basis))
    product = 4
    here = slice(int(rows.starts[product]), int(rows.starts[product + 1]))
    assert rows.columns[here].tolist() == [3, 5]
    assert rows.values[here].tolist() == [1.0, -1.0]
