"""Two rows of one instance that say `-width <= u <= 0`: one penalty with slack up to `width` in place of two.

Families state them side by side, as `a <= e <= b` does: consecutive rows with the same indices and opposite bodies but
for the constant. The first keeps a penalty, whose slack ends at the width, so that it is 0 exactly where both hold;
a width of 1 takes none at all, since u (u + 1) / 2 is 0 at u = -1 and u = 0 and at least 1 at other whole u.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.poly import Polynomials, arithmetic
from qevo_compiler.ir import Array

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class TwoSided:
    """The pairs by the number `first` [pairs] of their first row; `gap` [pairs] is what lies between their sides."""

    first: Integers
    gap: Floats

    @property
    def second(self) -> Integers:
        return self.first + 1

    def joined(
        self, usable: Flags, unit: Floats, shift: Floats, slack: Flags, tolerance: Floats
    ) -> tuple[TwoSided, Floats]:
        """The pairs that take one penalty, and the whole steps between their sides, once rows are shifted.

        `usable` rows are whole multiples of `unit`, and `slack` says which would take slack alone: two rows that
        do without stay apart, unless they need none together either.
        """
        steps = (self.gap - shift[self.first] - shift[self.second]) / unit[self.first]
        whole = np.rint(steps)
        off = np.abs(steps - whole) * unit[self.first]
        alike = off <= tolerance[self.first] + tolerance[self.second]
        wanted = usable[self.first] & usable[self.second] & alike & (whole >= 0)
        wanted &= (whole <= 1) | slack[self.first] | slack[self.second]
        return self.chosen(wanted), whole[wanted]

    def without_partners(self, holds: Flags, units: Floats, residual: Polynomials) -> tuple[Flags, Floats, Polynomials]:
        """Rows without a penalty, units and residuals, where the second row of each pair has no penalty."""
        if not len(self.first):
            return holds, units, residual
        holds, kept = holds.copy(), np.arange(len(holds))
        holds[self.second], kept[self.second] = True, -1
        return holds, np.where(holds, 0.0, units), arithmetic.select(residual, kept)

    def widths(self, steps: Floats, rows: int) -> Floats | None:
        """`steps` [pairs] by row, infinite elsewhere; None without pairs."""
        if not len(steps):
            return None
        found = np.full(rows, np.inf)
        found[self.first] = steps
        return found

    def chosen(self, pairs: Flags) -> TwoSided:
        return TwoSided(self.first[pairs], self.gap[pairs])

    def empty(self, constant: Floats, unit: Floats, tolerance: Floats) -> Flags:
        """Which pairs leave no value between their sides, for rows that take `constant` plus multiples of `unit`."""
        known = (unit[self.first] > 0) & np.isfinite(unit[self.first])
        steps = np.where(known, unit[self.first], 1.0)
        least, most = (np.ceil((constant[row] - tolerance[row]) / steps) for row in (self.first, self.second))
        return np.where(known, least + most > 0, self.gap < -2 * tolerance[self.first])


NONE = TwoSided(np.zeros(0, np.int64), np.zeros(0))


def two_sided_rows(rows: Polynomials, indices: Array) -> TwoSided:
    """The pairs among rows `u <= 0`. Cost: a comparison of indices, and where pairs are alike a sum of the rows."""
    if rows.rows % 2 or not rows.rows or (indices.values[::2] != indices.values[1::2]).any():
        return NONE
    first = np.arange(0, rows.rows, 2)
    total = arithmetic.add(*(arithmetic.select(rows, first + side) for side in (0, 1)))
    opposite = np.ones(len(first), bool)
    for block in total.terms:
        if block.degree:
            opposite[block.row.values[block.coefficients.values != 0]] = False
    return TwoSided(first, -total.constants()).chosen(opposite)
