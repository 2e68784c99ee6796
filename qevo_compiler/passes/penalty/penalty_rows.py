"""Constraint families made ready for the energy: in whole units, with their form and slack.

A row `body <= 0` whose terms are multiples of a unit g is the same as `u <= 0` with
u = (body + shift) / g, where the shift rounds the constant up to a multiple of g. Its smallest
violation is then 1, whatever the data. What u needs to vanish on feasible states decides the form:

  u never negative: u itself (linear). u at least -1: u (u + 1) / 2, which is u < 0 once and u = 0
  (for `x + y <= 1` this is x y, for `x <= y` it is x (1 - y)). Otherwise (u + slack)^2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.bounds import Groups, group_bounds
from qevo_compiler.analyses.granularity import row_units
from qevo_compiler.analyses.names import instance_name
from qevo_compiler.diagnostics import Diagnostics
from qevo_compiler.diagnostics.constraints import NeverEqual, NeverSatisfied
from qevo_compiler.diagnostics.language.statements import BadWeight
from qevo_compiler.dialects.ising import PenaltyForm
from qevo_compiler.dialects.poly import AffineMap, ConstraintOp, Polynomials, Terms, arithmetic
from qevo_compiler.dialects.problem import Relation
from qevo_compiler.ir import Array
from qevo_compiler.passes.encodings import log_code

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

FEASIBILITY = 1e-9
# A coarse slack step is this part of the smallest violation that is still penalised in full.
FLOOR_STEPS = 32


@dataclass(frozen=True)
class PenaltyRows:
    """One family. `units` is 0 for rows that always hold; `residual` [rows] is u, empty for those rows.

    `slack` gives every row's slack in units of the body (None: no row has any). `exact` is False where
    u is no whole number or the slack is coarser than the row; violations below the unit are then
    penalised less than proved.
    """

    op: ConstraintOp
    form: PenaltyForm
    units: Floats
    shifts: Floats
    residual: Polynomials
    slack: AffineMap | None
    slack_bits: int
    exact: bool
    low: Floats
    high: Floats

    @property
    def soft(self) -> bool:
        return self.op.weight is not None

    @property
    def active(self) -> Flags:
        return self.units > 0


@dataclass(frozen=True)
class _Body:
    """Rows as `body == 0` or `body <= 0` with their bounds, tolerance, constant and unit (0: none)."""

    op: ConstraintOp
    poly: Polynomials
    equal: bool
    low: Floats
    high: Floats
    tolerance: Floats
    constant: Floats
    unit: Floats


def penalty_rows(
    op: ConstraintOp, groups: Groups, slack_limit: int, coarse_bits: int, found: Diagnostics
) -> PenaltyRows | None:
    """The family ready for the energy, or None when it is wrong (reported to `found`) or never matters."""
    if op.weight is not None and not (np.isfinite(op.weight) and op.weight >= 0):
        found.add(BadWeight(op.span, f"{op.weight:g}"))
        return None
    body = _body(op, groups)
    holds = (body.high <= body.tolerance) & (~np.array(body.equal) | (body.low >= -body.tolerance))
    if op.weight is None and _impossible(body, found):
        return None
    if holds.all() or op.weight == 0:
        return None
    if op.weight is not None:
        return _soft(body, holds, slack_limit, coarse_bits)
    return _hard(body, holds, slack_limit, coarse_bits)


def _body(op: ConstraintOp, groups: Groups) -> _Body:
    poly = arithmetic.scale(op.body, -1.0) if op.relation is Relation.GE else op.body
    equal = op.relation is Relation.EQ
    if equal:
        _, most = group_bounds(poly, Groups.none(len(groups.of_bit)))
        # An equation that is nowhere positive is stated the other way round, to be nowhere negative.
        poly = arithmetic.scale(poly, np.where(most <= 0, -1.0, 1.0))
    low, high = group_bounds(poly, groups)
    size = np.zeros(poly.rows)
    for block in poly.terms:
        size += np.bincount(block.row.values, np.abs(block.coefficients.values), poly.rows)
    unit = row_units(poly)
    tolerance = np.minimum(FEASIBILITY * size, np.where(unit > 0, unit, np.inf) / 4)
    return _Body(op, poly, equal, low, high, tolerance, poly.constants(), unit)


def _impossible(body: _Body, found: Diagnostics) -> bool:
    """Whether a row can never hold; each such row is reported by name."""
    op = body.op
    never = body.low > body.tolerance
    rest = np.zeros(len(never))
    if body.equal:
        never |= body.high < -body.tolerance
        whole = np.isfinite(body.unit) & (body.unit > 0)
        unit = np.where(whole, body.unit, 1.0)
        rest = np.where(whole, np.abs(body.constant - np.rint(body.constant / unit) * unit), 0.0)
    # The source's own sign, for the message.
    low, high = (-body.high, -body.low) if op.relation is Relation.GE else (body.low, body.high)
    for row in np.flatnonzero(never | (rest > body.tolerance)).tolist():
        name = instance_name(op.symbol, op.indices.values[row])
        if never[row]:
            found.add(NeverSatisfied(op.span, name, f"{low[row]:g}", f"{high[row]:g}", op.relation.value))
        else:
            found.add(NeverEqual(op.span, name, f"{body.unit[row]:g}", f"{rest[row]:g}"))
    return bool((never | (rest > body.tolerance)).any())


def _hard(body: _Body, holds: Flags, slack_limit: int, coarse_bits: int) -> PenaltyRows:
    rows, exact = len(holds), _granular(body, slack_limit)
    unit = np.where(exact, body.unit, 1.0)
    shift = np.zeros(rows)
    if not body.equal:
        whole = np.ceil((body.constant - body.tolerance) / unit)
        shift = np.where(exact, whole * unit - body.constant, 0.0)
    below = np.maximum(-(body.low + shift), 0.0)
    nonnegative, least = _never_negative(body, shift)
    smallest = np.where(exact, unit, least)
    form = _form(body, (nonnegative & (smallest > 0)) | holds, (exact & (np.rint(below / unit) <= 1)) | holds)
    if form is PenaltyForm.LINEAR:
        exact, unit = exact | (smallest > 0), smallest
    floor = FLOOR_STEPS / (2.0**coarse_bits - 1)
    unit = np.where(exact, unit, np.maximum(np.abs(body.low), np.abs(body.high)) * floor)
    unit[holds] = 1
    span = np.zeros(rows)
    if form is PenaltyForm.SQUARE and not body.equal:
        span = np.where(exact, np.rint(below / unit), 2.0**coarse_bits - 1)
    span[holds | (below == 0)] = 0
    step = np.where(exact, unit, below / np.maximum(span, 1))
    units = np.where(holds, 0.0, unit)
    slack, bits = _slack(span, step)
    residual = _in_units(body.poly, shift, units, exact)
    return PenaltyRows(
        body.op, form, units, shift, residual, slack, bits, bool((exact | holds).all()), body.low, body.high
    )


def _granular(body: _Body, slack_limit: int) -> Flags:
    unit = np.where(body.unit > 0, body.unit, 1.0)
    reach = np.maximum(np.abs(body.low), np.abs(body.high)) / unit
    return np.isfinite(body.unit) & (body.unit > 0) & (reach < 2.0**slack_limit)


def _never_negative(body: _Body, shift: Floats) -> tuple[Flags, Floats]:
    """Whether rows are at least 0 over all states, valid or not, and their least positive value (0: unknown)."""
    if body.op.implied and body.poly.degree == 2:
        return np.ones(body.poly.rows, bool), np.ones(body.poly.rows)
    low, least = body.constant + shift, np.full(body.poly.rows, np.inf)
    constant = low.copy()
    for block in body.poly.terms:
        if block.degree:
            row, coefficients = block.row.values, block.coefficients.values
            low += np.bincount(row, np.minimum(coefficients, 0), body.poly.rows)
            np.minimum.at(least, row, coefficients)
    # Sums of positive terms without a constant are 0 or at least the smallest of them.
    known = (constant == 0) & (least > 0) & np.isfinite(least)
    return low >= -body.tolerance, np.where(known, least, 0.0)


def _form(body: _Body, linear: Flags, triangle: Flags) -> PenaltyForm:
    if linear.all():
        return PenaltyForm.LINEAR
    return PenaltyForm.TRIANGLE if triangle.all() and not body.equal else PenaltyForm.SQUARE


def _soft(body: _Body, holds: Flags, slack_limit: int, coarse_bits: int) -> PenaltyRows:
    """Violation squared in the body's own units; slack reaches every value that a satisfied row takes."""
    exact = _granular(body, slack_limit) | body.equal | ~np.isfinite(body.unit)
    unit = np.where(_granular(body, slack_limit), body.unit, 1.0)
    units = np.where(holds, 0.0, 1.0)
    below = np.maximum(-body.low, 0.0)
    slack, bits = None, 0
    if not body.equal:
        fraction = np.where(exact, np.ceil((body.constant - body.tolerance) / unit) - body.constant / unit, 0.0)
        fraction[np.abs(fraction * unit) <= body.tolerance] = 0
        span = np.where(exact, np.floor(below / unit - fraction + 1e-6), 2.0**coarse_bits - 1)
        span[holds | (below <= 0) | ~np.isfinite(body.unit)] = 0
        fraction[holds | (below <= 0) | ~np.isfinite(body.unit)] = 0
        slack, bits = _slack(np.maximum(span, 0), np.where(exact, unit, below / np.maximum(span, 1)), fraction)
    residual = _in_units(body.poly, np.zeros(len(holds)), units, np.zeros(len(holds), bool))
    no_shift, form = np.zeros(len(holds)), PenaltyForm.SQUARE
    done = bool((exact | holds).all())
    return PenaltyRows(body.op, form, units, no_shift, residual, slack, bits, done, body.low, body.high)


