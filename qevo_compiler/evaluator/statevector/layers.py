"""Layers exp(-i b sum X) exp(-i g C) on a state, and sums over it: the kernels joined to sizes and threads."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import DTypeLike

from qevo_compiler.evaluator.llvm import aligned, run_chunks, thread_count
from qevo_compiler.evaluator.statevector import small
from qevo_compiler.evaluator.statevector.costs import Cost
from qevo_compiler.evaluator.statevector.layer_kernels import high_function, linear_size, low_function, phase_function
from qevo_compiler.evaluator.statevector.layout import LEAST, Floats, Layout, block_bits, element_of, empty_pair
from qevo_compiler.evaluator.statevector.phases import split_turns
from qevo_compiler.evaluator.statevector.state import State
from qevo_compiler.evaluator.statevector.sum_kernels import (
    cost_function,
    overlap_high_function,
    overlap_low_function,
    scale_function,
)

# Threads cost more than they save on fewer amplitudes.
_THREADED_BITS = 17


class Layers:
    """Everything that layers of one cost need. `threads` None: as many as the machine has, for large states.

    States are folded where the cost is symmetric under flipping all spins and `fold` allows it. Not to be shared
    between threads: scratch is kept.
    """

    def __init__(
        self, cost: Cost, dtype: DTypeLike = np.float32, threads: int | None = None, fold: bool = True
    ) -> None:
        element = element_of(dtype)
        self.cost = cost
        self.folded = fold and cost.symmetric and cost.size > LEAST
        self.layout = Layout(cost.size - self.folded, element)
        self._element = element
        self._lane_bits, self._radix = block_bits(element)
        self.small = self.layout.bits < LEAST
        self._threads = min(threads or thread_count(), 64) if self.layout.bits >= _THREADED_BITS else 1
        if self.small:
            return
        self._tables = (cost.folded() if self.folded else cost).tables(self.layout)
        self._width = self.layout.width(self.folded)
        strips = self.layout.tile // self._width
        self._strips = strips // 2 if self.folded else strips
        scratch = self.layout.tiles * self._width * (4 if self.folded else 2)
        linear = linear_size(self.layout.tile_bits, self._lane_bits, self._radix)
        self._phases = empty_pair(self.layout.tile, dtype)
        self._scratch = [aligned(max(scratch, linear), dtype) for _ in range(self._threads)]

    def uniform(self) -> State:
        """|+...+>."""
        return State.uniform(self.layout, self.folded)

    def first(self, gamma: float, beta: float) -> State:
        """The state after one layer on |+...+>, without writing and reading that."""
        if self.small:
            state = self.uniform()
            small.apply(state, self.cost, gamma, beta)
        else:
            state = State(*empty_pair(self.layout.size, self.layout.dtype), self.cost.size, self.folded)
            self._layer(state, gamma, beta, 2.0 ** (-state.qubits / 2))
        return state

    def apply(self, state: State, gamma: float | None, beta: float) -> None:
        """exp(-i gamma C) when given, then exp(-i beta sum X), in place."""
        if self.small:
            small.apply(state, self.cost, gamma, beta)
        else:
            self._layer(state, gamma, beta, None)

    def _layer(self, state: State, gamma: float | None, beta: float, start: float | None) -> None:
        """One layer; `start` is the amplitude that a fresh state has everywhere."""
        quarters = round(beta / (math.pi / 2))
        rest = beta - quarters * (math.pi / 2)
        factor, tangent = math.cos(rest) ** state.qubits, math.tan(rest)
        self._low(state, gamma, factor if start is None else factor * start, tangent, start is not None)
        if self.folded or self.layout.tiles > 1:
            self._high(state, tangent)
        if quarters % 2:
            state.flip()
        state.quarter += quarters * state.qubits

    def phase(self, state: State, gamma: float) -> None:
        """exp(-i gamma C), in place."""
        if self.small:
            small.apply(state, self.cost, gamma, 0.0)
        else:
            self._low(state, gamma, 1.0, 0.0)

    def moments(self, state: State) -> tuple[float, float]:
        """<C> and <1>, as sums over the amplitudes that stand for the whole state."""
        if self.small:
            return small.moments(state, self.cost)
        out = np.empty((self.layout.tiles, 2))
        call = cost_function(self._element, self._lane_bits, False)
        tables = (self._tables.inner, self._tables.fields)
        bits = self.layout.tile_bits
        self._share(
            lambda a, b, s: call(a, b, bits, state.re, state.im, state.re, state.im, *tables, s, out), self.layout.tiles
        )
        found = out.sum(axis=0) * (2 if self.folded else 1)
        return float(found[0]), float(found[1])

    def times_cost(self, state: State, out: State) -> None:
        """out = C state."""
        out.quarter = state.quarter
        if self.small:
            small.times_cost(state, self.cost, out)
            return
        call = scale_function(self._element, self._lane_bits)
        tables = (self._tables.inner, self._tables.fields)
        bits = self.layout.tile_bits
        self._share(lambda a, b, s: call(a, b, bits, state.re, state.im, out.re, out.im, *tables, s), self.layout.tiles)

    def cost_overlap(self, left: State, state: State) -> float:
        """Im <left| C |state>; both states have had the same layers, so that their quarter turns agree."""
        _check_alike(left, state)
        if self.small:
            return small.cost_overlap(left, state, self.cost)
        out = np.empty((self.layout.tiles, 2))
        call = cost_function(self._element, self._lane_bits, True)
        tables = (self._tables.inner, self._tables.fields)
        bits = self.layout.tile_bits
        self._share(
            lambda a, b, s: call(a, b, bits, state.re, state.im, left.re, left.im, *tables, s, out), self.layout.tiles
        )
        return float(out[:, 0].sum()) * (2 if self.folded else 1)

    def mixer_overlap(self, left: State, state: State) -> float:
        """Im <left| sum X |state>; both states have had the same layers, so that their quarter turns agree."""
        _check_alike(left, state)
        if self.small:
            return small.mixer_overlap(left, state)
        layout, pairs = self.layout, (state.re, state.im, left.re, left.im)
        out = np.empty(layout.tiles)
        low = overlap_low_function(self._element, self._lane_bits)
        self._share(lambda a, b, s: low(a, b, layout.tile, *pairs, out), layout.tiles)
        total = float(out.sum())
        if self.folded or layout.tiles > 1:
            high_out = np.empty(self._strips)
            high = overlap_high_function(self._element, self._lane_bits, self.folded)
            sizes = (layout.tiles, layout.tile, self._width)
            self._share(lambda a, b, s: high(a, b, *sizes, *pairs, s, high_out), self._strips)
            total += float(high_out.sum())
        return total * (2 if self.folded else 1)

    def mixer_mean(self, state: State) -> float:
        """<sum X>, not divided by the norm. Needs room for half a state more."""
        # Im <-i a| X |a> is the real part that is wanted.
        return self.mixer_overlap(State(state.im, -state.re, state.qubits, state.folded, state.quarter), state)

    def _low(self, state: State, gamma: float | None, factor: float, tangent: float, fresh: bool = False) -> None:
        call = low_function(self._element, self._lane_bits, self._radix, gamma is not None, fresh)
        turns = split_turns(gamma or 0.0, self._element.bits)
        layout, phases, fields = self.layout, self._phases, self._tables.fields
        if gamma is not None:
            fill = phase_function(self._element, self._lane_bits)
            fill(layout.tile, self._tables.inner, *phases, *turns, factor)
        self._share(
            lambda a, b, s: call(
                a, b, layout.tile_bits, state.re, state.im, *phases, fields, s, *turns, factor, tangent
            ),
            layout.tiles,
        )

    def _high(self, state: State, tangent: float) -> None:
        call = high_function(self._element, self._lane_bits, self._radix, self.folded)
        sizes = (self.layout.tiles, self.layout.tile, self._width)
        self._share(lambda a, b, s: call(a, b, *sizes, state.re, state.im, s, tangent), self._strips)

    def _share(self, work: Callable[[int, int, Floats], None], count: int) -> None:
        """Cut `count` tiles or strips into a run for each thread."""
        if self._threads == 1:
            work(0, count, self._scratch[0])
            return
        edges = [count * k // self._threads for k in range(self._threads + 1)]
        chunks = [(a, b, s) for a, b, s in zip(edges, edges[1:], self._scratch, strict=False) if b > a]
        run_chunks(lambda chunk: work(*chunk), chunks, self._threads)


def _check_alike(left: State, state: State) -> None:
    if (left.quarter - state.quarter) % 4:
        raise ValueError("overlap of states of different quarter turns")
