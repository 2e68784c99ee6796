"""The penalty of constraint rows as one polynomial over decision and slack bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.ising import PenaltyForm
from qevo_compiler.dialects.poly import Polynomials, Vartype, arithmetic
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.passes.penalty.penalty_rows import PenaltyRows

Floats = NDArray[np.float64]
Block = tuple[NDArray[np.int32], NDArray[np.int32], Floats]


def penalty_energy(family: PenaltyRows, first_slack: int, vartype: Vartype) -> Polynomials:
    """The sum over the rows of form(u), one row; slack bits are numbered from `first_slack`.

    Cost: for the square of a row of L terms L (L + 1) / 2 terms.
    """
    match family.form:
        case PenaltyForm.LINEAR:
            return arithmetic.total(family.residual)
        case PenaltyForm.TRIANGLE:
            half = arithmetic.scale(arithmetic.total(family.residual), 0.5)
            return arithmetic.add(half, arithmetic.scale(_sum_of_squares(family.residual, vartype), 0.5))
        case PenaltyForm.SQUARE:
            return _sum_of_squares(with_slack(family, first_slack), vartype)


def with_slack(family: PenaltyRows, first_slack: int) -> Polynomials:
    """u with its slack, by row."""
    if family.slack is None:
        return family.residual
    counts = np.diff(family.slack.starts.values)
    row = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    bits = family.slack.bits.values[:, None] + np.int32(first_slack)
    weights = family.slack.weights.values / family.units[row]
    if family.exact and not family.soft:
        weights = np.rint(weights)
    return arithmetic.add(family.residual, pack(family.residual.rows, [(row, bits, weights)]))


def _sum_of_squares(p: Polynomials, vartype: Vartype) -> Polynomials:
    if p.degree > 1:
        return arithmetic.total(arithmetic.reduce_powers(arithmetic.multiply(p, p), vartype))
    row, names, coefficients = p.block(1)
    constants = p.constants()
    squares = coefficients * coefficients
    crossed = 2 * constants[row] * coefficients
    if vartype is Vartype.SPIN:
        single, fixed = crossed, float((constants * constants).sum() + squares.sum())
    else:
        single, fixed = crossed + squares, float((constants * constants).sum())
    zeros = np.zeros(len(row), np.int32)
    scalar: Block = (np.zeros(1, np.int32), np.zeros((1, 0), np.int32), np.array([fixed]))
    return pack(1, [scalar, (zeros, names, single), _pairs(row, names[:, 0], coefficients)])


def _pairs(row: NDArray[np.int32], names: NDArray[np.int32], coefficients: Floats) -> Block:
    """All products of two different terms of a row, in order, so that a single row needs no sorting."""
    lengths = np.bincount(row) if len(row) else np.zeros(0, np.int64)
    ends = np.cumsum(lengths)[row]
    here = np.arange(len(row))
    counts = ends - here - 1
    left = np.repeat(here, counts)
    right = np.arange(len(left)) - np.repeat(np.cumsum(counts) - counts, counts) + left + 1
    products = 2 * coefficients[left] * coefficients[right]
    return np.zeros(len(left), np.int32), np.stack([names[left], names[right]], axis=1), products
