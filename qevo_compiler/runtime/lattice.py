"""Rounding by K-best lattice search: the classical peer that keeps many of GPTQ's choices open.

With G = R^T R the error ||R (q - t)||^2 is settled element by element, last row of R first. GPTQ
(Babai's nearest plane) keeps the one cheapest beginning; this keeps the `keep` cheapest.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.rounding_grid import Grid, upper_factor
from qevo_compiler.evaluator.llvm import run_chunks
from qevo_compiler.evaluator.rounding import Block, branch_block
from qevo_compiler.evaluator.rounding.branches import WIDTH

Floats = NDArray[np.float64]


def search_lattice(gram: Floats, target: Floats, grid: Grid, keep: int = 512) -> Floats:
    """Grid points q [rows, d] of small error (q - t)^T G (q - t); with `keep` = 1 those of GPTQ.

    Every element branches to the two grid values next to where the earlier choices put it.
    Cost: rows * keep * d^2. The rows are searched on threads; each on its own.
    """
    order = np.argsort(np.diag(gram), kind="stable")
    factor = upper_factor(gram[np.ix_(order, order)])
    rounded = np.empty_like(target)
    rounded[:, order] = run_chunks(lambda aim: _search(factor, aim, grid, keep), list(target[:, order]))
    return rounded


def _search(factor: Floats, aim: Floats, grid: Grid, keep: int) -> Floats:
    """One row. What the choices of a block of elements carry to those before it is added once a block, as a product."""
    size = len(aim)
    cost = np.zeros(1)
    carried = np.zeros((1, size))  # sum over the elements chosen so far of R[:, j] (q_j - t_j)
    blocks: list[tuple[int, Block]] = []
    for end in range(size, 0, -WIDTH):
        start = max(end - WIDTH, 0)
        block = slice(start, end)
        ends = float(grid.lowest), float(grid.highest)
        found = branch_block(factor[block, block], aim[block], carried[:, block], cost, keep, *ends)
        carried = carried[found.origin, :start] + found.off @ factor[:start, block].T
        cost = found.cost
        blocks.append((start, found))
    return _traced(blocks, size, int(cost.argmin()))


def _traced(blocks: list[tuple[int, Block]], size: int, leaf: int) -> Floats:
    """The choices that led to a leaf: from the first element, settled last, to the last."""
    chosen = np.empty(size)
    for start, block in reversed(blocks):
        for i, (parents, values) in enumerate(zip(block.parents, block.values, strict=True)):
            chosen[start + i], leaf = values[leaf], int(parents[leaf])
    return chosen
