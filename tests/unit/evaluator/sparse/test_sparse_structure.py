"""Reachability, restriction and diagonal similarity against dense matrices."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from qevo_compiler.evaluator.sparse import Rows, reached, rescale, restrict, rows_of


def square(size: int, entries: int, seed: int) -> tuple[np.ndarray, Rows]:
    rng = np.random.default_rng(seed)
    places = rng.integers(0, max(size, 1), (2, entries))
    found = sparse.coo_array((rng.normal(size=entries), (places[0], places[1])), shape=(size, size)).tocsr()
    return found.toarray(), rows_of(found.indptr, found.indices, found.data)


def dense(rows: Rows) -> np.ndarray:
    size = len(rows.starts) - 1
    return sparse.csr_array((rows.values, rows.columns, rows.starts), shape=(size, size)).toarray()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("entries", [0, 10, 40])
def test_reached_is_the_closure(seed: int, entries: int) -> None:
    (a, rows_a), (b, rows_b) = square(30, entries, seed), square(30, entries, seed + 10)
    links = np.eye(30) + (a != 0) + (b != 0)
    closed = np.linalg.matrix_power(links, 30) > 0
    assert np.array_equal(reached([rows_a, rows_b], [seed, 7, 7]), np.flatnonzero(closed[[seed, 7]].any(axis=0)))
    assert reached([rows_a], []).tolist() == []


@pytest.mark.parametrize("kept", [[], [0], [29], [0, 3, 4, 17, 29], list(range(30))])
def test_restrict_keeps_rows_and_columns(kept: list[int]) -> None:
    whole, rows = square(30, 200, 1)
    part = restrict(rows, np.array(kept, np.int64))
    assert np.array_equal(dense(part), whole[np.ix_(kept, kept)])
    assert len(part.values) == np.count_nonzero(whole[np.ix_(kept, kept)])


@pytest.mark.parametrize("size", [0, 1, 30])
def test_rescale_is_a_similarity(size: int) -> None:
    whole, rows = square(size, 4 * size, 2)
    weights = np.random.default_rng(0).uniform(1, 2, size)
    rescale(rows, weights)
    np.testing.assert_array_equal(dense(rows), whole * (weights[:, None] / weights))
