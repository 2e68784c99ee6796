"""Work on matrices in compressed rows as flat arrays: what is reachable, a restriction, a diagonal similarity.

Starts are i64, columns i32 and values f64; nothing is sorted, and order inside a row is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qevo_compiler.evaluator.llvm import Kernel, Scalar, compiled, f64, i8, i32, i64, ptr


class Rows(NamedTuple):
    """A matrix in compressed rows: `starts` [rows + 1], `columns` and `values` of the entries."""

    starts: NDArray[np.int64]
    columns: NDArray[np.int32]
    values: NDArray[np.float64]


def rows_of(starts: ArrayLike, columns: ArrayLike, values: ArrayLike) -> Rows:
    """The arrays in the types that kernels read, copied only where theirs differ."""
    return Rows(
        np.ascontiguousarray(starts, np.int64),
        np.ascontiguousarray(columns, np.int32),
        np.ascontiguousarray(values, np.float64),
    )


def reached(patterns: Sequence[Rows], seeds: ArrayLike) -> NDArray[np.int64]:
    """The positions that `seeds` lead to (they included) through entries, row to column, of any matrix; rising."""
    size = len(patterns[0].starts) - 1
    found, queue = np.zeros(size, np.int8), np.empty(size, np.int64)
    first = np.unique(np.asarray(seeds, np.int64))
    found[first] = 1
    queue[: len(first)] = first
    kernel = compiled(reach_kernel())
    begin, end = 0, len(first)
    while begin < end:
        filled = end
        for pattern in patterns:
            filled = kernel(begin, end, filled, pattern.starts, pattern.columns, found, queue)
        begin, end = end, filled
    return np.flatnonzero(found)


def restrict(matrix: Rows, kept: NDArray[np.integer]) -> Rows:
    """The rows and columns `kept` (rising) of a square matrix, numbered anew, in the arrays of `matrix`, which is lost.

    The columns and values of the result are the first parts of the given ones, or copies where they are short.
    """
    rows = np.ascontiguousarray(kept, np.int64)
    rank = np.full(len(matrix.starts) - 1, -1, np.int32)
    rank[rows] = np.arange(len(rows), dtype=np.int32)
    starts = np.zeros(len(rows) + 1, np.int64)
    compiled(restriction_kernel())(len(rows), rows, rank, *matrix, starts)
    count = int(starts[-1])
    columns, values = matrix.columns[:count], matrix.values[:count]
    if 2 * count < len(matrix.columns):
        columns, values = columns.copy(), values.copy()
    return Rows(starts, columns, values)


def rescale(matrix: Rows, weights: NDArray[np.float64]) -> None:
    """W M W^-1 for the diagonal W of `weights`, in place."""
    compiled(similarity_kernel())(len(matrix.starts) - 1, *matrix, np.ascontiguousarray(weights, np.float64))


@cache
@cache
def reach_kernel() -> Kernel:
    """reach(begin, end, filled, starts, columns, found, queue) -> filled: append what queue[begin:end] leads to."""
    pointers: dict[str, Scalar] = dict.fromkeys(("starts", "columns", "found", "queue"), ptr)
    kernel = Kernel("sparse_reach", i64, begin=i64, end=i64, filled=i64, **pointers)
    filled = kernel.variable(i64, kernel.filled)
    with kernel.range(kernel.begin, kernel.end) as position:
        row = kernel.load(i64, kernel.queue, position)
        start, stop = (kernel.load(i64, kernel.starts, row + end) for end in (0, 1))
        with kernel.range(start, stop) as entry:
            column = kernel.load(i32, kernel.columns, entry).unsigned(i64)
            with kernel.when(kernel.load(i8, kernel.found, column).equals(0)):
                kernel.store(kernel.constant(i8, 1), kernel.found, column)
                kernel.store(column, kernel.queue, filled.get())
                filled.add(1)
    kernel.give(filled.get())
    return kernel


@cache
@cache
def restriction_kernel() -> Kernel:
    """restrict(rows, kept, rank, starts, columns, values, part_starts): entries move down, never up."""
    names = ("kept", "rank", "starts", "columns", "values", "part_starts")
    kernel = Kernel("sparse_restriction", rows=i64, **dict.fromkeys(names, ptr))
    count = kernel.variable(i64, 0)
    with kernel.range(0, kernel.rows) as position:
        row = kernel.load(i64, kernel.kept, position)
        start, stop = (kernel.load(i64, kernel.starts, row + end) for end in (0, 1))
        with kernel.range(start, stop) as entry:
            column = kernel.load(i32, kernel.rank, kernel.load(i32, kernel.columns, entry).unsigned(i64))
            with kernel.when(column >= 0):
                value = kernel.load(f64, kernel.values, entry)
                kernel.store(column, kernel.columns, count.get())
                kernel.store(value, kernel.values, count.get())
                count.add(1)
        kernel.store(count.get(), kernel.part_starts, position + 1)
    return kernel


@cache
@cache
def similarity_kernel() -> Kernel:
    """similarity(rows, starts, columns, values, weights): values *= weight of the row / weight of the column."""
    pointers: dict[str, Scalar] = dict.fromkeys(("starts", "columns", "values", "weights"), ptr)
    kernel = Kernel("sparse_similarity", rows=i64, **pointers)
    with kernel.range(0, kernel.rows) as row:
        weight = kernel.load(f64, kernel.weights, row)
        start, stop = (kernel.load(i64, kernel.starts, row + end) for end in (0, 1))
        with kernel.range(start, stop) as entry:
            column = kernel.load(i32, kernel.columns, entry).unsigned(i64)
            ratio = weight / kernel.load(f64, kernel.weights, column)
            kernel.store(kernel.load(f64, kernel.values, entry) * ratio, kernel.values, entry)
    return kernel
