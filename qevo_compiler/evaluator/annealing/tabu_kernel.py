"""Tabu steps over a dense matrix: always the best allowed flip, also uphill; flipped spins rest for a while."""

from __future__ import annotations

from functools import cache

from qevo_compiler.evaluator.annealing.acceptance import KEY, draw
from qevo_compiler.evaluator.llvm import Kernel, Operand, Scalar, f32, f64, i32, i64, ptr, vec
from qevo_compiler.evaluator.llvm.control import Variable

# Steps that share one draw of random words.
STEPS = 4
_FORBIDDEN = -2e30


@cache
def tabu_steps(lanes: int, matrix: Scalar) -> Kernel:
    """`rounds` times 4 steps of one replica from step number `step` on.

    `spins`, `fields`, `until` and `best` have `padded` elements, a multiple of the lanes, the last ones fillers as
    for the dense sweeps. `energies` holds the energy and the lowest one so far, in units, whose state is in `best`.
    A flipped spin rests `tenure` steps and a random number below `spread` more, unless its flip gives a new best.
    """
    k = Kernel(
        f"tabu_{matrix.text}_{lanes}",
        size=i64, padded=i64, rounds=i64, step=i64, tenure=i32, spread=i32, replica=i32, **KEY,
        matrix=ptr, spins=ptr, fields=ptr, until=ptr, best=ptr, energies=ptr,
    )  # fmt: skip
    site, change = k.variable(i64, 0), k.variable(f32, 0.0)
    energy, lowest = k.variable(f64, k.load(f64, k.energies, 0)), k.variable(f64, k.load(f64, k.energies, 1))
    words = k.scratch(i32, STEPS)
    with k.range(0, k.rounds) as turn:
        first = k.step + turn * STEPS
        for number, word in enumerate(draw(k, 1, (first.to(i32), k.constant(i32, 0), k.replica))):
            k.store(word, words, number)
        with k.range(0, STEPS) as part:
            now = (first + part).to(i32)
            gain, chosen = _update_and_scan(k, lanes, matrix, site.get(), change.get(), now, energy, lowest)
            spin = k.load(f32, k.spins, chosen)
            k.store(-spin, k.spins, chosen)
            site.set(chosen)
            change.set(spin * -2.0)
            rest = k.load(i32, words, part).unsigned_remainder(k.spread) + k.tenure
            k.store(now + rest, k.until, chosen)
            energy.add(gain.to(f64) * -2.0)
            with k.when(energy.get() < lowest.get()):
                lowest.set(energy.get())
                with k.range(0, k.padded, lanes) as start:
                    k.store(k.load(vec(f32, lanes), k.spins, start), k.best, start)
    # The last flip has not reached the fields yet.
    _update_and_scan(k, lanes, matrix, site.get(), change.get(), k.step.to(i32), energy, lowest)
    k.store(energy.get(), k.energies, 0)
    k.store(lowest.get(), k.energies, 1)
    return k


def _update_and_scan(
    k: Kernel,
    lanes: int,
    matrix: Scalar,
    site: Operand,
    change: Operand,
    now: Operand,
    energy: Variable,
    lowest: Variable,
) -> tuple[Operand, Operand]:
    """Add `change` times row `site` to the fields; the largest s f among the allowed flips, and the first such spin."""
    row = k.address(matrix, k.matrix, site * k.size)
    # A flip with s f above this makes a new lowest energy.
    aspired = ((energy.get() - lowest.get()) * 0.5).to(f32)
    whole = k.size // lanes * lanes
    found = _Best(k, lanes)
    with k.range(0, whole, lanes) as start:
        entries = k.load(vec(matrix, lanes), row, start).to(f32)
        field = k.fma(entries, change.splat(lanes), k.load(vec(f32, lanes), k.fields, start))
        k.store(field, k.fields, start)
        found.offer(start, field, now, aspired)
    with k.range(whole, k.size) as start:
        field = k.fma(k.load(matrix, row, start).to(f32), change, k.load(f32, k.fields, start))
        k.store(field, k.fields, start)
    with k.range(whole, k.padded, lanes) as start:
        found.offer(start, k.load(vec(f32, lanes), k.fields, start), now, aspired)
    return found.chosen()


class _Best:
    """The largest allowed s f seen so far in each lane, and where."""

    def __init__(self, k: Kernel, lanes: int) -> None:
        self._k = k
        self._type = vec(f32, lanes)
        self._numbers = vec(i32, lanes)
        self._value = k.variable(self._type, _FORBIDDEN)
        self._place = k.variable(self._numbers, 0)

    def offer(self, start: Operand, field: Operand, now: Operand, aspired: Operand) -> None:
        k = self._k
        gain = k.load(self._type, k.spins, start) * field
        rested = k.load(self._numbers, k.until, start) <= now
        allowed = rested | (gain > aspired)
        better = allowed & (gain > self._value.get())
        places = k.lane_numbers(self._numbers) + start.to(i32)
        self._value.set(k.select(better, gain, self._value.get()))
        self._place.set(k.select(better, places, self._place.get()))

    def chosen(self) -> tuple[Operand, Operand]:
        """By halves; the lowest place among equals, so that the width does not matter."""
        k, value, place = self._k, self._value.get(), self._place.get()
        while value.type.lanes > 1:
            half = value.type.lanes // 2
            a, b = ([_part(k, x, start, half) for x in (value, place)] for start in (0, half))
            first = (a[0] > b[0]) | (a[0].equals(b[0]) & (a[1] < b[1]))
            value, place = k.select(first, a[0], b[0]), k.select(first, a[1], b[1])
        return value, place.to(i64)


def _part(k: Kernel, vector: Operand, start: int, count: int) -> Operand:
    return vector.lane(start) if count == 1 else k.shuffle(vector, vector, range(start, start + count))
