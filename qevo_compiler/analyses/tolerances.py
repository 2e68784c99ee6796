"""What a row of a constraint may exceed its limit by and still holds: what rounding makes of it, and nothing else.

That is 1e-9 of the sizes of its terms. Terms a million times as large as the smallest one of their row cancel each
other wherever the row is tight, as those of a big M do; of them it is only what floats lose. And it is never more than
a quarter of the row's unit: two values of the row differ by a unit, so a quarter tells which one was meant, from
either side, and leaves room for the limit's own rounding. This is the one rule: whoever rounds a constant to a unit,
compares a bound with a limit, settles a bit or judges an answer takes it (`unit_tolerances`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.poly import Polynomials, Terms
from qevo_compiler.ir import Array

Floats = NDArray[np.float64]

TOLERANCE = 1e-9
# Coefficients and sums are products and sums of a few rounded numbers.
ROUNDING = 2.0**-46
_WIDE = 1e6
# The part of a unit that is no violation.
OF_UNIT = 1 / 4


def below_units(tolerances: Floats, units: Floats) -> Floats:
    """Tolerances [rows] that no violation of a row with a unit is within; a unit of 0 is none."""
    return np.minimum(tolerances, np.where(units > 0, units, np.inf) * OF_UNIT)


def unit_tolerances(p: Polynomials, units: Floats) -> Floats:
    """What every row [rows] may be off by, given its unit (0 or inf: none), where all its variables are of size 1."""
    return below_units(row_tolerances(p), units)


def largest_slips(constants: Floats, high: Floats) -> Floats:
    """What rounding makes of the largest values `high` [rows] of rows: only what adds up to them can make it wrong."""
    return TOLERANCE * (np.abs(constants) + np.abs(high - constants))


def row_tolerances(p: Polynomials) -> Floats:
    """What every row [rows] may be off by where all its variables are of size 1. Cost: a pass over the terms."""
    sizes = _sizes(p)
    least, total = _least(p, sizes), np.zeros(p.rows)
    for block, size in zip(p.terms, sizes, strict=True):
        allowed = size if least is None else size * _part(block, size, least)
        total += np.bincount(block.row.values, allowed, p.rows)
    return total * TOLERANCE if least is None else total


def term_tolerances(p: Polynomials) -> Polynomials:
    """The same for variables of any size: rows to be evaluated at their sizes."""
    sizes = _sizes(p)
    least = _least(p, sizes)
    parts = ((b, s * (TOLERANCE if least is None else _part(b, s, least))) for b, s in zip(p.terms, sizes, strict=True))
    return replace(p, terms=tuple(replace(block, coefficients=Array(allowed)) for block, allowed in parts))


def wide_rows(p: Polynomials) -> NDArray[np.bool_]:
    """Which rows have a coefficient a million times as large as another one."""
    wide, least = np.zeros(p.rows, bool), least_sizes(p)
    if least is not None:
        for block, size in zip(p.terms, _sizes(p), strict=True):
            wide[block.row.values[size > _WIDE * least[block.row.values]]] = True
    return wide


def least_sizes(p: Polynomials) -> Floats | None:
    """The smallest coefficient of every row (inf: a row without any); None where no row is wide."""
    return _least(p, _sizes(p))


def _sizes(p: Polynomials) -> list[Floats]:
    return [np.abs(block.coefficients.values) for block in p.terms]


def _least(p: Polynomials, sizes: list[Floats]) -> Floats | None:
    if not sizes or max([size.max() for size in sizes]) <= _WIDE * min([size.min() for size in sizes]):
        return None
    least = np.full(p.rows, np.inf)
    for block, size in zip(p.terms, sizes, strict=True):
        np.minimum.at(least, block.row.values, size)
    return least


def _part(block: Terms, sizes: Floats, least: Floats) -> Floats:
    return np.where(sizes > _WIDE * least[block.row.values], ROUNDING, TOLERANCE)
