"""The compiled loops against numpy on the same terms."""

from __future__ import annotations

import numpy as np
import pytest

from qevo_compiler.evaluator.terms import term_kernels
from qevo_compiler.evaluator.terms.term_kernels import pair_products, sums_by_bit


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


def test_sums_by_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    pairs = np.sort(rng.integers(0, 40, (500, 2)), axis=1)
    pairs = np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0).astype(np.int32)
    values = rng.normal(size=len(pairs))
    plain = sums_by_bit(pairs[:, 0], pairs[:, 1], values, 45)
    monkeypatch.setattr(term_kernels, "WORTH", 0)
    compiled = sums_by_bit(pairs[:, 0], pairs[:, 1], values, 45)
    for a, b in zip(plain, compiled, strict=True):
        assert a == pytest.approx(b, abs=1e-12)
    assert (plain[1] >= np.abs(plain[0]) - 1e-12).all()
