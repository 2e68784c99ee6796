"""The weighted sum of a few sorted lists of pairs, in one pass over all of them.

    names, values = merge_sorted([(names, values, factor), ...], dust)

A list's pairs [m, 2] ascend, none twice. What comes out ascends too, with contiguous columns. Equal pairs are added
in the order of the lists; a sum that is at most `dust` times the sum of its parts' magnitudes is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.closing import closed_up, first_of
from qevo_compiler.evaluator.llvm import Kernel, Operand, Scalar, compiled, f64, i32, i64, ptr

Floats = NDArray[np.float64]
Names = NDArray[np.int32]

MOST = 4
"""Lists of one call: each pair that is written looks at the head of every list."""

_END = (1 << 63) - 1


def merge_sorted(lists: Sequence[tuple[Names, Floats, float]], dust: float) -> tuple[Names, Floats]:
    """Sum of `factor` times each list (at most `MOST`); pairs [k, 2] and sums [k]."""
    total = sum(len(values) for _, values, _ in lists)
    given: list[Any] = []
    for names, values, factor in lists:
        names = names if names.flags.forc else np.ascontiguousarray(names)
        rowwise = names.flags.c_contiguous
        step, gap = (2, 1) if rowwise else (1, len(names))
        flat = names.reshape(-1) if rowwise else names.T.reshape(-1)
        given += [len(values), step, gap, factor, flat, np.ascontiguousarray(values)]
    pairs, sums = np.empty((2, total), np.int32), np.empty(total)
    count = int(compiled(_kernel(len(lists)))(dust, *given, pairs[0], pairs[1], sums))
    return closed_up(pairs, count).T, first_of(sums, count)


@cache
def _kernel(count: int) -> Kernel:
    """merge(dust, [n, step, gap, factor, names, values] of each list, rows, columns, sums) -> how many are left.

    Pair i of a list is names[i * step], names[i * step + gap].
    """
    one: dict[str, Scalar] = {"n": i64, "step": i64, "gap": i64, "factor": f64, "names": ptr, "values": ptr}
    lists = {f"{word}{which}": type for which in range(count) for word, type in one.items()}
    k = Kernel("merge_sorted_pairs", i64, dust=f64, **lists, rows=ptr, columns=ptr, sums=ptr)
    heads = [_Head(k, *(getattr(k, f"{word}{which}") for word in one)) for which in range(count)]
    at = k.variable(i64, 0)
    with k.repeat() as loop:
        key = heads[0].key.get()
        for head in heads[1:]:
            key = k.minimum(key, head.key.get())
        loop.stop_if(key.equals(_END))
        total, size = k.constant(f64, 0.0), k.constant(f64, 0.0)
        for head in heads:
            part = head.take(key)
            total, size = total + part, size + k.absolute(part)
        to = at.get()
        k.store((key >> 32).to(i32), k.rows, to)
        k.store(key.to(i32), k.columns, to)
        k.store(total, k.sums, to)
        # An infinite sum is no dust, and must be seen.
        gone = (k.absolute(total) <= k.dust * size) & (size < float("inf"))
        at.add(k.select(gone, k.constant(i64, 0), k.constant(i64, 1)))
    k.give(at.get())
    return k


class _Head:
    """The next pair of one list, as row << 32 | column; after the last one a key above all."""

    def __init__(
        self, k: Kernel, n: Operand, step: Operand, gap: Operand, factor: Operand, names: Operand, values: Operand
    ) -> None:
        self._k, self._n, self._step, self._gap = k, n, step, gap
        self._factor, self._names, self._values = factor, names, values
        self._place, self.key = k.variable(i64, 0), k.variable(i64, _END)
        with k.when(n > 0):
            self.key.set(self._at(k.constant(i64, 0)))

    def take(self, key: Operand) -> Operand:
        """The weighted value where this list's next pair is `key`, which is then passed; else 0."""
        k, place = self._k, self._place.get()
        here = self.key.get().equals(key)
        # Without branches: the last pair is looked at again where there is none.
        last = self._n - 1
        value = self._factor * k.load(f64, self._values, k.maximum(k.minimum(place, last), 0))
        after = place + here.unsigned(i64)
        found = self._at(k.maximum(k.minimum(after, last), 0))
        self.key.set(k.select(after < self._n, found, k.constant(i64, _END)))
        self._place.set(after)
        return k.select(here, value, k.constant(f64, 0.0))

    def _at(self, i: Operand) -> Operand:
        k, first = self._k, i * self._step
        high, low = k.load(i32, self._names, first), k.load(i32, self._names, first + self._gap)
        return (high.to(i64) << 32) | low.to(i64)
