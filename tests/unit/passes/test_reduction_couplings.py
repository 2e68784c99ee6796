"""The couplings of a square under reduction do what listed couplings do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qevo_compiler.dialects.poly import Polynomials, Terms
from qevo_compiler.dialects.poly.pair_arrays import PairNames, no_rows, pair_products
from qevo_compiler.evaluator.terms import couplings
from qevo_compiler.ir import Array
from qevo_compiler.passes.reduction.couplings import Listed, Square, couplings_of

SIZE = 12


def pair(names: list[int], seed: int, factor: float, whole: bool) -> tuple[Square, Listed]:
    rng = np.random.default_rng(seed)
    signs = rng.choice([-1.0, 1.0], len(names))
    weights = signs * (rng.integers(1, 9, len(names)) if whole else rng.random(len(names)) + 0.1)
    products = pair_products(weights, factor)
    assert products is not None
    square = Square(PairNames(np.array(sorted(names), np.int32)), products)
    return square, Listed(square.pairs, square.values)


cases = st.tuples(
    st.sets(st.integers(0, SIZE - 1), min_size=3).map(list),
    st.integers(0, 10**6),
    st.sampled_from([1.0, -0.5, 0.3]),
    st.booleans(),
)


@given(cases)
def test_sums_at_bits_and_connected_parts(case: tuple[list[int], int, float, bool]) -> None:
    square, listed = pair(*case)
    found, expected = square.incidence(SIZE), listed.incidence(SIZE)
    for name in ("total", "reach"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(found.largest, expected.largest)
    np.testing.assert_array_equal(found.degree, expected.degree)
    coupled = int(np.count_nonzero(expected.degree))
    np.testing.assert_array_equal(square.parts(SIZE, coupled), listed.parts(SIZE, coupled))


@given(cases, st.integers(0, 2**SIZE - 1), st.sampled_from([(0.0, 1.0), (-1.0, 1.0)]))
def test_fixing_bits_gives_the_same_numbers(
    case: tuple[list[int], int, float, bool], chosen: int, values: tuple[float, float]
) -> None:
    square, listed = pair(*case)
    gone = np.array([chosen >> k & 1 == 1 for k in range(SIZE)])
    state = np.where(gone, np.random.default_rng(case[1]).choice(values, SIZE), 0.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(couplings, "WORTH", 0)
        rest, gain, constant = square.fixed(gone, state)
        expected, expected_gain, expected_constant = listed.fixed(gone, state)
    np.testing.assert_array_equal(gain, expected_gain)
    assert constant == expected_constant
    assert len(rest) == len(expected)
    np.testing.assert_array_equal(rest.pairs, expected.pairs)
    np.testing.assert_array_equal(rest.values, expected.values)
    assert rest.terms() == expected.terms()


def test_only_rules_stay_rules() -> None:
    names, products = PairNames(np.array([1, 4, 6], np.int32)), pair_products(np.array([1.0, -2.0, 3.0]))
    assert products is not None
    block = Terms(no_rows(3), names, products)
    symbolic = couplings_of(Polynomials(1, (block,)))
    assert isinstance(symbolic, Square)
    assert not products.formed
    listed = couplings_of(Polynomials(1, (Terms(no_rows(3), Array(names.values), Array(products.values)),)))
    assert isinstance(listed, Listed)
    np.testing.assert_array_equal(listed.pairs, symbolic.pairs)
    np.testing.assert_array_equal(listed.values, symbolic.values)
    assert isinstance(couplings_of(Polynomials(1, ())), Listed)
