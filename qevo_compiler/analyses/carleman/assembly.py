"""Rows of the lifted matrix: row a holds the coefficients of f(u)^a, cut off above degree N.

Row a is row (a - e_i) times f_i, for i the last variable of a (`carleman.md` 1.5). A whole degree block is made
at once from the block below it: `extend_rows` gathers the parent rows, multiplies every entry by the terms of its
factor and merges equal monomials, which is one sparse matrix product over flat arrays.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from qevo_compiler.analyses.carleman.monomials import Floats, FullBasis, Ints
from qevo_compiler.dialects.poly import Polynomials

Csr = sparse.csr_array[np.float64]
# How many entries of the table of products are held at once: about 200 MB.
_TABLE_ENTRIES = 12_000_000


def assemble(step: Polynomials, basis: FullBasis) -> Csr:
    """The truncated lift [D, D] of one step in the plain monomial basis.

    Column numbers rise inside a row and no stored value is zero. Cost: one multiplication for every pair of
    an entry of a parent row and a term of its factor that stays within the order.
    """
    one = sparse.csr_array(([1.0], [0], [0, 1]), shape=(1, basis.size))
    blocks: list[Csr] = [one]
    bounds = _chunks(step, basis)
    whole = product_table(step, basis, 0, basis.variables) if len(bounds) == 2 else None
    for degree in range(1, basis.order + 1):
        here = basis.block(degree)
        parent, factor = basis.parent[here] - basis.starts[degree - 1], basis.last[here].astype(np.int64)
        if whole is not None:
            blocks.append(extend_rows(blocks[-1], parent, factor, whole, _width(step, basis)))
        else:
            blocks.append(_by_chunks(step, basis, blocks[-1], parent, factor, bounds))
    matrix: Csr = sparse.vstack(blocks, format="csr")
    matrix.eliminate_zeros()
    return _sorted(matrix)


def extend_rows(parents: Csr, parent: Ints, factor: Ints, products: Csr, width: int) -> Csr:
    """Rows r = (row `parent[r]` of `parents`) times f_`factor[r]`, truncated: the kernel of the assembly.

    `parents` is [P, D]. `products` [factors * width, D] holds x^b f_i, truncated, in row i * width + b; beyond
    `width` monomials nothing of a product is left. Both are compressed rows, so that the kernel reads flat arrays of
    starts, columns and values. The columns of the result are not sorted. Cost: the sum over entries (r, b) of the
    gathered rows of the length of row (factor[r], b).
    """
    chosen = parents[parent]
    columns, values, starts = chosen.indices, chosen.data, chosen.indptr
    rows = np.repeat(factor * width, np.diff(starts))
    if width < parents.shape[1]:
        inside = columns < width
        starts = np.concatenate([[0], np.cumsum(inside)])[starts]
        columns, values, rows = columns[inside], values[inside], rows[inside]
    gathered: Csr = sparse.csr_array((values, columns + rows, starts), shape=(len(parent), products.shape[0]))
    return gathered @ products


def product_table(step: Polynomials, basis: FullBasis, first: int, stop: int) -> Csr:
    """x^b f_i truncated, in row (i - first) * width + b, for the rows i in `first .. stop` of `step`."""
    rows, columns, values = [], [], []
    width = _width(step, basis)
    for block in step.terms:
        if block.degree > basis.order:
            continue
        here = (block.row.values >= first) & (block.row.values < stop)
        row, names = block.row.values[here].astype(np.int64), block.variables.values[here]
        count = int(basis.starts[basis.order - block.degree + 1])
        reached = np.broadcast_to(np.arange(count), (len(row), count))
        for slot in range(block.degree):
            reached = basis.successors[reached, names[:, slot : slot + 1]]
        rows.append(((row - first)[:, None] * width + np.arange(count)).reshape(-1))
        columns.append(reached.reshape(-1))
        values.append(np.repeat(block.coefficients.values[here], count))
    shape = ((stop - first) * width, basis.size)
    if not rows:
        return sparse.csr_array(shape, dtype=np.float64)
    entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    table: Csr = sparse.csr_array(entries, shape=shape)
    return table


def restrict(matrix: Csr, kept: NDArray[np.integer]) -> Csr:
    """The rows and columns `kept` of `matrix`, in that order."""
    part: Csr = matrix[kept][:, kept]
    return _sorted(part)


def reachable(patterns: list[Csr], seeds: NDArray[np.integer]) -> Ints:
    """The positions reached from `seeds` through nonzero entries (row to column) of any of the matrices, rising."""
    found = np.zeros(patterns[0].shape[0], bool)
    found[seeds] = True
    frontier: NDArray[np.integer] = np.asarray(seeds)
    while len(frontier):
        columns = np.concatenate([matrix[frontier].indices for matrix in patterns])
        frontier = np.unique(columns[~found[columns]])
        found[frontier] = True
    return np.flatnonzero(found)


def weighted(matrix: Csr, weights: Floats) -> Csr:
    """W M W^-1 for the diagonal W of `weights`."""
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    values = matrix.data * (weights[rows] / weights[matrix.indices])
    return sparse.csr_array((values, matrix.indices, matrix.indptr), shape=matrix.shape)


def _by_chunks(step: Polynomials, basis: FullBasis, below: Csr, parent: Ints, factor: Ints, bounds: list[int]) -> Csr:
    """The rows of one degree, one run of factors after the other, so that one table stands at a time."""
    parts, order = [], []
    for first, stop in pairwise(bounds):
        chosen = np.flatnonzero((factor >= first) & (factor < stop))
        table = product_table(step, basis, first, stop)
        parts.append(extend_rows(below, parent[chosen], factor[chosen] - first, table, _width(step, basis)))
        order.append(chosen)
    stacked: Csr = sparse.vstack(parts, format="csr")
    return stacked[np.argsort(np.concatenate(order), kind="stable")]


def _width(step: Polynomials, basis: FullBasis) -> int:
    """How many monomials still leave something of their product with a part of the step: those of low degree."""
    lowest = min((block.degree for block in step.terms), default=0)
    return int(basis.starts[max(basis.order - lowest, 0) + 1])


def _chunks(step: Polynomials, basis: FullBasis) -> list[int]:
    """Bounds between runs of factors whose tables of products fit into memory."""
    cost = np.zeros(basis.variables)
    for block in step.terms:
        if block.degree <= basis.order:
            count = int(basis.starts[basis.order - block.degree + 1])
            cost += np.bincount(block.row.values, minlength=basis.variables) * count
    bounds, held = [0], 0.0
    for i, entries in enumerate(cost.tolist()):
        if held and held + entries > _TABLE_ENTRIES:
            bounds.append(i)
            held = 0.0
        held += entries
    return [*bounds, basis.variables]


def _sorted(matrix: Csr) -> Csr:
    # Two transpositions sort in linear time, where sorting row by row does not.
    return matrix if matrix.has_sorted_indices else matrix.tocsc().tocsr()
