"""Sums of pairs and names by kernels against dictionaries."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from qevo_compiler.evaluator.terms import collect
from qevo_compiler.evaluator.terms.closing import closed_up, first_of
from qevo_compiler.evaluator.terms.collect import Pairs, collect_pairs, sums_by_name
from qevo_compiler.ir.counting import counting
from qevo_compiler.ir.deferred import Repeated


def added(parts: list[Pairs]) -> dict[tuple[int, int], float]:
    """The sums in the order of the parts, without zeros, by ascending pair."""
    totals: dict[tuple[int, int], float] = defaultdict(float)
    for part in parts:
        weights = np.broadcast_to(part.weights, part.first.shape)
        for a, b, w in zip(part.first.tolist(), part.second.tolist(), weights.tolist(), strict=True):
            totals[min(a, b), max(a, b)] += w
    return {pair: totals[pair] for pair in sorted(totals) if totals[pair] != 0}


def agrees(parts: list[Pairs], size: int) -> bool:
    pairs, values = collect_pairs(parts, size)
    assert pairs[:, 0].flags.c_contiguous
    assert pairs[:, 1].flags.c_contiguous
    return dict(zip(map(tuple, pairs.tolist()), values.tolist(), strict=True)) == added(parts) and is_sorted(pairs)


def is_sorted(pairs: np.ndarray) -> bool:
    listed = list(map(tuple, pairs.tolist()))
    return listed == sorted(listed)


def random_pairs(rng: np.random.Generator, count: int, size: int, scalar: bool) -> Pairs:
    first, second = rng.integers(0, size, (2, count)).astype(np.int32)
    return Pairs(first, second, np.array(0.1) if scalar else rng.normal(size=count))


@pytest.mark.parametrize("count", [0, 1, 2, 17, 500])
@pytest.mark.parametrize("kinds", [(True,), (False,), (True, False), (True, True, True)])
@pytest.mark.parametrize("limit", [0, collect.LONG])
def test_pairs_in_any_order(count: int, kinds: tuple[bool, ...], limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "LONG", limit)
    rng = np.random.default_rng(count)
    for size in (1, 7, 100):
        assert agrees([random_pairs(rng, count, size, scalar) for scalar in kinds], size)


def test_long_rows_far_out_of_order() -> None:
    rng = np.random.default_rng(0)
    part = Pairs(np.zeros(3000, np.int32), rng.permutation(3000).astype(np.int32), rng.normal(size=3000))
    assert agrees([part], 3000)
    assert agrees([part, Pairs(part.second, part.first, part.weights)], 3000)


@pytest.mark.parametrize("length", [31, 32, 33, 60])
def test_one_long_row_among_short_ones(length: int) -> None:
    rng = np.random.default_rng(length)
    first = np.concatenate([np.full(length, 5), rng.integers(6, 100, 400)]).astype(np.int32)
    second = rng.integers(5, 100, len(first)).astype(np.int32)
    order = rng.permutation(len(first))
    for weights in (np.array(0.1), rng.normal(size=len(first))):
        assert agrees([Pairs(first[order], second[order], weights)], 100)


@pytest.mark.parametrize("step", [1, 5, 1 << 12])
@pytest.mark.parametrize("around", [True, False])
def test_pairs_that_rules_give(step: int, around: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neighbours along a path or a circle, as of a tour: at the end of the circle they do not ascend."""
    monkeypatch.setattr(collect, "_FEWEST", step)
    monkeypatch.setattr(collect, "_MOST", step)
    n, stops = 5, 6 if around else 5
    rng = np.random.default_rng(n)
    here, there = (np.arange(stops, dtype=np.int32) + k for k in (0, 1))
    i, j = np.arange(n, dtype=np.int32)[:, None], np.arange(n, dtype=np.int32)
    first = Repeated((stops, n, n), n * here[:, None, None], i[None])
    second = Repeated((stops, n, n), n * (there % 6)[:, None, None], j[None, None])
    weights = Repeated((stops, n, n), rng.integers(0, 3, (1, n, n)).astype(float))
    listed = as_arrays(Pairs(first, second, weights))
    for part in (
        Pairs(first, second, weights),
        Pairs(listed.first, second, weights),
        Pairs(first, second, np.array(2.0)),
    ):
        for parts in ([part], [part, listed], [listed, part]):
            found, wanted = collect_pairs(parts, 6 * n), collect_pairs(list(map(as_arrays, parts)), 6 * n)
            assert [x.tolist() for x in found] == [x.tolist() for x in wanted]
            assert agrees(list(map(as_arrays, parts)), 6 * n)
    assert not any(given.formed for given in (first, second, weights))


def as_arrays(part: Pairs) -> Pairs:
    given = (part.first, part.second, part.weights)
    return Pairs(*(numbers.elements() if isinstance(numbers, Repeated) else numbers for numbers in given))


def test_ascending_pairs_are_copied() -> None:
    high = np.arange(1, 50, dtype=np.int32)
    weights = np.where(high % 7 == 0, 0.0, 1.5)
    assert agrees([Pairs(high - 1, high, weights)], 50)
    assert agrees([Pairs(high, high - 1, np.array(2.0))], 50)
    assert agrees([Pairs(high, high - 1, np.broadcast_to(2.0, high.shape))], 50)


@pytest.mark.parametrize(("first", "second"), [(0, 1), (3, 4), (0, 7), (2, 90), (1, 1), (5, 2)])
@pytest.mark.parametrize("weights", [np.array(2.0), np.resize([1.5, 0.0, -2.0], 100), np.zeros(100)])
def test_steps_along_the_shared_numbers_are_columns_as_they_are(first: int, second: int, weights: np.ndarray) -> None:
    numbers = counting(50_000)
    part = Pairs(numbers[first : first + 100], numbers[second : second + 100], weights)
    assert agrees([part], 200)
    pairs, _ = collect_pairs([part], 200)
    assert np.shares_memory(pairs, numbers) == (first < second and bool(weights.all()))
    assert not pairs.flags.writeable or not np.shares_memory(pairs, numbers)


def test_sums_that_cancel_leave_no_pair() -> None:
    a, b = np.array([3, 1, 4], np.int32), np.array([2, 5, 4], np.int32)
    pairs, values = collect_pairs([Pairs(a, b, np.array(1.0)), Pairs(b, a, np.array(-1.0))], 6)
    assert pairs.shape == (0, 2)
    assert values.shape == (0,)


def test_not_a_number_stays() -> None:
    a, b = np.array([3, 1], np.int32), np.array([2, 5], np.int32)
    assert np.isnan(collect_pairs([Pairs(a, b, np.array([np.nan, 1.0]))], 6)[1]).tolist() == [False, True]


def test_sums_by_name() -> None:
    rng = np.random.default_rng(1)
    names, weights = rng.integers(0, 9, 200).astype(np.int32), rng.normal(size=200)
    found = sums_by_name([(names, weights), (names[::2], np.array(3.0)), (names[:0], weights[:0])], 9)
    wanted = [0.0] * 9
    for name, weight in zip(names.tolist(), weights.tolist(), strict=True):
        wanted[name] += weight
    for name in names[::2].tolist():
        wanted[name] += 3.0
    assert found.tolist() == wanted


@pytest.mark.parametrize("kept", [0, 1, 20, 90, 99, 100])
def test_closing_up(kept: int) -> None:
    columns = np.arange(200, dtype=np.int32).reshape(2, 100)
    wanted = columns[:, :kept].tolist()
    assert closed_up(columns, kept).tolist() == wanted
    assert first_of(np.arange(100.0), kept).tolist() == list(range(kept))
