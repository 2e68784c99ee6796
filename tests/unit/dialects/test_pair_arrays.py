"""The rules for products of pairs against whole-array formulas."""

from __future__ import annotations

from itertools import combinations
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qevo_compiler.dialects.poly import Terms
from qevo_compiler.dialects.poly.pair_arrays import GroupPairs, PairNames, no_rows, pair_products
from qevo_compiler.ir import Array

numbers = st.floats(-1e6, 1e6, allow_nan=False).filter(lambda x: abs(x) > 1e-6)
weights_of = st.lists(numbers, min_size=2, max_size=12).map(np.array)
DYADIC = [1.0, -1.0, 0.5, -4.0, 2.0**20]


@given(st.sets(st.integers(0, 100), max_size=12))
def test_names_are_the_pairs_in_order(chosen: set[int]) -> None:
    names = np.array(sorted(chosen), np.int32)
    i, j = np.triu_indices(len(names), 1)
    found, expected = PairNames(names), np.stack([names[i], names[j]], axis=1)
    assert (found.shape, len(found)) == (expected.shape, len(expected))
    assert (found.least, found.most) == (Array(expected).least, Array(expected).most)
    assert not found.formed
    assert found == Array(expected)


@given(st.lists(st.integers(0, 4), min_size=2, max_size=20), st.randoms(use_true_random=False))
def test_pairs_inside_groups_are_in_order(labels: list[int], random: Random) -> None:
    groups = [[name for name, label in enumerate(labels) if label == group] for group in range(5)]
    random.shuffle(groups)
    expected = sorted(pair for group in groups for pair in combinations(group, 2))
    names = np.array([name for group in groups for name in group], np.int32)
    sizes = np.array([len(group) for group in groups])
    ends, order = np.repeat(np.cumsum(sizes), sizes), np.argsort(names)
    if not expected:
        return
    found = GroupPairs(names, ends, order)
    assert (found.shape, len(found)) == ((len(expected), 2), len(expected))
    assert (found.least, found.most) == (min(map(min, expected)), max(map(max, expected)))
    assert not found.formed
    assert found == Array(np.array(expected, np.int32))
    assert Terms(no_rows(len(found)), found, Array(np.ones(len(found)))).squarefree


@given(weights_of, st.one_of(st.sampled_from(DYADIC), numbers))
def test_products_are_those_of_the_formula(weights: np.ndarray, factor: float) -> None:
    i, j = np.triu_indices(len(weights), 1)
    expected = Array(2 * weights[i] * weights[j] * factor)
    found = pair_products(weights, factor)
    assert found is not None
    assert (found.least, found.most, found.size) == (expected.least, expected.most, expected.size)
    assert not found.formed
    assert found == expected


@given(weights_of, st.one_of(st.sampled_from(DYADIC), numbers), st.one_of(st.sampled_from(DYADIC), numbers))
def test_scaling_gives_the_same_numbers_or_nothing(weights: np.ndarray, first: float, second: float) -> None:
    products = pair_products(weights, first)
    assert products is not None
    scaled = products.scaled(second)
    if scaled is None:
        assert first not in DYADIC
        assert second not in DYADIC
    else:
        assert scaled == Array(products.values * second)


@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf, 1e-200, 1e200])
def test_products_that_vanish_or_overflow_have_no_rule(bad: float) -> None:
    assert pair_products(np.array([1.0, 2.0, bad])) is None
    assert pair_products(np.array([1.0, 2.0]), bad * bad) is None


def test_one_weight_has_no_products() -> None:
    assert pair_products(np.ones(1)) is None


def test_their_terms_are_known_to_be_squarefree() -> None:
    names, products = PairNames(np.array([1, 4, 6], np.int32)), pair_products(np.ones(3))
    assert products is not None
    terms = Terms(no_rows(3), names, products)
    assert terms.squarefree
    assert not names.formed
    assert (terms.degree, len(terms)) == (2, 3)
    square = Terms(no_rows(1), Array(np.array([[1, 1]], np.int32)), Array(np.ones(1)))
    assert not square.squarefree
