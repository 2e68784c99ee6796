"""Sweeps of path-integral annealing: worldlines of many replicas side by side, a replica a lane.

Spins are floats [sites, slices, lanes]. A site's couplings do not join its own slices, so its local fields of all
slices are summed in one pass over its row and serve both the moves of single slices and that of the worldline.
"""

from __future__ import annotations

from functools import cache

from qevo_compiler.evaluator.annealing.acceptance import KEY, Rule, draw, threshold
from qevo_compiler.evaluator.annealing.sparse_kernel import BLOCK as SITES
from qevo_compiler.evaluator.llvm import Kernel, Operand, f32, i32, i64, ptr, vec

# Slices of one draw: a draw gives four words.
SLICES = 4


@cache
def path_sweeps(lanes: int, together: int, rule: Rule) -> Kernel:
    """Visits every site once a sweep: each of its slices, even ones of a block of four first, then its worldline.

    `sites` and `slices` are multiples of 4, `slices` of `together` (fields summed at once). `slopes` [sweeps] holds
    2 beta B / (P ln 2) in units, `bonds` [sweeps] 2 K / ln 2. `totals` is scratch for slices * lanes floats.
    """
    k = Kernel(
        f"path_{rule.value}_{lanes}x{together}",
        sites=i64, slices=i64, sweeps=i64, sweep=i32, replica=i32, **KEY,
        starts=ptr, columns=ptr, values=ptr, fields=ptr, slopes=ptr, bonds=ptr, spins=ptr, totals=ptr,
    )  # fmt: skip
    limits = k.scratch(vec(f32, lanes), SITES)
    draws = k.slices.to(i32) + 1
    with k.range(0, k.sweeps) as turn:
        slope, bond = (k.load(f32, table, turn).splat(lanes) for table in (k.slopes, k.bonds))
        with k.range(0, k.sites, SITES) as base:
            first = base.to(i32).shift_right(2) * draws
            for number, word in enumerate(_words(k, lanes, first, turn)):
                k.store(threshold(k, rule, word), limits, number * lanes)
            with k.range(0, SITES) as part:
                site = base + part
                _sum_fields(k, lanes, together, site)
                own = first + 1 + part.to(i32) * k.slices.to(i32).shift_right(2)
                action = _move_slices(k, lanes, rule, site, own, turn, slope, bond)
                limit = k.load(vec(f32, lanes), limits, part * lanes)
                _move_worldline(k, lanes, site, slope * action > limit)
    return k


def _words(k: Kernel, lanes: int, number: Operand, turn: Operand) -> list[Operand]:
    replicas = k.lane_numbers(vec(i32, lanes)) + k.replica
    return draw(k, lanes, (number, k.sweep + turn.to(i32), replicas))


def _sum_fields(k: Kernel, lanes: int, together: int, site: Operand) -> None:
    """totals [slices] = h_i + sum_j J_ij s_j, in the order of the row."""
    type = vec(f32, lanes)
    start, stop = (k.load(i32, k.starts, site + more).to(i64) for more in (0, 1))
    field = k.load(f32, k.fields, site).splat(lanes)
    with k.range(0, k.slices, together) as slice:
        sums = [k.variable(type, field) for _ in range(together)]
        with k.range(start, stop) as entry:
            place = (k.load(i32, k.columns, entry).to(i64) * k.slices + slice) * lanes
            value = k.load(f32, k.values, entry).splat(lanes)
            for u, total in enumerate(sums):
                total.set(k.fma(value, k.load(type, k.spins, place + u * lanes), total.get()))
        for u, total in enumerate(sums):
            k.store(total.get(), k.totals, (slice + u) * lanes)


def _move_slices(
    k: Kernel, lanes: int, rule: Rule, site: Operand, number: Operand, turn: Operand, slope: Operand, bond: Operand
) -> Operand:
    """Decide every slice of a site; gives the sum of s f over its slices afterwards."""
    type = vec(f32, lanes)
    line = site * k.slices * lanes
    action = k.variable(type, 0)
    with k.range(0, k.slices, SLICES) as slice:
        words = _words(k, lanes, number + slice.to(i32).shift_right(2), turn)
        totals = [k.load(type, k.totals, (slice + u) * lanes) for u in range(SLICES)]
        spins = [k.load(type, k.spins, line + (slice + u) * lanes) for u in range(SLICES)]
        before = k.select(slice.equals(0), k.slices, slice) - 1
        after = k.select((slice + SLICES).equals(k.slices), 0, slice + SLICES)

        def move(u: int, left: Operand, right: Operand) -> None:
            pull = k.fma(-bond, left + right, slope * totals[u])
            flips = spins[u] * pull > threshold(k, rule, words[u])
            spins[u] = k.select(flips, -spins[u], spins[u])
            k.store(spins[u], k.spins, line + (slice + u) * lanes)

        move(0, k.load(type, k.spins, line + before * lanes), spins[1])
        move(2, spins[1], spins[3])
        move(1, spins[0], spins[2])
        # Only now: with four slices the one after the last is the first, which has moved.
        move(3, spins[2], k.load(type, k.spins, line + after * lanes))
        for spin, total in zip(spins, totals, strict=True):
            action.set(k.fma(spin, total, action.get()))
    return action.get()


def _move_worldline(k: Kernel, lanes: int, site: Operand, flips: Operand) -> None:
    """Turn a site's spin in all slices where `flips` holds: the bonds between slices stay as they are."""
    type = vec(f32, lanes)
    with k.when(k.mask_bits(flips).differs(0)), k.range(0, k.slices) as slice:
        place = (site * k.slices + slice) * lanes
        spin = k.load(type, k.spins, place)
        k.store(k.select(flips, -spin, spin), k.spins, place)
