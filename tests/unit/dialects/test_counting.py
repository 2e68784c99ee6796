"""Shared arrays of 0, 1, 2, ... and how they are told from others."""

from __future__ import annotations

import numpy as np
import pytest

from qevo_compiler.dialects.poly.counting import Counting, counting, holds_counting, is_counting
from qevo_compiler.ir import Array


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
