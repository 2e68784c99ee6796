"""Compiled passes over the couplings of a quadratic energy: sums at each bit, fixing of bits, connected parts.

Couplings are pairs [m, 2] of bit numbers, ascending and none twice, with values [m]. Kernels read the two columns,
which are copied only where they are not contiguous. As in `term_kernels`, few couplings are handled with numpy, and
which of the two runs depends on their number only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.terms.closing import closed_up, first_of
from qevo_compiler.evaluator.terms.term_kernels import WORTH

Floats = NDArray[np.float64]
Pairs = NDArray[np.int32]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Incidence:
    """For each of the bits, over its couplings: sum, sum of absolute values, largest absolute value, number."""

    total: Floats
    reach: Floats
    largest: Floats
    degree: Floats


def columns_of(pairs: Pairs) -> tuple[Pairs, Pairs]:
    """Both columns, contiguous."""
    return np.ascontiguousarray(pairs[:, 0]), np.ascontiguousarray(pairs[:, 1])


def incidence(pairs: Pairs, values: Floats, size: int) -> Incidence:
    """One pass over the couplings; all four arrays are [size]."""
    if len(values) < WORTH:
        return _small_incidence(pairs, values, size)
    found = Incidence(np.zeros(size), np.zeros(size), np.zeros(size), np.zeros(size))
    given = (*columns_of(pairs), np.ascontiguousarray(values))
    _incidence_kernel()(len(values), *given, found.total, found.reach, found.largest, found.degree)
    return found


def _small_incidence(pairs: Pairs, values: Floats, size: int) -> Incidence:
    bits, sizes = pairs.T.reshape(-1), np.abs(values)
    both = np.concatenate([sizes, sizes])
    total = np.bincount(bits, np.concatenate([values, values]), size).astype(np.float64)
    largest = np.zeros(size)
    np.maximum.at(largest, bits, both)
    reach, degree = np.bincount(bits, both, size), np.bincount(bits, minlength=size)
    return Incidence(total, reach.astype(np.float64), largest, degree.astype(np.float64))


def fix_bits(
    pairs: Pairs, values: Floats, gone: NDArray[np.bool_], state: Floats
) -> tuple[Pairs, Floats, Floats, float]:
    """Put `state` in for the bits that are `gone`: couplings left, what each bit's field and the constant gain."""
    gain = np.zeros(len(gone))
    if len(values) < WORTH:
        first, second = gone[pairs[:, 0]], gone[pairs[:, 1]]
        for here, there, side in ((first, second, 0), (second, first, 1)):
            some = here & ~there
            moved = values[some] * state[pairs[some, side]]
            gain += np.bincount(pairs[some, 1 - side], moved, len(gone))
        both = first & second
        constant = float(values[both] @ (state[pairs[both, 0]] * state[pairs[both, 1]]))
        keep = ~(first | second)
        return pairs[keep], values[keep], gain, constant
    left, rest, constants = np.empty((2, len(values)), np.int32), np.empty(len(values)), np.zeros(1)
    given = (*columns_of(pairs), np.ascontiguousarray(values), gone.view(np.uint8), state)
    count = _fix_kernel()(len(values), *given, *left, rest, gain, constants)
    return closed_up(left, count).T, first_of(rest, count), gain, float(constants[0])


def connected_parts(pairs: Pairs, size: int, coupled: int) -> Integers:
    """The least bit of the connected part that each bit belongs to, [size]; `coupled` bits have couplings.

    Always compiled. Cost: that of the couplings up to the one that joins all coupled bits.
    """
    part = np.arange(size)
    _parts_kernel()(len(pairs), size, coupled - 1, *columns_of(pairs), part)
    return part


