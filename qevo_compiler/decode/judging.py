"""Whether constraint rows hold at decoded points, with a tolerance for rounding and for nothing else.

A row of whole-valued variables takes multiples of its unit (plus its constant), so a quarter of the unit is a
violation and no rounding, however large a big M in the row is. Elsewhere rounding grows with the terms: 1e-9 of the
summed coefficients, or, where coefficients differ a million times, of the summed terms at the point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.granularity import row_units
from qevo_compiler.decode.solution import Residuals
from qevo_compiler.dialects import poly
from qevo_compiler.dialects.poly import Polynomials
from qevo_compiler.dialects.problem import Domain, Relation, VariableOp
from qevo_compiler.evaluator.polynomials import values_at
from qevo_compiler.ir import Array

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

TOLERANCE = 1e-9
_WIDE = 1e6


class Judge:
    """The rows of one family. `real` [variables] says which polynomial variables lie on grids of fractions."""

    def __init__(self, op: poly.ConstraintOp, real: Flags) -> None:
        self._op = op
        size, least = np.zeros(op.body.rows), np.full(op.body.rows, np.inf)
        fractions = np.zeros(op.body.rows, bool)
        for block in op.body.terms:
            row, sizes = block.row.values, np.abs(block.coefficients.values)
            size += np.bincount(row, sizes, op.body.rows)
            np.minimum.at(least, row, np.where(sizes > 0, sizes, np.inf))
            if block.degree and real.any():
                fractions[row[real[block.variables.values].any(axis=1)]] = True
        self._tolerance = TOLERANCE * size
        wide = size > _WIDE * least
        self._sizes: Polynomials | None = None
        if wide.any():
            units = row_units(op.body)
            # A coefficient below the unit was taken for noise.
            units = np.where(fractions | (units > least), 0.0, units)
            self._tolerance = np.minimum(self._tolerance, np.where(units > 0, units / 4, np.inf))
            if (wide & (units == 0)).any():
                self._sizes = _absolute(op.body)

    def residuals(self, body: Floats, point: Floats) -> Residuals:
        """`body` [reads, rows] judged; `point` [reads, variables] is where it was evaluated."""
        allowed = self._tolerance
        if self._sizes is not None:
            allowed = np.minimum(allowed, TOLERANCE * values_at(self._sizes, np.abs(point)))
        match self._op.relation:
            case Relation.EQ:
                satisfied = np.abs(body) <= allowed
            case Relation.LE:
                satisfied = body <= allowed
            case Relation.GE:
                satisfied = body >= -allowed
        return Residuals(body, satisfied, self._op.indices.values, self._op.weight is not None)


def grids(variables: Sequence[VariableOp]) -> Flags:
    """Which polynomial variables [variables] are real."""
    parts = [np.full(op.width, op.domain is Domain.REAL) for op in variables]
    return np.concatenate([*parts, np.zeros(0, bool)])


def _absolute(p: Polynomials) -> Polynomials:
    blocks = (replace(b, coefficients=Array(np.abs(b.coefficients.values))) for b in p.terms)
    return replace(p, terms=tuple(blocks))
