"""The common unit of each row's coefficients: what a sum of its terms over bits is a multiple of.

Coefficients are floats that mean rationals: decimals, or products of grid steps `(hi - lo) / (2^b - 1)`.
Euclid's algorithm with a tolerance finds their greatest common divisor; a unit counts only when every
coefficient is a whole multiple of it up to rounding and no multiple exceeds `RATIO`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.poly import Polynomials

Floats = NDArray[np.float64]

RATIO = 2.0**40
INEXACT_RATIO = 2.0**26
# Relative to a row's largest coefficient: far above the rounding of one product, far below 1 / INEXACT_RATIO.
TOLERANCE = 1e-12


def row_units(p: Polynomials) -> Floats:
    """The unit of every row [rows], without its constant: 0 where there is none, inf for a constant row."""
    row, coefficients = _variable_terms(p)
    units = np.full(p.rows, np.inf)
    if not len(row):
        return units
    starts = np.flatnonzero(np.diff(row, prepend=-1))
    sizes = np.abs(coefficients)
    largest = np.maximum.reduceat(sizes, starts)
    found = _common_divisor(sizes, starts, np.repeat(largest, _lengths(starts, len(row))) * TOLERANCE)
    found = largest / np.maximum(np.rint(largest / found), 1)
    units[row[starts]] = np.where(_fits(sizes, starts, found, largest), found, 0.0)
    return units


def _variable_terms(p: Polynomials) -> tuple[NDArray[np.integer], Floats]:
    """Rows and coefficients of all terms but the constants, by row."""
    blocks = [(b.row.values, b.coefficients.values) for b in p.terms if b.degree]
    if not blocks:
        return np.zeros(0, np.int32), np.zeros(0)
    row, coefficients = (np.concatenate(column) for column in zip(*blocks, strict=True))
    order = np.argsort(row, kind="stable")
    return row[order], coefficients[order]


def _lengths(starts: NDArray[np.integer], total: int) -> NDArray[np.int64]:
    return np.diff(np.append(starts, total))


def _common_divisor(values: Floats, starts: NDArray[np.integer], tolerance: Floats) -> Floats:
    """Pairwise in each row until one value is left; log2(longest row) rounds."""
    lengths = _lengths(starts, len(values))
    while int(lengths.max(initial=1)) > 1:
        firsts = np.cumsum(lengths) - lengths
        place = np.arange(len(values)) - np.repeat(firsts, lengths)
        left = np.flatnonzero(place % 2 == 0)
        paired = place[left] + 1 < np.repeat(lengths, (lengths + 1) // 2)
        partner = np.where(paired, values[np.minimum(left + 1, len(values) - 1)], 0.0)
        values = _euclid(values[left], partner, tolerance[left])
        tolerance = tolerance[left]
        lengths = (lengths + 1) // 2
    return values


def _euclid(a: Floats, b: Floats, tolerance: Floats) -> Floats:
    larger = np.maximum(a, b)
    a, b = a.copy(), b.copy()
    active = b > tolerance
    while active.any():
        x, y = a[active], b[active]
        a[active], b[active] = y, np.abs(x - np.rint(x / y) * y)
        active = b > tolerance
    # Each step amplifies rounding; dividing the larger number by its whole ratio takes that back.
    return larger / np.maximum(np.rint(larger / a), 1)


def _fits(sizes: Floats, starts: NDArray[np.integer], units: Floats, largest: Floats) -> NDArray[np.bool_]:
    lengths = _lengths(starts, len(sizes))
    unit = np.repeat(units, lengths)
    deviation = np.abs(sizes - np.rint(sizes / unit) * unit)
    worst = np.maximum.reduceat(deviation, starts)
    ratio = largest / units
    fits: NDArray[np.bool_] = ((worst == 0) & (ratio <= RATIO)) | (
        (worst <= 10 * TOLERANCE * largest) & (ratio <= INEXACT_RATIO)
    )
    return fits
