"""Merging of sorted lists of pairs against dictionaries."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

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
    pairs, values = merge_sorted(lists, 0.0)
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
    pairs, values = merge_sorted(lists, 0.0)
    wanted = added(lists)
    assert dict(zip(map(tuple, pairs.tolist()), values.tolist(), strict=True)) == wanted
    assert pairs.tolist() == sorted(pairs.tolist())


def test_merging_drops_dust_but_not_the_infinite() -> None:
    names = np.array([[0, 1], [0, 2], [1, 2]], np.int32)
    left, right = np.array([0.3, 1.0, np.inf]), np.array([-0.1 - 0.2, 1e-9, 1.0])
    pairs, values = merge_sorted([(names, left, 1.0), (names, right, 1.0)], 2.0**-43)
    assert pairs.tolist() == [[0, 2], [1, 2]]
    assert values.tolist() == [1.0 + 1e-9, np.inf]
