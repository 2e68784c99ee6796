"""Rows that say nothing new: copies of another row, or looser versions of it.

Two rows `u <= 0` with the same terms differ in their constants only; the one with the largest constant is the
tightest and implies the others.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.poly import Polynomials

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

_MULTIPLIERS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F)


def redundant_rows(p: Polynomials, equal: Flags, usable: Flags) -> Flags:
    """Which `usable` rows of `u == 0` (`equal`) or `u <= 0` are implied by another usable one, itself not marked.

    Rows must be in whole units. Candidates are found by a hash of their terms and then compared term by term,
    so the answer is exact for every row marked. Of equal rows the first stays. Cost: a few passes over the terms.
    """
    marked = np.zeros(p.rows, bool)
    filled = np.zeros(p.rows, bool)
    for block in p.terms:
        if block.degree:
            filled[block.row.values] = True
    usable = usable & filled
    if usable.sum() < 2:
        return marked
    keys = _term_hashes(p)
    constants = p.constants()
    # Tightest first: by hash and kind, then by falling constant, then by number.
    order = np.lexsort([np.arange(p.rows), -constants, equal, keys[1], keys[0], ~usable])
    order = order[: int(usable.sum())]
    same = np.zeros(len(order), bool)
    same[1:] = (keys[:, order[1:]] == keys[:, order[:-1]]).all(axis=0) & (equal[order[1:]] == equal[order[:-1]])
    leader = order[np.maximum.accumulate(np.where(same, 0, np.arange(len(order))))]
    follows = same & (~equal[order] | (constants[order] == constants[leader]))
    followers, leaders = order[follows], leader[follows]
    marked[followers[_terms_alike(p, followers, leaders)]] = True
    return marked


def _term_hashes(p: Polynomials) -> NDArray[np.uint64]:
    """Two hashes a row [2, rows] of its terms without the constant, the same in any order of summation."""
    totals = np.zeros((2, p.rows), np.uint64)
    with np.errstate(over="ignore"):
        for block in p.terms:
            if not block.degree:
                continue
            value = block.coefficients.values.view(np.uint64).copy()
            for column in block.variables.values.T:
                value = _mixed(value ^ _mixed(column.astype(np.uint64) + np.uint64(1)))
            value = _mixed(value + np.uint64(block.degree))
            starts = np.flatnonzero(np.diff(block.row.values, prepend=-1))
            for k in range(2):
                value = _mixed(value + np.uint64(_MULTIPLIERS[k]))
                totals[k, block.row.values[starts]] += np.add.reduceat(value, starts)
    return totals


def _mixed(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finalizer of splitmix64."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(x ^ (x >> np.uint64(31)))


def _terms_alike(p: Polynomials, left: Integers, right: Integers) -> Flags:
    """Whether the rows `left[k]` and `right[k]` have the same terms but for the constant."""
    alike = np.ones(len(left), bool)
    for block in p.terms:
        if not block.degree:
            continue
        starts = np.searchsorted(block.row.values, np.arange(p.rows + 1))
        counts = np.diff(starts)
        alike &= counts[left] == counts[right]
        here = np.flatnonzero(alike & (counts[left] > 0))
        lengths = counts[left[here]]
        owner = np.repeat(here, lengths)
        place = np.arange(len(owner)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        a, b = starts[left[owner]] + place, starts[right[owner]] + place
        names, values = block.variables.values, block.coefficients.values
        differs = (names[a] != names[b]).any(axis=1) | (values[a] != values[b])
        alike[owner[differs]] = False
    return alike
