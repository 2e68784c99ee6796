"""Rounding the rows of one family by every method: baselines, annealed binary programs, polish, exact search."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.rounding_grid import Grid, gptq, round_nearest, row_errors
from qevo_compiler.dialects import ising
from qevo_compiler.runtime.certificate import settle_rows
from qevo_compiler.runtime.descent import descend
from qevo_compiler.runtime.lattice import search_lattice
from qevo_compiler.runtime.row_annealer import anneal_rows

Floats = NDArray[np.float64]

NEAREST = "nearest"
GPTQ = "GPTQ"
GPTQ_DESCENT = "GPTQ, then grid descent"
FLIPS = "nearest, then 1-flip descent"
SAMPLED = "QUBO, sampled"
POLISHED = "QUBO, sampled and polished"
LATTICE = "lattice search, then grid descent"
CHOSEN = "best of each row"
METHODS = (NEAREST, GPTQ, GPTQ_DESCENT, FLIPS, SAMPLED, POLISHED, LATTICE, CHOSEN)

SEARCH_WIDTH = 64
"""Members with more bits than this are not searched for a certificate."""
SEARCH_LIMIT = 1 << 14
"""Partial choices alive at once at which that search gives up."""


@dataclass(frozen=True)
class Effort:
    """How hard to sample: reads a row, sweeps a read, and the seed that everything random follows."""

    reads: int = 4
    sweeps: int = 150
    seed: int = 0


@dataclass(frozen=True)
class RowRounding:
    """One family rounded: for each method the whole numbers q [rows, d] and their errors [rows].

    `errors` are in units of the layer's output (s^2 included). `settled` marks rows whose binary
    program was solved exactly, `optimal` those of them where the polished sample is that optimum.
    """

    family: ising.FamilyOp
    rounded: Mapping[str, Floats]
    errors: Mapping[str, Floats]
    seconds: Mapping[str, float]
    settled: NDArray[np.bool_]
    optimal: NDArray[np.bool_]

    def total(self, method: str) -> float:
        """The layer's output error: the sum over rows."""
        return float(self.errors[method].sum())

    def weights(self, method: str) -> Floats:
        """The rounded weights [rows, d]."""
        return self.family.scales.values[:, None] * self.rounded[method]


def round_family(
    family: ising.FamilyOp,
    weights: Floats,
    effort: Effort,
    stream: int = 0,
    progress: Callable[[float], None] = lambda share: None,
) -> RowRounding:
    """Round the rows of `weights` [rows, d] by every method.

    The sampled reads start at random except the first two, which start at nearest and at GPTQ (moved
    into the box). `stream` separates the random numbers of one family from those of another.
    """
    return _Rounding(family, weights, effort, stream, progress).run()


class _Rounding:
    def __init__(
        self, family: ising.FamilyOp, weights: Floats, effort: Effort, stream: int, progress: Callable[[float], None]
    ) -> None:
        self.family, self.effort, self.progress = family, effort, progress
        self.generator = np.random.default_rng([effort.seed, stream])
        self.gram = family.gram.values
        self.target = weights / family.scales.values[:, None]
        self.base = family.base.values.astype(np.float64)
        self.grid = Grid(family.bits)
        self.rounded: dict[str, Floats] = {}
        self.seconds: dict[str, float] = {}

    def run(self) -> RowRounding:
        self._timed(NEAREST, lambda: round_nearest(self.target, self.grid))
        self._timed(GPTQ, lambda: gptq(self.gram, self.target, self.grid))
        self._timed(GPTQ_DESCENT, lambda: self._descend_grid(self.rounded[GPTQ]), GPTQ)
        self._timed(FLIPS, lambda: self._descend_box(self._boxed(NEAREST)), NEAREST)
        reads = self._timed(SAMPLED, self._sample)
        boxed = self._timed(POLISHED, lambda: self._polish(reads), SAMPLED)
        self._timed(LATTICE, lambda: self._descend_grid(search_lattice(self.gram, self.target, self.grid)))
        settled, optimal = self._settle(boxed)
        errors = {method: self._errors(q) for method, q in self.rounded.items()}
        return RowRounding(self.family, self.rounded, errors, self.seconds, settled, optimal)

    def _timed(
        self, method: str, work: Callable[[], Floats | tuple[Floats, Floats]], after: str | None = None
    ) -> Floats:
        """Run `work`; its result (the first of two) is the method's rounding, the last is returned."""
        started = time.perf_counter()
        found = work()
        spent = time.perf_counter() - started
        self.seconds[method] = spent + (self.seconds[after] if after else 0.0)
        self.rounded[method], result = found if isinstance(found, tuple) else (found, found)
        return result

    def _errors(self, q: Floats) -> Floats:
        return self.family.factors.values * row_errors(self.gram, q - self.target)

    def _boxed(self, method: str) -> Floats:
        return np.clip(self.rounded[method], self.base, self.base + 1)

    def _descend_box(self, q: Floats) -> Floats:
        return descend(self.gram, self.target, q, self.base, self.base + 1)

    def _descend_grid(self, q: Floats) -> Floats:
        low, high = np.array(float(self.grid.lowest)), np.array(float(self.grid.highest))
        return descend(self.gram, self.target, q, low, high)

    def _sample(self) -> tuple[Floats, Floats]:
        """The best read of every row, and all reads [reads, rows, d]."""
        rows, width = self.target.shape
        starts = self.generator.integers(0, 2, (rows, self.effort.reads, width)).astype(np.float64)
        for read, method in enumerate((NEAREST, GPTQ)[: self.effort.reads]):
            starts[:, read] = self._boxed(method) - self.base
        residual = self.target - self.base
        states = anneal_rows(self.gram, residual, starts, self.effort.sweeps, self.generator, self.progress)
        reads = self.base + states.transpose(1, 0, 2)
        return self._best(reads), reads

    def _polish(self, reads: Floats) -> tuple[Floats, Floats]:
        """Every read descended by flips, then on the grid; the best of each row on the grid and in the box."""
        boxed = np.stack([self._descend_box(read) for read in reads])
        return self._best(np.stack([self._descend_grid(read) for read in boxed])), self._best(boxed)

    def _best(self, candidates: Floats) -> Floats:
        """Of candidates [n, rows, d], each row's one with the least error; the first of equals."""
        errors = np.stack([self._errors(q) for q in candidates])
        return np.asarray(np.take_along_axis(candidates, errors.argmin(axis=0)[None, :, None], axis=0)[0])

    def _settle(self, boxed: Floats) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Search every row for its box's optimum; the best of each row over all methods becomes `CHOSEN`."""
        started = time.perf_counter()
        rows, width = self.target.shape
        sampled = boxed - self.base
        exact = self._best(np.stack([boxed, self._descend_box(self._boxed(LATTICE))])) - self.base
        settled = np.zeros(rows, bool)
        if width <= SEARCH_WIDTH:
            exact, settled = settle_rows(self.gram, self.target - self.base, exact, SEARCH_LIMIT)
        candidates = np.stack([*self.rounded.values(), self._descend_grid(self.base + exact)])
        self.rounded[CHOSEN] = self._best(candidates)
        self.seconds[CHOSEN] = sum(self.seconds[m] for m in (GPTQ_DESCENT, FLIPS, POLISHED, LATTICE))
        self.seconds[CHOSEN] += time.perf_counter() - started
        return settled, settled & (exact == sampled).all(axis=1)
