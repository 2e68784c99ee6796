"""The energy of single penalty rows, restated from their residuals u as `ising.penalty` defines them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects import poly
from qevo_compiler.dialects.ising import PenaltyForm, RegisterOp
from qevo_compiler.dialects.poly import Polynomials, arithmetic
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.passes.penalty.penalty_energy import logic_rows

Floats = NDArray[np.float64]


def row_energy(form: PenaltyForm, rows: Polynomials, slopes: Floats | None) -> Polynomials:
    """form(u) for every row u, powers not reduced yet."""
    match form:
        case PenaltyForm.LINEAR:
            return rows
        case PenaltyForm.LOGIC:
            return clauses_of(rows)
        case PenaltyForm.TRIANGLE:
            return arithmetic.scale(arithmetic.add(arithmetic.multiply(rows, rows), rows), 0.5)
        case PenaltyForm.SLOPED:
            assert slopes is not None
            return arithmetic.add(arithmetic.multiply(rows, rows), arithmetic.scale(rows, slopes))
    return arithmetic.multiply(rows, rows)


def clauses_of(rows: Polynomials) -> Polynomials:
    """`logic_rows` of rows in units, whose coefficients are whole but for rounding."""
    return logic_rows(whole_coefficients(rows))


def whole_coefficients(rows: Polynomials) -> Polynomials:
    """The rows with their coefficients rounded."""
    blocks = ((b.row.values, b.variables.values, np.rint(b.coefficients.values)) for b in rows.terms)
    return pack(rows.rows, blocks)


def equation_signs(body: Polynomials) -> Floats:
    """-1 for rows that are nowhere positive: an equation is stated so that it is nowhere negative."""
    most = body.constants()
    for block in body.terms:
        if block.degree:
            most += np.bincount(block.row.values, np.maximum(block.coefficients.values, 0), body.rows)
    return np.where(most <= 0, -1.0, 1.0)


def slack_rows(register: RegisterOp, affine: poly.AffineMap) -> Polynomials:
    """The slack of every row over the registers' bits."""
    counts = np.diff(affine.starts.values)
    row = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    bits = affine.bits.values[:, None] + np.int32(register.first)
    return arithmetic.add(
        pack(len(counts), [(row, bits, affine.weights.values)]), arithmetic.constants(affine.offsets.values)
    )
