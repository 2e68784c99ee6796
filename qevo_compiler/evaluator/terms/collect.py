"""Sums of many weighted pairs and of many weighted names, collected in the memory of the result.

    found = collect_pairs([Pairs(a, b, weights)], size)     rows < columns inside a pair, ascending, each once
    totals = sums_by_name([(names, weights)], size)         [size]

Pairs are counted by their lower number, moved to the row of that number and sorted there: two passes over the input
and one over the rows, whatever the order; pairs that ascend already are copied. Next to the result only one number a
row is kept, and as much as the result again where long rows are far out of order. Equal pairs are added in the order
of the input, so that sums are the same on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from qevo_compiler.evaluator.llvm import compiled, i32, lanes
from qevo_compiler.evaluator.terms.closing import closed_up, first_of
from qevo_compiler.evaluator.terms.collect_kernels import (
    SHORT,
    add_kernel,
    ascend_kernel,
    count_kernel,
    disorder_kernel,
    move_kernel,
    settle_kernel,
    split_kernel,
)
from qevo_compiler.evaluator.terms.memory import lasting, uninitialised
from qevo_compiler.ir.counting import known_ends

Floats = NDArray[np.float64]
Names = NDArray[np.int32]

# Sorting a row in place costs up to the square of its length: beyond so many times the pairs, columns are sorted first.
LONG = 32


@dataclass(frozen=True)
class Pairs:
    """Pairs of non-negative numbers `first` [m] and `second` [m] in either order, with `weights` [m] or a scalar."""

    first: Names
    second: Names
    weights: Floats

    def __len__(self) -> int:
        return len(self.first)

    @property
    def step(self) -> int:
        return int(self.weights.ndim > 0)


def collect_pairs(parts: Sequence[Pairs], size: int) -> tuple[Names, Floats]:
    """Unique ascending pairs [k, 2] (the lower number first) of numbers below `size`, and their summed weights [k].

    Sums of zero are left out. Columns of the pairs are contiguous: `pairs[:, 0]` can be shared without a copy.
    Raises `ValueError` for 2^31 pairs or more.
    """
    parts = [_contiguous(part) for part in parts if len(part)]
    total = sum(map(len, parts))
    if total >= 1 << 31:
        raise ValueError("pairs must be numbered by 31 bits")
    if len(parts) == 1:
        pairs = _neighbours(parts[0])
        if pairs is not None or _ascends(parts[0]):
            return _in_order(parts[0], pairs)
    room = lasting(2 * total + SHORT, np.int32)
    return _settled(parts, size, room[: 2 * total].reshape(2, total))


def sums_by_name(parts: Sequence[tuple[Names, Floats]], size: int) -> Floats:
    """The sum of the weights ([m], or a scalar for all) of each name below `size`, added in order, [size]."""
    totals = uninitialised(size, np.float64)
    totals.fill(0.0)  # adding to pages of zeros that were never written faults twice a page
    add = compiled(add_kernel())
    for names, given in parts:
        weights = _weights(given)
        add(len(names), int(weights.ndim > 0), np.ascontiguousarray(names, np.int32), weights, totals)
    return totals


def _contiguous(part: Pairs) -> Pairs:
    first, second = (np.ascontiguousarray(x, np.int32) for x in (part.first, part.second))
    return Pairs(first, second, _weights(part.weights))


def _weights(weights: Floats) -> Floats:
    """The weights as a contiguous array, or a scalar where one number is repeated."""
    if weights.size and not any(weights.strides):
        return np.asarray(weights.reshape(-1)[0])
    return np.ascontiguousarray(weights, np.float64)


def _ascends(part: Pairs) -> bool:
    """Whether every pair comes after the one before it."""
    return int(compiled(ascend_kernel(lanes(i32)))(len(part), part.first, part.second)) == len(part)


def _neighbours(part: Pairs) -> Names | None:
    """Columns [2, m] that go up along the same shared numbers, the second ahead: a view of these, not a copy."""
    first, second = known_ends(part.first), known_ends(part.second)
    if first is None or second is None or part.first.base is not part.second.base or second[0] <= first[0]:
        return None
    step = part.first.itemsize
    return as_strided(part.first, (2, len(part)), ((second[0] - first[0]) * step, step), writeable=False)


def _in_order(part: Pairs, pairs: Names | None) -> tuple[Names, Floats]:
    """Pairs that ascend already, copied unless they are given as columns."""
    if pairs is None:
        pairs = uninitialised((2, len(part)), np.int32)
        compiled(split_kernel(lanes(i32)))(len(part), part.first, part.second, pairs[0], pairs[1])
    values = part.weights
    if not part.step:
        values = uninitialised(len(part), np.float64)
        values.fill(part.weights)
    if part.weights.all():
        return pairs.T, values
    keep = values != 0
    return np.ascontiguousarray(pairs[:, keep]).T, values[keep]


def _settled(parts: Sequence[Pairs], size: int, pairs: Names) -> tuple[Names, Floats]:
    total = pairs.shape[1]
    rows, columns = pairs
    weight = _common_weight(parts)
    values = lasting(total, np.float64)
    ends = _moved(parts, size, columns, values if weight is None else None)
    disorder = int(compiled(disorder_kernel())(size, ends, columns))
    if disorder > LONG * total:
        ends = _moved([_by_column(parts, size)], size, columns, values if weight is None else None)
        disorder = 0
    settle = compiled(settle_kernel(weight is None))
    kept = int(settle(size, disorder, weight or 0.0, ends, columns, values, rows))
    return closed_up(pairs, kept).T, first_of(values, kept)


def _moved(parts: Sequence[Pairs], size: int, others: Names, values: Floats | None, by_column: bool = False) -> Names:
    """Where each row (or column) ends once the pairs' other numbers, and weights, are written row by row."""
    counts = np.zeros(size, np.int32)
    count, move = compiled(count_kernel()), compiled(move_kernel(values is not None))
    for part in parts:
        count(len(part), int(by_column), part.first, part.second, counts)
    places = np.cumsum(counts, dtype=np.int32)
    places -= counts
    outputs = (others,) if values is None else (others, values)
    for part in parts:
        move(len(part), int(by_column), part.step, part.first, part.second, part.weights, places, *outputs)
    # Every row's next place is now its end.
    return places


def _by_column(parts: Sequence[Pairs], size: int) -> Pairs:
    """The same pairs in the order of their columns, equal ones in the order that they had."""
    total = sum(map(len, parts))
    weight = _common_weight(parts)
    rows, weights = np.empty(total, np.int32), np.empty(total) if weight is None else None
    ends = _moved(parts, size, rows, weights, by_column=True)
    columns = np.repeat(np.arange(size, dtype=np.int32), np.diff(ends, prepend=np.int32(0)))
    return Pairs(rows, columns, np.asarray(weight) if weights is None else weights)


def _common_weight(parts: Sequence[Pairs]) -> float | None:
    """The one weight of all pairs, or None where they differ."""
    found = {None if part.step else float(part.weights) for part in parts}
    return found.pop() if len(found) == 1 else None
