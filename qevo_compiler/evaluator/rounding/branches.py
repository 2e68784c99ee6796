"""The inner loop of a K-best lattice search: elements of one block settled one after the other, for one row.

Of the two continuations of every partial choice the cheapest are kept, in order of cost. Costs are put into buckets of
equal width by their value; only the buckets that hold the cheapest are sorted, by insertion, which is stable.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.llvm import Kernel, Operand, compiled, f64, i32, i64, lanes, ptr, vec
from qevo_compiler.evaluator.llvm.control import Variable

Floats = NDArray[np.float64]
Places = NDArray[np.int32]

# Elements of a block: a multiple of every vector's width.
WIDTH = 48
_BUCKETS = 1024
_ARRAYS = ("columns", "aim", "inside", "cost", "parents", "values", "off", "origin", "keys", "near", "order", "sizes")


@dataclass(frozen=True)
class Block:
    """What a block's choices came to: costs [n] in rising order, errors `off` [n, b] of the elements chosen, the
    candidate `origin` [n] that each began as, and for every element the parents and values [b, keep] of its choices."""

    cost: Floats
    off: Floats
    origin: Places
    parents: Places
    values: Floats


def branch_block(
    factor: Floats, aim: Floats, inside: Floats, cost: Floats, keep: int, lowest: float, highest: float
) -> Block:
    """Settle the b elements of a block, the last first.

    `factor` [b, b] is the block of R on the diagonal, `aim` [b], `inside` [n, b] what earlier choices carry to the
    elements, `cost` [n] theirs (n <= keep, b <= WIDTH). An element branches to the two whole numbers next to
    aim_i - inside_i / R_ii, clipped to the grid. Of equal costs the first parent's comes first, its nearest value
    before the other. Cost: b * keep * (b / 2 + a few).
    """
    count, size = inside.shape
    columns = np.zeros((size, WIDTH))
    columns[:, :size] = factor.T
    # Two buffers: an element's candidates are made from those of the element after it.
    carried, costs = np.zeros((2, keep, WIDTH)), np.zeros((2, keep))
    carried[0, :count, :size], costs[0, :count] = inside, cost
    parents, values = np.zeros((size, keep), np.int32), np.zeros((size, keep))
    off, origin = np.zeros((keep, size)), np.zeros(keep, np.int32)
    keys, near = np.empty((2, 2 * keep)), np.empty((keep, 2))
    order, sizes = np.empty(2 * keep, np.int32), np.empty(_BUCKETS, np.int64)
    arrays = (
        columns,
        np.ascontiguousarray(aim),
        carried,
        costs,
        parents,
        values,
        off,
        origin,
        keys,
        near,
        order,
        sizes,
    )
    found = int(compiled(_block_kernel(lanes(f64)))(size, count, keep, lowest, highest, *arrays))
    return Block(costs[size % 2, :found].copy(), off[:found], origin[:found], parents, values)


@cache
def _block_kernel(lanes: int) -> Kernel:
    k = Kernel(
        f"rounding_branches_{lanes}", i64,
        size=i64, count=i64, keep=i64, lowest=f64, highest=f64, **dict.fromkeys(_ARRAYS, ptr),
    )  # fmt: skip
    count, side = k.variable(i64, k.count), k.variable(i64, 0)
    with k.range(0, k.size) as turn:
        element = k.size - 1 - turn
        costs = k.address(f64, k.cost, side.get() * k.keep)
        rows = k.address(f64, k.inside, side.get() * k.keep * WIDTH)
        low, high = k.variable(f64, float("inf")), k.variable(f64, float("-inf"))
        _grow(k, element, count.get(), rows, costs, low, high)
        placed = _select(k, count.get() * 2, low.get(), high.get())
        count.set(k.minimum(placed, k.keep))
        side.set(1 - side.get())
        costs_after = k.address(f64, k.cost, side.get() * k.keep)
        rows_after = k.address(f64, k.inside, side.get() * k.keep * WIDTH)
        _carry(k, lanes, element, count.get(), rows, rows_after, costs_after)
    _trace(k, count.get())
    k.give(count.get())
    return k


def _grow(
    k: Kernel, element: Operand, count: Operand, rows: Operand, costs: Operand, low: Variable, high: Variable
) -> None:
    """Both values of every candidate with their costs; infinite outside of the grid."""
    aim = k.load(f64, k.aim, element)
    weight = k.load(f64, k.columns, element * WIDTH + element)
    with k.range(0, count) as c:
        centre = aim - k.load(f64, rows, c * WIDTH + element) / weight
        near = k.minimum(k.maximum(k.nearest(centre), k.lowest), k.highest)
        far = near + k.select(centre > near, k.constant(f64, 1.0), -1.0)
        cost = k.load(f64, costs, c)
        for which, value in enumerate((near, far)):
            away = weight * (value - centre)
            grown = cost + away * away
            low.set(k.minimum(low.get(), grown))
            if which:
                outside = (value < k.lowest) | (value > k.highest)
                high.set(k.select(outside, high.get(), k.maximum(high.get(), grown)))
                grown = k.select(outside, float("inf"), grown)
            else:
                high.set(k.maximum(high.get(), grown))
            k.store(value, k.near, c * 2 + which)
            k.store(grown, k.keys, c * 2 + which)


def _select(k: Kernel, entries: Operand, low: Operand, high: Operand) -> Operand:
    """Put the cheapest entries, `keep` at least where there are as many, in order; returns how many were placed."""
    width = high - low
    scale = k.select(width > 0.0, (_BUCKETS - 1) / width, 0.0)
    with k.range(0, _BUCKETS) as bucket:
        k.store(k.constant(i64, 0), k.sizes, bucket)

    def bucket_of(key: Operand) -> Operand:
        return k.minimum((key - low) * scale, k.constant(f64, _BUCKETS - 1)).to(i64)

    finite = k.constant(f64, float("inf"))
    with k.range(0, entries) as e:
        key = k.load(f64, k.keys, e)
        with k.when(key < finite):
            bucket = bucket_of(key)
            k.store(k.load(i64, k.sizes, bucket) + 1, k.sizes, bucket)
    total = k.variable(i64, 0)
    # Starts of the buckets; those after the last one that is needed start nowhere.
    with k.range(0, _BUCKETS) as bucket:
        size = k.load(i64, k.sizes, bucket)
        k.store(k.select(total.get() < k.keep, total.get(), -1), k.sizes, bucket)
        total.set(k.select(total.get() < k.keep, total.get() + size, total.get()))
    sorted_keys = k.address(f64, k.keys, k.keep * 2)
    with k.range(0, entries) as e:
        key = k.load(f64, k.keys, e)
        with k.when(key < finite):
            bucket = bucket_of(key)
            place = k.load(i64, k.sizes, bucket)
            with k.when(place >= 0):
                k.store(place + 1, k.sizes, bucket)
                k.store(key, sorted_keys, place)
                k.store(e.to(i32), k.order, place)
    _insertion_sort(k, sorted_keys, total.get())
    return total.get()


def _insertion_sort(k: Kernel, keys: Operand, count: Operand) -> None:
    with k.range(1, count) as e:
        key, entry = k.load(f64, keys, e), k.load(i32, k.order, e)
        place = k.variable(i64, e)
        with k.repeat() as loop:
            loop.stop_if(place.get().equals(0))
            before = place.get() - 1
            other = k.load(f64, keys, before)
            loop.stop_if(other <= key)
            k.store(other, keys, place.get())
            k.store(k.load(i32, k.order, before), k.order, place.get())
            place.set(before)
        k.store(key, keys, place.get())
        k.store(entry, k.order, place.get())


def _carry(
    k: Kernel, lanes: int, element: Operand, count: Operand, rows: Operand, rows_after: Operand, costs_after: Operand
) -> None:
    """The candidates kept: parents, values, costs, and what they carry to the elements before this one."""
    aim, column = k.load(f64, k.aim, element), k.address(f64, k.columns, element * WIDTH)
    sorted_keys = k.address(f64, k.keys, k.keep * 2)
    type = vec(f64, lanes)
    with k.range(0, count) as r:
        entry = k.load(i32, k.order, r).to(i64)
        parent, value = entry.shift_right(1), k.load(f64, k.near, entry)
        k.store(parent.to(i32), k.parents, element * k.keep + r)
        k.store(value, k.values, element * k.keep + r)
        k.store(k.load(f64, sorted_keys, r), costs_after, r)
        error = value - aim
        source, result = k.address(f64, rows, parent * WIDTH), k.address(f64, rows_after, r * WIDTH)
        # Whole vectors: what is written past the element is not read again.
        with k.range(0, element, lanes) as start:
            k.store(k.load(type, source, start) + k.load(type, column, start) * error, result, start)


def _trace(k: Kernel, count: Operand) -> None:
    """The errors along every kept candidate's choices, and the candidate that it began as."""
    with k.range(0, count) as r:
        at = k.variable(i64, r)
        with k.range(0, k.size) as element:
            place = element * k.keep + at.get()
            k.store(k.load(f64, k.values, place) - k.load(f64, k.aim, element), k.off, r * k.size + element)
            at.set(k.load(i32, k.parents, place).to(i64))
        k.store(at.get().to(i32), k.origin, r)
