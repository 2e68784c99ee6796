"""The penalty of constraint rows as one polynomial over decision and slack bits."""

from __future__ import annotations

from math import isfinite

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.structure import row_clauses, row_literals
from qevo_compiler.dialects.ising import FORMS, PenaltyForm
from qevo_compiler.dialects.poly import AffineMap, Polynomials, Terms, Vartype, arithmetic
from qevo_compiler.dialects.poly.pair_arrays import GroupPairs, no_rows
from qevo_compiler.dialects.poly.polynomials import canonical, pack
from qevo_compiler.dialects.problem import Encoding
from qevo_compiler.evaluator.terms.merge_sorted import MOST
from qevo_compiler.evaluator.terms.term_kernels import FEW, WORTH, pair_products
from qevo_compiler.ir import Array
from qevo_compiler.ir.deferred import uniform
from qevo_compiler.passes.expanding.affine_square import AffineForm, symbolic_square
from qevo_compiler.passes.penalty.combine import combine
from qevo_compiler.passes.penalty.family_rows import PenaltyRows

Floats = NDArray[np.float64]
Block = tuple[NDArray[np.int32], NDArray[np.int32], Floats]


def penalty_energy(family: PenaltyRows, first_slack: int, vartype: Vartype) -> Polynomials:
    """The sum over the rows of form(u), one row; slack bits are numbered from `first_slack`.

    Cost: for the square of a row of L terms L (L + 1) / 2 terms.
    """
    residual = with_slack(family, first_slack)
    if family.op.factors is not None:
        parts = [weighted_squares(residual, vartype, family.op.factors.values)]
    elif family.form is not PenaltyForm.MIXED:
        parts = form_energy(family.form, residual, vartype, family.slopes)
    else:
        parts = []
        for number in np.flatnonzero(np.bincount(family.forms)).tolist():
            here = family.forms == number
            slopes = None if family.slopes is None else family.slopes[here]
            parts += form_energy(FORMS[number], arithmetic.select(residual, np.flatnonzero(here)), vartype, slopes)
    if family.slack is not None and family.slack.encoding is Encoding.DOMAIN_WALL:
        parts.append(arithmetic.total(wall_rows(family.slack.affine, first_slack)))
    return parts[0] if len(parts) == 1 else arithmetic.add(*parts)


def form_energy(form: PenaltyForm, rows: Polynomials, vartype: Vartype, slopes: Floats | None) -> list[Polynomials]:
    """Parts (one row each) that sum to form(u) over all rows u."""
    match form:
        case PenaltyForm.LINEAR:
            return [arithmetic.total(rows)]
        case PenaltyForm.TRIANGLE:
            return [
                arithmetic.add(*(arithmetic.scale(p, 0.5) for p in (arithmetic.total(rows), _squares(rows, vartype))))
            ]
        case PenaltyForm.LOGIC:
            return [arithmetic.total(logic_rows(rows))]
        case PenaltyForm.SLOPED:
            assert slopes is not None
            return [_squares(rows, vartype), arithmetic.total(arithmetic.scale(rows, slopes))]
    return [_squares(rows, vartype)]


def weighted_squares(rows: Polynomials, vartype: Vartype, factors: Floats) -> Polynomials:
    """The sum of factor times square over all rows."""
    products = arithmetic.multiply(rows, arithmetic.scale(rows, factors))
    return arithmetic.total(arithmetic.reduce_powers(products, vartype))


def with_slack(family: PenaltyRows, first_slack: int) -> Polynomials:
    """u with its slack, by row."""
    if family.slack is None:
        return family.residual
    affine = family.slack.affine
    counts = np.diff(affine.starts.values)
    row = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    bits = affine.bits.values[:, None] + np.int32(first_slack)
    weights = affine.weights.values / family.units[row]
    if family.exact and not family.soft:
        weights = np.rint(weights)
    return arithmetic.add(family.residual, pack(family.residual.rows, [(row, bits, weights)]))


def wall_rows(affine: AffineMap, first_slack: int) -> Polynomials:
    """How many slack bits of each row are set behind one that is not."""
    counts = np.diff(affine.starts.values)
    bits = affine.bits.values + np.int32(first_slack)
    later = np.ones(len(bits), bool)
    later[affine.starts.values[:-1][counts > 0]] = False
    behind = np.flatnonzero(later)
    row, ones = np.repeat(np.arange(len(counts), dtype=np.int32), counts)[behind], np.ones(len(behind))
    pairs = np.stack([bits[behind - 1], bits[behind]], axis=1)
    return pack(len(counts), [(row, bits[behind][:, None], ones), (row, pairs, -ones)])


