"""Smaller coefficients for rows `<= 0` over bits, big M above all, that the same 0/1 points satisfy.

Write a row as sum a_i l_i <= b over literals with a_i > 0 (see `literals`), and let D = sum a_i - b be the most that it
can be exceeded by. Take any C >= D > 0, and for the literals with a_i > C put C for a_i and lower b by the sum of
what they lose. The satisfied points stay. Where all these literals are 1, both sides have lost the same. Where one of
them is 0, the row holds before, since its left side is at most sum a - a_i < b + D - C <= b; and after, since the
left side is then at most b' + D - C <= b', the excess of all literals together being D as it was. Of bits of which
exactly one is 1 (a code's, say) the largest coefficient alone counts in D. The argument is then about states where the
groups hold, and about literals that, where they are 0, take all of a_i from the most that the row can be: those of
loose bits, negative coefficients in a group whose most is not negative, and the positive ones of a group if they are
alike: one of them at most is 1, so they are one literal, and b loses what they lose once (`repeated_labels`).
Coefficients of other bits must not exceed C. Of this D and the one without groups the smaller C is taken.

C is D rounded up to the unit of the coefficients that stay. Then the new row has that unit, which is a multiple
of the old one, and in it no larger range: a literal of at least C has at least as many of the finer units.
(Coefficient tightening is standard in presolving; e.g. Savelsbergh, "Preprocessing and probing", 1994.)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.bounds import Groups
from qevo_compiler.analyses.granularity import row_units
from qevo_compiler.analyses.tolerances import largest_slips
from qevo_compiler.dialects.poly import Polynomials, Terms, arithmetic
from qevo_compiler.ir import Array

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

_EQUAL = 1 + 2.0**-44


def row_caps(p: Polynomials, high: Floats, units: Floats, tolerance: Floats, groups: Groups) -> Floats | None:
    """What the sizes of the coefficients of rows `<= 0` over bits may be cut to [rows], inf where nothing is gained.

    `high` [rows] is D by `group_bounds`, `units` are those of `row_units`, `tolerance` [rows] is what a row may exceed
    0 by and still holds. None where no row is cut. Rows of higher degree are left alone.
    Cost: a pass over the terms; some more over those of rows that have a coefficient above D.
    """
    chosen = _candidates(p, high)
    if not chosen.any():
        return None
    found = _Rows(p, chosen, units[chosen], tolerance[chosen], groups).caps()
    if not groups.is_none:
        alone = Groups.none(len(groups.of_bit))
        found = np.minimum(found, _Rows(p, chosen, units[chosen], tolerance[chosen], alone).caps())
    if not np.isfinite(found).any():
        return None
    caps = np.full(p.rows, np.inf)
    caps[chosen] = found
    return caps


def repeated_labels(p: Polynomials, caps: Floats, groups: Groups) -> Integers | None:
    """How many of a row's largest coefficients, above its cap, are further labels of one group [rows]; None: none."""
    row, names, coefficients = p.block(1)
    label = groups.of_bit[names[:, 0]]
    inside = (coefficients > caps[row]) & groups.exact[label]
    first = np.unique(row[inside].astype(np.int64) * len(groups.size) + label[inside]) // len(groups.size)
    repeated = np.bincount(row[inside], minlength=p.rows) - np.bincount(first, minlength=p.rows)
    return repeated if repeated.any() else None


def cut_rows(p: Polynomials, caps: Floats, repeated: NDArray[np.integer] | None = None) -> Polynomials:
    """The rows `<= 0` with coefficients of degree 1 cut to their row's cap and b lowered by what they lose.

    `repeated` [rows] of a row's largest coefficients lose it together with another one.
    """
    row, names, coefficients = p.block(1)
    limit = caps[row]
    over = coefficients > limit
    constants = p.constants()
    if over.any():
        count = np.bincount(row[over], minlength=p.rows)
        if repeated is not None:
            largest = np.zeros(p.rows)
            np.maximum.at(largest, row[over], coefficients[over])
            constants, count = constants - repeated * largest, count - repeated
        kept = accurate_sums(row[over], coefficients[over], constants)
        constants = np.where(count > 0, kept - count * np.where(count > 0, caps, 0.0), constants)
    cut = Terms(Array(row), Array(names), Array(np.clip(coefficients, -limit, limit)))
    rest = (block for block in p.terms if block.degree > 1)
    return Polynomials(p.rows, (*arithmetic.constants(constants).terms, *([cut] if len(cut) else []), *rest))


def accurate_sums(row: NDArray[np.integer], values: Floats, constants: Floats) -> Floats:
    """`constants` [rows] plus the values of each row, as if in about twice the precision and then rounded.

    Each number is split at a place of its row, so that the upper parts add up without rounding (as in Rump, Ogita and
    Oishi, "Accurate floating-point summation", 2008): terms of a big M that cancel leave the small ones intact.
    """
    rows = len(constants)
    most = np.abs(constants)
    np.maximum.at(most, row, np.abs(values))
    count = np.bincount(row, minlength=rows) + 2
    split = np.ldexp(1.0, np.frexp(most)[1] + np.frexp(count)[1])
    upper, first = (values + split[row]) - split[row], (constants + split) - split
    lower = np.bincount(row, values - upper, rows) + (constants - first)
    return np.asarray(np.bincount(row, upper, rows) + first + lower, np.float64)


