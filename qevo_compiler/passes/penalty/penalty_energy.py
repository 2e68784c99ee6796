"""The penalty of constraint rows as one polynomial over decision and slack bits."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.structure import row_clauses, row_literals
from qevo_compiler.dialects.ising import FORMS, PenaltyForm
from qevo_compiler.dialects.poly import AffineMap, Polynomials, Terms, Vartype, arithmetic
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.dialects.problem import Encoding
from qevo_compiler.evaluator.terms.term_kernels import pair_products
from qevo_compiler.ir import Array
from qevo_compiler.passes.affine_square import AffineForm, symbolic_square
from qevo_compiler.passes.penalty.family_rows import PenaltyRows

Floats = NDArray[np.float64]
Block = tuple[NDArray[np.int32], NDArray[np.int32], Floats]


def penalty_energy(family: PenaltyRows, first_slack: int, vartype: Vartype) -> Polynomials:
    """The sum over the rows of form(u), one row; slack bits are numbered from `first_slack`.

    Cost: for the square of a row of L terms L (L + 1) / 2 terms.
    """
    residual = with_slack(family, first_slack)
    uniform = family.form is not PenaltyForm.MIXED
    parts = []
    for number in np.flatnonzero(np.bincount(family.forms)).tolist():
        rows = residual if uniform else arithmetic.select(residual, np.flatnonzero(family.forms == number))
        slopes = None if family.slopes is None else family.slopes[family.forms == number]
        parts += form_energy(FORMS[number], rows, vartype, slopes)
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
    if p.degree > 1:
        return arithmetic.total(arithmetic.reduce_powers(arithmetic.multiply(p, p), vartype))
    row, names, coefficients = p.block(1)
    constants = p.constants()
    if p.rows == 1:
        form = AffineForm(float(constants[0]), names[:, 0], coefficients, vartype is Vartype.SPIN)
        if (symbolic := symbolic_square(form)) is not None:
            return symbolic
    squares = coefficients * coefficients
    crossed = 2 * constants[row] * coefficients
    if vartype is Vartype.SPIN:
        single, fixed = crossed, float((constants * constants).sum() + squares.sum())
    else:
        single, fixed = crossed + squares, float((constants * constants).sum())
    zeros = np.zeros(len(row), np.int32)
    scalar: Block = (np.zeros(1, np.int32), np.zeros((1, 0), np.int32), np.array([fixed]))
    order, repeated = _by_name(names[:, 0])
    pairs, products = pair_products(order, _row_ends(row, p.rows), names[:, 0], coefficients, shared=True)
    crossing: Block = (np.broadcast_to(np.int32(0), products.shape), pairs, products)
    blocks = [scalar, (zeros, names[order], single[order]), crossing]
    # Where no bit is in two rows the products come out in order, each once.
    return pack(1, blocks) if repeated else Polynomials(1, tuple(_terms(blocks)))


def _by_name(names: NDArray[np.int32]) -> tuple[NDArray[np.int64], bool]:
    """The order of terms by bit, and whether a bit occurs twice."""
    steps = np.diff(names)
    if bool((steps > 0).all()):
        return np.arange(len(names)), False
    order = np.argsort(names, kind="stable")
    return order, bool((np.diff(names[order]) == 0).any())


def _row_ends(row: NDArray[np.int32], rows: int) -> NDArray[np.int64]:
    """For every term of sorted rows where its row ends."""
    return np.asarray(np.cumsum(np.bincount(row, minlength=rows))[row], np.int64)


def _terms(blocks: list[Block]) -> Iterator[Terms]:
    """The blocks of one row without zero coefficients."""
    for row, names, coefficients in blocks:
        if not coefficients.all():
            keep = coefficients != 0
            row, names, coefficients = row[keep], names[keep], coefficients[keep]
        if len(row):
            yield Terms(
                Array(row, keep_layout=True), Array(names, keep_layout=True), Array(coefficients, keep_layout=True)
            )
