"""Sum entries with equal keys: stable radix sort on the digits that differ, then one pass over the runs.

    merged = merge_duplicates(keys, values)           keys ascending and unique, values summed
    indptr, indices, data = csr_from_entries(rows, columns, values, (m, n))

Values of equal keys are added in the order of the input, so that results are the same on every machine.
Cost for m entries whose keys differ in b bits: ceil(b / 8) passes of 16 bytes read and 8 written an entry; none
when the keys are sorted already. One million random 40-bit keys take 10-20 ms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qevo_compiler.evaluator.llvm import compiled, i64, lanes
from qevo_compiler.evaluator.radix import DIGIT, merge_kernel, pass_kernel, scan_kernel, tag_kernel

Longs = NDArray[np.int64]
Floats = NDArray[np.float64]

# Below this, numpy's sort costs less than the calls of the passes.
_SMALL = 512
_SIGN = -(1 << 63)


@dataclass(frozen=True)
class Merged:
    """Keys [k] ascending (by class inside a key), values [k] summed, and the classes [k] where they were given."""

    keys: Longs
    values: Floats
    classes: NDArray[np.int32] | None = None


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


def pair_keys(first: ArrayLike, second: ArrayLike) -> tuple[Longs, int]:
    """One int64 key [m] that sorts like the pairs of non-negative integers, and how many low bits hold `second`.

    Raises `ValueError` when both do not fit into 63 bits.
    """
    high, low = _longs(first), _longs(second)
    bits = int(low.max(initial=0)).bit_length()
    if min(high.min(initial=0), low.min(initial=0)) < 0:
        raise ValueError("pairs of keys must not be negative")
    if int(high.max(initial=0)).bit_length() + bits > 63:
        raise ValueError("a pair of keys needs more than 63 bits")
    keys = high << bits
    keys |= low
    return keys, bits


def merge_duplicates(keys: ArrayLike, values: ArrayLike, classes: ArrayLike | None = None) -> Merged:
    """The unique int64 `keys` [m] in ascending order, with the f64 `values` [m] of each summed in input order.

    With int32 `classes` [m] entries are merged only inside a class, and sorted by class inside a key. Sums that
    come to zero are kept.
    """
    flat, amounts = _longs(keys), np.ascontiguousarray(values, np.float64)
    if classes is not None:
        return _merged_in_classes(flat, amounts, _longs(classes))
    if not len(flat):
        return Merged(flat, amounts)
    bits, descents, repeats = _scan(flat)
    if not descents and not repeats:
        return Merged(flat, amounts)
    order = _radix(flat, bits) if descents else None
    out_keys, out_values = np.empty_like(flat), np.empty_like(amounts)
    outputs = flat, amounts, out_keys, out_values
    count = _merge_runs(len(flat), order, outputs)
    return Merged(out_keys[:count], out_values[:count])


def merge_pairs(first: ArrayLike, second: ArrayLike, values: ArrayLike) -> tuple[Longs, Longs, Floats]:
    """Unique pairs of non-negative integers in lexicographic order with summed values, as three arrays."""
    keys, bits = pair_keys(first, second)
    merged = merge_duplicates(keys, values)
    return merged.keys >> bits, merged.keys & ((1 << bits) - 1), merged.values


def csr_from_entries(
    rows: ArrayLike, columns: ArrayLike, values: ArrayLike, shape: tuple[int, int]
) -> tuple[Longs, NDArray[np.int32], Floats]:
    """Compressed rows of a sparse matrix from entries in any order: indptr [rows + 1], indices [k], data [k].

    Columns ascend inside a row and occur once; duplicates are summed in input order, zeros are kept. Raises
    `ValueError` for an entry outside `shape`.
    """
    keys, bits = pair_keys(rows, columns)
    if len(keys) and (int(np.max(rows)) >= shape[0] or int(np.max(columns)) >= shape[1]):
        raise ValueError(f"an entry lies outside a matrix of {shape[0]} x {shape[1]}")
    merged = merge_duplicates(keys, values)
    starts = np.searchsorted(merged.keys, np.arange(shape[0] + 1) << bits)
    return starts.astype(np.int64, copy=False), (merged.keys & ((1 << bits) - 1)).astype(np.int32), merged.values


def _merged_in_classes(keys: Longs, values: Floats, classes: Longs) -> Merged:
    if not len(keys):
        return Merged(keys, values, classes.astype(np.int32))
    # Sorting by the class first and by the key after it leaves classes sorted inside a key.
    by_class = sort_permutation(classes)
    order = by_class[sort_permutation(keys[by_class])]
    outputs: list[NDArray[Any]] = [np.empty_like(keys), np.empty_like(values), np.empty_like(keys)]
    count = _merge_runs(len(keys), _Order(order, -1), (keys, values, *outputs[:2], classes, outputs[2]))
    out_keys, out_values, out_classes = (array[:count] for array in outputs)
    return Merged(out_keys, out_values, out_classes.astype(np.int32))


def _merge_runs(count: int, order: _Order | None, arrays: tuple[NDArray[Any], ...]) -> int:
    kernel = compiled(merge_kernel(order is not None, len(arrays) == 6))
    if order is None:
        return int(kernel(count, *arrays))
    return int(kernel(count, order.words, order.mask, *arrays))


def _scan(keys: Longs) -> tuple[int, int, int]:
    """The bits in which keys differ (as an unsigned number), how many descend, and how many repeat."""
    found = np.empty(3, np.int64)
    compiled(scan_kernel(lanes(i64)))(len(keys), keys, found)
    bits, descents, repeats = found.tolist()
    return bits % (1 << 64), descents, repeats


def _sorting(keys: Longs) -> _Order | None:
    """The stable order of the keys, or None when they are sorted."""
    if not len(keys):
        return None
    bits, descents, _ = _scan(keys)
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
