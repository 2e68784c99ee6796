"""Growth and accumulated proxies of the truncation error from a Hessian spectrum.

The formula of the source document's error proxy is in a text that could not be read; these two are stand-ins with its
certain properties (`carleman.md` 4.3). They are estimates and enter no certificate.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from qevo_compiler.analyses.carleman.monomials import Floats


def growth(curvatures: ArrayLike, weights: ArrayLike, rate: float, steps: ArrayLike) -> Floats:
    """sum_i w_i |1 - eta lambda_i|^t for each t: falls while positive modes dominate, then rises with negative ones."""
    factors, share, t = _spectrum(curvatures, weights, rate, steps)
    with np.errstate(over="ignore"):
        return np.asarray(np.abs(factors) ** t[:, None] @ share)


def accumulated(curvatures: ArrayLike, weights: ArrayLike, rate: float, steps: ArrayLike) -> Floats:
    """sum_i w_i (1 - (1 - eta lambda_i)^t) / (eta lambda_i), t for a flat mode: response to a constant defect."""
    factors, share, t = _spectrum(curvatures, weights, rate, steps)
    decay = 1 - factors
    flat = decay == 0
    with np.errstate(over="ignore"):
        sums = (1 - factors ** t[:, None]) / np.where(flat, 1.0, decay)
    return np.asarray(np.where(flat, t[:, None], sums) @ share)


def turning_point(curvatures: ArrayLike, weights: ArrayLike, rate: float, most: int) -> int:
    """The step up to `most` at which `growth` is least: a period for re-uploads."""
    return int(np.argmin(growth(curvatures, weights, rate, np.arange(most + 1))))


def _spectrum(
    curvatures: ArrayLike, weights: ArrayLike, rate: float, steps: ArrayLike
) -> tuple[Floats, Floats, Floats]:
    share = np.asarray(weights, np.float64)
    factors = 1 - rate * np.asarray(curvatures, np.float64)
    return factors, share / share.sum(), np.asarray(steps, np.float64)
