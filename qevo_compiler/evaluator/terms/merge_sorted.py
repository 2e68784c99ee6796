"""The weighted sum of a few sorted lists of pairs, in one pass over all of them, row by row.

    found = merge_sorted([(names, values, factor), ...], dust)

A list's pairs [m, 2] ascend, none twice, and are written out or given by the rule `GroupPairs`, whose pairs are then
never formed; its values [m] may be one number repeated by a stride of 0. What comes out ascends too, with contiguous
columns. Equal pairs are added in the order of the lists; a sum that is at most `dust` times the sum of its parts'
magnitudes is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.poly.pair_arrays import GroupPairs
from qevo_compiler.evaluator.llvm import Kernel, Operand, Scalar, compiled, f64, i32, i64, lanes, ptr, vec
from qevo_compiler.evaluator.llvm.control import Variable
from qevo_compiler.evaluator.terms.closing import closed_up, first_of
from qevo_compiler.evaluator.terms.memory import LARGE

Floats = NDArray[np.float64]
Names = NDArray[np.int32]

MOST = 4
"""Lists of one call: each pair that is written looks at the head of every list."""

_END = 1 << 31


@dataclass(frozen=True)
class Merged:
    """Pairs [k, 2] and their sums [k]; `deepest` is the largest number of lists that one pair was found in."""

    names: Names
    values: Floats
    deepest: int


def merge_sorted(lists: Sequence[tuple[Names | GroupPairs, Floats, float]], dust: float) -> Merged:
    """Sum of `factor` times each list (at most `MOST`). Cost: that of the pairs and of the rows up to the last."""
    total = sum(len(names) for names, _, _ in lists)
    size, width = max(map(_rows, (names for names, _, _ in lists))), lanes(f64)
    given: list[Any] = []
    for names, values, factor in lists:
        one = len(values) > 0 and not any(values.strides)
        # A vector of the one value, which is read from its start wherever a list stands.
        values = np.full(width, values[0]) if one else np.ascontiguousarray(values)
        given += [*_columns(names, size), int(not one), factor, values]
    (pairs, sums), deepest = _room(_most_left(lists, total, width)), np.zeros(1, np.int64)
    count = int(compiled(_kernel(len(lists), width))(dust, size, *given, pairs[0], pairs[1], sums, deepest))
    return Merged(closed_up(pairs, count).T, first_of(sums, count), int(deepest[0]))


def _most_left(lists: Sequence[tuple[Names | GroupPairs, Floats, float]], total: int, width: int) -> int:
    """How many pairs there can be at most, and a vector that is written in part."""
    if 8 * total < LARGE:
        return total
    last = max(
        int(names.most if isinstance(names, GroupPairs) else names[:, 1].max(initial=0)) for names, _, _ in lists
    )
    return min(total, last * (last + 1) // 2 + width)


def _room(total: int) -> tuple[Names, Floats]:
    """Uninitialised pairs by column [2, m] and sums [m]. Large ones stand apart: what replaces the sums frees them."""
    if 8 * total >= LARGE:
        return np.empty((2, total), np.int32), np.empty(total)
    block = np.empty(2 * total)
    return block[total:].view(np.int32).reshape(2, total), block[:total]


def _rows(names: Names | GroupPairs) -> int:
    """One more than the last row."""
    if isinstance(names, GroupPairs):
        return int(names.most) + 1
    return int(names[-1, 0]) + 1 if len(names) else 0


def _columns(names: Names | GroupPairs, size: int) -> tuple[Any, ...]:
    """n, step, gap, grouped, names, starts and ends as the kernel takes them."""
    if isinstance(names, GroupPairs):
        bounds = np.zeros((2, size), np.int32)
        bounds[0, names.names], bounds[1, names.names] = np.arange(1, len(names.names) + 1), names.ends
        return len(names.names), 1, 0, 1, names.names, bounds[0], bounds[1]
    names = names if names.flags.forc else np.ascontiguousarray(names)
    rowwise = names.flags.c_contiguous
    flat = names.reshape(-1) if rowwise else names.T.reshape(-1)
    return len(names), *((2, 1) if rowwise else (1, len(names))), 0, flat, flat, flat


@cache
def _kernel(count: int, width: int) -> Kernel:
    """merge(dust, size, what `_Head` has of each list, rows, columns, sums, deepest) -> how many are left.

    Pair i of a list is names[i * step], names[i * step + gap], its value values[i * hop]. In a `grouped` list bit b
    goes with names[starts[b]] .. names[ends[b] - 1]. Where the next `width` pairs of a row come from one list they
    are copied as vectors; everything else goes one by one, without branches.
    """
    one: dict[str, Scalar] = {
        "n": i64, "step": i64, "gap": i64, "grouped": i64, "names": ptr, "starts": ptr, "ends": ptr,
        "hop": i64, "factor": f64, "values": ptr,
    }  # fmt: skip
    lists = {f"{word}{which}": type for which in range(count) for word, type in one.items()}
    k = Kernel("merge_rows", i64, dust=f64, size=i64, **lists, rows=ptr, columns=ptr, sums=ptr, deepest=ptr)
    heads = [_Head(k, width, *(getattr(k, f"{word}{which}") for word in one)) for which in range(count)]
    at = k.variable(i64, 0)
    with k.range(0, k.size) as row:
        for head in heads:
            head.enter(row)
        with k.repeat() as loop:
            for place, head in enumerate(heads):
                head.copy_run(row, _least(k, heads[:place] + heads[place + 1 :]), at)
            key = _least(k, heads)
            loop.stop_if(key.equals(_END))
            _merge_one(k, heads, row, key, at)
    k.give(at.get())
    return k


def _least(k: Kernel, heads: Sequence[_Head]) -> Operand:
    key = k.constant(i64, _END)
    for head in heads:
        key = k.minimum(head.key.get(), key)
    return key


def _merge_one(k: Kernel, heads: Sequence[_Head], row: Operand, key: Operand, at: Variable) -> None:
    """Write the sum of all lists at column `key`, unless it is dust."""
    total, size, depth = k.constant(f64, 0.0), k.constant(f64, 0.0), k.constant(i64, 0)
    for head in heads:
        here = head.key.get().equals(key)
        part = head.take(here)
        total, size, depth = total + part, size + k.absolute(part), depth + here.unsigned(i64)
    to = at.get()
    k.store(row.to(i32), k.rows, to)
    k.store(key.to(i32), k.columns, to)
    k.store(total, k.sums, to)
    k.store(k.maximum(k.load(i64, k.deepest), depth), k.deepest)
    # An infinite sum is no dust, and must be seen.
    gone = (k.absolute(total) <= k.dust * size) & (size < float("inf"))
    at.add(k.select(gone, k.constant(i64, 0), k.constant(i64, 1)))


class _Head:
    """The next pair of one list in the row that is merged: its column, or behind the last one a column above all."""

    def __init__(
        self,
        k: Kernel,
        width: int,
        n: Operand,
        step: Operand,
        gap: Operand,
        grouped: Operand,
        names: Operand,
        starts: Operand,
        ends: Operand,
        hop: Operand,
        factor: Operand,
        values: Operand,
    ) -> None:
        self._k, self._width, self._n, self._step, self._gap = k, width, n, step, gap
        self._grouped, self._names, self._starts, self._ends = grouped, names, starts, ends
        self._hop, self._factor, self._values = hop, factor, values
        self._place, self._end, self.key = k.variable(i64, 0), k.variable(i64, 0), k.variable(i64, _END)

    def enter(self, row: Operand) -> None:
        """Go to the list's first pair of the row."""
        k = self._k
        with k.when(self._grouped.equals(0)) as listed:
            self._find_end(row)
            listed.otherwise()
            self._place.set(k.load(i32, self._starts, row).to(i64))
            self._end.set(k.load(i32, self._ends, row).to(i64))
        self.key.set(_END)
        with k.when(self._place.get() < self._end.get()):
            self.key.set(self._at(self._place.get()))

    def _find_end(self, row: Operand) -> None:
        """Where the listed pairs of the row end, which begin at the end of the row before."""
        k = self._k
        for stride in (self._width, 1):
            with k.repeat() as loop:
                last = self._end.get() + (stride - 1)
                loop.stop_if(last >= self._n)
                loop.stop_if(k.load(i32, self._names, last * self._step).to(i64).differs(row))
                self._end.add(stride)

    def copy_run(self, row: Operand, others: Operand, at: Variable) -> None:
        """Copy the pairs up to `others`, the next column of the other lists, if they fill a vector."""
        k, width = self._k, self._width
        with k.when(self._whole(others)):
            with k.repeat() as vectors:
                vectors.stop_if(~self._whole(others))
                products = self._products(width)
                vectors.stop_if(k.any_lane(products.equals(0.0)))
                self._copy(row, products, at)
            with k.repeat() as rest:
                rest.stop_if(self._place.get() >= self._end.get())
                rest.stop_if(self._at(self._place.get()) >= others)
                product = self._products(1)
                # What is 0 is left out by the merge of single pairs.
                rest.stop_if(product.equals(0.0))
                self._copy(row, product, at)
            here = self._place.get()
            self.key.set(_END)
            with k.when(here < self._end.get()):
                self.key.set(self._at(here))

    def take(self, here: Operand) -> Operand:
        """The weighted value of this list's next pair, which is then passed, where it is `here`; else 0."""
        k, place = self._k, self._place.get()
        # Without branches: the last pair is looked at again where there is none.
        last = self._n - 1
        value = self._factor * k.load(f64, self._values, k.maximum(k.minimum(place, last), 0) * self._hop)
        after = place + here.unsigned(i64)
        found = self._at(k.maximum(k.minimum(after, last), 0))
        self.key.set(k.select(after < self._end.get(), found, k.constant(i64, _END)))
        self._place.set(after)
        return k.select(here, value, k.constant(f64, 0.0))

    def _whole(self, others: Operand) -> Operand:
        """Whether a vector of the row's pairs is left and comes before `others`; those side by side are none."""
        k, after = self._k, self._place.get() + self._width
        fits = (after <= self._end.get()) & self._step.equals(1)
        end = k.select(fits, after - 1, k.constant(i64, 0))
        return fits & (self._at(end) < others)

    def _products(self, width: int) -> Operand:
        return self._k.load(vec(f64, width), self._values, self._place.get() * self._hop) * self._factor

    def _copy(self, row: Operand, products: Operand, at: Variable) -> None:
        k, place, to, width = self._k, self._place.get(), at.get(), products.type.lanes
        k.store(k.splat(row.to(i32), width), k.rows, to)
        k.store(k.load(vec(i32, width), self._names, place * self._step + self._gap), k.columns, to)
        k.store(products, k.sums, to)
        self._place.set(place + width)
        at.set(to + width)

    def _at(self, i: Operand) -> Operand:
        return self._k.load(i32, self._names, i * self._step + self._gap).to(i64)
