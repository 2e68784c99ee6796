"""Values of polynomials at many points and along trajectories, compiled where there is enough work for it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.poly import Polynomials, arithmetic
from qevo_compiler.evaluator.polynomials.maps import PolynomialMap

Floats = NDArray[np.float64]
# Terms times points from which on packing the terms and loading a kernel (a few milliseconds) pays.
_COMPILED = 1_000_000


def values_at(p: Polynomials, points: NDArray[np.generic]) -> Floats:
    """Values [..., rows] at points [..., variables]: `arithmetic.evaluate`, quicker for much work.

    Both ways agree to rounding, and exactly where all sums are whole numbers below 2^53.
    """
    count = int(np.prod(points.shape[:-1]))
    if len(p) * count < _COMPILED:
        return arithmetic.evaluate(p, points)
    return PolynomialMap(p, points.shape[-1]).values(points)


def trajectory(steps: Sequence[Polynomials], which: NDArray[np.integer], start: Floats) -> Floats:
    """The states [T + 1, n] of u(t + 1) = f_{which[t]}(u(t)) from u(0) = `start` [n]."""
    states = np.empty((len(which) + 1, len(start)))
    states[0] = start
    chosen = which.tolist()
    if sum(len(steps[i]) for i in chosen) < _COMPILED:
        with np.errstate(over="ignore", invalid="ignore"):
            for t, i in enumerate(chosen):
                states[t + 1] = arithmetic.evaluate(steps[i], states[t])
        return states
    maps = [PolynomialMap(step, len(start)) for step in steps]
    for t, i in enumerate(chosen):
        states[t + 1] = maps[i].values(states[t])
    return states