@cache
def _incidence_kernel() -> Any:
    from qevo_compiler.evaluator.llvm import Kernel, compiled, f64, i32, i64, ptr

    k = Kernel(
        "coupling_incidence", n=i64, first=ptr, second=ptr, values=ptr, total=ptr, reach=ptr, largest=ptr, degree=ptr
    )

    def add(bit: Any, value: Any, size: Any, largest: Any, count: Any) -> None:
        for base, more in ((k.total, value), (k.reach, size), (k.degree, count)):
            k.store(k.load(f64, base, bit) + more, base, bit)
        k.store(k.maximum(largest, k.load(f64, k.largest, bit)), k.largest, bit)

    # Couplings of one row follow each other: their sums stay in registers until the row ends.
    row, sums = k.variable(i64, 0), [k.variable(f64, 0.0) for _ in range(4)]

    def flush() -> None:
        add(row.get(), *(sums[at].get() for at in (0, 1, 2, 3)))

    with k.range(0, k.n) as i:
        first, second = (k.load(i32, column, i).to(i64) for column in (k.first, k.second))
        with k.when(first.differs(row.get())):
            flush()
            row.set(first)
            for one in sums:
                one.set(0.0)
        value = k.load(f64, k.values, i)
        size = k.absolute(value)
        add(second, value, size, size, k.constant(f64, 1.0))
        sums[0].add(value)
        sums[1].add(size)
        sums[2].set(k.maximum(size, sums[2].get()))
        sums[3].add(1.0)
    with k.when(k.n > 0):
        flush()
    return compiled(k)


@cache
def _fix_kernel() -> Any:
    from qevo_compiler.evaluator.llvm import Kernel, compiled, f64, i8, i32, i64, ptr

    k = Kernel(
        "fix_bits", i64, n=i64, first=ptr, second=ptr, values=ptr, gone=ptr, state=ptr, left_first=ptr, left_second=ptr,
        rest=ptr, gain=ptr, total=ptr,
    )  # fmt: skip
    at = k.variable(i64, 0)
    with k.range(0, k.n) as i:
        a, b = k.load(i32, k.first, i), k.load(i32, k.second, i)
        first, second = a.to(i64), b.to(i64)
        one, two = k.load(i8, k.gone, first), k.load(i8, k.gone, second)
        value = k.load(f64, k.values, i)
        with k.when((one | two).equals(0)) as some:
            to = at.get()
            k.store(a, k.left_first, to)
            k.store(b, k.left_second, to)
            k.store(value, k.rest, to)
            at.set(to + 1)
            some.otherwise()
            for here, there, mine, other in ((one, two, first, second), (two, one, second, first)):
                with k.when((here.differs(0)) & (there.equals(0))):
                    k.store(k.load(f64, k.gain, other) + value * k.load(f64, k.state, mine), k.gain, other)
            with k.when((one & two).differs(0)):
                both = value * k.load(f64, k.state, first) * k.load(f64, k.state, second)
                k.store(k.load(f64, k.total, 0) + both, k.total, 0)
    k.give(at.get())
    return compiled(k)


@cache
def _parts_kernel() -> Any:
    from qevo_compiler.evaluator.llvm import Kernel, compiled, i32, i64, ptr

    k = Kernel("connected_parts", n=i64, size=i64, joins=i64, first=ptr, second=ptr, part=ptr)
    place, left, found = k.variable(i64, 0), k.variable(i64, k.joins), k.variable(i64)

    def root(bit: Any) -> Any:
        found.set(bit)
        with k.repeat() as walk:
            here = found.get()
            up = k.load(i64, k.part, here)
            walk.stop_if(up.equals(here))
            over = k.load(i64, k.part, up)
            k.store(over, k.part, here)  # halve the path
            found.set(over)
        return found.get()

    with k.repeat() as loop:
        i = place.get()
        loop.stop_if((i >= k.n) | (left.get() <= 0))
        a, b = (root(k.load(i32, column, i).to(i64)) for column in (k.first, k.second))
        with k.when(a.differs(b)):
            low = k.minimum(a, b)
            k.store(low, k.part, k.maximum(a, b))
            left.set(left.get() - 1)
        place.set(i + 1)
    with k.range(0, k.size) as bit:  # parts point to lower bits: one ascending turn flattens them
        k.store(k.load(i64, k.part, k.load(i64, k.part, bit)), k.part, bit)
    return compiled(k)
