"""Sweeps of many replicas side by side over sparse couplings: a spin's replicas fill vectors.

Spins are floats [sites, replicas] of -1 and +1. The local field of a spin is summed anew at its turn, so there
is nothing to keep up to date: with many replicas some one of them nearly always flips.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from qevo_compiler.evaluator.annealing.acceptance import KEY, Rule, draw, threshold
from qevo_compiler.evaluator.llvm import Kernel, Operand, f32, i32, i64, ptr, vec

# Sites of one draw: a draw gives four words.
BLOCK = 4


@cache
def sparse_sweeps(lanes: int, vectors: int, rule: Rule) -> Kernel:
    """Visits every site once a sweep, in order. `sites` is a multiple of 4 (rows of the rest are empty).

    `slopes` [sweeps, replicas] holds 2 beta / ln 2 in units; sweep number and first replica count from `sweep` and
    `replica`, so that chunks of a run continue each other.
    """
    k = Kernel(
        f"sparse_{rule.value}_{lanes}x{vectors}",
        sites=i64, sweeps=i64, sweep=i32, replica=i32, **KEY,
        starts=ptr, columns=ptr, values=ptr, fields=ptr, slopes=ptr, spins=ptr,
    )  # fmt: skip
    width = lanes * vectors
    type = vec(f32, lanes)
    with k.range(0, k.sweeps) as turn:
        slopes = [k.load(type, k.slopes, turn * width + u * lanes) for u in range(vectors)]
        with k.range(0, k.sites, BLOCK) as base:
            words = [_words(k, lanes, u, base, turn) for u in range(vectors)]
            for part in range(BLOCK):
                site = base + part
                totals = local_fields(k, lanes, vectors, site)
                for u, total in enumerate(totals):
                    place = site * width + u * lanes
                    spin = k.load(type, k.spins, place)
                    flips = slopes[u] * spin * total > threshold(k, rule, words[u][part])
                    k.store(k.select(flips, -spin, spin), k.spins, place)
    return k


@cache
def sparse_descent(lanes: int, vectors: int) -> Kernel:
    """One sweep that flips every spin that lowers the energy; returns how many flipped in all replicas."""
    k = Kernel(
        f"sparse_descent_{lanes}x{vectors}", i64,
        sites=i64, starts=ptr, columns=ptr, values=ptr, fields=ptr, spins=ptr,
    )  # fmt: skip
    width = lanes * vectors
    count = k.variable(i64, 0)
    with k.range(0, k.sites) as site:
        for u, total in enumerate(local_fields(k, lanes, vectors, site)):
            place = site * width + u * lanes
            spin = k.load(vec(f32, lanes), k.spins, place)
            flips = spin * total > 0
            k.store(k.select(flips, -spin, spin), k.spins, place)
            count.add(k.popcount(k.mask_bits(flips)))
    k.give(count.get())
    return k


def local_fields(
    k: Kernel,
    lanes: int,
    vectors: int,
    site: Operand,
    first: Operand | int = 0,
    names: Sequence[str] = ("starts", "columns", "values", "fields"),
) -> list[Operand]:
    """h_i + sum_j J_ij s_j of all replicas, in the order of the row; spins start at element `first`.

    `names` are the parameters with the couplings and fields.
    """
    type = vec(f32, lanes)
    starts, columns, values, fields = (getattr(k, name) for name in names)
    field = k.load(f32, fields, site).splat(lanes)
    totals = [k.variable(type, field) for _ in range(vectors)]
    start, stop = (k.load(i32, starts, site + more).to(i64) for more in (0, 1))
    with k.range(start, stop) as entry:
        place = k.load(i32, columns, entry).to(i64) * (lanes * vectors) + first
        value = k.load(f32, values, entry).splat(lanes)
        for u, total in enumerate(totals):
            total.set(k.fma(value, k.load(type, k.spins, place + u * lanes), total.get()))
    return [total.get() for total in totals]


def _words(k: Kernel, lanes: int, u: int, base: Operand, turn: Operand) -> list[Operand]:
    numbers = k.lane_numbers(vec(i32, lanes)) + (k.replica + u * lanes)
    return draw(k, lanes, (base.to(i32), k.sweep + turn.to(i32), numbers))


@cache
def sparse_fields(lanes: int) -> Kernel:
    """The local field of every spin of a vector of replicas, into `out` [sites, lanes]."""
    k = Kernel(f"sparse_fields_{lanes}", sites=i64, starts=ptr, columns=ptr, values=ptr, fields=ptr, spins=ptr, out=ptr)
    with k.range(0, k.sites) as site:
        k.store(local_fields(k, lanes, 1, site)[0], k.out, site * lanes)
    return k
