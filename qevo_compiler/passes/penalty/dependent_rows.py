"""How many rows are violated at least wherever one of a family's is.

Let equations have u = sum of bits - k. Where rows of one family and rows of another are over the same bits altogether,
as all rows and all columns of a grid are, the sums of their u agree at every state, as they do at feasible ones, where
both are 0. So none of these rows is violated alone. If only two rows are, a and b, then u_a and u_b cancel in every
such sum, so a occurs in those that b occurs in. A row that occurs in sums that no other occurs in together is violated
with two others at least: the cells, rows and columns of a latin square.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.structure.recognise import labelled
from qevo_compiler.dialects.problem import Relation
from qevo_compiler.passes.penalty.family_rows import PenaltyRows

Integers = NDArray[np.int64]

# Sets of families over the same bits that are looked at: cells, rows, columns and boxes of a sudoku.
_LAYERS = 4


def least_violations(families: Sequence[PenaltyRows], bits: int) -> list[int]:
    """For each family 1, 2 or 3: how many rows of all of them are violated at least where one of its own is.

    Cost: passes over the bits of equations, a sort of their rows.
    """
    found = [_sums_of_bits(family) for family in families]
    layers: list[Integers] = []
    place: dict[int, tuple[int, Integers]] = {}
    for k, (names, rows) in ((k, sums) for k, sums in enumerate(found) if sums is not None):
        at = next((n for n, labels in enumerate(layers) if (labels[names] < 0).all()), len(layers))
        if at < _LAYERS:
            if at == len(layers):
                layers.append(np.full(bits, -1))
            first = int(layers[at].max(initial=-1)) + 1
            layers[at][names] = first + rows
            place[k] = at, first + np.unique(rows)
    if len(layers) < 2:
        return [1] * len(families)
    together = _together(layers)
    least = {k: int(together[at][rows].min()) for k, (at, rows) in place.items()}
    return [least.get(k, 1) for k in range(len(families))]


def _sums_of_bits(family: PenaltyRows) -> tuple[Integers, Integers] | None:
    """The bits and rows, numbered without gaps, of a family of equations between sums of disjoint bits and numbers."""
    residual = family.residual
    row, names, coefficients = residual.block(1)
    if family.op.relation is not Relation.EQ or not family.dominating or residual.degree != 1:
        return None
    signs = np.zeros(residual.rows)
    signs[row] = coefficients
    alike = (np.abs(coefficients) == 1).all() and (coefficients == signs[row]).all()
    if not alike or int(np.bincount(names[:, 0]).max()) > 1 or len(np.unique(row)) < int(family.active.sum()):
        return None
    return names[:, 0].astype(np.int64), np.unique(row, return_inverse=True)[1]


def _together(layers: Sequence[Integers]) -> list[Integers]:
    """For each layer how many rows are violated with each of its own at least, itself included."""
    counts = [int(labels.max()) + 1 for labels in layers]
    sums = [np.full((count, len(layers)), -1) for count in counts]
    for a, b in combinations(range(len(layers)), 2):
        both = (layers[a] >= 0) & (layers[b] >= 0)
        edges = np.unique(np.stack([layers[a][both], counts[a] + layers[b][both]], axis=1), axis=0)
        part = labelled(edges, counts[a] + counts[b])
        # Bits of one layer alone let the sums differ.
        whole = np.ones(int(part.max()) + 1, bool)
        whole[part[layers[a][(layers[a] >= 0) & ~both]]] = False
        whole[part[counts[a] + layers[b][(layers[b] >= 0) & ~both]]] = False
        found = np.where(whole[part], part, -1)
        sums[a][:, b], sums[b][:, a] = found[: counts[a]], found[counts[a] :]
    # A row and one of another layer have nothing in common but the sum of these two layers.
    result = []
    for own in sums:
        _, inverse, size = np.unique(own, axis=0, return_inverse=True, return_counts=True)
        some = (own >= 0).sum(axis=1)
        result.append(np.where(some == 0, 1, np.where((some == 1) | (size[inverse.reshape(-1)] > 1), 2, 3)))
    return result