def _candidates(p: Polynomials, high: Floats) -> Flags:
    """Rows of degree 1 with a coefficient above D, as far as sums in any order tell."""
    row, _, coefficients = p.block(1)
    chosen = np.zeros(p.rows, bool)
    if not len(row):
        return chosen
    chosen[row[np.abs(coefficients) > high[row]]] = True
    if not chosen.any():
        return chosen
    # Others hold whatever the rounding was.
    chosen &= high >= -largest_slips(p.constants(), high)
    for block in p.terms:
        if block.degree > 1:
            chosen[block.row.values] = False
    return chosen


class _Rows:
    """The chosen rows by themselves, numbered anew."""

    def __init__(self, p: Polynomials, chosen: Flags, units: Floats, tolerance: Floats, groups: Groups) -> None:
        row, names, coefficients = p.block(1)
        here = chosen[row]
        self.count = len(units)
        self.row = (np.cumsum(chosen) - 1)[row[here]].astype(np.int32)
        self.names, self.coefficients = names[here], coefficients[here]
        self.sizes = np.abs(self.coefficients)
        self.most, self.free = self._most(groups)
        self.constants = p.constants()[chosen]
        self.units, self.known = units, np.isfinite(units) & (units > 0)
        self.excess = accurate_sums(self.row, self.most, self.constants)
        self.slip = tolerance
        self.big = self.free & (self.sizes > (self.excess + self.slip)[self.row])

    def caps(self) -> Floats:
        """C of every row, inf where it stays as it is."""
        rest = accurate_sums(self.row, np.where(self.big, self.most, 0.0), self.constants)
        least = np.full(self.count, np.inf)
        np.minimum.at(least, self.row[self.big], self.sizes[self.big])
        unit = self._unit_of_small()
        caps = self._rounded_up(rest, unit)
        fits = (unit > 0) & (caps <= least * _EQUAL)
        caps = np.where(fits, caps, self._rounded_up_coarsely())
        np.maximum.at(caps, self.row[~self.free], self.sizes[~self.free])
        gained = (self.excess > self.slip) & (caps > 0) & self._any(self.sizes > (caps * _EQUAL)[self.row])
        return np.where(gained, caps, np.inf)

    def _most(self, groups: Groups) -> tuple[Floats, Flags]:
        """What each term adds to D (of a group's terms one adds what the group does), and which may be cut."""
        most, free = np.maximum(self.coefficients, 0), np.ones(len(self.row), bool)
        label: Integers = groups.of_bit[self.names[:, 0]]
        inside = np.flatnonzero(groups.exact[label])
        if len(inside):
            order = inside[np.lexsort((-self.coefficients[inside], label[inside], self.row[inside]))]
            changed = np.diff(self.row[order], prepend=-1).astype(bool) | np.diff(label[order], prepend=-1).astype(bool)
            values, starts = self.coefficients[order], np.flatnonzero(changed)
            counts = np.diff(np.append(starts, len(order)))
            # Unless every member has a term, the one that is set may be one without.
            full = groups.size[label[order[starts]]] == counts
            top = np.where(full, values[starts], np.maximum(values[starts], 0))
            positive = np.repeat(np.add.reduceat(values > 0, starts, dtype=np.int64), counts)
            largest = np.zeros(self.count)
            np.maximum.at(largest, self.row, self.coefficients)
            alike = (values == np.repeat(values[starts], counts)) & (values == largest[self.row[order]])
            alike = np.repeat(np.add.reduceat(alike, starts, dtype=np.int64), counts) == positive
            most[inside] = 0
            most[order[starts]] = top
            free[order] = np.where(values < 0, np.repeat(top, counts) >= 0, (positive == 1) | alike)
        return most, free

    def _unit_of_small(self) -> Floats:
        """The unit of the coefficients that stay; of the whole row where all are cut; 0 where there is none."""
        stay = ~self.big
        terms = Terms(Array(self.row[stay]), Array(self.names[stay]), Array(self.coefficients[stay]))
        unit = row_units(Polynomials(self.count, (terms,) if len(terms) else ()))
        return np.where(np.isfinite(unit) & (unit > 0), unit, np.where(self.known, self.units, 0.0))

    def _rounded_up(self, rest: Floats, unit: Floats) -> Floats:
        """D as a multiple of the unit, from whole numbers: `rest` is what the big literals and b leave of it."""
        unit = np.where(unit > 0, unit, 1.0)
        stay = np.where(self.big, 0.0, np.rint(self.most / unit[self.row]))
        return (np.ceil((rest - np.minimum(self.slip, unit / 4)) / unit) + self._sums(stay)) * unit

    def _rounded_up_coarsely(self) -> Floats:
        """D as a multiple of the row's own unit, or D and its rounding."""
        unit = np.where(self.known, self.units, 1.0)
        return np.where(self.known, np.ceil((self.excess - self.slip) / unit) * unit, self.excess * (1 + 2.0**-50))

    def _sums(self, values: Floats) -> Floats:
        return np.bincount(self.row, values, self.count).astype(np.float64)

    def _any(self, flags: Flags) -> Flags:
        return np.bincount(self.row, flags, self.count) > 0
