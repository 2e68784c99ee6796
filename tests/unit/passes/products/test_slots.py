"""Numbers of sets for the search: equal sets alike, single ones 0, whatever the batches."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qevo_compiler.evaluator.quadratization import FIRST
from qevo_compiler.passes.products import slots
from qevo_compiler.passes.products.sharing import Pairs
from qevo_compiler.passes.products.slots import Column, numbered


def columns_of(names: np.ndarray, rows: np.ndarray) -> tuple[list[Column], list[tuple[int, ...]]]:
    """Pairs of all monomials and of some, and the sets that they stand for."""
    every, some = np.full((len(names), 2), -1, np.int32), np.full((len(rows), 1), -1, np.int32)
    columns = [
        Column(names, None, (0, 2), every[:, 0]),
        Column(names, None, (1, 2), every[:, 1]),
        Column(names, rows, (0, 1), some[:, 0]),
    ]
    sets = [names[:, [0, 2]], names[:, [1, 2]], names[rows][:, [0, 1]]]
    return columns, [tuple(pair) for part in sets for pair in part.tolist()]


@given(st.integers(0, 60), st.sampled_from([5, 40, 2**31 - 1]), st.booleans(), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_sets_are_numbered(count: int, largest: int, batched: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    pool = np.sort(rng.integers(0, largest, (12, 3)), axis=1).astype(np.int32)
    names = pool[rng.integers(0, 12, count)]
    columns, sets = columns_of(names, np.flatnonzero(rng.random(count) < 0.5))
    opened = Pairs.none()
    if sets:
        key = (sets[0][0] << 32) | sets[0][1]
        opened = opened.with_new(np.array([key]), np.array([99], np.int32))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slots, "FEW", 1 + count // 9 if batched else 1 << 14)
        resources = numbered(columns, opened)
    numbers = np.concatenate([column.out for column in columns]).tolist()
    times = Counter(sets)
    assert resources.named[:FIRST].tolist() == [1, 0]
    assert len({n for n in numbers if n}) == resources.count - FIRST
    assert len({(n, s) for n, s in zip(numbers, sets, strict=True) if n}) == resources.count - FIRST
    for number, pair in zip(numbers, sets, strict=True):
        assert (number >= FIRST) == (times[pair] > 1 or pair == sets[0])
        if number:
            assert resources.named[number] == times[pair]
            assert resources.owned[number] == (pair == sets[0])
