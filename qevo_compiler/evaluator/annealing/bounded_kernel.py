"""Sweeps over a spin model with bounds: rows of affine sums that cost their squared distance from an interval.

That is a penalised inequality with its slack at the best value: the slack bits, which would all have to turn
together with a decision, are not there. Replicas lie side by side as in `sparse_kernel.py`.
"""

from __future__ import annotations

from functools import cache

from qevo_compiler.evaluator.annealing.acceptance import KEY, Rule, draw, threshold
from qevo_compiler.evaluator.annealing.sparse_kernel import BLOCK, local_fields
from qevo_compiler.evaluator.llvm import Kernel, Operand, f32, i32, i64, ptr, vec

_BOUNDS = {
    "starts": ptr, "columns": ptr, "values": ptr, "fields": ptr, "spins": ptr,
    "row_starts": ptr, "row_numbers": ptr, "weights": ptr, "widths": ptr, "sums": ptr,
}  # fmt: skip


@cache
def bounded_sweeps(lanes: int, rule: Rule) -> Kernel:
    """Visits every site once a sweep; returns the number of flips.

    Site i is in the rows `row_numbers` with `weights` (row_starts[i] .. row_starts[i + 1]), both scaled so that row
    r, whose sum in each replica is `sums` [rows, lanes], costs the square of its distance from [-widths[r], 0].
    Numbers are in units; the others are as for `sparse_sweeps`.
    """
    k = Kernel(
        f"bounded_{rule.value}_{lanes}", i64,
        sites=i64, sweeps=i64, sweep=i32, replica=i32, **KEY, slopes=ptr, **_BOUNDS,
    )  # fmt: skip
    count = k.variable(i64, 0)
    type = vec(f32, lanes)
    numbers = k.lane_numbers(vec(i32, lanes)) + k.replica
    with k.range(0, k.sweeps) as turn:
        slope = k.load(type, k.slopes, turn * lanes)
        with k.range(0, k.sites, BLOCK) as base:
            words = [k.constant(vec(i32, lanes), 0)] * BLOCK
            if rule is not Rule.GREEDY:
                words = draw(k, lanes, (base.to(i32), k.sweep + turn.to(i32), numbers))
            for part in range(BLOCK):
                site = base + part
                spin = k.load(type, k.spins, site * lanes)
                flips = slope * flip_gain(k, lanes, site, spin) > threshold(k, rule, words[part])
                _flip(k, lanes, site, spin, flips)
                if rule is Rule.GREEDY:
                    count.add(k.popcount(k.mask_bits(flips)))
    k.give(count.get())
    return k


@cache
def bounded_gains(lanes: int) -> Kernel:
    """Half of what a flip of each site would lower the energy by, into `out` [sites, lanes]."""
    k = Kernel(f"bounded_gains_{lanes}", sites=i64, **_BOUNDS, out=ptr)
    with k.range(0, k.sites) as site:
        spin = k.load(vec(f32, lanes), k.spins, site * lanes)
        k.store(flip_gain(k, lanes, site, spin), k.out, site * lanes)
    return k


def flip_gain(k: Kernel, lanes: int, site: Operand, spin: Operand) -> Operand:
    """s f less half the rise of the rows' costs, in every replica."""
    pairs = spin * local_fields(k, lanes, 1, site)[0]
    rise = k.variable(vec(f32, lanes), 0.0)
    with k.range(*_entries(k, site)) as entry:
        row, old, new = _changed(k, lanes, entry, spin)
        width = k.load(f32, k.widths, row).splat(lanes)
        before, after = (_distance(k, total, width) for total in (old, new))
        rise.set(k.fma(after, after, rise.get() - before * before))
    return k.fma(rise.get(), -0.5, pairs)


def _flip(k: Kernel, lanes: int, site: Operand, spin: Operand, flips: Operand) -> None:
    with k.when(k.any_lane(flips)):
        with k.range(*_entries(k, site)) as entry:
            row, old, new = _changed(k, lanes, entry, spin)
            k.store(k.select(flips, new, old), k.sums, row * lanes)
        k.store(k.select(flips, -spin, spin), k.spins, site * lanes)


def _entries(k: Kernel, site: Operand) -> tuple[Operand, Operand]:
    return k.load(i32, k.row_starts, site).to(i64), k.load(i32, k.row_starts, site + 1).to(i64)


def _changed(k: Kernel, lanes: int, entry: Operand, spin: Operand) -> tuple[Operand, Operand, Operand]:
    """A row of the site, its sum, and its sum with the site flipped."""
    row = k.load(i32, k.row_numbers, entry).to(i64)
    weight = k.load(f32, k.weights, entry) * -2.0
    old = k.load(vec(f32, lanes), k.sums, row * lanes)
    return row, old, k.fma(weight.splat(lanes), spin, old)


def _distance(k: Kernel, total: Operand, width: Operand) -> Operand:
    return k.maximum(k.maximum(total, -width - total), 0.0)
