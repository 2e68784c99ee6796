"""Constraint families made ready for the energy: in whole units, with their form and slack.

A row `body <= 0` whose terms are multiples of a unit g is the same as `u <= 0` with
u = (body + shift) / g, where the shift rounds the constant up to a multiple of g. Its smallest
violation is then 1, whatever the data. Before that, coefficients larger than what a hard row can be exceeded by
are cut down to it (`analyses.structure.tightening`). What u needs to vanish on feasible states decides the form,
row by row:

  u never negative: u itself (linear). u at least -1: u (u + 1) / 2, which is u < 0 once and u = 0
  (for `x + y <= 1` this is x y, for `x <= y` it is x (1 - y)). Rows that are clauses of up to three
  literals: the sum of the clauses' products (logic). Otherwise (u + slack)^2. Two rows that bound one expression from
both sides share a slack, or take none where it spans one unit (see `two_sided`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qevo_compiler.analyses.bounds import Groups
from qevo_compiler.analyses.structure import row_clauses, row_literals
from qevo_compiler.diagnostics import Diagnostics
from qevo_compiler.diagnostics.language.statements import BadWeight
from qevo_compiler.diagnostics.penalties import TooMuchSlack
from qevo_compiler.dialects.ising import FORMS
from qevo_compiler.dialects.poly import AffineMap, ConstraintOp, Polynomials, Terms, arithmetic
from qevo_compiler.dialects.problem import Encoding
from qevo_compiler.ir import Array
from qevo_compiler.passes.encoding.codes import MAX_BITS
from qevo_compiler.passes.penalty.family_rows import Flags, Floats, Integers, PenaltyRows, RowOptions
from qevo_compiler.passes.penalty.methods import Method
from qevo_compiler.passes.penalty.never_met import impossible, warn_of_unmet
from qevo_compiler.passes.penalty.row_bodies import Body, stated_body, tightened_body
from qevo_compiler.passes.penalty.slack_codes import Slack, make_slack, slack_encoding, slack_size
from qevo_compiler.passes.penalty.two_sided import NONE, TwoSided

# A coarse slack step is this part of the smallest violation that is still penalised in full.
FLOOR_STEPS = 32

_SQUARE, _LINEAR, _TRIANGLE, _LOGIC, _SLOPED = range(len(FORMS))


def penalty_rows(
    op: ConstraintOp, groups: Groups, options: RowOptions, found: Diagnostics, redundant: Flags | None = None
) -> PenaltyRows | None:
    """The family ready for the energy, or None when it is wrong (reported to `found`) or never matters.

    `redundant` rows of a hard family are implied by other rows and get no penalty.
    """
    if op.weight is not None and not (np.isfinite(op.weight) and op.weight >= 0):
        found.add(BadWeight(op.span, f"{op.weight:g}"))
        return None
    if op.factors is not None and not (op.factors.is_finite and op.factors.least >= 0):
        found.add(BadWeight(op.span, f"{op.factors.least:g} in a row"))
        return None
    options = replace(options, clauses=0) if op.bounding else options
    stated = stated_body(op, groups)
    body = tightened_body(stated, groups) if options.tighten and not stated.equal else stated
    holds = body.high <= body.tolerance
    if body.equal:
        holds &= body.low >= -body.tolerance
    if op.weight is None and impossible(body, stated, found):
        return None
    if op.weight is None and redundant is not None:
        holds = holds | redundant
    if op.weight:
        warn_of_unmet(body, stated, found)
    if op.factors is not None:
        holds = holds | (op.factors.values == 0)
    if holds.all() or op.weight == 0:
        return None
    rows = _soft(body, holds, options) if op.weight is not None else _hard(body, holds, options)
    if rows.slack is not None and rows.slack.bits > MAX_BITS:
        found.add(TooMuchSlack(op.span, op.symbol, rows.slack.bits, rows.slack.encoding.value, MAX_BITS))
    return rows


def _hard(body: Body, holds: Flags, options: RowOptions) -> PenaltyRows:
    rows, exact = len(holds), _granular(body, options.slack_bits)
    unit = np.where(exact, body.unit, 1.0)
    shift = np.zeros(rows)
    if not body.equal:
        whole = np.ceil((body.constant - body.tolerance) / unit)
        shift = np.where(exact, whole * unit - body.constant, 0.0)
    below = np.maximum(-(body.low + shift), 0.0)
    nonnegative, least = _never_negative(body, shift)
    smallest = np.where(exact, unit, least)
    linear = nonnegative & (smallest > 0)
    exact, unit = exact | linear, np.where(linear, smallest, unit)
    floor = FLOOR_STEPS / (2.0**options.coarse_bits - 1)
    unit = np.where(exact, unit, np.maximum(np.abs(body.low), np.abs(body.high)) * floor)
    unit[holds] = 1
    units = np.where(holds, 0.0, unit)
    residual = _in_units(body.poly, units, shift, exact)
    forms = np.full(rows, _SQUARE)
    if not body.equal:
        forms[exact & (np.rint(below / unit) <= 1)] = _TRIANGLE
    forms[linear] = _LINEAR
    forms[_logical(body, residual, exact & ~holds & (forms == _SQUARE), options)] = _LOGIC
    span = np.where(exact, np.rint(below / unit), 2.0**options.coarse_bits - 1)
    span[holds | (forms != _SQUARE) | (below == 0) | body.equal] = 0
    pairs, steps = _pairs(body, options).joined(exact & ~holds, unit, shift, span > 0, body.tolerance)
    span[pairs.first], span[pairs.second] = np.where(steps > 1, steps, 0.0), 0.0
    forms[pairs.first] = np.where(steps == 1, _TRIANGLE, _SQUARE)
    holds, units, residual = pairs.without_partners(holds, units, residual)
    slopes = _sloped(forms, span, options)
    step = np.where(exact, unit, below / np.maximum(span, 1))
    slack = _slack(span, step, options)
    forms[holds] = forms[~holds][0]
    done = bool((exact | holds).all())
    widths = pairs.widths(steps, len(holds))
    caps = _caps(body, holds)
    return PenaltyRows(
        body.op, forms, units, shift, residual, slack, done, body.low, body.high, slopes, caps, widths, body.shared
    )


def _pairs(body: Body, options: RowOptions) -> TwoSided:
    """The pairs that may share a penalty: none where slack is not what makes the penalty exact."""
    return NONE if options.no_slack or options.method is Method.LAGRANGIAN else body.pairs


def _logical(body: Body, residual: Polynomials, wanted: Flags, options: RowOptions) -> Flags:
    """Which of the `wanted` rows are clauses: inequalities of degree 1 that would otherwise need slack."""
    if body.equal or options.clauses < 2 or not wanted.any():
        return np.zeros(len(wanted), bool)
    wanted = wanted.copy()
    for block in residual.terms:
        if block.degree > 1:
            wanted[block.row.values] = False
    literals = row_literals(residual)
    return row_clauses(literals, wanted & (literals.capacity >= 0), options.clauses).whole & wanted


def _sloped(forms: Integers, span: Floats, options: RowOptions) -> Floats | None:
    """Give rows their slope in place of slack (unbalanced) or besides it (Lagrangian); None where no row has one."""
    slopes = np.zeros(len(forms))
    if options.no_slack:
        chosen = span > 0
        slopes[chosen] = options.slope
        span[chosen] = 0
    elif options.method is Method.LAGRANGIAN:
        chosen = forms == _SQUARE
    else:
        return None
    forms[chosen] = _SLOPED
    return slopes if chosen.any() else None


def _granular(body: Body, slack_limit: int) -> Flags:
    unit = np.where(body.unit > 0, body.unit, 1.0)
    reach = np.maximum(np.abs(body.low), np.abs(body.high)) / unit
    return np.isfinite(body.unit) & (body.unit > 0) & (reach < 2.0**slack_limit)


def _never_negative(body: Body, shift: Floats) -> tuple[Flags, Floats]:
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


def _soft(body: Body, holds: Flags, options: RowOptions) -> PenaltyRows:
    """Violation squared in the body's own units; slack reaches every value that a satisfied row takes."""
    units, forms = np.where(holds, 0.0, 1.0), np.full(len(holds), _SQUARE)
    slack, done, widths = None, True, None
    residual, no_shift = _in_units(body.poly, units), np.zeros(len(holds))
    if not body.equal:
        fine = _granular(body, options.slack_bits)
        exact = fine | ~np.isfinite(body.unit)
        unit = np.where(fine, body.unit, 1.0)
        below = np.maximum(-body.low, 0.0)
        fraction = np.where(exact, np.ceil((body.constant - body.tolerance) / unit) - body.constant / unit, 0.0)
        fraction[np.abs(fraction * unit) <= body.tolerance] = 0
        span = np.where(exact, np.floor((below + body.tolerance) / unit - fraction), 2.0**options.coarse_bits - 1)
        span[holds | (below <= 0) | ~np.isfinite(body.unit)] = 0
        fraction[holds | (below <= 0) | ~np.isfinite(body.unit)] = 0
        pairs, steps = _pairs(body, options).joined(
            fine & (fraction == 0) & ~holds, unit, no_shift, span > 0, body.tolerance
        )
        span[pairs.first], span[pairs.second] = steps, 0.0
        step = np.where(exact, unit, below / np.maximum(span, 1))
        holds, units, residual = pairs.without_partners(holds, units, residual)
        widths = pairs.widths(steps * unit[pairs.first], len(holds))
        slack = _slack(np.maximum(span, 0), step, options, fraction)
        done = bool((exact | holds).all())
    return PenaltyRows(
        body.op, forms, units, no_shift, residual, slack, done, body.low, body.high, None, _caps(body, holds), widths,
        body.shared,
    )  # fmt: skip


