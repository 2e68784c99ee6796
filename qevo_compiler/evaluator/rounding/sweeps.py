"""Metropolis sweeps over the bits of many rows that share one matrix: neighbouring bits are decided as a vector.

A proposal costs a comparison that it shares with its neighbours; only a flip touches a row of the matrix.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.llvm import Kernel, Operand, compiled, f64, i1, i64, lanes, ptr, vec

Floats = NDArray[np.float64]

_UNROLL = 4


def sweep_rows(gram: Floats, limits: Floats, state: Floats, gradient: Floats, first: int, last: int) -> None:
    """One sweep of the rows `first` to `last` - 1: bit after bit flips where that costs less than its limit.

    gram [d, d] symmetric; `limits`, `state` (0 or 1) and `gradient` (G (x - r)) [rows, d], the last two changed in
    place. A flip costs G_ii + 2 (1 - 2 x_i) gradient_i. The arithmetic is exact up to the additions, which are done
    in order: the numbers are the same on every machine. Cost: rows * d, and d a flip.
    """
    compiled(_sweep_kernel(lanes(f64)))(first, last, len(gram), gram, np.diag(gram).copy(), limits, state, gradient)


@cache
def _sweep_kernel(lanes: int) -> Kernel:
    arrays = dict.fromkeys(("gram", "diagonal", "limits", "state", "gradient"), ptr)
    k = Kernel(f"rounding_sweep_{lanes}", first=i64, last=i64, size=i64, **arrays)
    with k.range(k.first, k.last) as row:
        limits, state, gradient = (k.address(f64, base, row * k.size) for base in (k.limits, k.state, k.gradient))
        whole = k.size // lanes * lanes
        with k.range(0, whole, lanes) as start:
            _visit(k, lanes, start, limits, state, gradient)
        with k.range(whole, k.size) as start:
            _visit(k, 1, start, limits, state, gradient)
    return k


def _visit(k: Kernel, width: int, start: Operand, limits: Operand, state: Operand, gradient: Operand) -> None:
    """Decide `width` bits in order; a flip changes the gradients that the later ones see."""
    type = vec(f64, width)

    def willing() -> Operand:
        signs = 2.0 - 4.0 * k.load(type, state, start)
        change = k.load(type, k.diagonal, start) + signs * k.load(type, gradient, start)
        return k.mask_bits(change < k.load(type, limits, start))

    waiting = k.variable(i64, willing())
    with k.repeat() as loop:
        loop.stop_if(waiting.get().equals(0))
        lane = k.intrinsic("cttz", i64, waiting.get(), k.constant(i1, 1))
        bit = start + lane
        old = k.load(f64, state, bit)
        k.store(1.0 - old, state, bit)
        _add_row(k, bit, 1.0 - 2.0 * old, gradient)
        later = k.constant(i64, -2) << lane
        waiting.set(willing() & later)


def _add_row(k: Kernel, bit: Operand, step: Operand, gradient: Operand) -> None:
    """gradient += step * row of the matrix."""
    row, width = k.address(f64, k.gram, bit * k.size), lanes(f64)
    whole = k.size // (width * _UNROLL) * (width * _UNROLL)

    def add(start: Operand, type_width: int) -> None:
        type = vec(f64, type_width)
        k.store(k.load(type, gradient, start) + k.load(type, row, start) * step, gradient, start)

    with k.range(0, whole, width * _UNROLL) as start:
        for part in range(_UNROLL):
            add(start + part * width, width)
    with k.range(whole, k.size) as start:
        add(start, 1)
