"""Arrays that a rule describes: their elements are computed when they are first asked for.

A deferred array is an `Array` like any other: it compares, prints and hashes by content. What is known without its
elements (shape, type, smallest and largest element) costs nothing, so that a large array that the next pass writes
in another form need never be formed.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from qevo_compiler.ir.attributes import DTYPES, Array, ends

# What may hold the numbers of a type in less memory, the smallest first.
_SMALLER = {"f64": ("i1", "i2", "f4"), "i64": ("u1", "u2", "u4"), "i32": ("u1", "u2")}
_FEW = 1 << 10
_PIECE = 1 << 12  # numbers that are compared at a time


def bounded(values: NDArray[Any], least: float, most: float) -> Array:
    """An array whose smallest and largest element, both finite, are known: its elements are not looked at.

    As with `Array`, `values` is frozen; its type must be one of the stored ones.
    """
    array = Array.__new__(Array)
    values.setflags(write=False)
    array.__dict__ |= {"values": values, "least": least, "most": most, "is_finite": True}
    return array


def one_number(count: int, value: float, dtype: DTypeLike) -> NDArray[Any]:
    """One number `count` times, kept once (a stride of 0); not to be written to."""
    return np.ndarray((count,), dtype, np.array([value], dtype), 0, (0,))


def uniform(count: int, value: float, dtype_name: str = "i32") -> Array:
    """An array of `count` times the same finite number, kept once."""
    return bounded(one_number(count, value, DTYPES[dtype_name]), value, value)


class Deferred(Array):
    """A subclass says in `_elements` what the elements are. `least` and `most` must be finite and exact."""

    def __init__(self, shape: tuple[int, ...], dtype_name: str, least: float, most: float) -> None:
        self._shape = shape
        self._dtype_name = dtype_name
        self.__dict__ |= {"least": least, "most": most, "is_finite": True}

    def __getattr__(self, name: str) -> Any:
        if name != "values":
            raise AttributeError(name)
        values = np.ascontiguousarray(self._elements(), DTYPES[self._dtype_name])
        values.setflags(write=False)
        self.values = values
        return values

    def _elements(self) -> NDArray[Any]:
        raise AssertionError("a deferred array says what its elements are")

    def elements(self) -> NDArray[Any]:
        if self.formed:
            return self.values
        return np.ascontiguousarray(self._elements(), DTYPES[self._dtype_name])

    @property
    def formed(self) -> bool:
        """Whether the elements have been computed."""
        return "values" in self.__dict__

    @property
    def dtype_name(self) -> str:
        return self._dtype_name

    @property
    def shape(self) -> tuple[int, ...]:
        return self._shape

    @property
    def size(self) -> int:
        size = 1
        for length in self._shape:
            size *= length
        return size

    def __len__(self) -> int:
        return self._shape[0]


class Narrow(Deferred):
    """Numbers of type `dtype_name` kept in a smaller type that holds them exactly; `kept` is frozen."""

    def __init__(self, kept: NDArray[Any], dtype_name: str, least: float, most: float) -> None:
        super().__init__(kept.shape, dtype_name, least, most)
        kept.setflags(write=False)
        self.kept = kept

    def _elements(self) -> NDArray[Any]:
        return self.kept


def narrowed(array: Array) -> Array:
    """The same numbers in the smallest type that holds them all; the array itself where they are few or none does.

    For what is kept and seldom read: whoever asks for `values` has them in full from then on.
    """
    if array.size < _FEW or isinstance(array, Deferred) or not any(array.values.strides) or not array.is_finite:
        return array
    for name in _SMALLER.get(array.dtype_name, ()):
        dtype = np.dtype(name)
        if _holds(dtype, array):
            return Narrow(array.values.astype(dtype), array.dtype_name, array.least, array.most)
    return array


def kept_as(values: NDArray[Any], dtype_name: str) -> Array:
    """An array of type `dtype_name` that keeps its finite numbers in a type of their own, unless they are few."""
    if values.size < _FEW:
        return Array(values.astype(DTYPES[dtype_name]))
    return Narrow(values, dtype_name, *ends(values))


def kept(array: Array) -> NDArray[Any]:
    """The numbers in the type that they are kept in, for one reader that takes any."""
    return array.kept if isinstance(array, Narrow) and not array.formed else array.elements()


def _holds(dtype: np.dtype[Any], array: Array) -> bool:
    """Whether a type holds these numbers exactly, each bit by bit."""
    info = np.iinfo(dtype) if dtype.kind in "iu" else np.finfo(dtype)
    if array.least < float(info.min) or array.most > float(info.max):
        return False
    if array.values.dtype.kind != "f":
        return True
    flat = array.values.reshape(-1)
    pieces = (flat[start : start + _PIECE] for start in range(0, len(flat), _PIECE))
    return all(np.array_equal(piece.view("u8"), piece.astype(dtype).astype("f8").view("u8")) for piece in pieces)


class Repeated(Deferred):
    """One number for every combination of `axes`, the last fastest: the sum of `blocks`, broadcast and laid out flat.

    A block, not empty, has each axis whole or of length 1. Blocks that share a whole axis are added at once, so that
    the smallest sum is the sum of the smallest.
    """

    def __init__(self, axes: tuple[int, ...], *blocks: NDArray[Any]) -> None:
        apart: list[NDArray[Any]] = []
        for block in blocks:
            for other in [other for other in apart if _share_an_axis(other, block)]:
                apart = [kept for kept in apart if kept is not other]
                block = block + other
            apart.append(block)
        dtype = next(name for name, dtype in DTYPES.items() if dtype == apart[0].dtype)
        least, most = zip(*map(ends, apart), strict=True)
        super().__init__((prod(axes),), dtype, sum(least), sum(most))
        self._blocks, self._axes = apart, axes

    @property
    def stride(self) -> int:
        """How many elements there are for each step along the first axis: where pieces begin and end at no cost."""
        return self.size // self._axes[0]

    def piece(self, start: int, stop: int) -> NDArray[Any]:
        """The elements `start .. stop`, contiguous, computed with no others but those of the same steps."""
        first, last = start // self.stride, -(-stop // self.stride)
        blocks = [block[first:last] if len(block) > 1 else block for block in self._blocks]
        whole = np.broadcast_to(sum(blocks[1:], blocks[0]), (last - first, *self._axes[1:])).reshape(-1)
        return np.ascontiguousarray(whole[start - first * self.stride : stop - first * self.stride])

    def _elements(self) -> NDArray[Any]:
        first, *rest = self._blocks
        return np.broadcast_to(sum(rest, first), self._axes).reshape(-1)


def _share_an_axis(left: NDArray[Any], right: NDArray[Any]) -> bool:
    return any(a > 1 and b > 1 for a, b in zip(left.shape, right.shape, strict=True))
