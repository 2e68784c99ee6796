"""Smaller coefficients for rows `<= 0` over bits, big M above all, that the same 0/1 points satisfy.

Write a row as a sum of values, one of each loose bit (0 or its coefficient) and one of each set of bits of which
exactly one is 1 (a code's, say), of which those that have no term are worth 0. Let D be the row at the largest of all
these values: the most that it can be exceeded by. A state loses of it, for each value, what that is less than the
largest one, and the row holds if and only if the losses add up to D or more. So each loss may be cut down to any
C >= D > 0: where one is cut, the row holds before and after; elsewhere nothing changed, not even what it is missed by.

For a loose bit that means coefficients between -C and C. In a set of bits whose largest value T is above C all values
move down by T - C, the limit with them, and those that were lower become 0 (`shared_losses`); otherwise its negative
coefficients are cut to -C, as if it were its bits, where T is not negative. Other bits' coefficients must not exceed C.
Of this D and the one that takes all bits for loose ones the smaller C is taken.

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


def row_caps(
    p: Polynomials, high: Floats, units: Floats, tolerance: Floats, groups: Groups, soft: bool = False
) -> Floats | None:
    """What the sizes of the coefficients of rows `<= 0` over bits may be cut to [rows], inf where nothing is gained.

    `high` [rows] is D by `group_bounds`, `units` are those of `row_units`, `tolerance` [rows] is what a row may exceed
    0 by and still holds. None where no row is cut. Rows of higher degree are left alone. Where all coefficients are cut
    C keeps to the row's own unit, but for soft rows, whose penalty is not counted in units.
    Cost: a pass over the terms; some more over those of rows that have a coefficient above D.
    """
    chosen = _candidates(p, high)
    if not chosen.any():
        return None
    found = _Rows(p, chosen, units[chosen], tolerance[chosen], groups).caps(soft)
    if not groups.is_none:
        alone = Groups.none(len(groups.of_bit))
        found = np.minimum(found, _Rows(p, chosen, units[chosen], tolerance[chosen], alone).caps(soft))
    if not np.isfinite(found).any():
        return None
    caps = np.full(p.rows, np.inf)
    caps[chosen] = found
    return caps


def shared_losses(p: Polynomials, caps: Floats, groups: Groups) -> Integers | None:
    """Terms of degree 1 that lose what another one does [2, terms]: theirs, and the largest of their row and group.

    These are the groups whose largest coefficient is above the row's cap. None where they have one term each.
    """
    row, names, coefficients = p.block(1)
    label = groups.of_bit[names[:, 0]]
    inside = np.flatnonzero(np.isfinite(caps[row]) & groups.exact[label])
    order = inside[np.lexsort((-coefficients[inside], label[inside], row[inside]))]
    starts = np.diff(row[order], prepend=-1).astype(bool) | np.diff(label[order], prepend=-1).astype(bool)
    top = order[np.flatnonzero(starts)][np.cumsum(starts) - 1]
    shared = ~starts & (coefficients[top] > caps[row[top]])
    return np.stack([order[shared], top[shared]]) if shared.any() else None


def cut_rows(p: Polynomials, caps: Floats, shared: NDArray[np.integer] | None = None) -> Polynomials:
    """The rows `<= 0` with coefficients of degree 1 cut to their row's cap and b lowered by what they lose.

    `shared` [2, terms] lose what the others do (see `shared_losses`), and b once, as long as they are positive.
    """
    row, names, coefficients = p.block(1)
    limit = caps[row]
    cut, loses = np.clip(coefficients, -limit, limit), coefficients > limit
    if shared is not None:
        own, top = shared[:, np.isfinite(limit[shared[0]])]
        cut[own] = np.maximum(limit[own] + (coefficients[own] - coefficients[top]), 0)
        loses[own] = False
    constants = p.constants()
    if loses.any():
        count = np.bincount(row[loses], minlength=p.rows)
        kept = accurate_sums(row[loses], coefficients[loses], constants)
        constants = np.where(count > 0, kept - count * np.where(count > 0, caps, 0.0), constants)
    left = slice(None) if shared is None else cut != 0
    terms = Terms(Array(row[left]), Array(names[left]), Array(cut[left]))
    rest = (block for block in p.terms if block.degree > 1)
    return Polynomials(p.rows, (*arithmetic.constants(constants).terms, *([terms] if len(terms) else []), *rest))


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
        order, starts, top = self._sets(groups)
        tops = np.repeat(top, np.diff(np.append(starts, len(order))))
        self.most, self.free = np.maximum(self.coefficients, 0), np.ones(len(self.row), bool)
        self.most[order], self.most[order[starts]] = 0.0, top
        self.free[order] = (self.coefficients[order] >= 0) | (tops >= 0)
        self.constants = p.constants()[chosen]
        self.units, self.known = units, np.isfinite(units) & (units > 0)
        self.excess = accurate_sums(self.row, self.most, self.constants)
        self.slip = tolerance
        self.big, self.kept = self._sorted_out(order, starts, tops)

    def _sorted_out(self, order: Integers, starts: Integers, tops: Floats) -> tuple[Flags, Floats]:
        """Which terms are cut to C, and the numbers that should be multiples of a unit with it (0: none).

        `order` are the terms of sets, `starts` where each begins, `tops` [terms] their largest values.
        """
        most = (self.excess + self.slip)[self.row]
        big = self.free & (self.sizes > most)
        kept = np.where(big, 0.0, self.coefficients)
        # Of sets that move down, how far the values are below the largest.
        moves = tops > most[order]
        down, below = order[moves], tops[moves] - self.coefficients[order[moves]]
        big[down] = False
        big[order[starts]] |= moves[starts]
        kept[down] = np.where(below <= most[down], below, 0.0)
        return big, kept

    def caps(self, soft: bool) -> Floats:
        """C of every row, inf where it stays as it is."""
        rest = accurate_sums(self.row, np.where(self.big, self.most, 0.0), self.constants)
        least = np.full(self.count, np.inf)
        np.minimum.at(least, self.row[self.big], self.sizes[self.big])
        unit = self._unit_of_small()
        caps = self._rounded_up(rest, unit)
        fits = (unit > 0) & (caps <= least * _EQUAL)
        caps = np.where(fits, caps, self._rounded_up_coarsely())
        if soft:
            caps = np.where(self._any(self.kept != 0), caps, self.excess)
        np.maximum.at(caps, self.row[~self.free], self.sizes[~self.free])
        gained = (self.excess > self.slip) & (caps > 0) & self._any(self.sizes > (caps * _EQUAL)[self.row])
        return np.where(gained, caps, np.inf)

    def _sets(self, groups: Groups) -> tuple[Integers, Integers, Floats]:
        """The terms of groups by row and group, the largest first; where each starts, and its largest value."""
        label: Integers = groups.of_bit[self.names[:, 0]]
        inside = np.flatnonzero(groups.exact[label])
        order = inside[np.lexsort((-self.coefficients[inside], label[inside], self.row[inside]))]
        changed = np.diff(self.row[order], prepend=-1).astype(bool) | np.diff(label[order], prepend=-1).astype(bool)
        starts = np.flatnonzero(changed)
        largest, counts = self.coefficients[order[starts]], np.diff(np.append(starts, len(order)))
        # Unless every member has a term, the one that is set may be one without.
        full = groups.size[label[order[starts]]] == counts
        return order, starts, np.where(full, largest, np.maximum(largest, 0))

    def _unit_of_small(self) -> Floats:
        """The unit of the numbers that are kept; of the whole row where all are cut; 0 where there is none."""
        stay = self.kept != 0
        terms = Terms(Array(self.row[stay]), Array(self.names[stay]), Array(self.kept[stay]))
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
