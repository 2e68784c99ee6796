"""Dissipation of a step map: norms of its parts, the scalar majorant g, its fixed points, R_d, class and modes.

The majorant g(x) = sum_j ||F_j||_2 x^j, with F_j symmetrised over its inputs, satisfies ||f(u)|| <= g(||u||).
Definitions: `carleman.md` 3.2; the discrete twin of R of Liu et al. (PNAS 2021, arXiv:2011.03185).
"""

from __future__ import annotations

from enum import Enum
from math import inf, log

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from scipy.optimize import brentq
from scipy.sparse.linalg import svds

from qevo_compiler.analyses.carleman.monomials import Floats, weights_of
from qevo_compiler.dialects.linear import StepMap
from qevo_compiler.dialects.poly import Polynomials
from qevo_compiler.records import dataclass

# Up to here norms and eigenvalues are taken of dense matrices.
DENSE = 1500
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
    norms = step_norms(steps).max(axis=0)
    lower, upper = fixed_points(norms)
    radius = float(np.linalg.norm(np.asarray(start, np.float64)))
    return Dissipation(norms, radius, lower, upper, modes_of(steps))


def step_norms(steps: StepMap) -> Floats:
    """g_j of every distinct step [variants, d + 1]."""
    return np.array([symmetric_norms(variant, steps.degree) for variant in steps.variants])


def symmetric_norms(step: Polynomials, degree: int | None = None) -> Floats:
    """||F_j||_2 of the symmetrised parts, j = 0 .. degree.

    F_j u^{⊗j} = C m_j(u) for the coefficients C of the monomials, and F_j = C W^-1 V^T with orthonormal columns
    V, so the norm is that of C with every column divided by its weight.
    """
    norms = np.zeros((step.degree if degree is None else degree) + 1)
    for block in step.terms:
        row, names, values = block.row.values, block.variables.values, block.coefficients.values
        if block.degree == 0:
            norms[0] = np.linalg.norm(values)
            continue
        _, column = np.unique(names, axis=0, return_inverse=True)
        scaled = values / weights_of(names)
        matrix = sparse.csr_array((scaled, (row, column.reshape(-1))), shape=(step.rows, int(column.max()) + 1))
        norms[block.degree] = spectral_norm(matrix)
    return norms


def spectral_norm(matrix: sparse.csr_array[np.float64]) -> float:
    """The largest singular value: from the smaller Gram matrix, or by Lanczos where that is large."""
    if matrix.nnz == 0:
        return 0.0
    if min(matrix.shape) <= DENSE:
        gram = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
        return float(np.sqrt(max(np.linalg.eigvalsh(gram.toarray())[-1], 0.0)))
    found = svds(matrix, k=1, v0=np.ones(min(matrix.shape)), return_singular_vectors=False)
    return float(found[0])


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


def linear_part(step: Polynomials) -> sparse.csr_array[np.float64]:
    """F_1 [n, n] of a step."""
    row, names, values = step.block(1)
    return sparse.csr_array((values, (row, names[:, 0])), shape=(step.rows, step.rows))


def modes_of(steps: StepMap) -> Modes:
    """The eigenvalues of F_1, counted over the step with most of each kind.

    Beyond 1500 coordinates nothing is counted, and the radius is ||F_1||_2.
    """
    if steps.size > DENSE:
        radius = max(spectral_norm(linear_part(variant)) for variant in steps.variants)
        return Modes(0, 0, 0, radius)
    counts = np.zeros((len(steps.variants), 3), np.int64)
    radius = 0.0
    for i, variant in enumerate(steps.variants):
        matrix = linear_part(variant).toarray()
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