def logic_rows(p: Polynomials) -> Polynomials:
    """For every row `u <= 0` in whole units that clauses express, the sum of their products (a clause's literals)."""
    literals = row_literals(p)
    clauses = row_clauses(literals, np.ones(p.rows, bool))
    blocks: list[Block] = []
    row, bit = literals.row.astype(np.int32), literals.bit.astype(np.int32)
    for members in clauses.members:
        if len(members):
            blocks += _products(row[members[:, 0]], bit[members], literals.negated[members])
    return pack(p.rows, blocks)


def _products(row: NDArray[np.int32], bits: NDArray[np.int32], negated: NDArray[np.bool_]) -> list[Block]:
    """Products of x where not negated and 1 - x where negated: one term for every set of negated members."""
    blocks: list[Block] = []
    degree = bits.shape[1]
    for chosen in range(1 << degree):
        kept = np.array([not chosen >> k & 1 for k in range(degree)])
        # Members that are left out contribute their 1, which only negated ones have.
        here = negated[:, ~kept].all(axis=1)
        sign = np.where(negated[:, kept].sum(axis=1) % 2, -1.0, 1.0)[here]
        blocks.append((row[here], bits[here][:, kept], sign))
    return blocks


def _squares(p: Polynomials, vartype: Vartype) -> Polynomials:
    """The sum of the rows' squares."""
    if p.degree > 1:
        return arithmetic.total(arithmetic.reduce_powers(arithmetic.multiply(p, p), vartype))
    row, variables, coefficients = p.block(1)
    names, constants = variables[:, 0], p.constants()
    if p.rows == 1:
        form = AffineForm(float(constants[0]), names, coefficients, vartype is Vartype.SPIN)
        if (symbolic := symbolic_square(form)) is not None:
            return symbolic
    single, fixed = 2 * constants[row] * coefficients, float((constants * constants).sum())
    squares = coefficients * coefficients
    if vartype is Vartype.SPIN:
        fixed = fixed + float(squares.sum())
    else:
        single = single + squares
    order, repeated = _by_name(names)
    if repeated and _added_one_by_one(row, names, p.rows):
        each = (arithmetic.select(p, np.array([k])) for k in range(p.rows))
        return combine([(_squares(one, vartype), 1.0) for one in each])
    crossing = _crossing(names, _row_ends(row, p.rows), order, coefficients, repeated)
    scalar = np.zeros((1, 0), np.int32), np.array([fixed])
    terms = [_terms(*block) for block in (scalar, (variables[order], single[order]))] + [crossing]
    square = Polynomials(1, tuple(block for block in terms if len(block)))
    # Where no bit is in two rows the terms are in order, each once.
    return canonical(square) if repeated else square


def _added_one_by_one(row: NDArray[np.int32], names: NDArray[np.int32], rows: int) -> bool:
    """Whether the squares of long rows are added, not sorted together: of few rows, or of any over the same bits."""
    lengths = np.bincount(row, minlength=rows)
    if int((lengths * (lengths - 1) // 2).min()) < WORTH:
        return False
    return rows <= MOST or bool(
        (lengths == lengths[0]).all() and (names.reshape(rows, -1) == names[: lengths[0]]).all()
    )


def _crossing(
    names: NDArray[np.int32], ends: NDArray[np.int64], order: NDArray[np.int64], coefficients: Floats, repeated: bool
) -> Terms:
    """The products of two terms of one row; many alike, over bits that are in one row each, are given by a rule."""
    if not repeated and int(ends.sum()) - len(ends) * (len(ends) + 1) // 2 >= FEW:
        product = 2 * float(coefficients[0]) * float(coefficients[0])
        if (coefficients == coefficients[0]).all() and product and isfinite(product):
            pairs = GroupPairs(names, ends, order)
            return Terms(no_rows(len(pairs)), pairs, uniform(len(pairs), product, "f64"))
    return _terms(*pair_products(order, ends, names, coefficients))


def _by_name(names: NDArray[np.int32]) -> tuple[NDArray[np.int64], bool]:
    """The order of terms by bit, and whether a bit occurs twice."""
    if bool((names[1:] > names[:-1]).all()):
        return np.arange(len(names)), False
    order = np.argsort(names, kind="stable")
    ordered = names[order]
    return order, bool((ordered[1:] == ordered[:-1]).any())


def _row_ends(row: NDArray[np.int32], rows: int) -> NDArray[np.int64]:
    """For every term of sorted rows where its row ends."""
    return np.asarray(np.cumsum(np.bincount(row, minlength=rows))[row], np.int64)


def _terms(names: NDArray[np.int32], coefficients: Floats) -> Terms:
    """Terms of one row without those that are zero."""
    if not coefficients.all():
        keep = coefficients != 0
        names, coefficients = names[keep], coefficients[keep]
    return Terms(no_rows(len(names)), Array(names, keep_layout=True), Array(coefficients))
