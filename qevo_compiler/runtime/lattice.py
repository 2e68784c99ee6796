"""Rounding by K-best lattice search: the classical peer that keeps many of GPTQ's choices open.

With G = R^T R the error ||R (q - t)||^2 is settled element by element, last row of R first. GPTQ
(Babai's nearest plane) keeps the one cheapest beginning; this keeps the `keep` cheapest.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.rounding_grid import Grid, round_nearest, upper_factor

Floats = NDArray[np.float64]

# Elements settled before what they carry to the others is added: a block's candidates stay in the cache.
BLOCK = 48


def search_lattice(gram: Floats, target: Floats, grid: Grid, keep: int = 512) -> Floats:
    """Grid points q [rows, d] of small error (q - t)^T G (q - t); with `keep` = 1 those of GPTQ.

    Every element branches to the two grid values next to where the earlier choices put it.
    Cost: rows * keep * d^2.
    """
    order = np.argsort(np.diag(gram), kind="stable")
    factor = upper_factor(gram[np.ix_(order, order)])
    rounded = np.empty_like(target)
    for row, aim in enumerate(target[:, order]):
        rounded[row, order] = _search(factor, aim, grid, keep)
    return rounded


def _search(factor: Floats, aim: Floats, grid: Grid, keep: int) -> Floats:
    """One row. What the choices of a block of elements carry to those before it is added once a block, as a product."""
    size = len(aim)
    cost = np.zeros(1)
    carried = np.zeros((1, size))  # sum over the elements chosen so far of R[:, j] (q_j - t_j)
    parents, taken = [np.zeros(0, np.intp)] * size, [np.zeros(0)] * size
    for end in range(size, 0, -BLOCK):
        start = max(end - BLOCK, 0)
        inside, off = carried[:, start:end], np.zeros((len(cost), end - start))
        origin = np.arange(len(cost))
        for i in range(end - 1, start - 1, -1):
            parent, values, cost = _branches(
                cost, aim[i] - inside[:, i - start] / factor[i, i], factor[i, i], grid, keep
            )
            parents[i], taken[i] = parent, values
            origin, off, error = origin[parent], off[parent], values - aim[i]
            off[:, i - start] = error
            inside = inside[parent, : i - start] + error[:, None] * factor[start:i, i]
        carried = carried[origin, :start] + off @ factor[:start, start:end].T
    return _traced(parents, taken, int(cost.argmin()))


def _branches(
    cost: Floats, centre: Floats, weight: float, grid: Grid, keep: int
) -> tuple[NDArray[np.intp], Floats, Floats]:
    """The `keep` cheapest continuations by the two grid values next to `centre`: their parents, values and costs."""
    near = round_nearest(centre, grid)
    values = np.stack([near, near + np.where(centre > near, 1.0, -1.0)], axis=1)
    grown = cost[:, None] + (weight * (values - centre[:, None])) ** 2
    grown[(values < grid.lowest) | (values > grid.highest)] = np.inf
    best = np.argsort(grown, axis=None, kind="stable")[:keep]
    best = best[np.isfinite(grown.reshape(-1)[best])]
    return best // 2, values.reshape(-1)[best], grown.reshape(-1)[best]


def _traced(parents: list[NDArray[np.intp]], taken: list[Floats], leaf: int) -> Floats:
    """The choices that led to a leaf: from the first element, settled last, to the last."""
    chosen = np.empty(len(taken))
    for i, (parent, values) in enumerate(zip(parents, taken, strict=True)):
        chosen[i], leaf = values[leaf], int(parent[leaf])
    return chosen
