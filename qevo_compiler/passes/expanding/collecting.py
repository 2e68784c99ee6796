"""Collect the terms of one large sum: names and pairs by compiled kernels, products of more by sorting.

The kernels read the columns of an expansion where they lie, which are often the index arrays of the program itself,
and write each term once. Families of rows and few terms go the general way (`Algebra.polynomials`), but for pairs
that need no adding, whose collection is no question of rounding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.ising.coupling_order import state_ascending
from qevo_compiler.dialects.poly import Polynomials, Terms
from qevo_compiler.dialects.poly.algebra import Algebra
from qevo_compiler.dialects.poly.expansion import Expansion, Part
from qevo_compiler.dialects.poly.pair_arrays import no_rows
from qevo_compiler.dialects.poly.polynomials import Floats, Ints, pack, state_squarefree
from qevo_compiler.evaluator.terms.closing import shrunk
from qevo_compiler.evaluator.terms.collect import Pairs, collect_pairs, sums_by_name
from qevo_compiler.evaluator.terms.keyed import fits, merge, split, write_keys
from qevo_compiler.evaluator.terms.memory import returned, uninitialised
from qevo_compiler.evaluator.terms.term_kernels import FEW, WORTH
from qevo_compiler.ir import Array
from qevo_compiler.ir.counting import counting, is_counting
from qevo_compiler.ir.deferred import bounded

_PART = 1 << 14  # terms that are compared at a time

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
        return _apart(x, algebra) or _narrowed(algebra.polynomials(x))
    pairs, by_degree = _by_degree(x, algebra)
    constants, single = (by_degree.pop(degree, []) for degree in range(2))
    # Degree by degree, so that the terms of one are let go of before the next.
    high = [term for degree in sorted(by_degree) for term in _high(by_degree.pop(degree), size)]
    quadratic, moved = _pairs(pairs, algebra) if pairs else ([], [])
    for columns, weights in moved:
        (single if columns else constants).append((columns, weights))
    constant = sum((float(weights.sum()) for _, weights in constants), 0.0)
    constants_left = [_terms(np.zeros((1, 0), np.int32), Array(np.array([constant])))] if constant else []
    return Polynomials(1, (*constants_left, *_single(single, size), *quadratic, *high))


def _narrowed(p: Polynomials) -> Polynomials:
    """One row. Products of three variables and more are kept for reading back alone: they are written otherwise."""
    terms = (replace(block.narrowed(), row=no_rows(len(block))) if block.degree > 2 else block for block in p.terms)
    return Polynomials(1, tuple(terms))


def _apart(x: Expansion, algebra: Algebra) -> Polynomials | None:
    """The terms of few parts of pairs, all different; else None."""
    if any(part.degree != 2 for part in x.parts) or algebra.excludes:
        return None
    parts = [_as_pairs(part) for part in x.parts]
    names, values = collect_pairs(parts, len(algebra.binary))
    if len(values) < len(x) or (names[:, 0] == names[:, 1]).any():
        return None
    return Polynomials(1, (_terms(names, Array(values)),))


def _by_degree(x: Expansion, algebra: Algebra) -> tuple[list[Pairs], dict[int, list[Block]]]:
    """The terms of two names, as they are given, and all others by columns of their names.

    Those of more than two names are reduced, and their names ascend.
    """
    pairs: list[Pairs] = []
    others: dict[int, list[Block]] = {}
    for part in x.parts:
        if part.degree == 2:
            pairs.append(_as_pairs(part))
            continue
        for columns, weights in _reduced(part, algebra):
            if len(columns) == 2:
                pairs.append(Pairs(*columns, weights=weights))
            else:
                others.setdefault(len(columns), []).append((columns, weights))
    return pairs, others


def _as_pairs(part: Part) -> Pairs:
    first, second = part.given_columns
    return Pairs(first, second, part.factors)


def _reduced(part: Part, algebra: Algebra) -> Iterator[Block]:
    columns = part.columns
    if part.degree == 0:
        yield (), part.weights()
    elif part.degree == 1 or _is_reduced(columns, part.coefficients, algebra):
        yield columns, part.coefficients
    else:
        for _, names, weights in algebra.reduced(part):
            yield tuple(names[:, place] for place in range(names.shape[1])), weights


def _single(blocks: list[Block], size: int) -> list[Terms]:
    """The linear terms of all variables together."""
    if blocks and all(not weights.ndim and len(names) == size and is_counting(names) for (names,), weights in blocks):
        # Sums of all variables: one number is added to every total.
        total = sum((float(weights) for _, weights in blocks), 0.0)
        weights = uninitialised(size, np.float64)
        weights.fill(total)
        return [_terms(counting(size)[:, None], bounded(weights, total, total))] if total else []
    totals = sums_by_name([(names, weights) for (names,), weights in blocks], size)
    used = counting(size) if totals.all() else np.flatnonzero(totals).astype(np.int32)
    return [_terms(used[:, None], Array(totals if len(used) == size else totals[used]))] if len(used) else []


def _pairs(parts: list[Pairs], algebra: Algebra) -> tuple[list[Terms], list[Block]]:
    """The products of two variables, and what those of a variable with itself become where that is less."""
    names, values = collect_pairs(parts, len(algebra.binary))
    rows, columns = names[:, 0], names[:, 1]
    again = _meet(rows, columns)
    gone: list[NDArray[np.bool_]] = []
    moved: list[Block] = []
    if again:
        same = rows == columns
        bits, spins = same & algebra.binary[rows], same & algebra.spin[rows]
        moved = [((rows[bits],), values[bits]), ((), values[spins])]
        gone.append(bits | spins)
    if algebra.excludes:
        choice = algebra.choice[rows]
        gone.append((choice == algebra.choice[columns]) & (choice >= 0) & (rows != columns))
    if any(flags.any() for flags in gone):
        keep = ~np.logical_or.reduce(gone)
        names, values = _kept(names, keep), values[keep]
    if not len(values):
        return [], moved
    terms = _terms(names, _coefficients(values, parts))
    if not (again and _meet(names[:, 0], names[:, 1])):
        state_squarefree(terms)
        state_ascending(*terms.columns)
    return [terms], moved


def _meet(first: Ints, second: Ints) -> bool:
    """Whether two arrays are equal anywhere; a part at a time, so that little memory is touched."""
    parts = (slice(start, start + _PART) for start in range(0, len(first), _PART))
    return any(bool((first[part] == second[part]).any()) for part in parts)


def _coefficients(values: Floats, parts: list[Pairs]) -> Array:
    """The sums of the pairs' weights; where none were added and all are one number, that is known of them."""
    if len(parts) == 1 and parts[0].weight is not None and len(values) == len(parts[0]) and isfinite(values[0]):
        return bounded(values, float(values[0]), float(values[0]))
    return Array(values)


