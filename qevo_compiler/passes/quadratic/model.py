"""The local quadratic model as numbers: rounded coefficients, steps, boxes and the packed polynomial.

E(w) = L0 + g.d + d.B.d / 2 with d = w - w0, over a box of width 2a about w0.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.poly import Polynomials
from qevo_compiler.dialects.poly.polynomials import pack

Floats = NDArray[np.float64]
# The least curvature and gradient that a weight is taken to have, as shares of the mean and of the largest.
_CURVATURE_FLOOR = 1e-2
_GRADIENT_FLOOR = 1e-3
# Descent on a grid ends by itself, unless rounding makes two values equal.
_SWEEPS = 50


@dataclass(frozen=True)
class QuadraticModel:
    """`value` L0, `gradient` [m] and `curvature` [m, m] at `centre` [m], to be used for `lower <= w <= upper`."""

    value: float
    gradient: Floats
    curvature: Floats
    centre: Floats
    lower: Floats
    upper: Floats

    def predict(self, weights: Floats) -> Floats:
        """The model's value at points [..., m], computed from the steps away from the centre."""
        steps = weights - self.centre
        bend = np.einsum("...i,ij,...j->...", steps, self.curvature, steps, optimize=True)
        return np.asarray(self.value + steps @ self.gradient + 0.5 * bend)

    def settled(self, points: Floats) -> Floats:
        """Where descent from weight to weight ends, from the corner against the gradient.

        Weight i has points[i] equally spaced values in its box. Cost: m^2 a sweep, and a few sweeps.
        """
        parts = [np.linspace(*ends) for ends in zip(self.lower, self.upper, points.astype(int), strict=True)]
        weights = np.where(self.gradient <= 0.0, self.upper, self.lower)
        slope = self.gradient + (self.curvature * (weights - self.centre)).sum(axis=1)
        for _ in range(_SWEEPS):
            before = weights.copy()
            for i, values in enumerate(parts):
                moves = values - weights[i]
                best = int(np.argmin(slope[i] * moves + 0.5 * self.curvature[i, i] * moves**2))
                slope = slope + self.curvature[:, i] * moves[best]
                weights[i] = values[best]
            if np.array_equal(before, weights):
                break
        return weights

    def polynomial(self) -> Polynomials:
        """The same in the weights themselves: m variables, m (m + 1) / 2 terms of degree two.

        E = (L0 - g.w0 + w0.B.w0 / 2) + (g - B w0).w + w.B.w / 2. Terms of the size of w0.B.w0 cancel, so the
        energy is good to about that times 1e-16.
        """
        w0, count = self.centre, len(self.centre)
        # Summed without BLAS, whose rounding depends on the number of threads.
        pull = (self.curvature * w0).sum(axis=1)
        constant = fsum([self.value, *(-self.gradient * w0), *(0.5 * pull * w0)])
        row, column = np.triu_indices(count)
        quadratic = np.where(row == column, 0.5, 1.0) * self.curvature[row, column]
        zero = np.zeros(len(row), np.int32)
        pairs = np.stack([row, column], axis=1).astype(np.int32)
        single = np.arange(count, dtype=np.int32)[:, None]
        return pack(
            1,
            [
                (zero[:1], np.zeros((1, 0), np.int32), np.array([constant])),
                (zero[:count], single, self.gradient - pull),
                (zero, pairs, quadratic),
            ],
        )


def scores(gradient: Floats, diagonal: Floats) -> Floats:
    """|g| / sqrt(B): the decrease of each weight's own model is half the square of it."""
    return np.abs(gradient) / np.sqrt(_floored(diagonal))


def automatic_steps(gradient: Floats, curvature: Floats) -> Floats:
    """Steps a = r n with n_i = |g_i| / B_ii and r = min(1, sum_i |g_i| n_i / (d.B.d)), d_i = -n_i sign(g_i).

    r minimises the model along d within the weights' own minimisers, so that r d, one of the corners of the
    box, promises a decrease of at least r sum_i |g_i| n_i / 2 > 0, and the best corner no less. B_ii is taken
    as |B_ii| plus a hundredth of the mean of |B_ii|, and |g_i| as at least a thousandth of the largest, so that
    flat directions do not run away and no box is empty. r is 1 where d.B.d is not positive.
    """
    size = np.maximum(np.abs(gradient), _GRADIENT_FLOOR * np.abs(gradient).max())
    newton = size / _floored(np.diagonal(curvature))
    direction = -newton * np.sign(gradient)
    bend = float(np.sum(direction[:, None] * curvature * direction))
    gain = float(np.sum(np.abs(gradient) * newton))
    return np.asarray(newton * (gain / bend if bend > gain else 1.0))


def boxes(centre: Floats, steps: Floats, lower: Floats, upper: Floats) -> tuple[Floats, Floats]:
    """Lower and upper ends of boxes of width 2a about `centre`, moved (and shrunk if need be) into [lower, upper]."""
    width = np.minimum(2.0 * steps, upper - lower)
    low = np.minimum(np.maximum(centre - steps, lower), upper - width)
    # Written so that a box that nothing moves has its two ends exactly symmetric.
    return low, np.where(low == centre - steps, np.minimum(centre + steps, upper), low + width)


def rounded(numbers: Floats, bits: int, unit: Floats | float | None = None) -> Floats:
    """`numbers` to `bits` binary digits, of themselves or of the powers of two below `unit`.

    The last bits of a sum depend on the number of threads and on the processor; emitted files must not.
    """
    scale = np.exp2(np.frexp(numbers if unit is None else unit)[1].astype(np.float64) - bits)
    return np.asarray(np.rint(numbers / scale) * scale)


def rounded_symmetric(matrix: Floats, bits: int) -> Floats:
    """A symmetric matrix with element (i, j) to `bits` binary digits of sqrt(B_ii B_jj)."""
    roots = np.sqrt(np.abs(np.diagonal(matrix)))
    # A zero on the diagonal of an indefinite matrix says nothing about the size of its row.
    floor = roots.max(initial=0.0) * 2.0**-10
    powers = np.exp2(np.frexp(np.maximum(roots, floor if floor > 0.0 else 1.0))[1].astype(np.float64))
    return rounded(matrix, bits, np.multiply.outer(powers, powers) / 2.0)


def _floored(diagonal: Floats) -> Floats:
    size = np.abs(diagonal)
    floor = _CURVATURE_FLOOR * float(size.mean()) if size.size else 0.0
    return np.asarray(size + (floor if floor > 0.0 else 1.0))
