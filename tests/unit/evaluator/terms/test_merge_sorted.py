"""Merging of sorted lists of pairs against dictionaries."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from qevo_compiler.dialects.poly.pair_arrays import GroupPairs
from qevo_compiler.evaluator.terms.merge_sorted import MOST, merge_sorted

List = tuple[np.ndarray, np.ndarray, float]


def added(lists: list[List]) -> dict[tuple[int, ...], float]:
    """The sums in the order of the lists, without zeros, by ascending pair."""
    totals: dict[tuple[int, ...], float] = defaultdict(float)
    for names, values, factor in lists:
        for pair, value in zip(map(tuple, names.tolist()), values.tolist(), strict=True):
            totals[pair] += factor * value
    return {pair: totals[pair] for pair in sorted(totals) if totals[pair] != 0}


def listed(rng: np.random.Generator, count: int, order: str) -> List:
    pairs = np.unique(np.sort(rng.integers(0, 12, (count, 2)), axis=1), axis=0).astype(np.int32)
    return np.asarray(pairs, order=order), rng.integers(-3, 4, len(pairs)).astype(float), float(rng.integers(1, 4))


@pytest.mark.parametrize("counts", [(40,), (60, 50), (0, 30, 1), (30, 70, 20, 60)])
def test_merging_sorted_lists(counts: tuple[int, ...]) -> None:
    assert len(counts) <= MOST
    rng = np.random.default_rng(sum(counts))
    lists = [listed(rng, count, order) for count, order in zip(counts, "CFCF", strict=False)]
    merged = merge_sorted(lists, 0.0)
    pairs, values = merged.names, merged.values
    wanted = added(lists)
    assert dict(zip(map(tuple, pairs.tolist()), values.tolist(), strict=True)) == wanted
    assert pairs.tolist() == sorted(pairs.tolist())


@pytest.mark.parametrize("bits", ["128", "256", "512"])
@pytest.mark.parametrize("orders", ["FFF", "FCF"])
def test_lists_that_take_turns_in_runs(bits: str, orders: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QEVO_VECTOR_BITS", bits)
    rng = np.random.default_rng(int(bits))
    lists = []
    # Each list has every third run of columns, of any length, and now and then a pair of another list or a zero.
    owner = np.repeat(rng.integers(0, 3, 200), rng.integers(1, 40, 200))
    for which, order in enumerate(orders):
        chosen = np.flatnonzero((owner == which) | (rng.random(len(owner)) < 0.02))
        names = np.stack([chosen // 300, chosen % 300 + 300], axis=1).astype(np.int32)
        values = np.where(rng.random(len(chosen)) < 0.02, 0.0, rng.normal(size=len(chosen)))
        values = np.broadcast_to(0.7, len(chosen)) if which == 2 else values
        lists.append((np.asarray(names, order=order), values, rng.normal()))
    merged = merge_sorted(lists, 0.0)
    pairs, values = merged.names, merged.values
    wanted = added(lists)
    assert dict(zip(map(tuple, pairs.tolist()), values.tolist(), strict=True)) == wanted
    assert pairs.tolist() == sorted(pairs.tolist())


def test_merging_drops_dust_but_not_the_infinite() -> None:
    names = np.array([[0, 1], [0, 2], [1, 2]], np.int32)
    left, right = np.array([0.3, 1.0, np.inf]), np.array([-0.1 - 0.2, 1e-9, 1.0])
    merged = merge_sorted([(names, left, 1.0), (names, right, 1.0)], 2.0**-43)
    pairs, values = merged.names, merged.values
    assert pairs.tolist() == [[0, 2], [1, 2]]
    assert values.tolist() == [1.0 + 1e-9, np.inf]


@pytest.mark.parametrize("bits", ["128", "512"])
def test_groups_are_merged_like_their_pairs(bits: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QEVO_VECTOR_BITS", bits)
    rng = np.random.default_rng(int(bits))
    side = 23
    table = np.arange(side * side, dtype=np.int32).reshape(side, side)
    ends = np.repeat(np.arange(1, side + 1) * side, side)
    grids = [GroupPairs(grid.reshape(-1), ends, np.argsort(grid.reshape(-1))) for grid in (table, table.T.copy())]
    pairs = np.unique(np.sort(rng.integers(0, side * side + 40, (3000, 2)), axis=1), axis=0).astype(np.int32)
    listed = (np.asarray(pairs, order="F"), rng.normal(size=len(pairs)), 0.7)
    ones = [np.broadcast_to(2.0, len(grid)) for grid in grids]
    found = merge_sorted([(grids[0], ones[0], 1.3), listed, (grids[1], ones[1], -0.4)], 0.0)
    assert not any(grid.formed for grid in grids)
    wanted = added([(grids[0].values, ones[0], 1.3), listed, (grids[1].values, ones[1], -0.4)])
    assert dict(zip(map(tuple, found.names.tolist()), found.values.tolist(), strict=True)) == wanted
    assert found.names.tolist() == sorted(found.names.tolist())
    assert found.deepest == 2


def test_the_most_lists_that_meet_are_told() -> None:
    names = [np.array([[0, 1], [0, k], [2, 3]], np.int32) for k in (2, 3, 4)]
    lists = [(pairs, np.ones(3), 1.0) for pairs in names]
    assert [merge_sorted(lists[:k], 0.0).deepest for k in (1, 2, 3)] == [1, 2, 3]
