"""Merging duplicates against dictionaries, numpy and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from qevo_compiler.evaluator.merge import csr_from_entries, merge_duplicates, merge_pairs, sort_permutation

SIZES = [0, 1, 2, 7, 8, 9, 63, 511, 512, 513, 5000]
LONGS = st.integers(-(2**63), 2**63 - 1)


@pytest.fixture(params=[128, 256, 512], autouse=True)
def _vector_bits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QEVO_VECTOR_BITS", str(request.param))


def merge_reference(keys: np.ndarray, values: np.ndarray, classes: np.ndarray) -> dict[tuple[int, int], float]:
    """The sums in input order, by (key, class)."""
    found: dict[tuple[int, int], float] = {}
    for key, kind, value in zip(keys.tolist(), classes.tolist(), values.tolist(), strict=True):
        found[key, kind] = found[key, kind] + value if (key, kind) in found else value
    return dict(sorted(found.items()))


def draw(size: int, kind: str) -> np.ndarray:
    rng = np.random.default_rng(size)
    return {
        "few": lambda: rng.integers(0, 50, size),
        "wide": lambda: rng.integers(-(2**63), 2**63 - 1, size),
        "signed": lambda: rng.integers(-40, 40, size),
        "gapped": lambda: rng.integers(0, 30, size) << 50 | rng.integers(0, 4, size) << 3,
        "sorted": lambda: np.sort(rng.integers(0, 100, size)),
        "unique": lambda: np.arange(size) * 3 - 5,
        "constant": lambda: np.full(size, 12),
    }[kind]()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["few", "wide", "signed", "gapped", "sorted", "unique", "constant"])
def test_sums_in_input_order(size: int, kind: str) -> None:
    keys, values = draw(size, kind), np.random.default_rng(1).normal(size=size)
    merged = merge_duplicates(keys, values)
    expected = merge_reference(keys, values, np.zeros(size, int))
    assert list(zip(merged.keys.tolist(), merged.values.tolist(), strict=True)) == [
        (k, v) for (k, _), v in expected.items()
    ]
    assert np.array_equal(sort_permutation(keys), np.argsort(keys, kind="stable"))


@pytest.mark.parametrize("size", SIZES)
def test_classes_stay_apart(size: int) -> None:
    rng = np.random.default_rng(size)
    keys, values = rng.integers(0, 40, size), rng.normal(size=size)
    classes = rng.integers(-2, 3, size).astype(np.int32)
    merged = merge_duplicates(keys, values, classes)
    assert merged.classes is not None
    found = zip(zip(merged.keys.tolist(), merged.classes.tolist(), strict=True), merged.values.tolist(), strict=True)
    assert dict(found) == merge_reference(keys, values, classes)
    assert list(zip(merged.keys, merged.classes, strict=True)) == sorted(zip(merged.keys, merged.classes, strict=True))


@settings(max_examples=30)
@given(st.lists(LONGS, min_size=513, max_size=600))
def test_any_longs_sort(keys: list[int]) -> None:
    given_keys = np.array(keys)
    assert np.array_equal(sort_permutation(given_keys), np.argsort(given_keys, kind="stable"))


@pytest.mark.parametrize("entries", [0, 1, 40, 3000])
def test_compressed_rows_are_scipys(entries: int) -> None:
    rng = np.random.default_rng(entries)
    shape = (37, 91)
    rows, columns = (rng.integers(0, bound, entries).astype(np.int32) for bound in shape)
    values = rng.integers(-9, 9, entries).astype(float)
    indptr, indices, data = csr_from_entries(rows, columns, values, shape)
    expected = sparse.coo_array((values, (rows, columns)), shape=shape).tocsr()
    expected.sum_duplicates()
    assert np.array_equal(indptr, expected.indptr)
    assert np.array_equal(indices, expected.indices)
    assert np.array_equal(data, expected.data)
    first, second, merged = merge_pairs(rows, columns, values)
    assert np.array_equal(first, np.repeat(np.arange(shape[0]), np.diff(indptr)))
    assert np.array_equal(second, indices)
    assert np.array_equal(merged, data)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="outside"):
        csr_from_entries([0, 3], [0, 0], [1.0, 1.0], (3, 1))
    with pytest.raises(ValueError, match="negative"):
        merge_pairs([0, -1], [0, 0], [1.0, 1.0])
    with pytest.raises(ValueError, match="63 bits"):
        merge_pairs([1 << 40], [1 << 40], [1.0])
