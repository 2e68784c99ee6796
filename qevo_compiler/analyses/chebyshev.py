"""Polynomials that stand for functions of one variable on an interval, with a proved error.

The fit is the truncated Chebyshev series, within a small factor of the best polynomial of its degree
(Trefethen, Approximation Theory and Approximation Practice, theorem 16.1). Its error e = f - p is
bounded between the points of a fine grid by the largest value at the points plus h^2 / 8 times the
largest second derivative between them (the error of linear interpolation).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.nn import Function
from qevo_compiler.evaluator.functions import apply_function

Floats = NDArray[np.float64]

NODES = 512
CELLS = 1 << 16

# The largest |f''| on the whole axis. tanh: 4 / (3 sqrt 3); sigmoid: 1 / (6 sqrt 3); erf at 1 / sqrt 2;
# GELU and SiLU at 0; GELU's tanh form: bounded cell by cell over |x| (0.7979 is reached at 0).
_CURVATURE = {
    Function.TANH: 0.7699,
    Function.SIGMOID: 0.0963,
    Function.ERF: 0.9679,
    Function.GELU: 0.7979,
    Function.GELU_TANH: 0.86,
    Function.SILU: 0.5001,
}


@dataclass(frozen=True)
class Fit:
    """f(x) is within `error` of sum_k coefficients[k] (x - centre)^k on the interval."""

    centre: float
    coefficients: Floats
    error: float


def is_defined(function: Function, lower: float, upper: float) -> bool:
    """Whether `function` is defined and bounded on [lower, upper]."""
    if not (np.isfinite(lower) and np.isfinite(upper)):
        return False
    if function is Function.LOG:
        return lower > 0
    if function is Function.SQRT:
        return lower >= 0
    return bool(np.isfinite(apply_function(function, np.array([lower, upper]))).all())


def fit(function: Function, lower: float, upper: float, degree: int) -> Fit:
    """A polynomial of at most `degree` for `function` on [lower, upper], where it is defined (`is_defined`)."""
    centre, half = (lower + upper) / 2, (upper - lower) / 2
    if half <= 0:
        return Fit(0.0, apply_function(function, np.array([lower])), 0.0)
    angles = (np.arange(NODES) + 0.5) * (np.pi / NODES)
    nodes = np.cos(angles)
    # The nodes are exactly symmetric, so that odd and even functions keep their parity.
    nodes = (nodes - nodes[::-1]) / 2
    values = apply_function(function, np.clip(centre + half * nodes, lower, upper))
    series = np.array([2.0 / NODES * np.sum(values * np.cos(k * angles)) for k in range(degree + 1)])
    series[0] /= 2
    series[np.abs(series) < 1e-14 * np.abs(values).max(initial=0.0)] = 0.0
    scaled = np.polynomial.chebyshev.cheb2poly(series)
    coefficients = scaled * half ** -np.arange(len(scaled), dtype=np.float64)
    error = _largest_error(function, lower, upper, centre, coefficients)
    return Fit(centre, coefficients, error)


def interpolate(function: Function, points: Floats) -> Fit:
    """The polynomial of lowest degree that equals `function` at the given distinct points."""
    values = apply_function(function, points)
    # Newton's divided differences, then nested multiplication into monomials.
    table = values.copy()
    for order in range(1, len(points)):
        table[order:] = (table[order:] - table[order - 1 : -1]) / (points[order:] - points[:-order])
    result = table[-1:]
    for value, point in zip(table[-2::-1], points[-2::-1], strict=True):
        result = np.polynomial.polynomial.polyadd(np.polynomial.polynomial.polymul(result, [-point, 1.0]), [value])
    error = np.abs(np.polynomial.polynomial.polyval(points, result) - values).max()
    return Fit(0.0, result, float(error))


def _largest_error(function: Function, lower: float, upper: float, centre: float, coefficients: Floats) -> float:
    """An upper bound of |f - p| on the interval."""
    half = max(upper - centre, centre - lower)
    size = np.abs(coefficients) * half ** np.arange(len(coefficients))
    k = np.arange(len(coefficients))
    bend = float((size * k * (k - 1)).sum()) / half**2
    worst = 0.0
    for piece in _pieces(function, lower, upper):
        x = piece.grid
        residual = np.abs(piece.values(x) - np.polynomial.polynomial.polyval(x - centre, coefficients))
        worst = max(worst, float((np.maximum(residual[1:], residual[:-1]) + piece.slack(bend)).max()))
    rounding = 64 * np.finfo(np.float64).eps * (len(coefficients) * size.sum() + 1.0)
    return worst + float(rounding)


@dataclass(frozen=True)
class _Piece:
    """A part of the interval on which the function is smooth: grid, values, and |f''| in each cell."""

    grid: Floats
    values: Callable[[Floats], Floats]
    curvature: Floats | float

    def slack(self, bend: float) -> Floats:
        """How much |f - p| can exceed its values at the ends of each cell, when |p''| <= bend."""
        return np.asarray(np.diff(self.grid) ** 2 / 8 * (self.curvature + bend))


def _pieces(function: Function, lower: float, upper: float) -> Iterator[_Piece]:
    match function:
        case Function.RELU | Function.ABS | Function.SIGN | Function.STEP:
            yield from _linear_pieces(function, lower, upper)
        case Function.SQRT:
            yield _sqrt_piece(lower, upper)
        case Function.LOG:
            grid = np.geomspace(lower, upper, CELLS + 1)
            yield _Piece(grid, np.log, 1.0 / grid[:-1] ** 2)
        case Function.EXP:
            grid = np.linspace(lower, upper, CELLS + 1)
            yield _Piece(grid, np.exp, np.exp(grid[1:]))
        case _:
            grid = np.linspace(lower, upper, CELLS + 1)
            yield _Piece(grid, lambda x: apply_function(function, x), _CURVATURE[function])


def _linear_pieces(function: Function, lower: float, upper: float) -> Iterator[_Piece]:
    """The straight parts on both sides of zero, each with its limit at zero, and zero itself."""
    if lower <= 0.0 <= upper:
        yield _Piece(np.zeros(2), lambda x: apply_function(function, x), 0.0)
    below, above = {
        Function.RELU: ((0.0, 0.0), (0.0, 1.0)),
        Function.ABS: ((0.0, -1.0), (0.0, 1.0)),
        Function.SIGN: ((-1.0, 0.0), (1.0, 0.0)),
        Function.STEP: ((0.0, 0.0), (1.0, 0.0)),
    }[function]
    for (constant, slope), low, high in ((below, lower, min(upper, 0.0)), (above, max(lower, 0.0), upper)):
        if low < high:
            yield _Piece(np.linspace(low, high, CELLS + 1), lambda x, c=constant, s=slope: c + s * x, 0.0)  # type: ignore[misc]


def _sqrt_piece(lower: float, upper: float) -> _Piece:
    """Cells that shrink towards zero; in the cell at zero |f - p| is bounded through monotony."""
    grid = lower + (upper - lower) * np.linspace(0.0, 1.0, CELLS + 1) ** 2
    start = grid[:-1].copy()
    curvature = np.empty_like(start)
    positive = start > 0
    curvature[positive] = start[positive] ** -1.5 / 4
    # sqrt(x) differs from its chord on [0, w] by at most sqrt(w) / 4, written as a curvature.
    width = grid[1:][~positive]
    curvature[~positive] = 2.0 * width**-1.5
    return _Piece(grid, np.sqrt, curvature)
