"""Rows of powers of a polynomial map over a basis of monomials: row a holds the coefficients of f(u)^a.

Row a is the row of its parent (the monomial without its last variable i) times f_i. One call makes all rows: sums
gather in a dense row, three levels of bitmaps remember which places were touched, and reading these in order
gives sorted columns without a sort. The order of the additions is fixed, so results are too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.poly import Polynomials
from qevo_compiler.evaluator.llvm import Kernel, Operand, Scalar, compiled, f64, i1, i8, i32, i64, ptr
from qevo_compiler.evaluator.polynomials.packing import packed
from qevo_compiler.evaluator.sparse import Rows

# Entries that the first buffers hold at most. What is not written takes no memory.
_FIRST = 1 << 29


@dataclass(frozen=True)
class MonomialTree:
    """Monomials up to an order, the constant first, each after its parent.

    `parent` [D] and `last` [D]: the monomial without its last variable, and that variable. `degrees` [D] do not
    fall. `successors` [those below the order, n]: where a monomial times a variable stands.
    """

    order: int
    parent: NDArray[np.int64]
    last: NDArray[np.int32]
    degrees: NDArray[np.int8]
    successors: NDArray[np.int32]


def power_rows(step: Polynomials, tree: MonomialTree) -> Rows:
    """The coefficients of f(u)^a, cut off above the order, for all monomials a of the tree, columns rising.

    Cost: one multiplication for every pair of an entry of a parent row and a term of f_i that stays within the
    order. Memory: the result, and two dense rows. A value that is exactly zero is not stored.
    """
    size = len(tree.last)
    parts = [part for part in packed(step, np.float64) if part.degree <= tree.order]
    kernel = compiled(rows_kernel(tuple(part.degree for part in parts)))
    room = (tree.order - tree.degrees).astype(np.int8)
    fixed = [tree.parent, tree.last, room, tree.successors]
    terms = [array for part in parts for array in (part.starts, part.variables, part.factors)]
    scratch = [np.zeros(size), *(np.zeros((size >> shift) + 1, np.int64) for shift in (6, 12, 18))]
    starts = np.zeros(size + 1, np.int64)
    starts[1] = 1
    capacity, columns, values = _buffers(_most_entries(step, tree), size)
    columns[0], values[0] = 0, 1
    done = 1
    while done < size:
        arrays = [*fixed, starts, columns, values, *scratch, *terms]
        done = kernel(done, size, capacity, size, tree.successors.shape[1], *arrays)
        if done < size:
            capacity += capacity // 4 + 1
            _resize(capacity + size, columns, values)
    _resize(int(starts[size]), columns, values)
    return Rows(starts, columns, values)


@cache
def rows_kernel(degrees: Sequence[int]) -> Kernel:
    """rows(first, stop, capacity, size, n, ..., [starts, variables, factors] of each degree) -> where it stopped.

    Rows from `first` on are appended while fewer than `capacity` entries stand; there is room for one row more.
    """
    names = ("parent", "last", "room", "successors", "starts", "columns", "values", "dense", "low", "middle", "high")
    terms = [f"{word}{degree}" for degree in degrees for word in ("begin", "names", "factors")]
    sizes: dict[str, Scalar] = dict.fromkeys(("first", "stop", "capacity", "size", "n"), i64)
    kernel = Kernel("power_rows", i64, **sizes, **dict.fromkeys([*names, *terms], ptr))
    row = kernel.variable(i64, kernel.first)
    with kernel.repeat() as rows:
        rows.stop_if(row.get() >= kernel.stop)
        filled = kernel.load(i64, kernel.starts, row.get())
        rows.stop_if(filled >= kernel.capacity)
        _sum_products(kernel, row.get(), degrees)
        kernel.store(_emit(kernel, filled), kernel.starts, row.get() + 1)
        row.add(1)
    kernel.give(row.get())
    return kernel


def _sum_products(kernel: Kernel, row: Operand, degrees: Sequence[int]) -> None:
    """Add the parent row times f_last to the dense row."""
    parent = kernel.load(i64, kernel.parent, row)
    factor = kernel.load(i32, kernel.last, row).unsigned(i64)
    bounds = [
        [kernel.load(i64, getattr(kernel, f"begin{degree}"), factor + end) for end in (0, 1)] for degree in degrees
    ]
    with kernel.range(kernel.load(i64, kernel.starts, parent), kernel.load(i64, kernel.starts, parent + 1)) as entry:
        start = kernel.load(i32, kernel.columns, entry).unsigned(i64)
        value = kernel.load(f64, kernel.values, entry)
        room = kernel.load(i8, kernel.room, start)
        for degree, (first, stop) in zip(degrees, bounds, strict=True):
            with kernel.when(room >= degree), kernel.range(first, stop) as term:
                place = start
                for slot in range(degree):
                    name = kernel.load(i32, getattr(kernel, f"names{degree}"), term * degree + slot).unsigned(i64)
                    place = kernel.load(i32, kernel.successors, place * kernel.n + name).unsigned(i64)
                _touch(kernel, place, value * kernel.load(f64, getattr(kernel, f"factors{degree}"), term))


def _touch(kernel: Kernel, place: Operand, product: Operand) -> None:
    """Add to a place of the dense row and mark it on all levels; without branches, which would be mispredicted."""
    kernel.store(kernel.load(f64, kernel.dense, place) + product, kernel.dense, place)
    low = place.shift_right(6)
    middle = low.shift_right(6)
    _mark(kernel, kernel.low, low, place)
    _mark(kernel, kernel.middle, middle, low)
    _mark(kernel, kernel.high, middle.shift_right(6), middle)


def _mark(kernel: Kernel, level: Operand, word: Operand, index: Operand) -> None:
    """Set the bit of `index`."""
    bit = kernel.constant(i64, 1) << (index & 63)
    kernel.store(kernel.load(i64, level, word) | bit, level, word)


def _emit(kernel: Kernel, filled: Operand) -> Operand:
    """Append the touched places in order, clear them, and give the new count of entries."""
    count = kernel.variable(i64, filled)

    def read(levels: Sequence[Operand], word: Operand) -> None:
        bits = kernel.variable(i64, kernel.load(i64, levels[0], word))
        kernel.store(kernel.constant(i64, 0), levels[0], word)
        with kernel.repeat() as loop:
            loop.stop_if(bits.get().equals(0))
            place = (word << 6) + kernel.intrinsic("cttz", i64, bits.get(), kernel.constant(i1, 1))
            bits.set(bits.get() & (bits.get() - 1))
            if len(levels) > 1:
                read(levels[1:], place)
            else:
                value = kernel.load(f64, kernel.dense, place)
                kernel.store(kernel.constant(f64, 0.0), kernel.dense, place)
                kernel.store(place.to(i32), kernel.columns, count.get())
                kernel.store(value, kernel.values, count.get())
                count.add(value.differs(0.0).unsigned(i64))

    with kernel.range(0, kernel.size.shift_right(18) + 1) as word:
        read((kernel.high, kernel.middle, kernel.low), word)
    return count.get()


def _most_entries(step: Polynomials, tree: MonomialTree) -> int:
    """A bound on the number of entries, or `_FIRST`: terms of the products by degree, as if none could be merged."""
    order, edges = tree.order, np.searchsorted(tree.degrees, np.arange(tree.order + 2))
    most = np.diff(edges).astype(np.float64)
    terms = np.zeros((step.rows, order + 1))
    for block in step.terms:
        if block.degree <= order:
            terms[:, block.degree] = np.bincount(block.row.values, minlength=step.rows)
    # Of the rows of one degree: how many entries each has of every degree.
    below = np.eye(1, order + 1)
    total = 1.0
    for degree in range(1, order + 1):
        here = slice(int(edges[degree]), int(edges[degree + 1]))
        parents, factors = below[tree.parent[here] - edges[degree - 1]], terms[tree.last[here]]
        below = np.zeros_like(parents)
        for more in range(order + 1):
            below[:, more:] += parents[:, : order + 1 - more] * factors[:, more, None]
        np.minimum(below, most, out=below)
        total += below.sum()
    return int(min(total, _FIRST))


def _buffers(capacity: int, reserve: int) -> tuple[int, NDArray[np.int32], NDArray[np.float64]]:
    """Arrays for `capacity` entries and a reserve, or for fewer where the system does not give so much."""
    while True:
        try:
            return capacity, np.empty(capacity + reserve, np.int32), np.empty(capacity + reserve)
        except MemoryError:
            if capacity < reserve:
                raise
            capacity //= 4


def _resize(length: int, *arrays: NDArray[Any]) -> None:
    """Change lengths in place: large arrays are not copied, so that they never stand in memory twice."""
    for array in arrays:
        array.resize(length, refcheck=False)
