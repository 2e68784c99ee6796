"""Sums of many weighted pairs and of many weighted names, collected in the memory of the result.

    found = collect_pairs([Pairs(a, b, weights)], size)     rows < columns inside a pair, ascending, each once
    totals = sums_by_name([(names, weights)], size)         [size]

Pairs are counted by their lower number, moved to the row of that number and sorted there: two passes over the input
and one over the rows, whatever the order; pairs that ascend already are copied. Next to the result only one number a
row is kept, and as much as the result again where long rows are far out of order. Equal pairs are added in the order
of the input, so that sums are the same on every machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

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
from qevo_compiler.ir.deferred import Repeated

Floats = NDArray[np.float64]
Names = NDArray[np.int32]

# Pairs that a rule gives are computed in so many pieces, none smaller or larger than so.
_PIECES, _FEWEST, _MOST = 3, 1 << 11, 1 << 14

# Sorting a row in place costs up to the square of its length: beyond so many times the pairs, columns are sorted first.
LONG = 32


@dataclass(frozen=True)
class Listed:
    """Pairs as the kernels read them: contiguous columns [m], and `weights` [m] or a scalar."""

    first: Names
    second: Names
    weights: Floats

    def __len__(self) -> int:
        return len(self.first)

    @property
    def step(self) -> int:
        return int(self.weights.ndim > 0)


@dataclass(frozen=True)
class Pairs:
    """Pairs of non-negative numbers `first` [m] and `second` [m] in either order, with `weights` [m] or a scalar.

    What a rule gives is computed a piece at a time, each time that the pairs are gone through, and never kept.
    """

    first: Names | Repeated
    second: Names | Repeated
    weights: Floats | Repeated

    def __len__(self) -> int:
        return len(self.first)

    @property
    def weight(self) -> float | None:
        """The weight of all pairs, where it is given once."""
        return None if isinstance(self.weights, Repeated) or self.weights.ndim else float(self.weights)

    @property
    def given_by_rules(self) -> bool:
        return any(isinstance(given, Repeated) for given in (self.first, self.second, self.weights))

    def pieces(self, weighted: bool = True) -> Iterator[Listed]:
        """The pairs in their order; in one piece unless a rule gives them. Weights are 0 where they are not needed."""
        given = (self.first, self.second, self.weights if weighted else np.array(0.0))
        stride = max((rule.stride for rule in given if isinstance(rule, Repeated)), default=len(self))
        step = stride * max(1, min(max(_FEWEST, len(self) // _PIECES), _MOST) // stride)
        for start in range(0, len(self), step):
            here = slice(start, min(start + step, len(self)))
            yield Listed(*(_some(numbers, here) for numbers in given))


def _some(given: NDArray[Any] | Repeated, here: slice) -> NDArray[Any]:
    if isinstance(given, Repeated):
        return given.piece(here.start, here.stop)
    return given[here] if given.ndim else given


def collect_pairs(parts: Sequence[Pairs], size: int) -> tuple[Names, Floats]:
    """Unique ascending pairs [k, 2] (the lower number first) of numbers below `size`, and their summed weights [k].

    Sums of zero are left out. Columns of the pairs are contiguous: `pairs[:, 0]` can be shared without a copy.
    Raises `ValueError` for 2^31 pairs or more.
    """
    parts = [_ready(part) for part in parts if len(part)]
    total = sum(map(len, parts))
    if total >= 1 << 31:
        raise ValueError("pairs must be numbered by 31 bits")
    if len(parts) == 1 and (found := _as_they_are(parts[0])) is not None:
        return found
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


def _ready(part: Pairs) -> Pairs:
    """The same pairs, what is listed of them as the kernels read it."""
    first, second, weights = part.first, part.second, part.weights
    return Pairs(
        first if isinstance(first, Repeated) else np.ascontiguousarray(first, np.int32),
        second if isinstance(second, Repeated) else np.ascontiguousarray(second, np.int32),
        weights if isinstance(weights, Repeated) else _weights(weights),
    )


def _weights(weights: Floats) -> Floats:
    """The weights as a contiguous array, or a scalar where one number is repeated."""
    if weights.size and not any(weights.strides):
        return np.asarray(weights.reshape(-1)[0])
    return np.ascontiguousarray(weights, np.float64)


def _as_they_are(part: Pairs) -> tuple[Names, Floats] | None:
    """The pairs, if they are listed and ascend already."""
    if part.given_by_rules:
        return None
    (listed,) = part.pieces()
    pairs = _neighbours(listed)
    return _in_order(listed, pairs) if pairs is not None or _ascends(listed) else None


def _ascends(part: Listed) -> bool:
    """Whether every pair comes after the one before it."""
    return int(compiled(ascend_kernel(lanes(i32)))(len(part), part.first, part.second)) == len(part)


def _neighbours(part: Listed) -> Names | None:
    """Columns [2, m] that go up along the same shared numbers, the second ahead: a view of these, not a copy."""
    first, second = known_ends(part.first), known_ends(part.second)
    if first is None or second is None or part.first.base is not part.second.base or second[0] <= first[0]:
        return None
    step = part.first.itemsize
    return as_strided(part.first, (2, len(part)), ((second[0] - first[0]) * step, step), writeable=False)


def _in_order(part: Listed, pairs: Names | None) -> tuple[Names, Floats]:
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
    for piece in _pieces(parts, weighted=False):
        count(len(piece), int(by_column), piece.first, piece.second, counts)
        del piece  # before the next one is computed
    places = np.cumsum(counts, dtype=np.int32)
    places -= counts
    outputs = (others,) if values is None else (others, values)
    for piece in _pieces(parts, values is not None):
        move(len(piece), int(by_column), piece.step, piece.first, piece.second, piece.weights, places, *outputs)
        del piece
    # Every row's next place is now its end.
    return places


def _pieces(parts: Sequence[Pairs], weighted: bool) -> Iterator[Listed]:
    return chain.from_iterable(part.pieces(weighted) for part in parts)


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
    found = {part.weight for part in parts}
    return found.pop() if len(found) == 1 else None
