"""The parts of quadratization by themselves: numbering of sets, costs, pairs, and the stage for high degrees."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qevo_compiler.passes.products.costs import Weights
from qevo_compiler.passes.products.cover import WIDEST
from qevo_compiler.passes.products.draft import Draft, TooMany
from qevo_compiler.passes.products.monomials import Monomials, by_degree, grouped, pair_keys, pair_names, set_keys
from qevo_compiler.passes.products.sharing import Pairs, share
from qevo_compiler.passes.quadratize import Quadratize


@given(st.integers(1, 6), st.integers(0, 40), st.sampled_from([4, 1000, 2**31 - 1]), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_equal_sets_get_equal_numbers(size: int, count: int, largest: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    pool = rng.integers(0, largest, (5, size)).astype(np.int32)
    sets = pool[rng.integers(0, 5, count)]
    groups = grouped(set_keys(sets))
    number, members = groups.spread(np.arange(len(groups.starts), dtype=np.int32)), sets[groups.first]
    rows = sorted({tuple(row) for row in sets.tolist()})
    assert members.tolist() == [list(row) for row in rows]
    assert [rows[n] for n in number] == [tuple(row) for row in sets.tolist()]


def test_pairs_are_found_where_they_are() -> None:
    names = np.array([[1, 5, 9], [0, 2, 70000]], np.int32)
    keys = pair_keys(names)
    assert pair_names(keys.reshape(-1)).tolist() == [[1, 5], [1, 9], [5, 9], [0, 2], [0, 70000], [2, 70000]]
    pairs = (
        Pairs.none().with_new(keys[0], np.array([20, 21, 22], np.int32)).with_new(keys[1, :1], np.array([23], np.int32))
    )
    assert pairs.numbers[pairs.find(keys[0])].tolist() == [20, 21, 22]
    assert pairs.numbers[pairs.find(keys[1, :1])].tolist() == [23]
    assert pairs.find(keys[1, 1:]).tolist() == [-1, -1]
    assert Pairs.none().find(keys[0]).tolist() == [-1, -1, -1]


@pytest.mark.parametrize("coupling", [0.0, 0.1, 0.5])
def test_the_cost_alone_is_what_quadratization_spends(coupling: float) -> None:
    weights = Weights(coupling, 0.0)
    for degree in range(3, 12):
        for sign in (-1.0, 1.0):
            draft_of = Quadratize(coupling_weight=coupling)
            p = _polynomial(np.arange(degree)[None], np.array([2 * sign]))
            quadratic, found = draft_of.quadratized(p, degree)
            assert found is not None
            spent = found.count + coupling * len(quadratic.block(2)[2])
            assert spent == pytest.approx(weights.alone(degree, sign > 0))


def test_high_monomials_lose_their_common_pair_only_when_it_pays() -> None:
    names = np.array([[0, 1, 2, 3, 4], [0, 1, 5, 6, 7]], np.int32)
    draft = Draft(8, 99)
    rest, opened = share([Monomials(names, np.array([1.0, 2.0]))], draft, Weights(0.1, 0.0))
    assert [block.degree for block in rest] == [4]
    assert pair_names(opened.keys).tolist() == [[0, 1]]
    draft = Draft(8, 99)
    rest, opened = share([Monomials(names, np.array([-1.0, -2.0]))], draft, Weights(0.1, 0.0))
    assert (draft.count, len(opened.keys), rest[0].names.tolist()) == (0, 0, names.tolist())


def test_negative_monomials_of_any_degree_take_one_auxiliary() -> None:
    for degree in (WIDEST, WIDEST + 1, 40):
        _, found = Quadratize().quadratized(_polynomial(np.arange(degree)[None], np.array([-1.0])), degree)
        assert found is not None
        assert found.count == 1


def test_blocks_are_joined_by_degree() -> None:
    parts = [Monomials(np.zeros((n, d), np.int32), np.ones(n)) for n, d in ((1, 4), (2, 3), (0, 2), (3, 4))]
    assert [(len(block), block.degree) for block in by_degree(parts)] == [(2, 3), (4, 4)]


def test_a_draft_has_a_limit() -> None:
    draft = Draft(5, 2)
    draft.products(np.array([[0, 1], [1, 2]], np.int32))
    with pytest.raises(TooMany):
        draft.products(np.array([[0, 2]], np.int32))


def _polynomial(names, coefficients):  # type: ignore[no-untyped-def]
    from qevo_compiler.dialects.poly.polynomials import pack

    return pack(1, [(np.zeros(len(names), np.int32), names.astype(np.int32), coefficients)])
