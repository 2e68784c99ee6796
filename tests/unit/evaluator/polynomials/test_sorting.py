"""The stable order of keys against numpy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qevo_compiler.evaluator.polynomials.sorting import sort_permutation

SIZES = [0, 1, 2, 7, 8, 9, 63, 511, 512, 513, 5000]
LONGS = st.integers(-(2**63), 2**63 - 1)


@pytest.fixture(params=[128, 256, 512], autouse=True)
def _vector_bits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QEVO_VECTOR_BITS", str(request.param))


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
def test_the_order_is_numpys_stable_one(size: int, kind: str) -> None:
    keys = draw(size, kind)
    assert np.array_equal(sort_permutation(keys), np.argsort(keys, kind="stable"))


@settings(max_examples=30)
@given(st.lists(LONGS, min_size=513, max_size=600))
def test_any_longs_sort(keys: list[int]) -> None:
    given_keys = np.array(keys)
    assert np.array_equal(sort_permutation(given_keys), np.argsort(given_keys, kind="stable"))
