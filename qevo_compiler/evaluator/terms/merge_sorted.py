"""The weighted sum of a few sorted lists of pairs, in one pass over all of them.

    names, values = merge_sorted([(names, values, factor), ...], dust)

A list's pairs [m, 2] ascend, none twice; its values [m] may be one number repeated by a stride of 0. What comes out
ascends too, with contiguous columns. Equal pairs are added in the order of the lists; a sum that is at most `dust`
times the sum of its parts' magnitudes is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.llvm import Kernel, Operand, Scalar, compiled, f64, i32, i64, lanes, ptr, vec
from qevo_compiler.evaluator.llvm.builder import Variable
from qevo_compiler.evaluator.terms.closing import closed_up, first_of

Floats = NDArray[np.float64]
Names = NDArray[np.int32]

MOST = 4
"""Lists of one call: each pair that is written looks at the head of every list."""

_END = (1 << 63) - 1


def merge_sorted(lists: Sequence[tuple[Names, Floats, float]], dust: float) -> tuple[Names, Floats]:
    """Sum of `factor` times each list (at most `MOST`); pairs [k, 2] and sums [k]."""
    total = sum(len(values) for _, values, _ in lists)
    width = lanes(f64)
    given: list[Any] = []
    for names, values, factor in lists:
        names = names if names.flags.forc else np.ascontiguousarray(names)
        rowwise = names.flags.c_contiguous
        step, gap = (2, 1) if rowwise else (1, len(names))
        flat = names.reshape(-1) if rowwise else names.T.reshape(-1)
        one = len(values) > 0 and not any(values.strides)
        # A vector of the one value, which is read from its start wherever a list stands.
        values = np.full(width, values[0]) if one else np.ascontiguousarray(values)
        given += [len(names), step, gap, int(not one), factor, flat, values]
    pairs, sums = np.empty((2, total), np.int32), np.empty(total)
    count = int(compiled(_kernel(len(lists), width))(dust, *given, pairs[0], pairs[1], sums))
    return closed_up(pairs, count).T, first_of(sums, count)


@cache
def _kernel(count: int, width: int) -> Kernel:
    """merge(dust, [n, step, gap, hop, factor, names, values] of each list, rows, columns, sums) -> how many are left.

    Pair i of a list is names[i * step], names[i * step + gap], its value values[i * hop]. Where the next `width`
    pairs of a list come before those of all others they are copied as vectors; everything else goes one by one,
    without branches.
    """
    one: dict[str, Scalar] = {
        "n": i64, "step": i64, "gap": i64, "hop": i64, "factor": f64, "names": ptr, "values": ptr,
    }  # fmt: skip
    lists = {f"{word}{which}": type for which in range(count) for word, type in one.items()}
    k = Kernel("merge_sorted_pairs", i64, dust=f64, **lists, rows=ptr, columns=ptr, sums=ptr)
    heads = [_Head(k, width, *(getattr(k, f"{word}{which}") for word in one)) for which in range(count)]
    at = k.variable(i64, 0)
    with k.repeat() as loop:
        for place, head in enumerate(heads):
            head.copy_run(_least(k, heads[:place] + heads[place + 1 :]), at)
        key = _least(k, heads)
        loop.stop_if(key.equals(_END))
        _merge_one(k, heads, key, at)
    k.give(at.get())
    return k


def _least(k: Kernel, heads: Sequence[_Head]) -> Operand:
    key = k.constant(i64, _END)
    for head in heads:
        key = k.minimum(head.key.get(), key)
    return key


def _merge_one(k: Kernel, heads: Sequence[_Head], key: Operand, at: Variable) -> None:
    """Write the sum of all lists at `key`, unless it is dust."""
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


class _Head:
    """The next pair of one list, as row << 32 | column; after the last one a key above all."""

    def __init__(
        self,
        k: Kernel,
        width: int,
        n: Operand,
        step: Operand,
        gap: Operand,
        hop: Operand,
        factor: Operand,
        names: Operand,
        values: Operand,
    ) -> None:
        self._k, self._width, self._n, self._step, self._gap = k, width, n, step, gap
        self._hop, self._factor, self._names, self._values = hop, factor, names, values
        self._place, self.key = k.variable(i64, 0), k.variable(i64, _END)
        # Where the last whole vector starts; pairs side by side are not copied as vectors.
        self._last = k.select(step.equals(1), n - width, k.constant(i64, -1))
        with k.when(n > 0):
            self.key.set(self._at(k.constant(i64, 0)))

    def copy_run(self, others: Operand, at: Variable) -> None:
        """Copy the pairs up to `others`, the next key of the other lists, if they fill a vector."""
        k, width = self._k, self._width
        with k.when(self._whole(others)):
            with k.repeat() as vectors:
                vectors.stop_if(~self._whole(others))
                products = self._products(width)
                vectors.stop_if(k.any_lane(products.equals(0.0)))
                self._copy(products, at)
            with k.repeat() as rest:
                rest.stop_if(self._place.get() >= self._n)
                rest.stop_if(self._at(self._place.get()) >= others)
                product = self._products(1)
                # What is 0 is left out by the merge of single pairs.
                rest.stop_if(product.equals(0.0))
                self._copy(product, at)
            here = self._place.get()
            self.key.set(_END)
            with k.when(here < self._n):
                self.key.set(self._at(here))

    def take(self, key: Operand) -> Operand:
        """The weighted value where this list's next pair is `key`, which is then passed; else 0."""
        k, place = self._k, self._place.get()
        here = self.key.get().equals(key)
        # Without branches: the last pair is looked at again where there is none.
        last = self._n - 1
        value = self._factor * k.load(f64, self._values, k.maximum(k.minimum(place, last), 0) * self._hop)
        after = place + here.unsigned(i64)
        found = self._at(k.maximum(k.minimum(after, last), 0))
        self.key.set(k.select(after < self._n, found, k.constant(i64, _END)))
        self._place.set(after)
        return k.select(here, value, k.constant(f64, 0.0))

    def _whole(self, others: Operand) -> Operand:
        """Whether a vector of pairs is left and comes before `others`."""
        k, place = self._k, self._place.get()
        end = k.maximum(k.minimum(place, self._last), 0) + k.select(self._last < 0, k.constant(i64, 0), self._width - 1)
        return (place <= self._last) & (self._at(end) < others)

    def _products(self, width: int) -> Operand:
        return self._k.load(vec(f64, width), self._values, self._place.get() * self._hop) * self._factor

    def _copy(self, products: Operand, at: Variable) -> None:
        k, place, to, width = self._k, self._place.get(), at.get(), products.type.lanes
        k.store(k.load(vec(i32, width), self._names, place), k.rows, to)
        k.store(k.load(vec(i32, width), self._names, place + self._gap), k.columns, to)
        k.store(products, k.sums, to)
        self._place.set(place + width)
        at.set(to + width)

    def _at(self, i: Operand) -> Operand:
        k, first = self._k, i * self._step
        high, low = k.load(i32, self._names, first), k.load(i32, self._names, first + self._gap)
        return (high.to(i64) << 32) | low.to(i64)
