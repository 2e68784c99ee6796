"""Compiled writing of pairs against numpy: all small lengths, vector widths and numbers of threads."""

from __future__ import annotations

import numpy as np
import pytest

from qevo_compiler.evaluator.terms import pair_kernels
from qevo_compiler.evaluator.terms.pair_kernels import written_pairs


def form(count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(count)
    return np.sort(rng.choice(5 * count + 1, count, replace=False)).astype(np.int32), rng.standard_normal(count)


def assert_written(count: int, factor: float) -> None:
    names, weights = form(count)
    i, j = np.triu_indices(len(names), 1)
    wanted = names[i], names[j], 2.0 * weights[i] * weights[j] * factor
    for found, expected in zip(written_pairs(names, weights, factor), wanted, strict=True):
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("bits", ["128", "256", "512"])
def test_every_length(bits: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QEVO_VECTOR_BITS", bits)
    for count in (*range(20), 33, 257):
        assert_written(count, 1.0)
        assert_written(count, -0.3)


@pytest.mark.parametrize("threads", ["1", "2", "5"])
@pytest.mark.parametrize("part", [1, 7, 100, 10_000])
def test_parts_and_threads_do_not_show(threads: str, part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QEVO_THREADS", threads)
    for kind in ("PART", "SLOW_PART"):
        monkeypatch.setattr(pair_kernels, kind, part)
    for count in (0, 1, 2, 3, 50):
        assert_written(count, 0.7)


@pytest.mark.parametrize("count", [300, 500, 900, 1100])
def test_every_way_to_find_room(count: int) -> None:
    assert_written(count, 1.0)
