"""The annealing route in rounds: least squares over a grid, the box recentred on the best point and made smaller.

Round 1 is the compiled model. After each round every unknown's box is centred on the incumbent, which stays a point
of the next grid, and halved, or widened by a half where the incumbent moved to its edge. The residual never rises.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.carleman.least_squares import LeastSquares, quadratic_form
from qevo_compiler.backends.local import LocalBackend
from qevo_compiler.dialects import ising
from qevo_compiler.ir import Array
from qevo_compiler.passes.binary_to_spin import spin_model

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class BoxRound:
    """After a round: ||A z - r||, the largest grid spacing used, and whether the sampler's answer was exact."""

    residual: float
    spacing: float
    exact: bool


@dataclass(frozen=True)
class BoxResult:
    """The best unknowns [m] found, and the rounds."""

    unknowns: Floats
    rounds: tuple[BoxRound, ...]


def shrink(
    problem: LeastSquares,
    low: Floats,
    spacing: Floats,
    bits: int,
    rounds: int,
    reads: int = 50,
    seed: int = 0,
    sweeps: int | None = None,
) -> BoxResult:
    """Minimise ||A z - r||^2 from the grid z = `low` + `spacing` k, 0 <= k < 2^`bits`, for a number of rounds.

    Cost of a round: reads of a model with m bits spins; up to 12 spins are enumerated instead.
    """
    backend, top = LocalBackend(), (1 << bits) - 1
    best = low + spacing * (top // 2)
    energy = float(problem.energy(best))
    found: list[BoxRound] = []
    # With one bit each round looks to one side only, so it takes two to halve.
    shrinking = 0.5 if bits > 1 else 0.5**0.5
    for number in range(rounds):
        samples = backend.sample_model(bit_model(problem, low, spacing, bits), reads, seed + number, sweeps)
        levels = _levels(samples.spins, bits)
        points = low + spacing * levels
        energies = problem.energy(points)
        chosen = int(np.argmin(energies))
        edge = np.zeros(len(low), bool)
        if energies[chosen] < energy:
            best, energy = points[chosen], float(energies[chosen])
            edge = (levels[chosen] == 0) | (levels[chosen] == top)
        found.append(BoxRound(float(np.sqrt(energy)), float(spacing.max()), samples.exact))
        spacing = np.where(edge, 1.5 * spacing, spacing * shrinking)
        # An even number of points has no middle: the longer side changes from round to round.
        low = best - spacing * (top // 2 + number % 2)
    return BoxResult(best, tuple(found))


def bit_model(problem: LeastSquares, low: Floats, spacing: Floats, bits: int) -> ising.ModelOp:
    """The spin model of the least squares on a grid; bit b of unknown i is spin i bits + b."""
    products, linear, offset = quadratic_form(problem, low, spacing, bits)
    rows, columns = np.nonzero(products)
    return spin_model(
        ising.QuboOp(
            offset,
            Array(linear),
            Array(rows.astype(np.int32)),
            Array(columns.astype(np.int32)),
            Array(products[rows, columns]),
        )
    )


def _levels(spins: NDArray[np.int8], bits: int) -> Floats:
    """The grid number [reads, m] of each unknown."""
    values = (spins.reshape(len(spins), -1, bits) > 0) @ (2.0 ** np.arange(bits))
    return np.asarray(values, np.float64)
