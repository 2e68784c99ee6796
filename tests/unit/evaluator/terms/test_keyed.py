"""Terms by key: sorted and summed in place as `np.lexsort` and `np.add.reduceat` do it, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qevo_compiler.evaluator.terms import keyed
from qevo_compiler.evaluator.terms.closing import shrunk
from qevo_compiler.evaluator.terms.keyed import fits, merge, split, take_names, write_keys

SEEDS = st.integers(0, 999)


def summed(names: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.lexsort(names[::-1])
    names, values = names[:, order], values[order]
    first = np.flatnonzero(np.append(True, (names[:, 1:] != names[:, :-1]).any(axis=0)))
    names, values = names[:, first], np.add.reduceat(values, first)
    return names[:, values != 0], values[values != 0]


@given(st.integers(1, 4), st.integers(1, 700), st.sampled_from([2, 40, 5000]), st.booleans(), SEEDS)
@settings(max_examples=120, deadline=None)
def test_equal_terms_are_added_in_order(degree: int, count: int, size: int, compiled: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = rng.integers(0, size, (degree, count)).astype(np.int32)
    values = rng.normal(size=count) if seed % 2 else rng.integers(-2, 3, count).astype(float)
    if seed % 3 == 0:
        names = names[:, np.lexsort(names[::-1])]
    expected_names, expected_values = summed(names, values.copy())
    bits = size.bit_length()
    assert fits(bits, degree, count)
    keys = np.empty(count, np.int64)
    write_keys(names, bits, keys)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keyed, "FEW", 0 if compiled else 1 << 11)
        patch.setattr(keyed, "_PIECE", 1 + seed % 50)
        kept = merge(keys, values)
        assert kept == expected_names.shape[1]
        if degree <= 2:
            found = take_names(keys, kept, degree, bits)
        else:
            found = np.empty((degree, kept), np.int32)
            split(keys[:kept], bits, *found)
    np.testing.assert_array_equal(found, expected_names)
    np.testing.assert_array_equal(shrunk(values, kept), expected_values)


def test_what_fits_one_number() -> None:
    assert fits(20, 2, (1 << 23) - 1)
    assert not fits(20, 2, 1 << 23)
    assert not fits(31, 2, 2)
