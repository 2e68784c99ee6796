"""Compiled writing of the products of one affine form as couplings: rows, columns and coefficients apart.

Row i has the pairs (i, j), j > i. Rows are cut into parts of about equal length whatever the number of threads, and
every element is written once, by one thread: so the bytes do not depend on the threads, which also touch the fresh
memory first.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.terms.memory import LARGE, on_large_pages

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

# Products in one part of the work; with one part no thread is started. Measured: two millions cost what starting
# threads does, with eight millions two threads save a quarter of the time and four half of it. Where memory is slow to
# come, two millions take four times as long, and four threads save half of it.
PART, SLOW_PART = 1 << 21, 1 << 19


def written_pairs(names: Ints, weights: Floats, factor: float) -> tuple[Ints, Ints, Floats]:
    """names_i, names_j and (2 weights_i weights_j) factor for i < j in lexicographic order, [n (n - 1) / 2] each.

    Always compiled.
    """
    from qevo_compiler.evaluator.llvm import lanes, run_chunks
    from qevo_compiler.evaluator.llvm.types import f64

    count = len(names)
    total = count * (count - 1) // 2
    (rows, columns, products), quick = _places(total)
    names, weights = np.ascontiguousarray(names, np.int32), np.ascontiguousarray(weights, np.float64)
    kernel = _pairs_kernel(lanes(f64))

    def write(part: tuple[int, int]) -> None:
        kernel(*part, count, factor, names, weights, rows, columns, products)

    run_chunks(write, _parts(count, total, PART if quick else SLOW_PART))
    return rows, columns, products


def _places(total: int) -> tuple[tuple[Ints, Ints, Floats], bool]:
    """Uninitialised rows, columns and products, and whether their memory is there already.

    Large ones stand apart: what replaces the products frees them.
    """
    size = 8 * total
    if size < LARGE:
        (block,), quick = on_large_pages(2 * size)
        products, places = block[:size], block[size:].view(np.int32)
    else:
        (products, block), quick = on_large_pages(size, size)
        places = block.view(np.int32)
    return (places[:total], places[total:], products.view(np.float64)), quick


def _parts(count: int, total: int, part: int) -> list[tuple[int, int]]:
    """Ranges of rows that have about `part` products each."""
    number = max(round(total / part), 1)
    starts = np.arange(count, dtype=np.int64)
    before = starts * (2 * count - starts - 1) // 2
    cuts = [0, *np.searchsorted(before, np.arange(1, number) * (total / number)).tolist(), count]
    return list(pairwise(cuts))


@cache
def _pairs_kernel(lanes: int) -> Any:
    from qevo_compiler.evaluator.llvm import Kernel, compiled, f64, i32, i64, ptr, vec

    k = Kernel(
        "written_pairs", first=i64, last=i64, n=i64, factor=f64,
        names=ptr, weights=ptr, rows=ptr, columns=ptr, products=ptr,
    )  # fmt: skip

    def copy(width: int, i: Any, j: Any, place: Any) -> None:
        """Write the products of row i from column j on, `width` of them."""
        name, double = k.load(i32, k.names, i), k.load(f64, k.weights, i) * 2.0
        k.store(k.splat(name, width), k.rows, place)
        k.store(k.load(vec(i32, width), k.names, j), k.columns, place)
        k.store(k.load(vec(f64, width), k.weights, j) * double * k.factor, k.products, place)

    with k.range(k.first, k.last) as i:
        start = i + 1
        # Where column 0 of the row would stand.
        base = (i * (k.n * 2 - i - 1)).shift_right(1) - start
        whole = start + (k.n - start) // lanes * lanes
        with k.range(start, whole, lanes) as j:
            copy(lanes, i, j, base + j)
        with k.range(whole, k.n) as j:
            copy(1, i, j, base + j)
    return compiled(k)
