"""Simulated annealing of all members of a family at once: they share one matrix, so a sweep is array work."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def anneal_rows(
    gram: Floats,
    residual: Floats,
    starts: Floats,
    sweeps: int,
    generator: np.random.Generator,
    progress: Callable[[float], None] = lambda share: None,
) -> Floats:
    """The best state [rows, reads, d] that each read met at the end of a sweep, its start included.

    Minimises (x - r)^T G (x - r) over x in {0, 1}^d for every row r of `residual` [rows, d], by
    Metropolis steps from bit to bit in order of their number while the temperature falls
    geometrically. `starts` [rows, reads, d] gives the first states. Cost: sweeps * rows * reads * d^2
    at most; late sweeps, where few bits flip, cost rows * reads * d.
    """
    rows, reads, size = starts.shape
    state = starts.reshape(-1, size).astype(np.float64)
    aim = np.repeat(residual, reads, axis=0)
    diagonal = np.diag(gram)
    gradient = (state - aim) @ gram
    best, least = state.copy(), _energy(state, aim, gradient)
    for number, temperature in enumerate(temperatures(gram, sweeps)):
        thresholds = generator.standard_exponential((size, len(state))) * temperature
        for bit in range(size):
            step = 1.0 - 2.0 * state[:, bit]
            change = diagonal[bit] + 2.0 * step * gradient[:, bit]
            flips = np.flatnonzero(change < thresholds[bit])
            if flips.size:
                state[flips, bit] += step[flips]
                gradient[flips] += step[flips, None] * gram[bit]
        energy = _energy(state, aim, gradient)
        better = energy < least
        best[better], least[better] = state[better], energy[better]
        progress((number + 1) / sweeps)
    return best.reshape(rows, reads, size)


def temperatures(gram: Floats, sweeps: int) -> Floats:
    """A geometric fall; its ends are what did best on rows of small trained nets at 2 and 4 bits."""
    diagonal = np.diag(gram)
    hot = 0.1 * float(np.sqrt((gram**2).sum(axis=1)).mean())
    cold = 0.03 * float(diagonal.mean())
    return np.geomspace(max(hot, cold), cold, sweeps)


def _energy(state: Floats, aim: Floats, gradient: Floats) -> Floats:
    return np.asarray(np.einsum("ri,ri->r", state - aim, gradient))
