"""Terms summed in place agree with the general way to pack a polynomial, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.passes.products.monomials import Term
from qevo_compiler.passes.products.sums import summed


@given(st.integers(0, 6), st.sampled_from([2, 5, 300, 2**31 - 2]), st.integers(0, 999))
@settings(max_examples=80, deadline=None)
def test_as_packed(parts: int, size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    terms = []
    for _ in range(parts):
        degree, count = int(rng.integers(0, 3)), int(rng.integers(0, 90))
        first = rng.integers(0, size, count)
        names = ((), (first,), (first, (first + rng.integers(1, size, count)) % size))[degree]
        values = rng.normal(size=count) if seed % 2 else rng.integers(-2, 3, count).astype(float)
        terms.append(Term(tuple(column.astype(np.int32) for column in names), values))
    expected = pack(
        1,
        [
            (np.zeros(len(t), np.int32), np.array(t.columns, np.int32).reshape(t.degree, len(t)).T, t.coefficients)
            for t in terms
        ],
    )
    assert summed(terms, size) == expected


def test_many_pieces_of_places() -> None:
    rng = np.random.default_rng(3)
    pairs = np.sort(rng.choice(500, (50_000, 2)), axis=1)
    pairs = pairs[pairs[:, 0] < pairs[:, 1]].astype(np.int32)
    values = rng.normal(size=len(pairs))
    expected = pack(1, [(np.zeros(len(pairs), np.int32), pairs, values)])
    assert summed([Term((pairs[:, 1], pairs[:, 0]), values)], 500) == expected


def test_cubic_terms_are_refused() -> None:
    one = np.zeros(1, np.int32)
    with pytest.raises(ValueError, match="not quadratic"):
        summed([Term((one, one + 1, one + 2), np.ones(1))], 3)
