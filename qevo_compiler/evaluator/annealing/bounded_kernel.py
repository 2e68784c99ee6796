"""Sweeps over a spin model with bounds: rows of affine sums that cost their squared distance from an interval.

That is a penalised equation (an interval of one point), or a penalised inequality with its slack at the best value:
the slack bits, which would all have to turn together with a decision, are not there. Replicas lie side by side as in
`sparse_kernel.py`.
"""

from __future__ import annotations

from functools import cache

from qevo_compiler.evaluator.annealing.acceptance import KEY, Rule, draw, threshold
from qevo_compiler.evaluator.annealing.sparse_kernel import BLOCK, local_fields
from qevo_compiler.evaluator.llvm import Kernel, Operand, f32, i32, i64, ptr, vec

_BOUNDS = {
    "starts": ptr, "columns": ptr, "values": ptr, "fields": ptr, "spins": ptr,
    "row_starts": ptr, "row_numbers": ptr, "weights": ptr, "widths": ptr, "costs": ptr, "sums": ptr,
}  # fmt: skip


@cache
def bounded_sweeps(lanes: int, rule: Rule) -> Kernel:
    """Visits every site once a sweep, then pairs of sites that would flip together; returns the number of flips.

    Site i is in the rows `row_numbers` with `weights` (row_starts[i] .. row_starts[i + 1]). Row r, whose sum in each
    replica is `sums` [rows, lanes], costs costs[r] times the square of its distance from [-widths[r], 0], in a sweep
    times that of `stiffness` [sweeps, lanes]. `partners` [sweeps, pairs, 2] are the sites of the pairs of each sweep,
    two different ones each. Energies are in units; the others are as for `sparse_sweeps`.
    """
    k = Kernel(
        f"bounded_{rule.value}_{lanes}", i64,
        sites=i64, sweeps=i64, sweep=i32, replica=i32, **KEY, slopes=ptr, stiffness=ptr, pairs=i64, partners=ptr,
        **_BOUNDS,
    )  # fmt: skip
    count = k.variable(i64, 0)
    type = vec(f32, lanes)
    numbers = k.lane_numbers(vec(i32, lanes)) + k.replica
    with k.range(0, k.sweeps) as turn:
        slope, stiff = (k.load(type, numbers, turn * lanes) for numbers in (k.slopes, k.stiffness))
        with k.range(0, k.sites, BLOCK) as base:
            words = [k.constant(vec(i32, lanes), 0)] * BLOCK
            if rule is not Rule.GREEDY:
                words = draw(k, lanes, (base.to(i32), k.sweep + turn.to(i32), numbers))
            for part in range(BLOCK):
                site = base + part
                flips = slope * flip_gain(k, lanes, site, stiff) > threshold(k, rule, words[part])
                _flip(k, lanes, site, flips)
                if rule is Rule.GREEDY:
                    count.add(k.popcount(k.mask_bits(flips)))
        with k.range(0, k.pairs) as pair:
            word = k.constant(vec(i32, lanes), 0)
            if rule is not Rule.GREEDY:
                word = draw(k, lanes, ((k.sites + pair).to(i32), k.sweep + turn.to(i32), numbers))[0]
            place = (turn * k.pairs + pair) * 2
            first, second = (k.load(i32, k.partners, place + end).to(i64) for end in (0, 1))
            flips = _flip_both(k, lanes, first, second, slope, stiff, threshold(k, rule, word))
            if rule is Rule.GREEDY:
                count.add(k.popcount(k.mask_bits(flips)))
    k.give(count.get())
    return k


@cache
def bounded_gains(lanes: int) -> Kernel:
    """Half of what a flip of each site would lower the energy by, into `out` [sites, lanes]."""
    k = Kernel(f"bounded_gains_{lanes}", sites=i64, **_BOUNDS, out=ptr)
    stiff = k.constant(vec(f32, lanes), 1)
    with k.range(0, k.sites) as site:
        k.store(flip_gain(k, lanes, site, stiff), k.out, site * lanes)
    return k


def flip_gain(k: Kernel, lanes: int, site: Operand, stiff: Operand) -> Operand:
    """s f less half the rise of the rows' costs times `stiff`, in every replica."""
    spin = k.load(vec(f32, lanes), k.spins, site * lanes)
    pairs = spin * local_fields(k, lanes, 1, site)[0]
    rise = k.variable(vec(f32, lanes), 0.0)
    with k.range(*_entries(k, site)) as entry:
        row, old, new = _changed(k, lanes, entry, spin)
        width, cost = (k.load(f32, numbers, row).splat(lanes) for numbers in (k.widths, k.costs))
        before, after = (_distance(k, total, width) for total in (old, new))
        rise.set(k.fma(cost, k.fma(after, after, -(before * before)), rise.get()))
    return k.fma(rise.get() * stiff, -0.5, pairs)


def _flip(k: Kernel, lanes: int, site: Operand, flips: Operand) -> None:
    with k.when(k.any_lane(flips)):
        spin = k.load(vec(f32, lanes), k.spins, site * lanes)
        with k.range(*_entries(k, site)) as entry:
            row, old, new = _changed(k, lanes, entry, spin)
            k.store(k.select(flips, new, old), k.sums, row * lanes)
        k.store(k.select(flips, -spin, spin), k.spins, site * lanes)


def _flip_both(
    k: Kernel, lanes: int, first: Operand, second: Operand, slope: Operand, stiff: Operand, limit: Operand
) -> Operand:
    """Flip both sites where that is accepted: the second is judged with the first one turned."""
    gain = flip_gain(k, lanes, first, stiff)
    everywhere = slope.equals(slope)
    _flip(k, lanes, first, everywhere)
    flips = slope * (gain + flip_gain(k, lanes, second, stiff)) > limit
    _flip(k, lanes, second, flips)
    _flip(k, lanes, first, everywhere ^ flips)
    return flips


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
