"""Deferred arrays are arrays like any other, formed when their elements are asked for and not before."""

from __future__ import annotations

import numpy as np
import pytest

from qevo_compiler.ir import Array
from qevo_compiler.ir.deferred import Deferred, bounded, uniform


class Squares(Deferred):
    """0, 1, 4, ..."""

    def __init__(self, count: int) -> None:
        super().__init__((count,), "f64", 0.0, float((count - 1) ** 2))
        self.times = 0

    def _elements(self) -> np.ndarray:
        self.times += 1
        return np.arange(len(self), dtype=np.float64) ** 2


def test_what_is_known_needs_no_elements() -> None:
    found = Squares(5)
    assert (found.shape, found.size, len(found), found.dtype_name) == ((5,), 5, 5, "f64")
    assert (found.least, found.most, found.is_finite) == (0.0, 16.0, True)
    assert repr(found) == "Array(f64[5])"
    assert not found.formed


def test_elements_are_formed_once_and_frozen() -> None:
    found = Squares(5)
    assert np.array_equal(found, [0, 1, 4, 9, 16])
    assert found.values is found.values
    assert found.formed
    assert found.times == 1
    with pytest.raises(ValueError, match="read-only"):
        found.values[0] = 1


def test_equality_and_hash_are_those_of_the_content() -> None:
    plain = Array(np.arange(5.0) ** 2)
    assert Squares(5) == plain
    assert plain == Squares(5)
    assert hash(Squares(5)) == hash(plain)
    assert Squares(5) != Squares(4)
    assert uniform(3, 0) == Array(np.zeros(3, np.int32))
    assert uniform(3, 2.5, "f64") == Array(np.full(3, 2.5))


def test_other_names_are_missing_as_usual() -> None:
    with pytest.raises(AttributeError):
        _ = Squares(5).nothing


def test_bounds_are_taken_as_given() -> None:
    values = np.array([3.0, -1.0])
    found = bounded(values, -1.0, 3.0)
    assert found == Array(values.copy())
    assert (found.least, found.most, found.is_finite) == (-1.0, 3.0, True)
    assert not values.flags.writeable
