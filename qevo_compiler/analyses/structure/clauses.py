"""Which linear rows are nothing but clauses of one, two or three literals.

A row sum a_i l_i <= b (see `literals`) forbids every set of literals whose weights exceed b. It equals the
conjunction of its least such sets. They all have at most two members exactly if no allowed-by-pairs set is
forbidden; with the weights falling, the largest sets without a forbidden pair are: the literals of at most
b / 2 together, and each heavier literal i with all of weight at most b - a_i. (Two literals above b / 2 exclude
each other, and whatever goes with i is at most b - a_i, hence pairwise fine with what else does.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.structure.literals import Literals

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Clauses:
    """Forbidden sets of literals, in the order of their rows: `members[k]` [m, k + 1] are positions in `Literals`.

    `whole` [rows] says which rows they express; other rows have none.
    """

    whole: Flags
    members: tuple[Integers, Integers, Integers]


def row_clauses(literals: Literals, wanted: Flags, longest: int = 3) -> Clauses:
    """The clauses of those `wanted` rows that clauses of at most `longest` (2 or 3) literals express.

    Weights and capacities are whole numbers below 2^31. Cost: a binary search for each literal, and the clauses.
    """
    partners = _partners(literals)
    single = literals.weight > np.repeat(literals.capacity, literals.lengths)
    whole = wanted & _by_pairs(literals, partners, single)
    triple = np.zeros(literals.rows, bool)
    if longest >= 3:
        triple = wanted & ~whole & _all_three(literals)
    chosen = np.repeat(whole, literals.lengths)
    ones = np.flatnonzero(chosen & single)[:, None]
    pairs = _pairs(np.where(chosen & ~single, partners, 0))
    three = literals.starts[:-1][triple][:, None] + np.arange(3)
    return Clauses(whole | triple, (ones, pairs, three))


def _partners(literals: Literals) -> Integers:
    """How many literals behind each one in its row exclude it."""
    top = float(literals.weight.max(initial=0.0)) + 1
    row = literals.row
    room = np.clip(literals.capacity[row] - literals.weight, -1.0, top - 1)
    keys = row * (top + 1) + (top - literals.weight)
    last = np.searchsorted(keys, row * (top + 1) + (top - room), "left")
    return np.asarray(np.maximum(last - np.arange(len(row)) - 1, 0))


def _by_pairs(literals: Literals, partners: Integers, single: Flags) -> Flags:
    """Whether every set without a forbidden single or pair is allowed."""
    if not len(single):
        return np.ones(literals.rows, bool)
    row, index = literals.row, np.arange(len(single))
    heads = np.concatenate([[0.0], np.cumsum(literals.weight)])
    ends = heads[literals.starts[1:]][row]
    capacity = literals.capacity[row]
    heavy = ~single & (2 * literals.weight > capacity)
    with_rest = literals.weight + ends - heads[np.minimum(index + 1 + partners, literals.starts[1:][row])]
    fine = ~heavy | (with_rest <= capacity)
    light = np.bincount(row, np.where(2 * literals.weight <= capacity, literals.weight, 0.0), literals.rows)
    broken = np.bincount(row[~fine], minlength=literals.rows) > 0
    result: Flags = ~broken & (light <= literals.capacity)
    return result


def _all_three(literals: Literals) -> Flags:
    """Rows of three literals of which any two are allowed but not all three."""
    sums = np.bincount(literals.row, literals.weight, literals.rows)
    found: Flags = (literals.lengths == 3) & (sums > literals.capacity)
    return found


def _pairs(partners: Integers) -> Integers:
    """Each literal with the ones behind it that exclude it."""
    first = np.repeat(np.arange(len(partners)), partners)
    place = np.arange(len(first)) - np.repeat(np.cumsum(partners) - partners, partners)
    return np.stack([first, first + 1 + place], axis=1)
