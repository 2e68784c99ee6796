"""Exact optima of a family's members, where a bounded search can settle them.

A sphere search, breadth first: with G = R^T R the energy ||R (x - r)||^2 grows bit by bit, and a
partial choice that already costs as much as the best known state is dropped. When nothing is left
below the best known state, that state is optimal.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.rounding_grid import row_errors, upper_factor

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

TOLERANCE = 1e-9
"""States whose energies differ by less than this share count as equally good."""


def settle_rows(gram: Floats, residual: Floats, states: Floats, limit: int = 1 << 16) -> tuple[Floats, Flags]:
    """The optimum of every member that the search settles, and which ones it settled.

    Member r minimises (x - r)^T G (x - r) over x in {0, 1}^d; `states` [rows, d] are the best known
    states, which stay where the search finds nothing better or gives up because more than `limit`
    partial choices are alive at once (never with d <= log2(limit)). Memory: limit * d numbers. Time a
    row: at most limit * d^2, in practice far less when the known state is good.
    """
    order = np.argsort(np.diag(gram), kind="stable")
    factor = upper_factor(gram[np.ix_(order, order)])
    bounds = row_errors(gram, states - residual)
    best, settled = states.copy(), np.zeros(len(states), bool)
    for row, bound in enumerate(bounds):
        found, settled[row] = _search(factor, residual[row, order], float(bound) * (1 - TOLERANCE), limit)
        if found is not None:
            best[row, order] = found
    return best, settled


def _search(factor: Floats, aim: Floats, bound: float, limit: int) -> tuple[Floats | None, bool]:
    """The best state strictly below `bound`, or None; and whether the search was complete."""
    size = len(aim)
    cost, chosen = np.zeros(1), np.zeros((1, size), np.int8)
    carried = np.zeros((1, size))  # sum over the bits chosen so far of R[:, j] (x_j - r_j)
    for bit in range(size - 1, -1, -1):
        moves = factor[bit, bit] * (np.array([0.0, 1.0]) - aim[bit])
        grown = cost[:, None] + (carried[:, bit, None] + moves) ** 2
        parent, value = np.nonzero(grown < bound)
        if not len(parent):
            return None, True
        if len(parent) > limit:
            return None, False
        cost, chosen = grown[parent, value], chosen[parent]
        chosen[:, bit] = value
        carried = carried[parent, :bit] + (value - aim[bit])[:, None] * factor[:bit, bit]
    return chosen[cost.argmin()].astype(np.float64), True
