"""Rounding by K-best lattice search: the classical peer that keeps many of GPTQ's choices open.

With G = R^T R the error ||R (q - t)||^2 is settled element by element, last row of R first. GPTQ
(Babai's nearest plane) keeps the one cheapest beginning; this keeps the `keep` cheapest.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.rounding_grid import Grid, round_nearest, upper_factor

Floats = NDArray[np.float64]


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
    size = len(aim)
    cost, chosen = np.zeros(1), np.zeros((1, size))
    carried = np.zeros((1, size))  # sum over the elements chosen so far of R[:, j] (q_j - t_j)
    for i in range(size - 1, -1, -1):
        centre = aim[i] - carried[:, i] / factor[i, i]
        near = round_nearest(centre, grid)
        values = np.stack([near, near + np.where(centre > near, 1.0, -1.0)], axis=1)
        grown = cost[:, None] + (factor[i, i] * (values - centre[:, None])) ** 2
        grown[(values < grid.lowest) | (values > grid.highest)] = np.inf
        best = np.argsort(grown, axis=None, kind="stable")[:keep]
        best = best[np.isfinite(grown.reshape(-1)[best])]
        parent, taken = best // 2, values.reshape(-1)[best]
        cost, chosen = grown.reshape(-1)[best], chosen[parent]
        chosen[:, i] = taken
        carried = carried[parent, :i] + (taken - aim[i])[:, None] * factor[:i, i]
    return np.asarray(chosen[cost.argmin()])
