"""Which bits of connected equations are the digits of one number, and the steps that such numbers take.

Bits whose columns in the equations are multiples of each other are a block. A step of a block turns one bit, or
carries: 011 becomes 100, which is a step of 1 as 0 to 1 is at the lowest bit. A bit alone is a block with one step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int32]
Places = NDArray[np.int64]
Singles = NDArray[np.float32]
Floats = NDArray[np.float64]

# Steps below this part of their largest bit are rounding.
_ROUNDING = 1e-9
# The part of a network's bits that must be in two equations.
_PAIRED = 1 / 3


@dataclass(frozen=True)
class Steps:
    """Step e turns the spins `sites[lows[e]]` .. `sites[tops[e]]`, where the last one differs from all before it.

    It belongs to block `blocks[e]` (ascending) and moves the equations `ends[e]` by `sizes[e]`, up where that is
    above 0 and the last spin is -1. The second end may be the ground, a number from the count of equations on.
    At most one step of a block in `single` [blocks] has a given size and way in a state.
    """

    sites: Places
    lows: Places
    tops: Places
    blocks: Places
    ends: Places
    sizes: Singles
    single: NDArray[np.bool_]


def steps_of(rows: Indices, sites: Indices, weights: Floats, size: int, count: int) -> Steps:
    """The steps of connected equations whose spins are all in one or two of them, and a third or more in two.

    In each of these equations all blocks have a step of one size, which changes places with those of the others. Entry
    e says that spin `sites[e]` of `size` is in equation `rows[e]` of `count` with `weights[e]`, once.
    """
    label, inside = _parts(rows, sites, size, count)
    part = rows[inside], sites[inside], weights[inside]
    steps = _steps(_blocks(*part, label, count))
    uneven = np.isin(label[:count], label[:count][_uneven(steps, count)])
    if uneven.any():
        kept = ~uneven[part[0]]
        steps = _steps(_blocks(part[0][kept], part[1][kept], part[2][kept], label, count))
    return _in_company(steps, count)


def _parts(rows: Indices, sites: Indices, size: int, count: int) -> tuple[Indices, NDArray[np.bool_]]:
    """The connected part of each equation, and entries of parts whose spins are in one or two, many in two."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    graph = coo_matrix((np.ones(len(rows)), (rows, sites + count)), (count + size, count + size))
    label = connected_components(graph, directed=False)[1]
    degrees, of_site = np.bincount(sites, minlength=size), label[count:]
    mixed = np.bincount(of_site, degrees > 2, len(label)) > 0
    members, paired = (np.bincount(of_site, which, len(label)) for which in (degrees > 0, degrees == 2))
    return label, ~(mixed | (paired < _PAIRED * members))[label[rows]]


@dataclass(frozen=True)
class _Blocks:
    """Spins by block and ascending weight, with two equations each (the second may be the ground) and their weights."""

    sites: Places
    ends: Places
    weights: Floats
    numbers: Places


def _blocks(rows: Indices, sites: Indices, weights: Floats, label: Indices, count: int) -> _Blocks:
    """Of spins with one weight and the same equations, as of parallel arcs, each is in a block of its own."""
    order = np.lexsort((rows, sites))
    rows, weights = rows[order], weights[order]
    owners, first, degrees = np.unique(sites[order], return_index=True, return_counts=True)
    last, single = first + degrees - 1, degrees == 1
    ends = np.stack([rows[first], np.where(single, count + label[rows[first]], rows[last])], axis=1).astype(np.int64)
    sizes = np.stack([weights[first], weights[last]], axis=1)
    sizes[single, 1] *= -_colours(ends[~single], sizes[~single], count)[ends[single, 0]]
    length = np.abs(sizes[:, 0])
    group = _numbered(*ends.T, np.sign(sizes[:, 0]), (sizes[:, 1] / sizes[:, 0]).astype(np.float32))
    number = _numbered(group, _ranks(_numbered(group, length.astype(np.float32))))
    order = np.lexsort((length, number))
    return _Blocks(owners[order].astype(np.int64), ends[order], sizes[order], number[order])


