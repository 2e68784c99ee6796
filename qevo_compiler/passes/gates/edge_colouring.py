"""Proper colourings of the edges of a graph, as arrays.

Edges of one colour share no vertex, so commuting two-qubit gates of one colour run at the same time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

# Above this many edge visits the greedy search gives way to the round-robin colouring.
_VISITS = 100_000_000


def edge_colours(rows: Ints, columns: Ints, size: int) -> Ints:
    """A colour for each edge (rows[k], columns[k]) of a simple graph on `size` vertices.

    Sparse graphs are coloured greedily, one maximal matching a colour, with at most 2D - 1 colours
    for largest degree D in O(edges * D) steps of array work. Where that is no better than `size`
    colours, or too slow, the round-robin tournament's colouring (i + j) mod size takes its place.
    """
    if not len(rows):
        return np.zeros(0, np.int64)
    degree = int((np.bincount(rows, minlength=size) + np.bincount(columns, minlength=size)).max())
    if 2 * degree > size or degree * len(rows) > _VISITS:
        return _compact((rows + columns) % size)
    return _greedy(rows, columns, size)


def _compact(colours: Ints) -> Ints:
    return np.unique(colours, return_inverse=True)[1].astype(np.int64)


def _greedy(rows: Ints, columns: Ints, size: int) -> Ints:
    colours = np.zeros(len(rows), np.int64)
    # A shuffled priority keeps the rounds few: ordered ones would pick the edges of a path one by one.
    rank = np.random.default_rng(0).permutation(len(rows))
    left = np.arange(len(rows))
    colour = 0
    while len(left):
        chosen = _maximal_matching(rows[left], columns[left], rank[left], size)
        colours[left[chosen]] = colour
        left = left[~chosen]
        colour += 1
    return colours


def _maximal_matching(rows: Ints, columns: Ints, rank: Ints, size: int) -> NDArray[np.bool_]:
    chosen = np.zeros(len(rows), np.bool_)
    taken = np.zeros(size, np.bool_)
    live = np.arange(len(rows))
    while len(live):
        i, j, r = rows[live], columns[live], rank[live]
        best = np.full(size, np.iinfo(np.int64).max)
        np.minimum.at(best, i, r)
        np.minimum.at(best, j, r)
        won = (best[i] == r) & (best[j] == r)
        chosen[live[won]] = True
        taken[i[won]] = True
        taken[j[won]] = True
        live = live[~(taken[i] | taken[j])]
    return chosen
