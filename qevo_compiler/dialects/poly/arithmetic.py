"""Arithmetic on packed polynomials, row by row, in whole-array operations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qevo_compiler.dialects.poly.pair_arrays import PairProducts
from qevo_compiler.dialects.poly.polynomials import AffineMap, Floats, Ints, Polynomials, Terms, Vartype, pack
from qevo_compiler.ir import Array

Block = tuple[Ints, Ints, Floats]


def constants(values: ArrayLike) -> Polynomials:
    """One constant polynomial a value."""
    flat = np.asarray(values, np.float64).reshape(-1)
    return pack(flat.size, [(np.arange(flat.size, dtype=np.int32), np.zeros((flat.size, 0), np.int32), flat)])


def variables(indices: NDArray[np.integer]) -> Polynomials:
    """One polynomial an index: that variable."""
    flat = indices.reshape(-1).astype(np.int32)
    return pack(flat.size, [(np.arange(flat.size, dtype=np.int32), flat[:, None], np.ones(flat.size))])


def add(*summands: Polynomials) -> Polynomials:
    """The sum row by row."""
    return pack(summands[0].rows, [block for p in summands for block in _blocks(p)])


def scale(p: Polynomials, factors: ArrayLike) -> Polynomials:
    """Each row times its factor (or one factor for all)."""
    factor = np.asarray(factors, np.float64)
    if (factor == 1).all():
        return p
    if not factor.all():
        return pack(p.rows, [(r, v, c * (factor[r] if factor.ndim else factor)) for r, v, c in _blocks(p)])
    return Polynomials(p.rows, tuple(_scaled(block, factor) for block in p.terms))


def _scaled(block: Terms, factor: Floats) -> Terms:
    coefficients = block.coefficients
    by_rule = coefficients.scaled(float(factor)) if isinstance(coefficients, PairProducts) and not factor.ndim else None
    scaled = by_rule or Array(coefficients.values * (factor[block.row.values] if factor.ndim else factor))
    return Terms(block.row, block.variables, scaled)


def multiply(p: Polynomials, q: Polynomials) -> Polynomials:
    """The product row by row. Cost: the number of pairs of terms that share a row."""
    return pack(p.rows, [_product(a, b) for a in _blocks(p) for b in _blocks(q)])


def power(p: Polynomials, exponent: int) -> Polynomials:
    """Each row to a non-negative integer power."""
    result = constants(np.ones(p.rows))
    for _ in range(exponent):
        result = multiply(result, p)
    return result


def select(p: Polynomials, rows: NDArray[np.integer]) -> Polynomials:
    """The polynomials of the given rows in that order; -1 gives zero."""
    rows = rows.reshape(-1)
    return pack(rows.size, [_selected(block, rows, p.rows) for block in _blocks(p)])


def sum_rows(p: Polynomials, groups: NDArray[np.integer], count: int) -> Polynomials:
    """`count` polynomials: row i of `p` is added to row `groups[i]`; -1 drops it."""
    groups = groups.reshape(-1).astype(np.int32)
    blocks = []
    for row, names, coefficients in _blocks(p):
        target = groups[row]
        keep = target >= 0
        if not keep.all():
            target, names, coefficients = target[keep], names[keep], coefficients[keep]
        blocks.append((target, names, coefficients))
    return pack(count, blocks)


def total(p: Polynomials) -> Polynomials:
    """The sum of all rows, as one row."""
    return sum_rows(p, np.zeros(p.rows, np.int32), 1)


def stack(parts: Sequence[Polynomials]) -> Polynomials:
    """The rows of all `parts` in turn."""
    starts = np.cumsum([0, *(p.rows for p in parts)])
    shifted = [(r + np.int32(start), v, c) for p, start in zip(parts, starts, strict=False) for r, v, c in _blocks(p)]
    return pack(int(starts[-1]), shifted)


def substitute(p: Polynomials, affine: AffineMap) -> Polynomials:
    """Replace every variable by its affine form. A term of degree d with forms of w parts becomes w^d terms."""
    blocks: list[Block] = []
    for row, names, coefficients in _blocks(p):
        chosen = np.zeros((len(row), 0), np.int32)
        for slot in range(names.shape[1]):
            row, names, coefficients, chosen = _expand_slot(row, names, coefficients, chosen, slot, affine)
        blocks += _split_by_degree(row, chosen, coefficients)
    return pack(p.rows, blocks)


def reduce_powers(p: Polynomials, vartype: Vartype) -> Polynomials:
    """Apply x^2 = x (binary) or s^2 = 1 (spin), so that every term is multilinear."""
    if all(block.squarefree for block in p.terms):
        return p
    blocks: list[Block] = []
    for row, names, coefficients in _blocks(p):
        blocks += _split_by_degree(row, _multilinear(names, vartype), coefficients)
    return pack(p.rows, blocks)


def evaluate(p: Polynomials, values: NDArray[np.generic]) -> Floats:
    """Values [..., rows] at points [..., variables]. Cost: terms times points times degree."""
    points = values.astype(np.float64).reshape(-1, values.shape[-1])
    result = np.zeros((len(points), p.rows))
    for row, names, coefficients in _blocks(p):
        for sample, point in enumerate(points):
            products = coefficients * point[names].prod(axis=1)
            result[sample] += np.bincount(row, products, p.rows)
    return result.reshape(*values.shape[:-1], p.rows)


def bounds(p: Polynomials, lower: Floats, upper: Floats) -> tuple[Floats, Floats]:
    """Lower and upper bound of every row for variables in [lower, upper], term by term."""
    low, high = np.zeros(p.rows), np.zeros(p.rows)
    for row, names, coefficients in _blocks(p):
        least, most = _monomial_bounds(names, lower, upper)
        ends = np.stack([least * coefficients, most * coefficients])
        low += np.bincount(row, ends.min(axis=0), p.rows)
        high += np.bincount(row, ends.max(axis=0), p.rows)
    return low, high


def _blocks(p: Polynomials) -> list[Block]:
    return [(b.row.values, b.variables.values, b.coefficients.values) for b in p.terms]


def _ranges(starts: NDArray[np.integer], counts: NDArray[np.integer]) -> NDArray[np.int64]:
    """The concatenated ranges starts[i] .. starts[i] + counts[i]."""
    ends = np.cumsum(counts, dtype=np.int64)
    return np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - (ends - counts), counts)


def _product(a: Block, b: Block) -> Block:
    (row_a, names_a, c_a), (row_b, names_b, c_b) = a, b
    if len(row_a) == len(row_b) and np.array_equal(row_a, row_b) and bool((row_a[1:] > row_a[:-1]).all()):
        return row_a, np.concatenate([names_a, names_b], axis=1), c_a * c_b
    starts = np.searchsorted(row_b, row_a, "left")
    counts = np.searchsorted(row_b, row_a, "right") - starts
    left, right = np.repeat(np.arange(len(row_a)), counts), _ranges(starts, counts)
    return row_a[left], np.concatenate([names_a[left], names_b[right]], axis=1), c_a[left] * c_b[right]


def _selected(block: Block, rows: NDArray[np.integer], count: int) -> Block:
    row, names, coefficients = block
    starts = np.searchsorted(row, np.arange(count + 1))
    counts = np.where(rows >= 0, np.diff(starts)[rows], 0) if count else np.zeros(len(rows), np.int64)
    taken = _ranges(starts[np.maximum(rows, 0)], counts)
    return np.repeat(np.arange(len(rows), dtype=np.int32), counts), names[taken], coefficients[taken]


def _expand_slot(
    row: Ints, names: Ints, coefficients: Floats, chosen: Ints, slot: int, affine: AffineMap
) -> tuple[Ints, Ints, Floats, Ints]:
    """Expand one factor of every term; part -1 of a form is its constant."""
    starts, here = affine.starts.values, names[:, slot]
    constant = affine.offsets.values[here] != 0
    counts = np.diff(starts)[here]
    linear = np.repeat(np.arange(len(row)), counts)
    parts = _ranges(starts[here], counts)
    source = np.concatenate([np.flatnonzero(constant), linear])
    bit = np.concatenate([np.full(int(constant.sum()), -1, np.int32), affine.bits.values[parts]])
    weight = np.concatenate([affine.offsets.values[here[constant]], affine.weights.values[parts]])
    chosen = np.concatenate([chosen[source], bit[:, None]], axis=1)
    return row[source], names[source], coefficients[source] * weight, chosen


def _split_by_degree(row: Ints, names: Ints, coefficients: Floats) -> list[Block]:
    """Drop the -1 entries of each term and group the terms by how many variables remain."""
    ordered = -np.sort(-names, axis=1) if names.shape[1] > 1 else names
    degrees = (ordered >= 0).sum(axis=1)
    blocks = []
    for degree in np.unique(degrees):
        here = degrees == degree
        blocks.append((row[here], np.ascontiguousarray(ordered[here, :degree][:, ::-1]), coefficients[here]))
    return blocks


def _multilinear(names: Ints, vartype: Vartype) -> Ints:
    result = names.copy()
    for column in range(1, names.shape[1]):
        again = (result[:, column] == result[:, column - 1]) & (result[:, column] >= 0)
        result[again, column - 1] = -1
        if vartype is Vartype.SPIN:
            result[again, column] = -1
    return result


def _monomial_bounds(names: Ints, lower: Floats, upper: Floats) -> tuple[Floats, Floats]:
    """Interval product of distinct variables, with even powers recognised as non-negative."""
    least, most = np.ones(len(names)), np.ones(len(names))
    column = 0
    while column < names.shape[1]:
        square = names[:, column] == names[:, column + 1] if column + 1 < names.shape[1] else np.zeros(len(names), bool)
        low, high = lower[names[:, column]], upper[names[:, column]]
        if square.all() and len(names):
            ends = np.stack([low * low, high * high])
            low, high = np.where((low <= 0) & (high >= 0), 0.0, ends.min(axis=0)), ends.max(axis=0)
            column += 1
        corners = np.stack([least * low, least * high, most * low, most * high])
        least, most = corners.min(axis=0), corners.max(axis=0)
        column += 1
    return least, most
