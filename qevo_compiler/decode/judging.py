"""Whether constraint rows hold at decoded points, with a tolerance for rounding and for nothing else.

A row of whole-valued variables takes multiples of its unit (plus its constant), so a quarter of the unit is a
violation and no rounding, however large a big M in the row is. Elsewhere rounding grows with the terms
(`analyses.tolerances`), or, where coefficients differ a million times, with the terms at the point.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.granularity import row_units
from qevo_compiler.analyses.tolerances import least_sizes, term_tolerances, unit_tolerances, wide_rows
from qevo_compiler.decode.solution import Residuals
from qevo_compiler.dialects import poly
from qevo_compiler.dialects.poly import Polynomials
from qevo_compiler.dialects.problem import Domain, Relation, VariableOp
from qevo_compiler.evaluator.polynomials import values_at

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Judge:
    """The rows of one family, and their `weights` where it is soft.

    `real` [variables] says which polynomial variables lie on grids of fractions.
    """

    def __init__(self, op: poly.ConstraintOp, real: Flags, weights: Floats | None) -> None:
        self._op = op
        self._weights = weights
        units, least = row_units(op.body), least_sizes(op.body)
        known = ~_on_grids(op.body, real)
        if least is not None:
            # A coefficient below the unit was taken for noise.
            known &= (units > 0) & (units <= least)
        self._tolerance = unit_tolerances(op.body, np.where(known, units, 0.0))
        self._allowances: Polynomials | None = None
        if least is not None and (wide_rows(op.body) & ~known).any():
            self._allowances = term_tolerances(op.body)

    def residuals(self, body: Floats, point: Floats) -> Residuals:
        """`body` [reads, rows] judged; `point` [reads, variables] is where it was evaluated."""
        allowed = self._tolerance
        if self._allowances is not None:
            allowed = np.minimum(allowed, values_at(self._allowances, np.abs(point)))
        match self._op.relation:
            case Relation.EQ:
                satisfied = np.abs(body) <= allowed
            case Relation.LE:
                satisfied = body <= allowed
            case Relation.GE:
                satisfied = body >= -allowed
        return Residuals(body, satisfied, self._op.indices.values, self._weights)


def grids(variables: Sequence[VariableOp]) -> Flags:
    """Which polynomial variables [variables] are real."""
    parts = [np.full(op.width, op.domain is Domain.REAL) for op in variables]
    return np.concatenate([*parts, np.zeros(0, bool)])


def _on_grids(p: Polynomials, real: Flags) -> Flags:
    """Which rows have a variable on a grid of fractions."""
    found = np.zeros(p.rows, bool)
    for block in p.terms:
        if block.degree and real.any():
            found[block.row.values[real[block.variables.values].any(axis=1)]] = True
    return found