def _kept(names: Ints, keep: NDArray[np.bool_]) -> Ints:
    """The pairs marked by `keep`, with contiguous columns."""
    kept: Ints = names.T[:, keep].T
    return kept


def _is_reduced(columns: Columns, coefficients: Floats, algebra: Algebra) -> bool:
    """Whether names ascend and differ inside every term, none of which is zero, and no two exclude each other."""
    ascend = all(bool((low < high).all()) for low, high in pairwise(columns))
    return ascend and bool(coefficients.all()) and algebra.choice.max(initial=-1) < 0


def _high(blocks: list[Block], size: int) -> tuple[Terms, ...]:
    """The products of more than two of `size` variables; `blocks` is used up."""
    degree, bits = len(blocks[0][0]), size.bit_length()
    ends = np.cumsum([0, *(len(columns[0]) for columns, _ in blocks)]).tolist()
    if not fits(bits, degree, ends[-1]):
        return pack(1, [_one_row(np.stack(columns, axis=1), weights) for columns, weights in blocks]).terms
    keys, values = returned((ends[-1],), np.int64), np.empty(ends[-1])
    for start, end in pairwise(ends):
        columns, values[start:end] = blocks.pop(0)
        write_keys(columns, bits, keys[start:end])
    kept = merge(keys, values)
    names = np.empty((kept, degree), np.int32)
    split(keys[:kept], bits, *names.T)
    return (_terms(names, Array(shrunk(values, kept))).narrowed(),) if kept else ()


def _one_row(names: Ints, weights: Floats) -> tuple[Ints, Ints, Floats]:
    return np.zeros(len(names), np.int32), names, np.broadcast_to(weights, len(names))


def _terms(names: Ints, coefficients: Array) -> Terms:
    # Terms ascend: the first name of all is the lowest.
    least, most = (int(names[0, 0]), int(names[:, -1].max())) if names.size else (0, 0)
    return Terms(no_rows(len(names)), bounded(names, least, most), coefficients)
