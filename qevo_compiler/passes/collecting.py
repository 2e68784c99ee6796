"""Collect the terms of one large sum: names and pairs by compiled kernels, products of more by sorting.

The kernels read the columns of an expansion where they lie, which are often the index arrays of the program itself,
and write each term once. Families of rows and few terms go the general way (`Algebra.polynomials`), but for pairs
that need no adding, whose collection is no question of rounding.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.poly import Polynomials, Terms
from qevo_compiler.dialects.poly.counting import counting
from qevo_compiler.dialects.poly.expansion import Algebra, Expansion
from qevo_compiler.dialects.poly.pair_arrays import no_rows
from qevo_compiler.dialects.poly.polynomials import Floats, Ints, pack
from qevo_compiler.evaluator.terms.collect import Pairs, collect_pairs, sums_by_name
from qevo_compiler.evaluator.terms.term_kernels import FEW, WORTH
from qevo_compiler.ir import Array

# Tables by variable are kept where terms are not much rarer than variables.
SPARSE = 16

Columns = tuple[Ints, ...]
Block = tuple[Columns, Floats]


def collected(x: Expansion, algebra: Algebra) -> Polynomials:
    """The collected terms in canonical form. Sums are in the order of the expansion's terms."""
    size, count = len(algebra.binary), len(x)
    if x.rows != 1 or x.sorted or not FEW <= count < 1 << 31 or size > SPARSE * count:
        return algebra.polynomials(x)
    if count < WORTH:
        return _apart(x, algebra) or algebra.polynomials(x)
    by_degree: dict[int, list[Block]] = {}
    for columns, weights in _blocks(x, algebra):
        by_degree.setdefault(len(columns), []).append((columns, weights))
    constants, single, pairs, *_ = (by_degree.pop(degree, []) for degree in range(3))
    # Degree by degree, so that the terms of one are let go of before the next.
    high = [term for degree in sorted(by_degree) for term in _high(by_degree.pop(degree))]
    names, values, moved = _pairs(pairs, algebra) if pairs else (np.zeros((0, 2), np.int32), np.zeros(0), [])
    for columns, weights in moved:
        (single if columns else constants).append((columns, weights))
    totals = sums_by_name([(columns[0], weights) for columns, weights in single], size)
    used = counting(size) if totals.all() else np.flatnonzero(totals).astype(np.int32)
    constant = sum((float(weights.sum()) for _, weights in constants), 0.0)
    low = (
        (np.zeros((1, 0), np.int32), np.array([constant])[: constant != 0]),
        (used[:, None], totals if len(used) == size else totals[used]),
        (names, values),
    )
    return Polynomials(1, (*(_terms(*block) for block in low if len(block[1])), *high))


def _apart(x: Expansion, algebra: Algebra) -> Polynomials | None:
    """The terms of few parts of pairs, all different; else None."""
    if any(part.degree != 2 for part in x.parts) or algebra.excludes:
        return None
    parts = [Pairs(part.columns[0], part.columns[1], part.coefficients) for part in x.parts]
    names, values = collect_pairs(parts, len(algebra.binary))
    if len(values) < len(x) or (names[:, 0] == names[:, 1]).any():
        return None
    return Polynomials(1, (_terms(names, values),))


def _blocks(x: Expansion, algebra: Algebra) -> Iterator[Block]:
    """The terms by columns of their names; those of more than two names are reduced."""
    for part in x.parts:
        if part.degree == 0:
            yield (), part.weights()
        elif part.degree <= 2:
            yield part.columns, part.coefficients
        else:
            for _, names, weights in algebra.reduced(part):
                yield tuple(names[:, place] for place in range(names.shape[1])), weights


def _pairs(blocks: list[Block], algebra: Algebra) -> tuple[Ints, Floats, list[Block]]:
    """The products of two variables, and what those of a variable with itself become where that is less."""
    parts = [Pairs(first, second, weights) for (first, second), weights in blocks]
    names, values = collect_pairs(parts, len(algebra.binary))
    rows, columns = names[:, 0], names[:, 1]
    same = rows == columns
    gone = np.zeros(0, bool)
    moved: list[Block] = []
    if same.any():
        gone = same & (algebra.binary | algebra.spin)[rows]
        bits, spins = same & algebra.binary[rows], same & algebra.spin[rows]
        moved = [((rows[bits],), values[bits]), ((), values[spins])]
    if algebra.excludes:
        choice = algebra.choice[rows]
        excluded = (choice == algebra.choice[columns]) & (choice >= 0) & ~same
        gone = gone | excluded if len(gone) else excluded
    if gone.any():
        keep = ~gone
        return _kept(names, keep), values[keep], moved
    return names, values, moved


def _kept(names: Ints, keep: NDArray[np.bool_]) -> Ints:
    """The pairs marked by `keep`, with contiguous columns."""
    kept: Ints = names.T[:, keep].T
    return kept


def _high(blocks: list[Block]) -> tuple[Terms, ...]:
    return pack(1, [_one_row(np.stack(columns, axis=1), weights) for columns, weights in blocks]).terms


def _one_row(names: Ints, weights: Floats) -> tuple[Ints, Ints, Floats]:
    return np.zeros(len(names), np.int32), names, weights


def _terms(names: Ints, weights: Floats) -> Terms:
    return Terms(no_rows(len(names)), Array(names, keep_layout=True), Array(weights))
