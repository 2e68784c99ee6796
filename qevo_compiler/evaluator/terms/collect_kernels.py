"""Kernels that collect pairs of small numbers: count by the lower one, move into rows, sort and merge each row.

A pair (a, b) belongs to row min(a, b) and column max(a, b). Weights are read at `i * step`: a step of 0 repeats one.
"""

from __future__ import annotations

from functools import cache

from qevo_compiler.evaluator.llvm import Kernel, Operand, f64, i32, i64, ptr, vec
from qevo_compiler.evaluator.llvm.control import Variable

SHORT = 32
"""Entries of a row that are sorted side by side."""


@cache
def ascend_kernel(width: int) -> Kernel:
    """ascend(n, first, second) -> how many pairs ascend, as (row, column), until one does not; `width` at a time."""
    k = Kernel("ascending_pairs", i64, n=i64, first=ptr, second=ptr)
    place = k.variable(i64, k.minimum(k.n, k.constant(i64, 1)))
    for many in (width, 1):
        with k.repeat() as loop:
            i = place.get()
            loop.stop_if(i + many > k.n)
            (low, high), (row, column) = _ends_of(k, i, many), _ends_of(k, i - 1, many)
            loop.stop_if(k.any_lane(~((row < low) | (row.equals(low) & (column < high)))))
            place.set(i + many)
    k.give(place.get())
    return k


@cache
def count_kernel() -> Kernel:
    """count(n, by_column, first, second, counts): counts[row] += 1, or counts[column] `by_column`."""
    k = Kernel("count_pairs", n=i64, by_column=i64, first=ptr, second=ptr, counts=ptr)
    with k.range(0, k.n) as i:
        low, high = _ends(k, i)
        bucket = k.select(k.by_column.equals(0), low, high)
        k.store(k.load(i32, k.counts, bucket) + 1, k.counts, bucket)
    return k


@cache
def move_kernel(weighted: bool) -> Kernel:
    """move(n, by_column, step, first, second, weights, places, others[, values]): each pair to its bucket's next place.

    Buckets are rows and `others` the columns, or the other way round `by_column`. `places` holds where each bucket
    goes on. The order inside a bucket is that of the pairs.
    """
    extra = {"values": ptr} if weighted else {}
    k = Kernel(
        "move_pairs",
        n=i64,
        by_column=i64,
        step=i64,
        first=ptr,
        second=ptr,
        weights=ptr,
        places=ptr,
        others=ptr,
        **extra,
    )
    with k.range(0, k.n) as i:
        low, high = _ends(k, i)
        rows = k.by_column.equals(0)
        bucket, other = k.select(rows, low, high), k.select(rows, high, low)
        place = k.load(i32, k.places, bucket)
        k.store(place + 1, k.places, bucket)
        k.store(other.to(i32), k.others, place.to(i64))
        if weighted:
            k.store(k.load(f64, k.weights, i * k.step), k.values, place.to(i64))
    return k


@cache
def disorder_kernel() -> Kernel:
    """disorder(rows, ends, columns) -> the sum of the squared lengths of the rows that do not ascend."""
    k = Kernel("disorder_of_rows", i64, rows=i64, ends=ptr, columns=ptr)
    total, start = k.variable(i64, 0), k.variable(i64, 0)
    with k.range(0, k.rows) as row:
        end = k.load(i32, k.ends, row).to(i64)
        place = k.variable(i64, start.get() + 1)
        with k.repeat() as loop:
            i = place.get()
            loop.stop_if(i >= end)
            loop.stop_if(k.load(i32, k.columns, i) < k.load(i32, k.columns, i - 1))
            place.set(i + 1)
        length = end - start.get()
        total.add(k.select(place.get() < end, length * length, k.constant(i64, 0)))
        start.set(end)
    k.give(total.get())
    return k


@cache
def settle_kernel(weighted: bool) -> Kernel:
    """settle(rows, unordered, weight, ends, columns, values, out_rows) -> how many are left.

    `unordered` 0 says that all rows ascend. `columns` has room for `SHORT` numbers more at its end. Row r lies before
    ends[r], after the row before. Each is sorted by column (equal columns stay in order), equal columns are added in
    that order, sums of zero dropped, and the rest closed up. Without weights every pair counts `weight`, and `values`
    is only written.
    """
    k = Kernel(
        "settle_pairs", i64, rows=i64, unordered=i64, weight=f64, ends=ptr, columns=ptr, values=ptr, out_rows=ptr
    )
    at, start = k.variable(i64, 0), k.variable(i64, 0)
    scratch = k.scratch(i32, SHORT), k.scratch(f64, SHORT)
    with k.range(0, k.rows) as row:
        end = k.load(i32, k.ends, row).to(i64)
        with k.when((k.unordered > 0) & (end - start.get() > 1)), k.when(end - start.get() <= SHORT) as short:
            _rank_row(k, start.get(), end, scratch, weighted)
            short.otherwise()
            _sort_row(k, start.get(), end, weighted)
        _merge_row(k, row, start.get(), end, at, weighted)
        start.set(end)
    k.give(at.get())
    return k


