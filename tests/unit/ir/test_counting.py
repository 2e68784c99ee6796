"""Shared arrays of 0, 1, 2, ... and how they are told from others."""

from __future__ import annotations

import numpy as np
import pytest

from qevo_compiler.dialects.poly.counting import Counting, holds_counting
from qevo_compiler.ir import Array
from qevo_compiler.ir.attributes import ends
from qevo_compiler.ir.counting import counting, is_counting, known_ends, moved


@pytest.mark.parametrize("size", [0, 1, 1234, 1 << 15, (1 << 15) + 1, 100_000])
def test_numbers_count_and_are_read_only(size: int) -> None:
    found = counting(size)
    assert found.dtype == np.int32
    assert np.array_equal(found, np.arange(size))
    assert is_counting(found)
    assert not found.flags.writeable


def test_arrays_are_shared_while_they_live() -> None:
    one = counting(1234)
    assert np.shares_memory(counting(1234), one)
    long = counting(262_144)
    assert np.shares_memory(counting(262_143), long)


def test_others_are_told_apart() -> None:
    long = counting(100_000)
    assert not is_counting(long[1:])
    assert not is_counting(long[::-1])
    assert not is_counting(long[::2])
    swapped = long.copy()
    swapped[[5, 6]] = swapped[[6, 5]]
    assert not is_counting(swapped)
    assert is_counting(np.arange(7))
    assert is_counting(np.zeros(0, np.int64))


def test_starts_by_rule_equal_those_written_out() -> None:
    for count in (0, 1, 5):
        rule = Counting(count)
        assert holds_counting(rule)
        assert not rule.formed
        assert rule == Array(np.arange(count))
        assert rule.digest == Array(np.arange(count)).digest
        assert (rule.least, rule.most) == (0, max(count - 1, 0))
    assert not holds_counting(Array(np.array([0, 2])))


def test_one_number_that_is_a_view_of_a_scalar() -> None:
    assert is_counting(np.broadcast_to(np.zeros((), np.int32), (1,)))
    assert is_counting(np.zeros((), np.int32).reshape(-1))
    assert not is_counting(np.broadcast_to(np.zeros((), np.int32), (2,)))


@pytest.mark.parametrize("size", [7, 4096, 40_000, 1 << 16, 100_001])
@pytest.mark.parametrize("step", [-3, -1, 0, 1, 2, 5000])
@pytest.mark.parametrize("start", [0, 2, 9])
def test_steps_along_the_shared_numbers_are_views(size: int, step: int, start: int) -> None:
    long = counting(size)
    run = long[start:].reshape(1, -1)
    found = moved(run, step)
    if size < 1 << 15 or start + step < 0:
        assert found is None
        return
    assert found is not None
    assert not found.flags.owndata
    assert not found.flags.writeable
    assert np.array_equal(found, run + step)
    assert known_ends(found) == ends(found) == (start + step, size - 1 + step)


def test_other_arrays_are_not_moved() -> None:
    long = counting(100_000)
    for other in (long[::-1], long[::2], long.copy(), np.arange(100_000), long.astype(np.int64), long[1:2]):
        assert moved(other, 1) is None
    for other in (long[::-1], long[::2], long.copy(), long[:0]):
        assert known_ends(other) is None
    assert ends(long[::-1]) == (0, 99_999)
