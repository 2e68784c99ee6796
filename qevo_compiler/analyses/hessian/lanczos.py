"""Stochastic Lanczos quadrature: the spectral density of a symmetric operator from products with vectors.

A probe v with independent signs +-1 has E v^T f(H) v = tr f(H); m Lanczos steps from v / ||v|| give Ritz values and
weights (squares of the first components of the eigenvectors of the tridiagonal matrix) that integrate polynomials
of degree 2 m - 1 exactly against v's spectral measure (G. Golub, C. Meurant, "Matrices, Moments and Quadrature", 2010).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import eigh_tridiagonal

from qevo_compiler.analyses.carleman.monomials import Floats
from qevo_compiler.analyses.carleman.proxies import accumulated, growth, turning_point

# An off-diagonal this small against the largest entry means that an invariant subspace is complete.
_BREAKDOWN = 1e-12

Product = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Spectrum:
    """Curvatures [k], rising, with weights [k] of sum one: an estimate of the distribution of eigenvalues.

    `size` is the dimension of the operator, so `size * weights` estimates numbers of eigenvalues.
    """

    curvatures: Floats
    weights: Floats
    size: int

    def density(self, at: ArrayLike, width: float) -> Floats:
        """The distribution smoothed by a Gaussian of standard deviation `width`, at points [m]; its integral is 1."""
        distance = (np.asarray(at, np.float64)[..., None] - self.curvatures) / width
        return np.asarray(np.exp(-(distance**2) / 2) @ self.weights / (width * math.sqrt(2 * math.pi)))

    def dissipative_share(self, rate: float) -> float:
        """The share of modes with 0 < lambda < 2 / eta: those that one step of descent contracts."""
        inside = (self.curvatures > 0) & (self.curvatures < 2 / rate)
        return float(self.weights[inside].sum())

    def extremes(self) -> tuple[float, float]:
        """The smallest and the largest Ritz value, from inside the spectrum."""
        return float(self.curvatures[0]), float(self.curvatures[-1])

    def trace(self) -> float:
        """Estimate of the trace."""
        return float(self.size * (self.weights @ self.curvatures))

    def growth(self, rate: float, steps: ArrayLike) -> Floats:
        """The growth proxy of `carleman.proxies` at the given steps."""
        return growth(self.curvatures, self.weights, rate, steps)

    def accumulated(self, rate: float, steps: ArrayLike) -> Floats:
        """The accumulated proxy at the given steps."""
        return accumulated(self.curvatures, self.weights, rate, steps)

    def period(self, rate: float, most: int) -> int:
        """A period for re-uploads: the step in 1 .. `most` at which the growth proxy is least.

        A spectrum without negative modes never turns, and the period is `most`.
        """
        return max(turning_point(self.curvatures, self.weights, rate, most), 1)


def lanczos(apply: Product, start: Floats, steps: int) -> tuple[Floats, Floats]:
    """Diagonal [m] and off-diagonal [m - 1] of the tridiagonal matrix after m <= `steps` Lanczos steps from `start`.

    Every vector is made orthogonal to all before it, twice, so no Ritz value appears twice. Stops early where the
    Krylov space is complete. Memory: m vectors.
    """
    vectors = [start / np.linalg.norm(start)]
    diagonal: list[float] = []
    beside: list[float] = []
    for _ in range(min(steps, len(start))):
        following = apply(vectors[-1])
        diagonal.append(float(following @ vectors[-1]))
        basis = np.array(vectors)
        for _ in range(2):
            following = following - basis.T @ (basis @ following)
        length = float(np.linalg.norm(following))
        if length <= _BREAKDOWN * max(map(abs, (*diagonal, *beside, 1e-300))):
            break
        beside.append(length)
        vectors.append(following / length)
    return np.array(diagonal), np.array(beside[: len(diagonal) - 1])


def stochastic_lanczos(apply: Product, size: int, probes: int = 4, steps: int = 100, seed: int = 0) -> Spectrum:
    """The spectrum of a symmetric operator on R^size from `probes` vectors of random signs, `steps` products each.

    The error of tr f(H) / size falls as one over the root of probes times size. Deterministic in `seed`.
    """
    rng = np.random.default_rng(seed)
    values, weights = [], []
    for _ in range(probes):
        diagonal, beside = lanczos(apply, rng.choice([-1.0, 1.0], size=size), steps)
        found, vectors = eigh_tridiagonal(diagonal, beside)
        values.append(found)
        weights.append(vectors[0] ** 2 / probes)
    order = np.argsort(np.concatenate(values), kind="stable")
    nodes = np.concatenate(values).astype(np.float64)[order]
    return Spectrum(nodes, np.concatenate(weights).astype(np.float64)[order], size)
