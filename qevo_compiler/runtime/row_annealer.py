"""Simulated annealing of all members of a family at once: they share one matrix, and go on as threads allow."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.llvm import run_chunks, thread_count
from qevo_compiler.evaluator.rounding import sweep_rows

Floats = NDArray[np.float64]

# Random numbers drawn before the chains go on: 32 MiB.
_NUMBERS_DRAWN = 1 << 22


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
    chains = _Chains(np.ascontiguousarray(gram), np.repeat(residual, reads, axis=0), starts.reshape(-1, size))
    falling = temperatures(gram, sweeps)
    together = max(1, _NUMBERS_DRAWN // max(chains.state.size, 1))
    for first in range(0, sweeps, together):
        part = falling[first : first + together]
        drawn = generator.standard_exponential((len(part), size, len(chains.state)))
        limits = np.ascontiguousarray((drawn * part[:, None, None]).transpose(0, 2, 1))
        run_chunks(partial(chains.sweep, limits), _shares(len(chains.state)))
        progress((first + len(part)) / sweeps)
    return chains.best.reshape(rows, reads, size)


class _Chains:
    """All reads of all rows: states, gradients G (x - r), and the best state that each met."""

    def __init__(self, gram: Floats, aim: Floats, starts: Floats) -> None:
        self.gram, self.aim = gram, aim
        self.state = np.array(starts, np.float64)
        self.gradient = np.ascontiguousarray((self.state - aim) @ gram)
        self.best, self.least = self.state.copy(), self._energy(slice(None))

    def sweep(self, limits: Floats, part: slice) -> None:
        """Sweeps of some chains with `limits` [sweeps, chains, d]; no chain sees another."""
        for given in limits:
            sweep_rows(self.gram, given, self.state, self.gradient, part.start, part.stop)
            energy = self._energy(part)
            better = np.flatnonzero(energy < self.least[part])
            self.best[part.start + better] = self.state[part.start + better]
            self.least[part.start + better] = energy[better]

    def _energy(self, part: slice) -> Floats:
        return np.asarray(np.einsum("ri,ri->r", self.state[part] - self.aim[part], self.gradient[part]))


def _shares(count: int) -> list[slice]:
    """The chains, in as many parts as there are threads."""
    bounds = np.linspace(0, count, thread_count() + 1).astype(int).tolist()
    return [slice(start, stop) for start, stop in pairwise(bounds) if stop > start]


def temperatures(gram: Floats, sweeps: int) -> Floats:
    """A geometric fall; its ends are what did best on rows of small trained nets at 2 and 4 bits."""
    diagonal = np.diag(gram)
    hot = 0.1 * float(np.sqrt((gram**2).sum(axis=1)).mean())
    cold = 0.03 * float(diagonal.mean())
    return np.geomspace(max(hot, cold), cold, sweeps)
