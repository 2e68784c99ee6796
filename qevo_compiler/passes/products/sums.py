"""The sum of many terms of degree at most 2, as a polynomial, in little more than the memory of the result.

Every term becomes one integer of its names and its place, and these are sorted in place: equal terms are added in the
order of the input, by numpy's rule for sums, as `pack` does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.poly import Polynomials, Terms
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.evaluator.terms.closing import first_of
from qevo_compiler.ir import Array
from qevo_compiler.passes.products.monomials import Flags, Floats, Integers, Names, Term

# Places are read out of sorted numbers piece by piece.
_PIECE = 1 << 13
Number = TypeVar("Number", np.int64, np.float64)


def summed(terms: list[Term], size: int) -> Polynomials:
    """One row over `size` bits, canonical. The bits of a term differ. `terms` is used up, so that its arrays go early.

    Raises `ValueError` for terms of degree 3 and more.
    """
    if any(term.degree > 2 for term in terms):
        raise ValueError("terms of degree 3 and more are not quadratic")
    by_degree = [[term for term in terms[::-1] if term.degree == degree and len(term)] for degree in range(3)]
    terms.clear()
    blocks = [block for found in by_degree if found for block in _block(found, size)]
    return Polynomials(1, tuple(blocks))


def _block(backwards: list[Term], size: int) -> Iterator[Terms]:
    """The terms of one degree, the last one first, as a block of a polynomial if something is left."""
    degree, bits = backwards[0].degree, size.bit_length()
    count = sum(map(len, backwards))
    if bits * degree + count.bit_length() > 63 or not degree:
        yield from pack(1, ((np.zeros(len(t), np.int32), _names(t), t.coefficients) for t in backwards[::-1])).terms
        return
    keys, values = _merged(*_written(backwards, count, bits))
    if len(keys):
        names = np.empty((degree, len(keys)), np.int32)
        np.bitwise_and(keys, (1 << bits) - 1, out=names[-1], casting="unsafe")
        if degree == 2:
            np.right_shift(keys, bits, out=names[0], casting="unsafe")
        del keys
        values = _lean(values)
        row = Array(np.broadcast_to(np.int32(0), values.shape), keep_layout=True)
        yield Terms(row, Array(names.T, keep_layout=True), Array(values))


def _names(term: Term) -> Names:
    return np.stack(term.columns, axis=1) if term.columns else np.zeros((len(term), 0), np.int32)


def _written(backwards: list[Term], count: int, bits: int) -> tuple[Integers, Floats]:
    """The key of every term, its lower name first, and its coefficient."""
    keys, values = np.empty(count, np.int64), np.empty(count)
    start = 0
    while backwards:
        term = backwards.pop()
        here = slice(start, start := start + len(term))
        values[here] = term.coefficients
        if term.degree == 1:
            keys[here] = term.columns[0]
            continue
        left, right = term.columns
        np.minimum(left, right, out=keys[here])
        keys[here] <<= bits
        keys[here] |= np.maximum(left, right)
    return keys, values


def _merged(keys: Integers, values: Floats) -> tuple[Integers, Floats]:
    """Different keys, ascending, with the sums of their values that are not zero; `keys` is used up."""
    keys, values = _sorted(keys, values)
    differs = np.ones(len(keys), bool)
    np.not_equal(keys[1:], keys[:-1], out=differs[1:])
    if not differs.all():
        values = _summed_up(values, np.flatnonzero(differs))
        keys = _kept(keys, differs)
    keep = values != 0
    return _kept(keys, keep), _kept(values, keep)


def _summed_up(values: Floats, first: NDArray[np.intp]) -> Floats:
    """The sum of every group of neighbours, groups starting at `first`, in place."""
    ends = [*range(_PIECE, len(first), _PIECE), len(first)]
    for start, end in zip([0, *ends], ends, strict=False):
        stop = int(first[end]) if end < len(first) else len(values)
        group = first[start:end]
        # Never before what is still to be read: group k starts at k or later.
        values[start:end] = np.add.reduceat(values[group[0] : stop], group - group[0])
    return values[: len(first)]


def _kept(numbers: NDArray[Number], flags: Flags) -> NDArray[Number]:
    """Those that are marked, moved to the front in place."""
    if flags.all():
        return numbers
    at = 0
    for start in range(0, len(numbers), _PIECE):
        found = numbers[start : start + _PIECE][flags[start : start + _PIECE]]
        numbers[at : at + len(found)] = found
        at += len(found)
    return numbers[:at]


def _sorted(keys: Integers, values: Floats) -> tuple[Integers, Floats]:
    """In the order of the keys, equal ones in the order that they had; `keys` is used up."""
    places = len(keys).bit_length()
    keys <<= places
    for start in range(0, len(keys), _PIECE):
        keys[start : start + _PIECE] |= np.arange(start, min(start + _PIECE, len(keys)))
    keys.sort()
    moved = np.empty(len(values))
    for start in range(0, len(keys), _PIECE):
        piece = slice(start, start + _PIECE)
        np.take(values, keys[piece] & ((1 << places) - 1), out=moved[piece])
    keys >>= places
    return keys, moved


def _lean(values: Floats) -> Floats:
    """The same values; a copy where they are the front of a much larger array."""
    return values if values.base is None else first_of(values.base, len(values))
