"""Sums of terms whose names are one integer: sorted and added in the memory of the terms themselves.

    count = merge(keys, values)             the first `count` ascend, each once, no sum 0
    names = take_names(keys, count, 2, bits)
    values = shrunk(values, count)

A key and the place of its term are sorted as one number of 63 bits (`fits`), so that equal keys are added in the order
of the terms, by numpy's rule for sums: the last bit is that of `np.add.reduceat`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.terms.closing import shrunk
from qevo_compiler.evaluator.terms.term_kernels import FEW

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Names = NDArray[np.int32]
Number = TypeVar("Number", np.int64, np.float64)

# Where sums lie is looked at piece by piece.
_PIECE = 1 << 11


def fits(bits: int, degree: int, count: int) -> bool:
    """Whether `degree` names of `bits` bits and the place among `count` terms are one number."""
    return bits * degree + count.bit_length() <= 63


def write_keys(columns: Sequence[NDArray[np.integer]], bits: int, out: Integers) -> None:
    """The names of every term, column by column, as one number each."""
    out[:] = columns[0]
    for column in columns[1:]:
        out <<= bits
        out |= column


def take_names(keys: Integers, count: int, degree: int, bits: int) -> Names:
    """The one or two names of each of the first keys as columns [degree, count], in the memory of `keys`."""
    halves, rest, end = keys.view(np.int32), [], count
    short = np.min_scalar_type((1 << bits) - 1)
    for start in range(0, count, _PIECE):
        # Never before what is still to be read: a name is half as long as a key.
        here = slice(start, min(start + _PIECE, count))
        columns = np.empty((degree - 1, here.stop - start), short)
        split(keys[here], bits, halves[here], *columns)
        # Small arrays find room where others were.
        rest += list(columns)
    for column in rest:
        halves[end : end + len(column)] = column
        end += len(column)
    del halves
    return shrunk(keys, (degree * count + 1) // 2).view(np.int32)[: degree * count].reshape(degree, count)


def split(keys: Integers, bits: int, *out: NDArray[np.integer]) -> None:
    """The names of the keys, column by column; `keys` is used up."""
    mask = (1 << bits) - 1
    for column in out[:0:-1]:
        np.bitwise_and(keys, mask, out=column, casting="unsafe")
        keys >>= bits
    out[0][:] = keys


def merge(keys: Integers, values: Floats) -> int:
    """Move different keys to the front, ascending, with the sums of their values that are not zero; how many."""
    _sort(keys, values)
    count = len(keys)
    differs = np.ones(count, bool)
    np.not_equal(keys[1:], keys[:-1], out=differs[1:])
    if not differs.all():
        _sum_up(values, differs)
        count = _close(keys, differs)
    keep = values[:count] != 0
    _close(keys, keep)
    return _close(values, keep)


def _sort(keys: Integers, values: Floats) -> None:
    """Both in the order of the keys, equal ones in the order that they had."""
    if bool((keys[1:] >= keys[:-1]).all()):
        return
    places = len(keys).bit_length()
    keys <<= places
    for start in range(0, len(keys), _PIECE):
        keys[start : start + _PIECE] |= np.arange(start, min(start + _PIECE, len(keys)))
    keys.sort()
    mask = (1 << places) - 1
    if len(keys) < FEW:
        values[:] = values[keys & mask]
    else:
        _order_kernel()(len(keys), mask, keys, values)
    keys >>= places


def _sum_up(values: Floats, first: NDArray[np.bool_]) -> None:
    """The sum of every group of neighbours, whose first ones are marked, at the front."""
    start, at = 0, 0
    while start < len(values):
        stop = start + _PIECE
        after = first[stop:]
        # Up to the end of a group.
        stop = stop + int(after.argmax()) if after.any() else len(values)
        places = np.flatnonzero(first[start:stop])
        values[at : at + len(places)] = np.add.reduceat(values[start:stop], places)
        start, at = stop, at + len(places)


def _close(numbers: NDArray[Number], flags: NDArray[np.bool_]) -> int:
    """Move those of the first numbers that are marked to the front; how many they are."""
    if flags.all():
        return len(flags)
    at = 0
    for start in range(0, len(flags), _PIECE):
        piece = flags[start : start + _PIECE]
        found = numbers[start : start + len(piece)][piece]
        numbers[at : at + len(found)] = found
        at += len(found)
    return at


@cache
def _order_kernel() -> Any:
    """order(n, mask, keys, values): values[i] = values[keys[i] & mask] for all i at once, in place.

    Those places are all different. Afterwards each key has its own: a cycle is walked where it is first met.
    """
    from qevo_compiler.evaluator.llvm import Kernel, compiled, f64, i64, ptr

    k = Kernel("order_in_place", n=i64, mask=i64, keys=ptr, values=ptr)
    with k.range(0, k.n) as i, k.when((k.load(i64, k.keys, i) & k.mask).differs(i)):
        carried, place = k.load(f64, k.values, i), k.variable(i64, i)
        with k.repeat() as cycle:
            here = place.get()
            key = k.load(i64, k.keys, here)
            source = key & k.mask
            k.store((key ^ source) | here, k.keys, here)
            cycle.stop_if(source.equals(i))
            k.store(k.load(f64, k.values, source), k.values, here)
            place.set(source)
        k.store(carried, k.values, place.get())
    return compiled(k)
