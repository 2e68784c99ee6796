"""Sweeps of one replica over a dense matrix: neighbouring sites fill vectors, and fields are kept up to date.

A proposal costs a comparison that it shares with its neighbours; only a flip touches a row of the matrix. So
the cold part of a run, where few spins flip, costs almost nothing, and the matrix is used as it lies in memory.
"""

from __future__ import annotations

from functools import cache

from qevo_compiler.evaluator.annealing.acceptance import KEY, Rule, draw, lane_mask, threshold
from qevo_compiler.evaluator.llvm import Kernel, Operand, Scalar, f32, i1, i32, i64, ptr, vec
from qevo_compiler.evaluator.llvm.control import Variable

# Sites whose thresholds are drawn together: 16 counters of four words, whatever the vector's width.
BLOCK = 64
_COUNTERS = 16
_UNROLL = 4
# A field of the sites that fill the last block: they never flip.
NEVER = -1e30


@cache
def dense_sweeps(lanes: int, rule: Rule, matrix: Scalar) -> Kernel:
    """Visits every site once a sweep, in order; returns the number of flips.

    `matrix` [size, size] holds bytes or floats in units; `spins` and `fields` have `blocks` * 64 elements, those
    from `size` on with spin +1 and field `NEVER`. `temperatures` [sweeps] holds ln 2 / (2 beta) in units.
    """
    k = Kernel(
        f"dense_{rule.value}_{matrix.text}_{lanes}", i64,
        size=i64, blocks=i64, sweeps=i64, sweep=i32, replica=i32, **KEY,
        matrix=ptr, temperatures=ptr, spins=ptr, fields=ptr,
    )  # fmt: skip
    flips = k.variable(i64, 0)
    limits = k.scratch(f32, BLOCK)
    if rule is Rule.GREEDY:
        for start in range(0, BLOCK, lanes):
            k.store(k.constant(vec(f32, lanes), 0), limits, start)
    with k.range(0, k.sweeps) as turn:
        temperature = k.load(f32, k.temperatures, turn)
        with k.range(0, k.blocks) as block:
            if rule is not Rule.GREEDY:
                _draw_limits(k, lanes, rule, limits, block, k.sweep + turn.to(i32), temperature)
            with k.range(0, BLOCK, lanes) as part:
                _visit(k, lanes, matrix, block * BLOCK + part, k.load(vec(f32, lanes), limits, part), flips)
    k.give(flips.get())
    return k


def _draw_limits(
    k: Kernel, lanes: int, rule: Rule, limits: Operand, block: Operand, sweep: Operand, temperature: Operand
) -> None:
    """Word w of counter c belongs to site 16 w + c of the block."""
    for start in range(0, _COUNTERS, lanes):
        counters = k.lane_numbers(vec(i32, lanes)) + (block.to(i32) * _COUNTERS + start)
        words = draw(k, lanes, (counters, sweep, k.replica))
        for number, word in enumerate(words):
            k.store(threshold(k, rule, word) * temperature, limits, number * _COUNTERS + start)


def _visit(k: Kernel, lanes: int, matrix: Scalar, first: Operand, limit: Operand, flips: Variable) -> None:
    """Decide the sites of one vector in order; a flip changes the fields that the later ones see."""
    type = vec(f32, lanes)

    def willing() -> Operand:
        return k.mask_bits(k.load(type, k.spins, first) * k.load(type, k.fields, first) > limit)

    waiting = k.variable(i64, willing())
    with k.repeat() as loop:
        mask = waiting.get()
        loop.stop_if(mask.equals(0))
        lane = k.intrinsic("cttz", i64, mask, k.constant(i1, 1))
        site = first + lane
        spin = k.load(f32, k.spins, site)
        k.store(-spin, k.spins, site)
        add_row(k, lanes, matrix, site, spin * -2.0)
        flips.add(1)
        waiting.set(willing() & lane_mask(k, lane))


def add_row(k: Kernel, lanes: int, matrix: Scalar, site: Operand, change: Operand) -> None:
    """fields += change * row of the matrix."""
    row = k.address(matrix, k.matrix, site * k.size)
    step = lanes * _UNROLL
    whole = k.size // step * step

    def add(start: Operand, width: int) -> None:
        entries = k.load(vec(matrix, width), row, start).to(f32)
        old = k.load(vec(f32, width), k.fields, start)
        k.store(k.fma(entries, change.splat(width), old), k.fields, start)

    with k.range(0, whole, step) as start:
        for part in range(_UNROLL):
            add(start + part * lanes, lanes)
    with k.range(whole, k.size) as start:
        add(start, 1)


@cache
def dense_fields(lanes: int, matrix: Scalar) -> Kernel:
    """fields += matrix spins, row by row in ascending order: `fields` starts as the model's own."""
    k = Kernel(f"dense_fields_{matrix.text}_{lanes}", size=i64, matrix=ptr, spins=ptr, fields=ptr)
    with k.range(0, k.size) as site:
        add_row(k, lanes, matrix, site, k.load(f32, k.spins, site))
    return k
