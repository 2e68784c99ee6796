"""Compiled passes over the couplings of a quadratic energy: sums at each bit, fixing of bits, connected parts.

Couplings are pairs [m, 2] of bit numbers, ascending and none twice, with values [m]. As in `term_kernels`, few
couplings are handled with numpy, and which of the two runs depends on their number only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.term_kernels import WORTH

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


def incidence(pairs: Pairs, values: Floats, size: int) -> Incidence:
    """One pass over the couplings; all four arrays are [size]."""
    if len(values) < WORTH:
        return _small_incidence(pairs, values, size)
    table = np.zeros((size, 4))
    _incidence_kernel()(len(values), np.ascontiguousarray(pairs), np.ascontiguousarray(values), table)
    return Incidence(*(np.ascontiguousarray(column) for column in table.T))


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
    left, rest, constants = np.empty_like(pairs), np.empty_like(values), np.zeros(1)
    given = (np.ascontiguousarray(pairs), np.ascontiguousarray(values), gone.view(np.uint8), state)
    count = _fix_kernel()(len(values), *given, left, rest, gain, constants)
    return left[:count], rest[:count], gain, float(constants[0])


@dataclass(frozen=True)
class Substitution:
    """What x_i = shift_i + sign_i x_leader(i) makes of couplings: those between two leaders, unmerged, and the rest."""

    pairs: Pairs
    values: Floats
    gain: Floats
    constant: float


def follow_leaders(
    pairs: Pairs, values: Floats, leaders: Integers, signs: Floats, shifts: Floats, spins: bool
) -> Substitution:
    """Put `shifts + signs * x[leaders]` in for every bit (signs and shifts [size]); x x is x, or 1 for spins."""
    given = (np.ascontiguousarray(pairs), np.ascontiguousarray(values), leaders, signs, shifts)
    left, rest, gain, total = np.empty_like(pairs), np.empty_like(values), np.zeros(len(leaders)), np.zeros(1)
    count = _follow_kernel()(len(values), int(spins), *given, left, rest, gain, total)
    return Substitution(left[:count], rest[:count], gain, float(total[0]))


def connected_parts(pairs: Pairs, size: int) -> Integers:
    """The least bit of the connected part that each bit belongs to, [size]. Always compiled."""
    part = np.arange(size)
    touched = np.zeros(size, bool)
    touched[pairs.reshape(-1)] = True
    _parts_kernel()(len(pairs), size, int(touched.sum()) - 1, np.ascontiguousarray(pairs), part)
    return part


def follow_chains(leaders: Integers, signs: Floats) -> tuple[Integers, Floats]:
    """Replace each bit's leader by the end of the chain of leaders, its sign by the product along the chain.

    A bit that leads itself ends chains. A chain that closes ends at the bit where the lowest-numbered start of a
    walk closes it, which then leads itself. Always compiled.
    """
    leaders, signs = np.array(leaders, np.int64), np.array(signs, np.float64)
    _chains_kernel()(len(leaders), leaders, signs, np.zeros(len(leaders), np.int64), np.empty(len(leaders), np.int64))
    return leaders, signs


@cache
def _incidence_kernel() -> Any:
    from qevo_compiler.evaluator.llvm import Kernel, compiled, f64, i32, i64, ptr

    k = Kernel("coupling_incidence", n=i64, pairs=ptr, values=ptr, table=ptr)

    def add(bit: Any, value: Any, size: Any, largest: Any, count: Any) -> None:
        base = bit * 4
        for at, more in ((0, value), (1, size), (3, count)):
            k.store(k.load(f64, k.table, base + at) + more, k.table, base + at)
        k.store(k.maximum(largest, k.load(f64, k.table, base + 2)), k.table, base + 2)

    # Couplings of one row follow each other: their sums stay in registers until the row ends.
    row, sums = k.variable(i64, 0), [k.variable(f64, 0.0) for _ in range(4)]

    def flush() -> None:
        add(row.get(), *(sums[at].get() for at in (0, 1, 2, 3)))

    with k.range(0, k.n) as i:
        first, second = (k.load(i32, k.pairs, i * 2 + side).to(i64) for side in (0, 1))
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
        "fix_bits", i64, n=i64, pairs=ptr, values=ptr, gone=ptr, state=ptr, left=ptr, rest=ptr, gain=ptr, total=ptr
    )
    at = k.variable(i64, 0)
    with k.range(0, k.n) as i:
        a, b = (k.load(i32, k.pairs, i * 2 + side) for side in (0, 1))
        first, second = a.to(i64), b.to(i64)
        one, two = k.load(i8, k.gone, first), k.load(i8, k.gone, second)
        value = k.load(f64, k.values, i)
        with k.when((one | two).equals(0)) as some:
            to = at.get()
            k.store(a, k.left, to * 2)
            k.store(b, k.left, to * 2 + 1)
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
def _follow_kernel() -> Any:
    from qevo_compiler.evaluator.llvm import Kernel, compiled, f64, i32, i64, ptr

    k = Kernel(
        "follow_leaders", i64, n=i64, spins=i64, pairs=ptr, values=ptr, leaders=ptr, signs=ptr, shifts=ptr,
        left=ptr, rest=ptr, gain=ptr, total=ptr,
    )  # fmt: skip
    at = k.variable(i64, 0)

    def add(base: Any, place: Any, more: Any) -> None:
        k.store(k.load(f64, base, place) + more, base, place)

    with k.range(0, k.n) as i:
        ends = [k.load(i32, k.pairs, i * 2 + side).to(i64) for side in (0, 1)]
        (a, b) = (k.load(i64, k.leaders, end) for end in ends)
        (sign_a, sign_b) = (k.load(f64, k.signs, end) for end in ends)
        (shift_a, shift_b) = (k.load(f64, k.shifts, end) for end in ends)
        value = k.load(f64, k.values, i)
        add(k.total, 0, value * (shift_a * shift_b))
        add(k.gain, a, value * sign_a * shift_b)
        add(k.gain, b, value * sign_b * shift_a)
        product = value * sign_a * sign_b
        with k.when(a.differs(b)) as two:
            to = at.get()
            k.store(k.minimum(a, b).to(i32), k.left, to * 2)
            k.store(k.maximum(a, b).to(i32), k.left, to * 2 + 1)
            k.store(product, k.rest, to)
            at.set(to + 1)
            two.otherwise()
            with k.when(k.spins.differs(0)) as one:
                add(k.total, 0, product)
                one.otherwise()
                add(k.gain, a, product)
    k.give(at.get())
    return compiled(k)


@cache
def _parts_kernel() -> Any:
    from qevo_compiler.evaluator.llvm import Kernel, compiled, i32, i64, ptr

    k = Kernel("connected_parts", n=i64, size=i64, joins=i64, pairs=ptr, part=ptr)
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
        a, b = (root(k.load(i32, k.pairs, i * 2 + side).to(i64)) for side in (0, 1))
        with k.when(a.differs(b)):
            low = k.minimum(a, b)
            k.store(low, k.part, k.maximum(a, b))
            left.set(left.get() - 1)
        place.set(i + 1)
    with k.range(0, k.size) as bit:  # parts point to lower bits: one ascending turn flattens them
        k.store(k.load(i64, k.part, k.load(i64, k.part, bit)), k.part, bit)
    return compiled(k)


@cache
def _chains_kernel() -> Any:
    from qevo_compiler.evaluator.llvm import Kernel, compiled, f64, i64, ptr

    k = Kernel("follow_chains", n=i64, leaders=ptr, signs=ptr, seen=ptr, path=ptr)
    here, depth = k.variable(i64), k.variable(i64)
    with k.range(0, k.n) as start:
        here.set(start)
        depth.set(0)
        walked = start + 1
        with k.repeat() as walk:  # up to a bit that is done, leads itself, or closes the chain
            bit = here.get()
            walk.stop_if(k.load(i64, k.seen, bit).differs(0))
            k.store(walked, k.seen, bit)
            leader = k.load(i64, k.leaders, bit)
            walk.stop_if(leader.equals(bit))
            k.store(bit, k.path, depth.get())
            depth.add(1)
            here.set(leader)
        end = here.get()
        # Met again on this very walk and not done: the chain closes here.
        with k.when(k.load(i64, k.seen, end).equals(walked)):
            k.store(end, k.leaders, end)
            k.store(k.constant(f64, 1.0), k.signs, end)
        with k.repeat() as back:  # from the end down: each leader is final before its follower
            back.stop_if(depth.get().equals(0))
            depth.add(-1)
            bit = k.load(i64, k.path, depth.get())
            leader = k.load(i64, k.leaders, bit)
            with k.when(bit.differs(end)):
                k.store(k.load(f64, k.signs, bit) * k.load(f64, k.signs, leader), k.signs, bit)
                k.store(k.load(i64, k.leaders, leader), k.leaders, bit)
    return compiled(k)
