"""Phase factors of quantum signal processing for odd real polynomials, by Newton's method.

Convention: U(x) = e^(i phi_0 Z) W(x) e^(i phi_1 Z) ... W(x) e^(i phi_d Z), W(x) = e^(i acos(x) X), symmetric
phases, target f(x) = Im <0|U(x)|0>. Y. Dong, L. Lin, H. Ni, J. Wang, "Robust iterative method for symmetric quantum
signal processing in all parameter regimes" (arXiv:2307.12468): Newton from half the Chebyshev coefficients. The
Jacobian costs O(d^2) here, by products from both ends at d / 2 nodes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from qevo_compiler.passes.qlsa.fragment import Floats

Complexes = NDArray[np.complex128]
TOLERANCE = 1e-12
_ROUNDS = 60


@dataclass(frozen=True)
class PhaseFactors:
    """`phases` [d + 1], and the largest deviation from the target at the nodes."""

    phases: Floats
    residual: float

    @property
    def degree(self) -> int:
        return len(self.phases) - 1


def _nodes(count: int) -> Floats:
    return np.cos((2 * np.arange(count) + 1) * np.pi / (4 * count))


def _signal(nodes: Floats, rows: Complexes) -> Complexes:
    """Row vectors [k, 2] times W(x_k)."""
    other = 1j * np.sqrt(1 - nodes**2)
    return np.stack([rows[:, 0] * nodes + rows[:, 1] * other, rows[:, 0] * other + rows[:, 1] * nodes], axis=1)


def response(phases: Floats, nodes: Floats) -> Complexes:
    """<0|U(x)|0> at every node."""
    rows = np.zeros((len(nodes), 2), np.complex128)
    rows[:, 0] = 1.0
    for k, angle in enumerate(phases):
        if k:
            rows = _signal(nodes, rows)
        rows = rows * np.exp(1j * angle * np.array([1.0, -1.0]))
    return rows[:, 0]


def _prefixes(phases: Floats, nodes: Floats) -> Complexes:
    """<0| times everything up to and with phase k, for every k: [d + 1, nodes, 2]."""
    result = np.empty((len(phases), len(nodes), 2), np.complex128)
    rows = np.zeros((len(nodes), 2), np.complex128)
    rows[:, 0] = 1.0
    for k, angle in enumerate(phases):
        if k:
            rows = _signal(nodes, rows)
        rows = rows * np.exp(1j * angle * np.array([1.0, -1.0]))
        result[k] = rows
    return result


def _value_and_jacobian(reduced: Floats, nodes: Floats) -> tuple[Floats, Floats]:
    """Values [n] at the nodes and derivatives [n, n] by the first half of the phases."""
    phases = np.concatenate([reduced, reduced[::-1]])
    left = _prefixes(phases, nodes)
    # W and the phase gates are symmetric matrices: what stands right of phase k is a prefix of the reversed
    # sequence, which is the same sequence; without its own phase, which the left part holds.
    last = len(phases) - 1
    own = np.exp(-1j * phases[:, None] * np.array([1.0, -1.0]))
    right = left[last - np.arange(last + 1)] * own[:, None, :]
    slopes = 1j * (left[:, :, 0] * right[:, :, 0] - left[:, :, 1] * right[:, :, 1])
    both = slopes[: len(reduced)] + slopes[::-1][: len(reduced)]
    return left[-1, :, 0].imag, both.imag.T


def phase_factors(coefficients: Floats) -> PhaseFactors:
    """Phases of the odd polynomial sum over j of coefficients[j] T_(2j+1); its absolute value stays below 1.

    Raises `ValueError` when the polynomial reaches 1 in absolute value, and when Newton's method does not
    come below `TOLERANCE`.
    """
    series = np.asarray(coefficients, np.float64)
    nodes = _nodes(len(series))
    full = np.zeros(2 * len(series))
    full[1::2] = series
    if np.abs(chebyshev.chebval(np.linspace(0, 1, 8 * len(full) + 1), full)).max() >= 1:
        raise ValueError("the polynomial reaches 1 on [-1, 1]: scale it down")
    target = chebyshev.chebval(nodes, full)
    reduced, best = series[::-1] / 2, (np.inf, series)
    for _ in range(_ROUNDS):
        values, jacobian = _value_and_jacobian(reduced, nodes)
        error = float(np.abs(values - target).max())
        if error >= best[0] and best[0] < TOLERANCE:
            break
        if error < best[0]:
            best = (error, reduced)
        reduced = reduced - np.linalg.solve(jacobian, values - target)
    if not best[0] < TOLERANCE:
        raise ValueError(f"no phase factors found; the residual is {best[0]:.1e}")
    return PhaseFactors(np.concatenate([best[1], best[1][::-1]]), best[0])