def _slack(span: Floats, step: Floats, fraction: Floats | None = None) -> tuple[AffineMap | None, int]:
    """Slack 0 .. span steps a row, log coded; a row with a fraction has one more bit of that part of a step."""
    counts, weights = log_code(span)
    weights = weights * np.repeat(step, counts)
    if fraction is not None and fraction.any():
        ends = np.cumsum(counts)[fraction > 0]
        weights = np.insert(weights, ends, (fraction * step)[fraction > 0])
        counts = counts + (fraction > 0)
    total = int(counts.sum())
    if not total:
        return None, 0
    starts = np.concatenate([[0], np.cumsum(counts)])
    bits = np.arange(total, dtype=np.int32)
    return AffineMap(Array(np.zeros(len(counts))), Array(starts), Array(bits), Array(weights)), total


def _in_units(poly: Polynomials, shift: Floats, units: Floats, exact: Flags) -> Polynomials:
    """(body + shift) / unit; rows with unit 0 become zero, coefficients of exact rows whole."""
    rows = np.where(units > 0, np.arange(poly.rows), -1)
    shifted = arithmetic.add(poly, arithmetic.constants(shift)) if shift.any() else poly
    scaled = arithmetic.scale(arithmetic.select(shifted, rows), 1 / np.where(units > 0, units, 1.0))
    if not exact.any():
        return scaled
    return Polynomials(scaled.rows, tuple(_whole(block, exact) for block in scaled.terms))


def _whole(block: Terms, exact: Flags) -> Terms:
    coefficients = block.coefficients.values
    rounded = np.where(exact[block.row.values], np.rint(coefficients), coefficients)
    return Terms(block.row, block.variables, Array(rounded))
