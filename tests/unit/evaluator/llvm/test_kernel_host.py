"""Vector width, threads and chunks follow the machine, or the environment where it says otherwise."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from qevo_compiler.evaluator.llvm import aligned, f32, f64, host, lanes, run_chunks, thread_count, vector_bits


def test_width_follows_the_features(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QEVO_VECTOR_BITS", raising=False)
    for features, bits in (("+avx2,+avx512bw", 512), ("+avx2,-avx512bw", 256), ("+sse4.2", 128)):
        monkeypatch.setattr(host, "cpu", lambda found=features: ("some-cpu", found))
        assert vector_bits() == bits
        assert lanes(f32) == bits // 32
        assert lanes(f64) == bits // 64


def test_width_and_threads_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QEVO_VECTOR_BITS", "256")
    monkeypatch.setenv("QEVO_THREADS", "3")
    assert vector_bits() == 256
    assert thread_count() == 3
    monkeypatch.setenv("QEVO_THREADS", "0")
    assert thread_count() >= 1


@pytest.mark.parametrize("threads", [1, 2, 4, None])
def test_chunks_come_back_in_order(threads: int | None) -> None:
    assert run_chunks(lambda n: n * n, range(20), threads) == [n * n for n in range(20)]


def test_one_chunk_starts_no_thread() -> None:
    assert run_chunks(lambda _: threading.current_thread(), [0], 4) == [threading.current_thread()]


def test_the_first_failure_is_raised() -> None:
    def work(n: int) -> int:
        if n == 3:
            raise ValueError("three")
        return n

    with pytest.raises(ValueError, match="three"):
        run_chunks(work, range(8), 2)


def test_aligned_arrays() -> None:
    for shape in (1, 7, (3, 5)):
        array = aligned(shape, np.float32)
        assert array.ctypes.data % 64 == 0
        assert array.shape == (shape if isinstance(shape, tuple) else (shape,))


def test_after_a_failure_nothing_is_begun_and_the_rest_is_told() -> None:
    ended, begun = threading.Event(), []

    def work(n: int) -> None:
        begun.append(n)
        if n == 0:
            raise ValueError("zero")
        assert ended.wait(60)

    with pytest.raises(ValueError, match="zero"):
        run_chunks(work, range(50), 2, ended.set)
    assert ended.is_set()
    assert len(begun) < 50
