"""Deferred arrays are arrays like any other, formed when their elements are asked for and not before."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from qevo_compiler.ir import Array
from qevo_compiler.ir.deferred import Deferred, Narrow, bounded, kept, kept_as, narrowed, uniform


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


MANY = 1 << 10
FLOATS = st.one_of(
    st.integers(-127, 127).map(float),
    st.integers(-40_000, 40_000).map(float),
    st.floats(width=32, allow_nan=False, allow_infinity=False),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, -0.0]),
)


@given(st.data(), st.sampled_from(["f64", "i64", "i32"]))
def test_a_smaller_type_changes_no_bit(data: st.DataObject, dtype: str) -> None:
    size = {"f64": FLOATS, "i64": st.integers(-(2**63), 2**63 - 1), "i32": st.integers(-(2**31), 2**31 - 1)}[dtype]
    if dtype != "f64" and data.draw(st.booleans()):
        size = st.integers(0, data.draw(st.sampled_from([255, 256, 65_535, 65_536, 2**31 - 1])))
    few = data.draw(st.lists(size, min_size=1, max_size=4))
    values = np.resize(np.array(few, {"f64": "f8", "i64": "i8", "i32": "i4"}[dtype]), (MANY, 2))
    plain = Array(values.copy())
    found = narrowed(Array(values))
    assert (found.least, found.most, found.shape, found.dtype_name) == (plain.least, plain.most, (MANY, 2), dtype)
    if isinstance(found, Narrow):
        assert kept(found).itemsize < values.itemsize
        assert not found.formed
    assert np.array_equal(np.signbit(found.elements()), np.signbit(values))
    assert found == plain
    assert hash(found) == hash(plain)
    assert kept(found).dtype == values.dtype


def test_the_smallest_type_is_taken() -> None:
    tops = {
        "f64": [(127, 1), (128, 2), (-128, 1), (0.5, 4), (0.1, 8)],
        "i32": [(255, 1), (256, 2), (65_536, 4), (-1, 4)],
    }
    for dtype, cases in tops.items():
        for top, size in cases:
            values = np.full(MANY, top, {"f64": "f8", "i32": "i4"}[dtype])
            assert kept(narrowed(Array(values))).itemsize == size, (dtype, top)


def test_what_is_few_infinite_one_number_or_a_rule_stays() -> None:
    for array in (
        Array(np.ones(MANY - 1)),
        Array(np.full(MANY, np.inf)),
        Array(np.full(MANY, np.nan)),
        uniform(MANY, 3),
        Squares(MANY),
    ):
        assert narrowed(array) is array


@given(arrays.arrays(np.uint8, st.integers(1, 2 * MANY)))
def test_numbers_that_came_small_stay_so(values: np.ndarray) -> None:
    plain = Array(values.astype(np.int64))
    found = kept_as(values, "i64")
    assert kept(found).dtype == (np.uint8 if len(values) >= MANY else np.int64)
    assert (found.least, found.most) == (plain.least, plain.most)
    assert found == plain
