"""Signed k-bit grids for weights: the scale of each row, rounding to nearest, and GPTQ.

Row r of a weight matrix [rows, d] is written as `scales[r] * q` with whole numbers q in
[-2^(k-1), 2^(k-1) - 1]. A rounding is judged by (q - t)^T G (q - t), t = w / s, in the row's own
units: the layer's error for inputs with second moment G, divided by s^2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# How far a row's range may be clipped. From the full range down, so that a tie keeps the full range.
CLIPPING = np.linspace(1.0, 0.1, 91)


@dataclass(frozen=True)
class Grid:
    """The whole numbers that `bits` bits in two's complement hold."""

    bits: int

    @property
    def lowest(self) -> int:
        return -(1 << (self.bits - 1))

    @property
    def highest(self) -> int:
        return (1 << (self.bits - 1)) - 1


def row_scales(weights: Floats, grid: Grid) -> Floats:
    """The scale of each row that minimises ||w - s q||^2 with q rounded to nearest.

    Searched over `CLIPPING` times the smallest scale that clips nothing. A row of zeros gets scale 1.
    Cost: `len(CLIPPING)` passes over the weights.
    """
    full = np.maximum(weights.max(axis=1) / grid.highest, weights.min(axis=1) / grid.lowest)
    full = np.where(full > 0, full, 1.0)
    best, scales = np.full(len(weights), np.inf), full
    for factor in CLIPPING:
        scale = factor * full
        rounded = round_nearest(weights / scale[:, None], grid)
        error = ((weights - scale[:, None] * rounded) ** 2).sum(axis=1)
        better = error < best
        best, scales = np.where(better, error, best), np.where(better, scale, scales)
    return scales


def round_nearest(target: Floats, grid: Grid) -> Floats:
    """The nearest grid point of every element of `target` (weights in units of their scale)."""
    return np.clip(np.rint(target), grid.lowest, grid.highest)


def gptq(gram: Floats, target: Floats, grid: Grid) -> Floats:
    """GPTQ: elements in order of falling diagonal of `gram`, each error passed on to those still free.

    gram [d, d] positive definite, target [rows, d]; all rows at once. Run back to front this is
    Babai's nearest-plane rounding on the lattice of G = R^T R (arXiv 2507.18553), which is how it is
    written here: ||R (q - t)||^2 is settled one row of R after the other, last first.
    Cost: d^3 / 3 for the factor, rows * d^2 for the rounding.
    """
    order = np.argsort(np.diag(gram), kind="stable")
    factor = upper_factor(gram[np.ix_(order, order)])
    aim = target[:, order]
    error = np.zeros_like(aim)
    for i in range(len(gram) - 1, -1, -1):
        centre = aim[:, i] - error[:, i + 1 :] @ factor[i, i + 1 :] / factor[i, i]
        error[:, i] = round_nearest(centre, grid) - aim[:, i]
    rounded = np.empty_like(target)
    rounded[:, order] = np.rint(aim + error)
    return rounded


def upper_factor(gram: Floats) -> Floats:
    """R upper triangular with R^T R = gram; a singular matrix is lifted by the least tried multiple of I."""
    size = float(np.trace(gram)) / max(len(gram), 1) or 1.0
    for lift in (0.0, *(10.0**power for power in range(-12, 1))):
        try:
            lower = np.linalg.cholesky(gram + lift * size * np.eye(len(gram)))
        except np.linalg.LinAlgError:
            continue
        return np.ascontiguousarray(lower.T, np.float64)
    raise ValueError("the matrix is far from positive semidefinite")


def row_errors(gram: Floats, residual: Floats) -> Floats:
    """v^T gram v for every row v of `residual` [rows, d]."""
    return np.asarray(np.einsum("ri,ri->r", residual @ gram, residual))
