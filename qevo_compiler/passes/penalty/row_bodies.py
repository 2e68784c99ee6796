"""Constraint rows as `body == 0` or `body <= 0`, as they are stated and with their coefficients cut."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from qevo_compiler.analyses.bounds import Groups, free_bounds, group_bounds
from qevo_compiler.analyses.granularity import row_units
from qevo_compiler.analyses.structure import cut_rows, row_caps, shared_losses
from qevo_compiler.analyses.tolerances import below_units, largest_slips, row_tolerances, unit_tolerances
from qevo_compiler.dialects.poly import ConstraintOp, Polynomials, arithmetic
from qevo_compiler.dialects.problem import Relation
from qevo_compiler.passes.penalty.family_rows import Flags, Floats, Integers
from qevo_compiler.passes.penalty.two_sided import NONE, TwoSided, two_sided_rows


@dataclass(frozen=True)
class Body:
    """Rows as `body == 0` or `body <= 0` with their bounds, tolerance, constant, unit (0: none) and pairs.

    `turned` [rows] are those with the other sign than in the source. `caps` [rows] is what coefficients were cut to,
    None where all are as stated; `shared` belongs to them.
    """

    op: ConstraintOp
    poly: Polynomials
    equal: bool
    turned: Flags
    low: Floats
    high: Floats
    tolerance: Floats
    constant: Floats
    unit: Floats
    pairs: TwoSided
    caps: Floats | None = None
    shared: Integers | None = None


def stated_body(op: ConstraintOp, groups: Groups) -> Body:
    """The family's rows, bounded by what the groups allow."""
    equal = op.relation is Relation.EQ
    low, high = free_bounds(op.body)
    # An equation that is nowhere positive is stated the other way round, to be nowhere negative.
    turned = high <= 0 if equal else np.full(len(high), op.relation is Relation.GE)
    poly = op.body
    if turned.any():
        poly = arithmetic.scale(poly, np.where(turned, -1.0, 1.0))
        low, high = np.where(turned, 0.0 - high, low), np.where(turned, 0.0 - low, high)
    if not groups.is_none:
        low, high = group_bounds(poly, groups)
    unit = row_units(poly)
    tolerance = unit_tolerances(poly, unit)
    pairs = NONE if equal else two_sided_rows(poly, op.indices)
    return Body(op, poly, equal, turned, low, high, tolerance, poly.constants(), unit, pairs)


def tightened_body(stated: Body, groups: Groups) -> Body:
    """The rows with their coefficients cut where that leaves the satisfied points what they are."""
    slip = np.minimum(stated.tolerance, largest_slips(stated.constant, stated.high))
    caps = row_caps(stated.poly, stated.high, stated.unit, slip, groups, stated.op.weight is not None)
    if caps is None:
        return stated
    # The two sides of a row share their slack as long as their coefficients are the same.
    caps[stated.pairs.first] = caps[stated.pairs.second] = np.inf
    if np.isinf(caps).all():
        return stated
    shared = shared_losses(stated.poly, caps, groups)
    poly = cut_rows(stated.poly, caps, shared)
    low, high = group_bounds(poly, groups)
    unit = row_units(poly)
    allowed = np.where(np.isfinite(caps), np.maximum(row_tolerances(poly), slip), stated.tolerance)
    tolerance = below_units(allowed, unit)
    return replace(
        stated, poly=poly, low=low, high=high, tolerance=tolerance, constant=poly.constants(), unit=unit, caps=caps,
        shared=shared,
    )  # fmt: skip