@cache
def split_kernel(width: int) -> Kernel:
    """split(n, first, second, rows, columns): the lower and the higher of each pair; `width` at a time."""
    k = Kernel("split_pairs", n=i64, first=ptr, second=ptr, rows=ptr, columns=ptr)
    whole = k.n - k.n % width
    for start, stop, many in ((0, whole, width), (whole, k.n, 1)):
        with k.range(start, stop, many) as i:
            low, high = _ends_of(k, i, many)
            k.store(low, k.rows, i)
            k.store(high, k.columns, i)
    return k


@cache
def add_kernel() -> Kernel:
    """add(n, step, names, weights, totals): totals[names[i]] += weights[i * step], in order."""
    k = Kernel("add_by_name", n=i64, step=i64, names=ptr, weights=ptr, totals=ptr)
    with k.range(0, k.n) as i:
        name = k.load(i32, k.names, i).to(i64)
        k.store(k.load(f64, k.totals, name) + k.load(f64, k.weights, i * k.step), k.totals, name)
    return k


def _ends(k: Kernel, i: Operand) -> tuple[Operand, Operand]:
    low, high = _ends_of(k, i, 1)
    return low.to(i64), high.to(i64)


def _ends_of(k: Kernel, i: Operand, many: int) -> tuple[Operand, Operand]:
    """The lower and the higher numbers of the pairs from i on."""
    a, b = (k.load(vec(i32, many), numbers, i) for numbers in (k.first, k.second))
    return k.minimum(a, b), k.maximum(a, b)


def _rank_row(k: Kernel, start: Operand, end: Operand, scratch: tuple[Operand, Operand], weighted: bool) -> None:
    """Put each entry where as many stand before it as are lower, or equal and earlier: no branch depends on them."""
    type = vec(i32, SHORT)
    lane = k.lane_numbers(type)
    here = k.load(type, k.columns, start)
    present = lane < (end - start).to(i32)
    with k.range(start, end) as i:
        column = k.load(i32, k.columns, i)
        earlier = lane < (i - start).to(i32)
        before = present & ((here < column) | (here.equals(column) & earlier))
        rank = k.popcount(k.mask_bits(before))
        k.store(column, scratch[0], rank)
        if weighted:
            k.store(k.load(f64, k.values, i), scratch[1], rank)
    k.store(k.select(present, k.load(type, scratch[0]), here), k.columns, start)
    if weighted:
        with k.range(start, end) as i:
            k.store(k.load(f64, scratch[1], i - start), k.values, i)


def _sort_row(k: Kernel, start: Operand, end: Operand, weighted: bool) -> None:
    """Insertion sort, which leaves sorted rows alone."""
    with k.range(start + 1, end) as i:
        column = k.load(i32, k.columns, i)
        before = k.load(i32, k.columns, i - 1)
        with k.when(column < before):
            value = k.load(f64, k.values, i) if weighted else None
            place = k.variable(i64, i)
            with k.repeat() as loop:
                here = place.get()
                loop.stop_if(here <= start)
                other = k.load(i32, k.columns, here - 1)
                loop.stop_if(other <= column)
                k.store(other, k.columns, here)
                if weighted:
                    k.store(k.load(f64, k.values, here - 1), k.values, here)
                place.set(here - 1)
            k.store(column, k.columns, place.get())
            if value is not None:
                k.store(value, k.values, place.get())


def _merge_row(k: Kernel, row: Operand, start: Operand, end: Operand, at: Variable, weighted: bool) -> None:
    """Add runs of equal columns and write them from `at` on, which never passes the place of reading."""
    place = k.variable(i64, start)
    with k.repeat() as rest:
        rest.stop_if(place.get() >= end)
        column = k.load(i32, k.columns, place.get())
        total = k.variable(f64, k.load(f64, k.values, place.get()) if weighted else k.weight)
        place.add(1)
        with k.repeat() as run:
            run.stop_if(place.get() >= end)
            run.stop_if(k.load(i32, k.columns, place.get()).differs(column))
            total.add(k.load(f64, k.values, place.get()) if weighted else k.weight)
            place.add(1)
        with k.when(total.get().differs(0.0)):
            to = at.get()
            k.store(row.to(i32), k.out_rows, to)
            k.store(column, k.columns, to)
            k.store(total.get(), k.values, to)
            at.set(to + 1)
