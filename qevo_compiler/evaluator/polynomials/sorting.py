"""The stable order of 64-bit keys: radix sort on the digits that differ.

Cost for keys that differ in b bits: ceil(b / 8) passes of 16 bytes read and 8 written an entry; none when they are
sorted already.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qevo_compiler.evaluator.llvm import compiled, i64, lanes
from qevo_compiler.evaluator.polynomials.radix import DIGIT, pass_kernel, scan_kernel, tag_kernel

Longs = NDArray[np.int64]

# Below this, numpy's sort costs less than the calls of the passes.
_SMALL = 512
_SIGN = -(1 << 63)


@dataclass(frozen=True)
class _Order:
    """Entry i of the sorted sequence is entry `words[i] & mask` of the input."""

    words: Longs
    mask: int

    def permutation(self) -> Longs:
        return self.words if self.mask == -1 else self.words & self.mask


def sort_permutation(keys: ArrayLike) -> Longs:
    """The stable permutation [m] that sorts int64 `keys` [m] ascending."""
    flat = _longs(keys)
    order = _sorting(flat)
    return np.arange(len(flat)) if order is None else order.permutation()


def _scan(keys: Longs) -> tuple[int, int]:
    """The bits in which keys differ (as an unsigned number), and how many descend."""
    found = np.empty(2, np.int64)
    compiled(scan_kernel(lanes(i64)))(len(keys), keys, found)
    bits, descents = found.tolist()
    return bits % (1 << 64), descents


def _sorting(keys: Longs) -> _Order | None:
    """The stable order of the keys, or None when they are sorted."""
    if not len(keys):
        return None
    bits, descents = _scan(keys)
    return _radix(keys, bits) if descents else None


def _radix(keys: Longs, bits: int) -> _Order:
    """The stable order by the digits where `bits` has ones."""
    count = len(keys)
    if count < _SMALL:
        return _Order(np.argsort(keys, kind="stable"), -1)
    # Flipping the sign bit makes the unsigned order of the words the signed order of the keys.
    bias = _SIGN if bits >> 63 else 0
    high, low = bits.bit_length(), (bits & -bits).bit_length() - 1
    mask = -1 if high == 64 else (1 << high) - 1
    position_bits = (count - 1).bit_length()
    words, other = np.empty(count, np.int64), np.empty(count, np.int64)
    if high - low + position_bits <= 64:
        compiled(tag_kernel(lanes(i64)))(count, bias, mask, low, position_bits, keys, words)
        words = _passes(_digits(bits >> low, position_bits), words, other)
        return _Order(words, (1 << position_bits) - 1)
    words = (keys ^ bias) & mask
    return _Order(_passes_with_places(_digits(bits, 0), words, other), -1)


def _digits(bits: int, shift: int) -> list[int]:
    """Where the digits start that cover all ones of `bits`, lowest first, `shift` places up."""
    starts = []
    while bits:
        start = (bits & -bits).bit_length() - 1
        starts.append(start + shift)
        bits = bits >> (start + DIGIT) << (start + DIGIT)
    return starts


def _passes(starts: list[int], words: Longs, other: Longs) -> Longs:
    sort, counts = compiled(pass_kernel(False)), np.empty(1 << DIGIT, np.int64)
    for start in starts:
        sort(len(words), start, words, other, counts)
        words, other = other, words
    return words


def _passes_with_places(starts: list[int], words: Longs, other: Longs) -> Longs:
    sort, counts = compiled(pass_kernel(True)), np.empty(1 << DIGIT, np.int64)
    places, moved = np.arange(len(words)), np.empty(len(words), np.int64)
    for start in starts:
        sort(len(words), start, words, other, places, moved, counts)
        words, other, places, moved = other, words, moved, places
    return places


def _longs(values: ArrayLike) -> Longs:
    return np.ascontiguousarray(values, np.int64)
