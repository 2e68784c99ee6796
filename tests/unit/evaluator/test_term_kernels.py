"""The compiled loops against numpy on the same terms."""

from __future__ import annotations

import numpy as np
import pytest

from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.evaluator import term_kernels
from qevo_compiler.evaluator.term_kernels import SortedPairs, merge_pairs, pair_products, sums_by_bit


def sorted_pairs(rng: np.random.Generator, count: int, size: int) -> SortedPairs:
    pairs = np.sort(rng.integers(0, size, (count, 2)), axis=1)
    pairs = np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0).astype(np.int32)
    return SortedPairs(pairs, rng.normal(size=len(pairs)))


def test_products_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    lengths = rng.integers(0, 9, 50)
    row = np.repeat(np.arange(50), lengths)
    ends = np.cumsum(lengths)[row]
    names = rng.permutation(len(row)).astype(np.int32)
    coefficients = rng.normal(size=len(row))
    order = np.argsort(names)
    plain = pair_products(order, ends, names, coefficients)
    monkeypatch.setattr(term_kernels, "FEW", 0)
    compiled = pair_products(order, ends, names, coefficients)
    assert len(plain[1]) == int((lengths * (lengths - 1) // 2).sum())
    assert (plain[0] == compiled[0]).all()
    assert (plain[1] == compiled[1]).all()


def test_equal_products_are_one_number(monkeypatch: pytest.MonkeyPatch) -> None:
    order, ends, names = np.arange(50), np.full(50, 50), np.arange(50, dtype=np.int32)
    plain = pair_products(order, ends, names, np.full(50, 0.3))
    monkeypatch.setattr(term_kernels, "FEW", 0)
    pairs, products = pair_products(order, ends, names, np.full(50, 0.3), shared=True)
    assert products.strides == (0,)
    assert pairs.tolist() == plain[0].tolist()
    assert products.tolist() == plain[1].tolist()
    assert pair_products(order, ends, names, np.arange(50.0), shared=True)[1].strides == (8,)


@pytest.mark.parametrize(("left", "right"), [(300, 400), (0, 20), (20, 0), (0, 0)])
def test_merging_adds_values_and_sizes(left: int, right: int) -> None:
    rng = np.random.default_rng(left)
    a, b = sorted_pairs(rng, left, 20), sorted_pairs(rng, right, 20)
    a = SortedPairs(a.names, a.values, 2.5)
    merged = merge_pairs(a, b)
    parts = [(np.zeros(len(v), np.int32), n, v) for n, v in ((a.names, 2.5 * a.values), (b.names, b.values))]
    _, names, values = pack(1, parts).block(2)
    _, _, sizes = pack(1, [(row, n, np.abs(v)) for row, n, v in parts]).block(2)
    assert (merged.names == names).all()
    assert (merged.values == values).all()
    assert merged.sizes is not None
    assert (merged.sizes == sizes).all()


def test_sums_by_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    part = sorted_pairs(np.random.default_rng(3), 500, 40)
    plain = sums_by_bit(part.names[:, 0], part.names[:, 1], part.values, 45)
    monkeypatch.setattr(term_kernels, "WORTH", 0)
    compiled = sums_by_bit(part.names[:, 0], part.names[:, 1], part.values, 45)
    for a, b in zip(plain, compiled, strict=True):
        assert a == pytest.approx(b, abs=1e-12)
    assert (plain[1] >= np.abs(plain[0]) - 1e-12).all()
