"""Lowest levels of H(s) by Lanczos iteration without a matrix, the gap along s, and schedules made from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, eigsh

from qevo_compiler.evaluator.statevector.costs import Cost, all_costs
from qevo_compiler.evaluator.statevector.drive import Drive

Floats = NDArray[np.float64]

LIMIT = 16

# Up to this many states the whole spectrum is quicker than iterating.
_DENSE = 256
_MOST_LEVELS = 12


@dataclass(frozen=True)
class Levels:
    """`energies` [k, m], ascending, at `fractions` [k]; `couplings` [k, m] = |<j| dH/ds |0>|.

    The first `degenerate` levels become ground states at the end: the gap that matters is to the next one.
    """

    fractions: Floats
    energies: Floats
    couplings: Floats
    degenerate: int

    @property
    def gaps(self) -> Floats:
        """Energy [k] of the lowest level that does not end as a ground state, above the ground state's."""
        found: Floats = self.energies[:, self.degenerate] - self.energies[:, 0]
        return found

    @property
    def stiffness(self) -> Floats:
        """Time [k] a unit of s that a slow anneal needs: sqrt(sum_j |<j| dH/ds |0>|^2 / (E_j - E_0)^4)."""
        above = slice(self.degenerate, None)
        apart = np.maximum(self.energies[:, above] - self.energies[:, :1], 1e-12)
        found: Floats = np.sqrt(((self.couplings[:, above] / apart**2) ** 2).sum(axis=1))
        return found


class Spectrum:
    """H(s) of one cost, restricted to states that flipping all spins keeps where it keeps the cost.

    An anneal from |+...+> never leaves them. Raises `ValueError` beyond `LIMIT` spins.
    """

    def __init__(self, cost: Cost, drive: Drive | None = None) -> None:
        if cost.size > LIMIT:
            raise ValueError(f"{cost.size} spins: the gap is computed up to {LIMIT}")
        self.drive = drive or Drive.linear()
        self._folded = cost.symmetric and cost.size > 1
        self._costs = all_costs(cost.folded() if self._folded else cost)
        close = self._costs <= self._costs.min() + 1e-9 * max(cost.bound, 1e-300)
        self._ground_count = int(close.sum())
        self._last: Floats | None = None

    def levels(self, fractions: Floats) -> Levels:
        """The lowest levels at each fraction, with a few above those that become ground states."""
        size = len(self._costs)
        degenerate = min(self._ground_count, _MOST_LEVELS, size - 1)
        count = min(degenerate + 3, size)
        rows = [self._lowest(float(s), count) for s in fractions]
        energies, couplings = (np.array(column) for column in zip(*rows, strict=True))
        return Levels(np.asarray(fractions, np.float64), energies, couplings, degenerate)

    def apply(self, a: float, b: float, vector: Floats) -> Floats:
        """(-a/2 sum X + b/2 C) of a vector [N] or of the columns of [N, k]."""
        costs = self._costs if vector.ndim == 1 else self._costs[:, None]
        return b / 2 * (costs * vector) - a / 2 * self._flips(vector)

    def _flips(self, vector: Floats) -> Floats:
        total = vector[::-1].copy() if self._folded else np.zeros_like(vector)
        stride, tail = 1, vector.shape[1:]
        while stride < len(vector):
            total += vector.reshape(-1, 2, stride, *tail)[:, ::-1].reshape(vector.shape)
            stride *= 2
        return total

    def _lowest(self, s: float, count: int) -> tuple[Floats, Floats]:
        size = len(self._costs)
        a, b = self.drive.at(s)
        if size <= _DENSE:
            energies, vectors = np.linalg.eigh(self.apply(a, b, np.eye(size)))
        else:
            energies, vectors = self._lanczos(a, b, count)
        turned = self.apply(*self.drive.slopes(s), np.ascontiguousarray(vectors[:, 0]))
        return energies[:count], np.abs(vectors[:, :count].T @ turned)

    def _lanczos(self, a: float, b: float, count: int) -> tuple[Floats, Floats]:
        size = len(self._costs)
        operator = LinearOperator((size, size), matvec=lambda v: self.apply(a, b, v.reshape(-1)), dtype=np.float64)
        # A start with no symmetry of its own, so that no level is missed; the last ground state speeds it up.
        start = np.random.Generator(np.random.Philox(1)).normal(size=size) / np.sqrt(size)
        if self._last is not None:
            start = self._last + 0.1 * start
        energies, vectors = eigsh(operator, k=count, which="SA", v0=start, ncv=max(4 * count, 24), tol=1e-10)
        order = np.argsort(energies)
        self._last = vectors[:, order[0]]
        return energies[order], vectors[:, order]


def gap_schedule(
    cost: Cost, time: float, drive: Drive | None = None, points: int = 64
) -> tuple[Floats, Floats, Levels]:
    """Times and fractions of the local adiabatic schedule: s moves as slowly as the measured spectrum asks.

    ds/dt ~ 1 / stiffness(s), scaled to take `time`; where one level dominates that is gap^2 / |<1| dH/ds |0>|, the
    local condition of Roland and Cerf, Phys. Rev. A 65, 042308 (2002). Fractions are refined where most time is spent.
    """
    spectrum = Spectrum(cost, drive)
    levels = spectrum.levels(np.linspace(0.0, 1.0, 17))
    while len(levels.fractions) < points:
        spent = _spent(levels)
        split = np.sort(np.argsort(-spent, kind="stable")[: min(8, points - len(levels.fractions))])
        middle = (levels.fractions[split] + levels.fractions[split + 1]) / 2
        levels = _merged(levels, spectrum.levels(middle))
    times = np.concatenate([[0.0], np.cumsum(_spent(levels))])
    return times * (time / times[-1]), levels.fractions, levels


def _spent(levels: Levels) -> Floats:
    """Time of each interval; no part of the anneal is passed at more than thirty times the mean speed."""
    need = levels.stiffness
    width = np.diff(levels.fractions)
    inner = (need[:-1] + need[1:]) / 2
    found: Floats = width * (inner + (inner * width).sum() / 30)
    return found


def _merged(left: Levels, right: Levels) -> Levels:
    fractions = np.concatenate([left.fractions, right.fractions])
    order = np.argsort(fractions, kind="stable")
    energies = np.concatenate([left.energies, right.energies])[order]
    couplings = np.concatenate([left.couplings, right.couplings])[order]
    return Levels(fractions[order], energies, couplings, left.degenerate)
