"""Sweeps over a spin model with bounds: rows of affine sums that cost their squared distance from an interval.

That is a penalised equation (an interval of one point), or a penalised inequality with its slack at the best value:
the slack bits, which would all have to turn together with a decision, are not there. Replicas lie side by side as in
`sparse_kernel.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from qevo_compiler.evaluator.annealing.acceptance import KEY, Rule, draw, threshold
from qevo_compiler.evaluator.annealing.chain_kernel import LIMIT, WORDS, Chain
from qevo_compiler.evaluator.annealing.chain_search import Lane, Trial
from qevo_compiler.evaluator.annealing.chain_turn import CHAINS
from qevo_compiler.evaluator.annealing.cycle_kernel import CYCLES, Cycles
from qevo_compiler.evaluator.annealing.sparse_kernel import BLOCK, local_fields
from qevo_compiler.evaluator.llvm import Kernel, Operand, f32, i32, i64, ptr, vec
from qevo_compiler.evaluator.llvm.control import Variable

_BOUNDS = {
    "starts": ptr, "columns": ptr, "values": ptr, "fields": ptr,
    "hard_starts": ptr, "hard_columns": ptr, "hard_values": ptr, "hard_fields": ptr, "spins": ptr,
    "row_starts": ptr, "row_numbers": ptr, "weights": ptr, "widths": ptr, "costs": ptr, "sums": ptr,
}  # fmt: skip
_OWN = ("starts", "columns", "values", "fields")
_HARD = ("hard_starts", "hard_columns", "hard_values", "hard_fields")


@cache
def bounded_sweeps(lanes: int, rule: Rule) -> Kernel:
    """Visits every site once in sweeps whose number is a multiple of `rest`, then pairs of sites, then tries chains.

    Returns the number of accepted flips, pairs and chains of `Rule.GREEDY`.

    Site i is in the rows `row_numbers` with `weights` (row_starts[i] .. row_starts[i + 1]). Row r, whose sum in each
    replica is `sums` [rows, lanes], costs costs[r] times the square of its distance from [-widths[r], 0], in a sweep
    times that of `stiffness` [sweeps, lanes], as do the couplings and fields called `hard`. `partners`
    [sweeps, pairs, 2] are the sites of the pairs of each sweep, two different ones each. A replica tries `chains` of
    them a sweep; `locals` [lanes, sites] are their work space. Energies are in units; the others are as for
    `sparse_sweeps` and in `chains.py`.
    """
    k = Kernel(
        f"bounded_{rule.value}_{lanes}", i64,
        sites=i64, sweeps=i64, sweep=i32, replica=i32, **KEY, slopes=ptr, stiffness=ptr,
        pairs=i64, partners=ptr, rest=i64, chains=i64, **_BOUNDS, locals=ptr, **CHAINS,
        **(CYCLES if rule is Rule.GREEDY else {}),
    )  # fmt: skip
    count = k.variable(i64, 0)
    numbers = k.lane_numbers(vec(i32, lanes)) + k.replica
    with k.range(0, k.sweeps) as turn:
        slope, stiff = (k.load(vec(f32, lanes), part, turn * lanes) for part in (k.slopes, k.stiffness))
        sweep = _Sweep(k, lanes, rule, turn, numbers, slope, stiff, count)
        alone = (k.sweep.to(i64) + turn).unsigned_remainder(k.rest).equals(0)
        with k.when(alone):
            sweep.flip_each()
        sweep.flip_pairs()
        with k.when(k.chains > 0):
            with k.when(alone | turn.equals(0)):
                sweep.fill_locals()
                sweep.fill_masks()
            sweep.try_chains()
            if rule is Rule.GREEDY:
                sweep.cancel_cycles()
    k.give(count.get())
    return k


@dataclass(frozen=True)
class _Sweep:
    """Number `turn` of a call, over the replicas `numbers` at `slope` and `stiff`; `count` is of `Rule.GREEDY`."""

    k: Kernel
    lanes: int
    rule: Rule
    turn: Operand
    numbers: Operand
    slope: Operand
    stiff: Operand
    count: Variable

    def flip_each(self) -> None:
        k = self.k
        with k.range(0, k.sites, BLOCK) as base:
            words = self._draw(base)
            for part in range(BLOCK):
                site = base + part
                gain = flip_gain(k, self.lanes, site, self.stiff)
                flips = self.slope * gain > threshold(k, self.rule, words[part])
                _flip(k, self.lanes, site, flips)
                self._add(k.popcount(k.mask_bits(flips)))

    def flip_pairs(self) -> None:
        k = self.k
        with k.range(0, k.pairs) as pair:
            word = self._draw(k.sites + pair)[0]
            place = (self.turn * k.pairs + pair) * 2
            first, second = (k.load(i32, k.partners, place + end).to(i64) for end in (0, 1))
            limit = threshold(k, self.rule, word)
            flips = _flip_both(k, self.lanes, first, second, self.slope, self.stiff, limit)
            self._add(k.popcount(k.mask_bits(flips)))

    def fill_locals(self) -> None:
        """The local fields of all spins for chains."""
        k = self.k
        with k.range(0, k.sites) as site:
            found = _fields(k, self.lanes, site, self.stiff)
            for lane in range(self.lanes):
                k.store(found.lane(lane), k.locals, site + k.sites * lane)

    def fill_masks(self) -> None:
        """Which members of nodes can step, and which would turn them up."""
        k, lanes = self.k, self.lanes
        none = k.constant(vec(i64, lanes), 0)
        with k.range(0, k.word_count * 2) as word:
            k.store(none, k.masks, word * lanes)
        with k.range(0, k.halves) as half:
            edge = half >> 1
            low, top = (k.load(i32, part, edge).to(i64) for part in (k.lows, k.tops))
            last = self._spin_at(top)
            alike = k.variable(vec(f32, lanes), -1.0)
            with k.range(low, top) as place:
                alike.set(k.maximum(alike.get(), self._spin_at(place) * last))
            ups = last * k.load(f32, k.signs, half).splat(lanes) < 0.0
            bit = k.load(i64, k.half_bits, half).splat(lanes)
            word = k.load(i32, k.half_words, half).to(i64)
            for first, holds in ((word, ups), (word + k.word_count, alike.get() < 0.0)):
                marked = k.load(vec(i64, lanes), k.masks, first * lanes) | k.select(holds, bit, none)
                k.store(marked, k.masks, first * lanes)

    def _spin_at(self, place: Operand) -> Operand:
        k = self.k
        return k.load(vec(f32, self.lanes), k.spins, k.load(i32, k.block_sites, place).to(i64) * self.lanes)

    def try_chains(self) -> None:
        """Each replica tries `chains` of them, all at edges of its own."""
        k, lanes = self.k, self.lanes
        drawn, numbers = k.scratch(i32, lanes * WORDS), k.scratch(f32, lanes * 3)
        with k.range(0, k.chains) as number:
            place = k.sites + k.pairs + number * 2
            words = [word for half in (0, 1) for word in self._draw(place + half, always=True)]
            for at, word in enumerate(words):
                k.store(word, drawn, lanes * at)
            for at, values in enumerate((self.slope, self.stiff, threshold(k, self.rule, words[LIMIT]))):
                k.store(values, numbers, lanes * at)
            with k.range(0, lanes) as lane:
                own = [k.load(f32, numbers, lane + at * lanes) for at in range(3)]
                chain = Chain(k, Trial(lanes, lane, own[1], drawn, own[0], own[2]), self.rule is Rule.GREEDY)
                chain.propose()
                self._add(chain.accepted.get())

    def cancel_cycles(self) -> None:
        """Each replica takes up to `rounds` cycles, all at edges of its own."""
        k, lanes = self.k, self.lanes
        stiff = k.scratch(f32, lanes)
        k.store(self.stiff, stiff)
        with k.when(k.rounds > 0), k.range(0, lanes) as lane:
            cycles = Cycles(k, Lane(lanes, lane, k.load(f32, stiff, lane)))
            cycles.cancel()
            self._add(cycles.lowered.get())

    def _draw(self, place: Operand, always: bool = False) -> list[Operand]:
        """Four vectors of random words; `Rule.GREEDY` has no use for those of flips."""
        k = self.k
        if self.rule is Rule.GREEDY and not always:
            return [k.constant(vec(i32, self.lanes), 0)] * 4
        return draw(k, self.lanes, (place.to(i32), k.sweep + self.turn.to(i32), self.numbers))

    def _add(self, flips: Operand) -> None:
        if self.rule is Rule.GREEDY:
            self.count.add(flips)


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
    pairs = spin * _fields(k, lanes, site, stiff)
    rise = k.variable(vec(f32, lanes), 0.0)
    with k.range(*_entries(k, site)) as entry:
        row, old, new = _changed(k, lanes, entry, spin)
        width, cost = (k.load(f32, numbers, row).splat(lanes) for numbers in (k.widths, k.costs))
        before, after = (_distance(k, total, width) for total in (old, new))
        rise.set(k.fma(cost, k.fma(after, after, -(before * before)), rise.get()))
    return k.fma(rise.get() * stiff, -0.5, pairs)


def _fields(k: Kernel, lanes: int, site: Operand, stiff: Operand) -> Operand:
    """The local fields of a site: the objective's, and `stiff` times those of the penalties."""
    own, hard = (local_fields(k, lanes, 1, site, names=names)[0] for names in (_OWN, _HARD))
    return k.fma(hard, stiff, own)


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
