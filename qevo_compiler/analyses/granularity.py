"""The common unit of each row's coefficients: what a sum of its terms over bits is a multiple of.

Whole coefficients have a greatest common divisor. Other coefficients are floats that mean rationals:
decimals, or products of grid steps `(hi - lo) / (2^b - 1)`. Their ratios to the row's largest one are
read as fractions p / q by continued fractions; the unit is the largest over the least common multiple
of all q. A float carries 53 bits, so fractions are told from noise only while q stays below `RATIO`. Decimals and
binary fractions are told up to `FINE` units, since they are off by the rounding of one float only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.poly import Polynomials

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

RATIO = 1 << 21
FINE = 1 << 26
WHOLE = 2.0**53
# Coefficients are products of a few rounded factors.
TOLERANCE = 2.0**-46
# One over the units that are tried beside fractions; their squares in units stay below 2^53.
_SCALES = (2.0, 4.0, 8.0, 10.0, 16.0, 32.0, 64.0, 100.0, 1e3, 1e4, 1e5, 1e6)
_ROUNDING = 2.0**-51


def row_units(p: Polynomials) -> Floats:
    """The unit of every row [rows], without its constant: 0 where there is none, inf for a constant row."""
    row, coefficients = _variable_terms(p)
    units = np.full(p.rows, np.inf)
    if not len(row):
        return units
    sizes = np.abs(coefficients)
    if (sizes == sizes[0]).all():
        units[row] = sizes[0]
        return units
    starts = np.flatnonzero(np.diff(row, prepend=-1))
    lengths = np.diff(np.append(starts, len(row)))
    whole = np.logical_and.reduceat((sizes == np.rint(sizes)) & (sizes < WHOLE), starts)
    spread = np.repeat(whole, lengths)
    found = np.gcd.reduceat(np.where(spread, sizes, 0).astype(np.int64), starts).astype(np.float64)
    if whole.all():
        units[row[starts]] = found
        return units
    largest = np.maximum.reduceat(sizes, starts)
    ratios = np.where(spread, 1.0, sizes / np.repeat(largest, lengths))
    multiple = _common_multiple(_denominators(ratios), lengths)
    units[row[starts]] = np.where(whole, found, np.where(multiple > 0, largest / np.maximum(multiple, 1), 0.0))
    left = ~whole & (multiple == 0)
    if left.any():
        entries = np.repeat(left, lengths)
        firsts = np.cumsum(lengths[left]) - lengths[left]
        units[row[starts[left]]] = _decimal_units(sizes[entries], firsts)
    return units


def common_unit(values: Floats) -> float:
    """What all of `values` are multiples of: 0 where there is none, inf where all are 0 or there is none of them."""
    sizes = np.unique(np.abs(values))
    sizes = sizes[(sizes > 0) & np.isfinite(sizes)]
    if not len(sizes):
        return np.inf
    if (sizes == np.rint(sizes)).all() and sizes[-1] < WHOLE:
        return float(np.gcd.reduce(sizes.astype(np.int64)))
    multiple = _common_multiple(_denominators(sizes / sizes[-1]), np.array([len(sizes)]))[0]
    return float(sizes[-1] / multiple) if multiple > 0 else float(_decimal_units(sizes, np.zeros(1, np.int64))[0])


def _variable_terms(p: Polynomials) -> tuple[NDArray[np.integer], Floats]:
    """Rows and coefficients of all terms but the constants, by row."""
    blocks = [(b.row.values, b.coefficients.values) for b in p.terms if b.degree]
    if not blocks:
        return np.zeros(0, np.int32), np.zeros(0)
    if len(blocks) == 1:
        return blocks[0]
    row, coefficients = (np.concatenate(column) for column in zip(*blocks, strict=True))
    order = np.argsort(row, kind="stable")
    return row[order], coefficients[order]


def _decimal_units(sizes: Floats, starts: Integers) -> Floats:
    """The unit of each row that begins at `starts`, where all of it is whole in decimal or binary parts; else 0."""
    units = np.zeros(len(starts))
    for scale in _SCALES:
        scaled = sizes * scale
        whole = np.rint(scaled)
        alike = (np.abs(scaled - whole) <= _ROUNDING * scaled) & (whole <= FINE)
        fits = (units == 0) & np.logical_and.reduceat(alike, starts)
        if fits.any():
            common = np.gcd.reduceat(np.where(alike, whole, 0).astype(np.int64), starts)
            units[fits] = common[fits] / scale
    return units


def _denominators(ratios: Floats) -> Integers:
    """The least q with |ratio - p / q| within the tolerance, for ratios in [0, 1]; 0 beyond `RATIO`."""
    rest = ratios.copy()
    before, after = np.zeros(len(ratios)), np.ones(len(ratios))
    below, above = np.ones(len(ratios)), np.floor(rest)
    open_ = np.abs(ratios - above) > TOLERANCE
    while open_.any():
        # p / q is above / after; the next convergent adds one whole part of the remainder's inverse.
        rest[open_] = 1 / (rest[open_] - np.floor(rest[open_]))
        part = np.floor(rest[open_])
        before[open_], after[open_] = after[open_], part * after[open_] + before[open_]
        below[open_], above[open_] = above[open_], part * above[open_] + below[open_]
        open_ &= (after <= RATIO) & (np.abs(ratios - above / after) > TOLERANCE)
    return np.where(after <= RATIO, after, 0).astype(np.int64)


def _common_multiple(values: Integers, lengths: Integers) -> Integers:
    """The least common multiple of each row, pairwise in log2(longest row) rounds; 0 where it exceeds `RATIO`."""
    while int(lengths.max(initial=1)) > 1:
        firsts = np.cumsum(lengths) - lengths
        place = np.arange(len(values)) - np.repeat(firsts, lengths)
        left = np.flatnonzero(place % 2 == 0)
        paired = place[left] + 1 < np.repeat(lengths, (lengths + 1) // 2)
        partner = np.where(paired, values[np.minimum(left + 1, len(values) - 1)], 1)
        values = np.lcm(values[left], partner)
        values[values > RATIO] = 0
        lengths = (lengths + 1) // 2
    return values
