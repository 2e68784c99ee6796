"""Compiled passes that let bits of a quadratic energy follow others: whom, through whom, and what is left of it.

Couplings are pairs [m, 2] of bit numbers, ascending and none twice, with values [m]. Always compiled: what calls
these has found bits that follow.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.terms.closing import closed_up, first_of
from qevo_compiler.evaluator.terms.couplings import columns_of

Floats = NDArray[np.float64]
Pairs = NDArray[np.int32]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Substitution:
    """What following leaves: couplings between two leaders, unmerged, linear coefficients and a constant."""

    pairs: Pairs
    values: Floats
    linear: Floats
    constant: float


def follow_leaders(
    pairs: Pairs, values: Floats, linear: Floats, leaders: Integers, signs: Floats, spins: bool
) -> Substitution:
    """Put the leader's value (sign 1) or its opposite (sign -1: 1 - x, or -s for spins) in for every bit.

    `linear`, `leaders` and `signs` are [size]; bits that lead themselves stay, with sign 1.
    """
    given = (*columns_of(pairs), np.ascontiguousarray(values), linear, leaders, signs)
    left, rest = np.empty((2, len(values)), np.int32), np.empty(len(values))
    gain, total = np.zeros(len(leaders)), np.zeros(1)
    count = _follow_kernel()(len(values), len(leaders), int(spins), *given, *left, rest, gain, total)
    return Substitution(closed_up(left, count).T, first_of(rest, count), gain, float(total[0]))


def binding_neighbours(pairs: Pairs, values: Floats, needed: Floats) -> tuple[Integers, Floats]:
    """For each bit the neighbour of lowest number whose coupling is at least half of what the bit needs, and a sign.

    The sign is 1 for negative couplings, -1 for others; bits without such a neighbour get themselves and 1.
    """
    leaders, signs = np.arange(len(needed)), np.ones(len(needed))
    given = (*columns_of(pairs), np.ascontiguousarray(values))
    _neighbour_kernel()(len(values), *given, needed, leaders, signs)
    return leaders, signs


def follow_chains(leaders: Integers, signs: Floats) -> tuple[Integers, Floats]:
    """Replace each bit's leader by the end of the chain of leaders, its sign by the product along the chain.

    A bit that leads itself ends chains. A chain that closes ends at the bit where the lowest-numbered start of a
    walk closes it, which then leads itself. Always compiled.
    """
    leaders, signs = np.array(leaders, np.int64), np.array(signs, np.float64)
    _chains_kernel()(len(leaders), leaders, signs, np.zeros(len(leaders), np.int64), np.empty(len(leaders), np.int64))
    return leaders, signs


@cache
def _follow_kernel() -> Any:
    from qevo_compiler.evaluator.llvm import Kernel, compiled, f64, i32, i64, ptr

    k = Kernel(
        "follow_leaders", i64, n=i64, size=i64, spins=i64, first=ptr, second=ptr, values=ptr, linear=ptr, leaders=ptr,
        signs=ptr, left_first=ptr, left_second=ptr, rest=ptr, gain=ptr, total=ptr,
    )  # fmt: skip
    at, constant = k.variable(i64, 0), k.variable(f64, 0.0)
    # x = shift + sign * leader: an opposite bit is 1 - x, an opposite spin -s.
    opposite = k.select(k.spins.differs(0), k.constant(f64, 0.0), k.constant(f64, 1.0))

    def add(place: Any, more: Any) -> None:
        k.store(k.load(f64, k.gain, place) + more, k.gain, place)

    def followed(bit: Any) -> tuple[Any, Any, Any]:
        sign = k.load(f64, k.signs, bit)
        return k.load(i64, k.leaders, bit), sign, k.select(sign < 0, opposite, k.constant(f64, 0.0))

    with k.range(0, k.size) as bit:
        leader, sign, shift = followed(bit)
        value = k.load(f64, k.linear, bit)
        constant.add(value * shift)
        add(leader, value * sign)
    with k.range(0, k.n) as i:
        (a, sign_a, shift_a), (b, sign_b, shift_b) = (
            followed(k.load(i32, column, i).to(i64)) for column in (k.first, k.second)
        )
        value = k.load(f64, k.values, i)
        constant.add(value * (shift_a * shift_b))
        add(a, value * sign_a * shift_b)
        add(b, value * sign_b * shift_a)
        product = value * sign_a * sign_b
        with k.when(a.differs(b)) as two:
            to = at.get()
            k.store(k.minimum(a, b).to(i32), k.left_first, to)
            k.store(k.maximum(a, b).to(i32), k.left_second, to)
            k.store(product, k.rest, to)
            at.set(to + 1)
            two.otherwise()
            with k.when(k.spins.differs(0)) as one:
                constant.add(product)
                one.otherwise()
                add(a, product)
    k.store(constant.get(), k.total, 0)
    k.give(at.get())
    return compiled(k)


@cache
def _neighbour_kernel() -> Any:
    from qevo_compiler.evaluator.llvm import Kernel, compiled, f64, i32, i64, ptr

    k = Kernel("binding_neighbours", n=i64, first=ptr, second=ptr, values=ptr, needed=ptr, leaders=ptr, signs=ptr)
    # Rows ascend, so the first hit is the lowest number; lower neighbours, met as rows, come before higher ones.
    for own, other in ((k.second, k.first), (k.first, k.second)):
        with k.range(0, k.n) as i:
            bit = k.load(i32, own, i).to(i64)
            value = k.load(f64, k.values, i)
            bound = 2.0 * k.absolute(value) >= k.load(f64, k.needed, bit)
            with k.when(bound & k.load(i64, k.leaders, bit).equals(bit)):
                k.store(k.load(i32, other, i).to(i64), k.leaders, bit)
                k.store(k.select(value < 0, k.constant(f64, 1.0), k.constant(f64, -1.0)), k.signs, bit)
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