def _colours(ends: Places, sizes: Floats, count: int) -> Floats:
    """+1 or -1 for each equation, such that an edge turns both of its ends, so signed, opposite ways where that can be.

    A part of a network then has a balance at the ground whenever its equations have.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    turned = count * ((sizes[:, 0] > 0) == (sizes[:, 1] > 0))
    pairs = np.concatenate(
        [np.stack([ends[:, 0] + more, (ends[:, 1] + turned + more) % (2 * count)]) for more in (0, count)], axis=1
    )
    graph = coo_matrix((np.ones(pairs.shape[1]), (pairs[0], pairs[1])), (2 * count, 2 * count))
    label = connected_components(graph, directed=False)[1]
    return np.where(label[:count] <= label[count:], 1.0, -1.0)


def _steps(blocks: _Blocks) -> Steps:
    length = np.abs(blocks.weights[:, 0])
    before = np.concatenate([[0.0], np.cumsum(length)])
    digits = np.bincount(blocks.numbers)
    found: list[tuple[Places, Places, Floats]] = [(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))]
    for more in range(int(digits.max(initial=0))):
        top = np.arange(more, len(length))
        top = top[blocks.numbers[top] == blocks.numbers[top - more]]
        part = 1 - (before[top] - before[top - more]) / length[top]
        real = part > _ROUNDING
        found.append((top[real] - more, top[real], part[real]))
    lows, tops, shares = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.lexsort((tops, lows))
    low, top, share = lows[order].astype(np.int64), tops[order].astype(np.int64), shares[order]
    odd = np.zeros(len(length), bool)
    odd[1:] = np.abs(length[1:] - 2 * length[:-1]) > _ROUNDING * length[1:]
    odd[1:] &= blocks.numbers[1:] == blocks.numbers[:-1]
    single = np.bincount(blocks.numbers, odd) == 0
    sizes = (blocks.weights[top] * share[:, None]).astype(np.float32)
    return Steps(blocks.sites, low, top, blocks.numbers[top], blocks.ends[top], sizes, single)


def _uneven(steps: Steps, count: int) -> NDArray[np.bool_]:
    """Equations in which no size of a step is one of all blocks."""
    rows, blocks = steps.ends.T.reshape(-1), np.tile(steps.blocks, 2)
    most = np.zeros(max(count, int(rows.max(initial=-1)) + 1), np.int64)
    np.maximum.at(most, rows, _company(steps).T.reshape(-1))
    return np.asarray((most < _distinct(rows, blocks, len(most)))[:count], bool)


def _in_company(steps: Steps, count: int) -> Steps:
    """Less the steps that no other block takes in one of their equations."""
    kept = ((_company(steps) > 1) | (steps.ends >= count)).all(axis=1)
    lows, tops, blocks = (part[kept] for part in (steps.lows, steps.tops, steps.blocks))
    return Steps(steps.sites, lows, tops, blocks, steps.ends[kept], steps.sizes[kept], steps.single)


def _company(steps: Steps) -> Places:
    """How many blocks take a step of the same size at each end [steps, 2]."""
    node = _numbered(steps.ends.T.reshape(-1), np.abs(steps.sizes.T.reshape(-1)))
    return _distinct(node, np.tile(steps.blocks, 2), len(node))[node].reshape(2, -1).T


def _distinct(keys: Places, blocks: Places, count: int) -> Places:
    """How many different blocks each of `count` keys has."""
    pairs = np.unique(np.stack([keys, blocks]), axis=1)
    return np.bincount(pairs[0], minlength=count)


def _numbered(*columns: NDArray[np.generic]) -> Places:
    """A number for each row of the columns, the same for equal rows, ascending as they are."""
    order = np.lexsort(columns[::-1])
    found = np.zeros(len(order), np.int64)
    if len(order):
        new = np.any([column[order][1:] != column[order][:-1] for column in columns], axis=0)
        found[order[1:]] = np.cumsum(new)
    return found


def _ranks(keys: Places) -> Places:
    """The place of each key among its equals."""
    order = np.argsort(keys, kind="stable")
    found = np.empty(len(keys), np.int64)
    found[order] = np.arange(len(keys)) - np.searchsorted(keys[order], keys[order])
    return found
