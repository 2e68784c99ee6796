"""The lift on its dependency closure, found row by row without enumerating the full basis.

Starting from the monomials of degree one, the rows of a whole wave of monomials are multiplied out factor by
factor; the monomials that they mention and that are not known yet make the next wave. Serves where the full
basis is too large to enumerate and the closure (parity, decoupled parts) is small.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from qevo_compiler.analyses.carleman.assembly import Csr
from qevo_compiler.analyses.carleman.monomials import Floats, Ints, Small
from qevo_compiler.dialects.poly import Polynomials, Terms

Entries = tuple[Ints, Small, Floats]
"""Row, variable list (ascending, -1 first) and value of every entry of some rows."""


class BasisTooLarge(Exception):
    """The closure has more monomials than allowed."""


def fits_a_key(variables: int, order: int) -> bool:
    """Whether a monomial packs into one 63-bit number, which the waves need."""
    return order * variables.bit_length() <= 62


def closed_lift(
    steps: Sequence[Polynomials], order: int, with_constant: bool, most: int
) -> tuple[Small, tuple[Csr, ...]]:
    """Monomials [D, N] (by degree, then lexicographically) and the lifted matrix of every step in the plain basis.

    Raises `BasisTooLarge` beyond `most` monomials.
    """
    n = steps[0].rows
    first = np.full((n, order), -1, np.int32)
    first[:, -1] = np.arange(n)
    wave = np.concatenate([np.full((1, order), -1, np.int32), first]) if with_constant else first
    waves: list[Small] = []
    found: list[list[Entries]] = [[] for _ in steps]
    known = np.zeros(0, np.int64)
    count = 0
    while len(wave):
        known = np.union1d(known, _keys(wave, n))
        if len(known) > most:
            raise BasisTooLarge
        mentioned: list[Small] = []
        for position, step in enumerate(steps):
            row, names, values = _wave_rows(step, wave)
            found[position].append((row + count, names, values))
            mentioned.append(names)
        waves.append(wave)
        count += len(wave)
        wave = _new(np.concatenate(mentioned), known, n)
    return _numbered(np.concatenate(waves), found, n)


def _wave_rows(step: Polynomials, wave: Small) -> Entries:
    """The coefficients of the product of f_i over the variables i of each monomial, truncated."""
    order = wave.shape[1]
    row = np.arange(len(wave), dtype=np.int64)
    names, values = np.full((len(wave), order), -1, np.int32), np.ones(len(wave))
    for slot in range(order):
        factor = wave[row, slot].astype(np.int64)
        idle = factor < 0
        parts: list[Entries] = [(row[idle], names[idle], values[idle])]
        for block in step.terms:
            parts.append(_times_block(row[~idle], names[~idle], values[~idle], factor[~idle], block))
        row, names, values = _merged(parts, step.rows)
    return row, names, values


def _times_block(row: Ints, names: Small, values: Floats, factor: Ints, block: Terms) -> Entries:
    order, degree = names.shape[1], block.degree
    if degree > order:
        return row[:0], names[:0], values[:0]
    room = names[:, degree - 1] < 0 if degree else np.ones(len(row), bool)
    row, names, values, factor = row[room], names[room], values[room], factor[room]
    starts = np.searchsorted(block.row.values, factor, "left")
    counts = np.searchsorted(block.row.values, factor, "right") - starts
    entry = np.repeat(np.arange(len(row)), counts)
    term = np.arange(len(entry)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(starts, counts)
    joined = names[entry]
    # The first `degree` places are free: there is room for the whole term.
    joined[:, :degree] = block.variables.values[term]
    return row[entry], np.sort(joined, axis=1), values[entry] * block.coefficients.values[term]


def _merged(parts: list[Entries], variables: int) -> Entries:
    row, names, values = (np.concatenate(column) for column in zip(*parts, strict=True))
    key = _keys(names, variables)
    order = np.lexsort((key, row))
    row, names, values, key = row[order], names[order], values[order], key[order]
    first = np.ones(len(row), bool)
    first[1:] = (row[1:] != row[:-1]) | (key[1:] != key[:-1])
    begins = np.flatnonzero(first)
    summed = np.add.reduceat(values, begins) if len(begins) else values
    keep = summed != 0
    return row[begins][keep], names[begins][keep], summed[keep]


def _keys(names: NDArray[np.integer], variables: int) -> Ints:
    """One number a monomial: rises with degree, then with the list of variables."""
    bits = variables.bit_length()
    key = np.zeros(len(names), np.int64)
    for column in names.T:
        key = (key << bits) | (column.astype(np.int64) + 1)
    return key


def _new(names: Small, known: Ints, variables: int) -> Small:
    keys, first = np.unique(_keys(names, variables), return_index=True)
    fresh = ~np.isin(keys, known, assume_unique=True)
    return names[first[fresh]]


def _numbered(names: Small, found: list[list[Entries]], variables: int) -> tuple[Small, tuple[Csr, ...]]:
    keys = _keys(names, variables)
    order = np.argsort(keys)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    matrices = []
    for parts in found:
        row, columns, values = (np.concatenate(column) for column in zip(*parts, strict=True))
        column = np.searchsorted(keys[order], _keys(columns, variables))
        matrix: Csr = sparse.csr_array((values, (rank[row], column)), shape=(len(order), len(order)))
        matrix.sort_indices()
        matrices.append(matrix)
    # Padding moves from the front to the end of each list.
    padded = names[order]
    shift = (padded < 0).sum(axis=1)
    columns = (np.arange(padded.shape[1]) + shift[:, None]) % max(padded.shape[1], 1)
    return np.take_along_axis(padded, columns, axis=1), tuple(matrices)