def _caps(body: Body, holds: Flags) -> Floats | None:
    return None if body.caps is None else np.where(holds, np.inf, body.caps)


def _slack(span: Floats, step: Floats, options: RowOptions, fraction: Floats | None = None) -> Slack | None:
    encoding = slack_encoding(options.slack, float(span.max(initial=0.0)), options.precision)
    if encoding is Encoding.DOMAIN_WALL and fraction is not None:
        # The bit of the fraction stands outside the order of the others.
        encoding = Encoding.UNARY
    size = slack_size(span, encoding, options.bound)
    if size > MAX_BITS:
        # Refused by name before any array of that size is made.
        return Slack(AffineMap.empty(len(span)), int(size), encoding)
    return make_slack(span, step, encoding, options.bound, fraction)


def _in_units(poly: Polynomials, units: Floats, shift: Floats | None = None, exact: Flags | None = None) -> Polynomials:
    """(body + shift) / unit; rows with unit 0 become zero, coefficients of exact rows whole."""
    kept = units > 0
    shifted = poly if shift is None or not shift.any() else arithmetic.add(poly, arithmetic.constants(shift))
    chosen = shifted if kept.all() else arithmetic.select(shifted, np.where(kept, np.arange(poly.rows), -1))
    scaled = arithmetic.scale(chosen, 1 / np.where(kept, units, 1.0))
    if exact is None or not exact.any():
        return scaled
    return Polynomials(scaled.rows, tuple(_whole(block, exact) for block in scaled.terms))


def _whole(block: Terms, exact: Flags) -> Terms:
    coefficients = block.coefficients.values
    rounded = np.where(exact[block.row.values], np.rint(coefficients), coefficients)
    return Terms(block.row, block.variables, Array(rounded))
