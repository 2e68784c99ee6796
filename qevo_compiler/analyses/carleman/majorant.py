"""Dissipation of a step map: norms of its parts, the scalar majorant g, its fixed points, R_d, class and modes.

The majorant g(x) = sum_j ||F_j||_2 x^j, with F_j symmetrised over its inputs, satisfies ||f(u)|| <= g(||u||).
Definitions: `carleman.md` 3.2; the discrete twin of R of Liu et al. (PNAS 2021, arXiv:2011.03185).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import inf, log

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from qevo_compiler.analyses.carleman.monomials import Floats, Ints
from qevo_compiler.analyses.carleman.norms import DENSE, spectral_norm, step_norms
from qevo_compiler.analyses.carleman.stages import composed_norms, kinds, linear_steps
from qevo_compiler.dialects.linear import StepMap

_FLAT = 1e-9


class Dissipativity(Enum):
    """How much the kept products can grow: not at all, by a bounded factor, or without a useful bound."""

    FULL = "full"
    ALMOST = "almost"
    NONE = "none"


@dataclass(frozen=True)
class Modes:
    """How many eigenvalues mu of F_1 are `divergent` (|mu| > 1, Re mu > 0: negative curvature), `flat` (|mu| = 1)
    or `unstable` (|mu| > 1, Re mu < 0: a step beyond 2 / curvature), and the largest |mu|."""

    divergent: int
    flat: int
    unstable: int
    radius: float


@dataclass(frozen=True)
class Dissipation:
    """What decides about a lift, for a step map from `start_norm` = ||u(0)||.

    `norms` [d + 1] are g_j, maximal over the steps. `lower` and `upper` are the fixed points r_- <= r_+ of g
    (0 and r* where F_0 = 0); `upper` is infinite for a contracting affine map; both are None where g has none.
    """

    norms: Floats
    start_norm: float
    lower: float | None
    upper: float | None
    modes: Modes

    @property
    def rho(self) -> float:
        """||F_1||_2, maximal over the steps."""
        return float(self.norms[1]) if len(self.norms) > 1 else 0.0

    @property
    def ratio(self) -> float:
        """R_d = ||u(0)|| / r_+; infinite where g has no positive fixed point."""
        if self.upper is None:
            return inf
        return self.start_norm / self.upper if self.upper > 0 else (0.0 if self.start_norm == 0 else inf)

    def amplification(self, order: int, steps: int) -> float:
        """N T ln max(1, radius): the logarithm of how much a kept product of degree N can grow."""
        return order * steps * log(max(1.0, self.modes.radius)) if self.modes.radius > 1 + _FLAT else 0.0

    def of_class(self, order: int, steps: int) -> Dissipativity:
        """FULL where rho < 1 and R_d < 1, ALMOST where the amplification is at most e, else NONE."""
        if self.rho < 1 and self.ratio < 1:
            return Dissipativity.FULL
        return Dissipativity.ALMOST if self.amplification(order, steps) <= 1 else Dissipativity.NONE


def dissipation(steps: StepMap, start: ArrayLike) -> Dissipation:
    """The dissipation of `steps` from the shifted start u(0)."""
    radius = float(np.linalg.norm(np.asarray(start, np.float64)))
    norms = step_majorants(steps)[0].max(axis=0)
    points = fixed_points(norms) if np.isfinite(norms).all() else (None, None)
    return Dissipation(norms, radius, *points, modes_of(steps))


def step_majorants(steps: StepMap) -> tuple[Floats, Ints]:
    """g_j of every distinct step of the optimizer [kinds, d + 1], and which of them each step is [T].

    Of a step of several stages the coefficients bound those of the composition; they are infinite where there would
    be more than 4,096.
    """
    which = kinds(steps)[1]
    if steps.stages is None:
        return step_norms(steps), which
    series = composed_norms(steps)
    if series is None:
        return np.tile([0.0, np.inf], (int(which.max()) + 1, 1)), which
    return series, which


def fixed_points(norms: Floats) -> tuple[float | None, float | None]:
    """r_- and r_+ with g(x) = x; see `Dissipation`. g(x) - x is convex, so there are at most two."""
    coefficients = np.array([*norms, 0.0, 0.0])[: max(len(norms), 2)]
    if coefficients[1] >= 1:
        return (0.0, 0.0) if coefficients[0] == 0 else (None, None)
    if not coefficients[2:].any():
        return float(coefficients[0] / (1 - coefficients[1])), inf

    def gap(x: float) -> float:
        return float(np.polynomial.polynomial.polyval(x, coefficients)) - x

    slope = np.polynomial.polynomial.polyder(coefficients)
    far = 1.0
    while np.polynomial.polynomial.polyval(far, slope) < 1:
        far *= 2
    least = float(brentq(lambda x: float(np.polynomial.polynomial.polyval(x, slope)) - 1, 0.0, far, xtol=1e-300))
    if gap(least) > 0:
        return None, None
    far = max(least, 1e-300)
    while gap(far) <= 0:
        far *= 2
    upper = float(brentq(gap, least, far, xtol=1e-300, rtol=1e-15))
    lower = 0.0 if coefficients[0] == 0 else float(brentq(gap, 0.0, least, xtol=1e-300, rtol=1e-15))
    return lower, upper


def modes_of(steps: StepMap) -> Modes:
    """The eigenvalues of F_1, counted over the step with most of each kind.

    Beyond 1500 coordinates nothing is counted, and the radius is ||F_1||_2.
    """
    parts = linear_steps(steps)
    if parts[0].shape[0] > DENSE:
        return Modes(0, 0, 0, max(map(spectral_norm, parts)))
    counts = np.zeros((len(parts), 3), np.int64)
    radius = 0.0
    for i, part in enumerate(parts):
        matrix = part.toarray()
        symmetric = np.array_equal(matrix, matrix.T)
        values = np.linalg.eigvalsh(matrix) if symmetric else np.linalg.eigvals(matrix)
        size = np.abs(values)
        counts[i] = (
            np.count_nonzero((size > 1 + _FLAT) & (values.real > 0)),
            np.count_nonzero(np.abs(size - 1) <= _FLAT),
            np.count_nonzero((size > 1 + _FLAT) & (values.real <= 0)),
        )
        radius = max(radius, float(size.max(initial=0.0)))
    divergent, flat, unstable = counts.max(axis=0).tolist()
    return Modes(divergent, flat, unstable, radius)
