"""Compiled inner loops over packed terms: outer products of rows, sums by bit.

Each function says what it computes; for few terms, where compiling or loading a kernel would cost more than
it saves, the same is computed with numpy (sums by bit in another order, equal up to rounding). Which of the two
runs depends on the number of terms only.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Names = NDArray[np.int32]
Integers = NDArray[np.int64]

WORTH = 1 << 15  # terms
FEW = 1 << 11  # terms of what comes out the same either way


def pair_products(order: Integers, ends: Integers, names: Names, coefficients: Floats) -> tuple[Names, Floats]:
    """For each term t of `order` the products with the terms t + 1 .. ends[t] - 1, as pairs [m, 2] and 2 c_t c_u.

    Columns of the pairs are contiguous.
    """
    counts = ends[order] - order - 1
    total = int(counts.sum())
    if total < FEW:
        left = np.repeat(order, counts)
        right = np.arange(total) + np.repeat(order + 1 - (np.cumsum(counts) - counts), counts)
        return np.stack([names[left], names[right]]).T, 2 * coefficients[left] * coefficients[right]
    pairs = np.empty((2, total), np.int32)
    products = np.empty(total)
    order, ends = np.ascontiguousarray(order, np.int64), np.ascontiguousarray(ends, np.int64)
    names, coefficients = np.ascontiguousarray(names), np.ascontiguousarray(coefficients)
    from qevo_compiler.evaluator.llvm import f64, lanes

    _pair_kernel(lanes(f64))(len(order), order, ends, names, coefficients, *pairs, products)
    return pairs.T, products


def sums_by_bit(rows: Names, columns: Names, values: Floats, size: int) -> tuple[Floats, Floats]:
    """The sum over all pairs that each bit belongs to of the values, and of their absolute values; [size] each."""
    if len(values) < WORTH:
        return tuple(  # type: ignore[return-value]
            np.bincount(rows, v, size).astype(np.float64) + np.bincount(columns, v, size)
            for v in (values, np.abs(values))
        )
    total, sizes = np.zeros(size), np.zeros(size)
    arrays = [np.ascontiguousarray(x) for x in (rows, columns, values)]
    _sums_kernel()(len(values), *arrays, total, sizes)
    return total, sizes


@cache
def _pair_kernel(width: int) -> Any:
    from qevo_compiler.evaluator.llvm import Kernel, compiled, f64, i32, i64, ptr, vec

    k = Kernel("pair_products", n=i64, order=ptr, ends=ptr, names=ptr, values=ptr, rows=ptr, columns=ptr, products=ptr)
    at = k.variable(i64, 0)

    def write(many: int, place: Any, u: Any) -> None:
        k.store(k.splat(name, many), k.rows, place)
        k.store(k.load(vec(i32, many), k.names, u), k.columns, place)
        k.store(k.load(vec(f64, many), k.values, u) * double, k.products, place)

    with k.range(0, k.n) as i:
        term = k.load(i64, k.order, i)
        name, double = k.load(i32, k.names, term), k.load(f64, k.values, term) * 2.0
        base = at.get()
        first = term + 1
        end = k.load(i64, k.ends, term)
        whole = first + (end - first) // width * width
        with k.range(first, whole, width) as u:
            write(width, base + (u - first), u)
        with k.range(whole, end) as u:
            write(1, base + (u - first), u)
        at.set(base + (end - first))
    return compiled(k)


@cache
def _sums_kernel() -> Any:
    from qevo_compiler.evaluator.llvm import Kernel, compiled, f64, i32, i64, ptr

    k = Kernel("sums_by_bit", n=i64, rows=ptr, columns=ptr, values=ptr, total=ptr, sizes=ptr)
    # Pairs of one row follow each other: their sums stay in registers until the row ends.
    row, sum_of_row, size_of_row = k.variable(i64, 0), k.variable(f64, 0.0), k.variable(f64, 0.0)

    def add(bit: Any, value: Any, size: Any) -> None:
        k.store(k.load(f64, k.total, bit) + value, k.total, bit)
        k.store(k.load(f64, k.sizes, bit) + size, k.sizes, bit)

    with k.range(0, k.n) as i:
        here = k.load(i32, k.rows, i).to(i64)
        with k.when(here.differs(row.get())):
            add(row.get(), sum_of_row.get(), size_of_row.get())
            row.set(here)
            sum_of_row.set(0.0)
            size_of_row.set(0.0)
        value = k.load(f64, k.values, i)
        size = k.absolute(value)
        add(k.load(i32, k.columns, i).to(i64), value, size)
        sum_of_row.add(value)
        size_of_row.add(size)
    with k.when(k.n > 0):
        add(row.get(), sum_of_row.get(), size_of_row.get())
    return compiled(k)
