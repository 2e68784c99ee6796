"""Sparse operators against scipy, whatever the width of a vector, the coding and the number of threads."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from qevo_compiler.evaluator.sparse import SparseOperator, propagate

BITS = pytest.mark.parametrize("bits", [128, 256, 512])
TYPES = pytest.mark.parametrize(("dtype", "accuracy"), [(np.float64, 1e-13), (np.float32, 1e-5)])


def matrix(rows: int, columns: int, entries: int, distinct: int, seed: int = 0) -> sparse.csr_array:
    """Random entries with some empty rows and `distinct` values."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=distinct)[rng.integers(0, distinct, entries)]
    places = rng.integers(0, max(rows - 2, 1), entries), rng.integers(0, columns, entries)
    found = sparse.coo_array((values, places), shape=(rows, columns)).tocsr()
    found.sort_indices()
    return found


def operator(given: sparse.csr_array, **options: object) -> SparseOperator:
    return SparseOperator(given.indptr, given.indices, given.data, given.shape, **options)  # type: ignore[arg-type]


@BITS
@TYPES
@pytest.mark.parametrize("coded", [False, True])
@pytest.mark.parametrize("columns", [None, 0, 1, 3, 8, 16, 17, 33])
def test_products_are_scipys(
    bits: int, dtype: type, accuracy: float, coded: bool, columns: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QEVO_VECTOR_BITS", str(bits))
    given = matrix(53, 41, 400, 30)
    ours = operator(given, dtype=dtype, coded=coded)
    rng = np.random.default_rng(1)
    x, y = (rng.normal(size=n if columns is None else (n, columns)).astype(dtype) for n in (41, 53))
    np.testing.assert_allclose(ours @ x, given @ x, rtol=accuracy, atol=10 * accuracy)
    np.testing.assert_allclose(ours.transposed(y), given.T @ y, rtol=accuracy, atol=10 * accuracy)


@pytest.mark.parametrize(("distinct", "code"), [(1, 8), (200, 8), (256, 8), (300, 16), (70_000, 0)])
def test_values_are_coded_where_they_fit(distinct: int, code: int) -> None:
    values = np.random.default_rng(0).permutation(np.repeat(np.arange(distinct) + 0.5, 2))
    size = len(values)
    ours = SparseOperator([0, size], np.arange(size), values, (1, size), coded=True)
    assert ours.code == code
    assert ours.bytes_per_entry == 4 + {8: 1, 16: 2, 0: 8}[code]
    picked = np.zeros(size)
    picked[size // 3] = 1
    assert (ours @ picked)[0] == values[size // 3]


@pytest.mark.parametrize("shape", [(0, 0), (1, 1), (3, 5)])
def test_no_entries(shape: tuple[int, int]) -> None:
    empty = SparseOperator(np.zeros(shape[0] + 1, int), [], [], shape, coded=True)
    assert np.array_equal(empty @ np.ones(shape[1]), np.zeros(shape[0]))
    assert np.array_equal(empty.transposed(np.ones((shape[0], 2))), np.zeros((shape[1], 2)))


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("columns", [None, 5])
@pytest.mark.parametrize("keep", [1, 3, 7, 50])
@pytest.mark.parametrize("coded", [(False, False), (True, True), (True, False)])
@pytest.mark.parametrize("shifted", [False, True])
def test_steps_are_repeated_products(
    threads: int, columns: int | None, keep: int, coded: tuple[bool, bool], shifted: bool
) -> None:
    given = [matrix(30, 30, 200, 10, seed) for seed in (1, 2)]
    ours = [operator(m, coded=c, threads=threads) for m, c in zip(given, coded, strict=True)]
    which = np.random.default_rng(3).integers(0, 2, 20)
    y = np.random.default_rng(4).normal(size=30 if columns is None else (30, columns))
    b = np.random.default_rng(5).normal(size=y.shape) if shifted else None
    kept, last = propagate(ours, y, 20, which, keep, b)
    expected = [y]
    for i in which.tolist():
        expected.append(given[i] @ expected[-1] + (0 if b is None else b))
    np.testing.assert_allclose(kept, expected[::keep], rtol=1e-12, atol=1e-8)
    np.testing.assert_allclose(last, expected[-1], rtol=1e-12, atol=1e-8)


def test_threads_change_nothing() -> None:
    given = matrix(300, 300, 5000, 4000)
    x = np.random.default_rng(0).normal(size=(300, 19))
    one = operator(given, threads=1) @ x
    assert all(np.array_equal(one, operator(given, threads=n) @ x) for n in (2, 3, 4))


@pytest.mark.parametrize("coded", [False, True])
def test_fetching_ahead_changes_nothing(coded: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    given = matrix(300, 300, 5000, 40)
    x = np.random.default_rng(0).normal(size=300)
    before = operator(given, coded=coded) @ x
    monkeypatch.setattr("qevo_compiler.evaluator.sparse.operators._STREAMED", 0)
    assert np.array_equal(operator(given, coded=coded) @ x, before)


def test_no_steps() -> None:
    kept, last = propagate(operator(matrix(4, 4, 5, 2)), [1.0, 2.0, 3.0, 4.0], 0)
    assert np.array_equal(kept, [[1.0, 2.0, 3.0, 4.0]])
    assert np.array_equal(last, kept[0])


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="outside"):
        SparseOperator([0, 1], [3], [1.0], (1, 3))
    with pytest.raises(ValueError, match="starts"):
        SparseOperator([0, 2, 1], [0], [1.0], (2, 3))
    square, wide = operator(matrix(4, 4, 5, 2)), operator(matrix(4, 5, 5, 2))
    with pytest.raises(ValueError, match="wanted"):
        square @ np.ones(5)
    with pytest.raises(ValueError, match="square"):
        propagate(wide, np.ones(4), 1)
    with pytest.raises(ValueError, match="number of an operator"):
        propagate(square, np.ones(4), 2, [0, 1])
    with pytest.raises(ValueError, match="negative"):
        propagate(square, np.ones(4), 2, keep=0)
    with pytest.raises(ValueError, match="to add"):
        propagate(square, np.ones(4), 2, shift=np.ones(3))
