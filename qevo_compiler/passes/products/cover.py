"""Choose how each monomial becomes quadratic, so that auxiliaries, couplings and range cost little together.

The ways: a cubic as a pair times the third bit; a quartic as a product of two disjoint pairs; a negative monomial
of any degree as one product of all its bits, or of all but one, times that one; a positive one of degree 3 or 4 by
a private gadget. Pairs and products are shared with every monomial that chooses them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from qevo_compiler.evaluator.quadratization import Effort, Options, Resources, choose
from qevo_compiler.passes.products.costs import Weights
from qevo_compiler.passes.products.draft import Draft
from qevo_compiler.passes.products.monomials import Integers, Monomials, Names, distinct, without
from qevo_compiler.passes.products.sharing import Pairs
from qevo_compiler.records import dataclass

# Negative monomials of a higher degree get a product of their own without looking for neighbours.
WIDEST = 12
# Load beyond so many times the largest coefficient costs range: below it other coefficients set the range.
FREE_LOAD = 4.0
_HALVES = ((0, 1, 2, 3), (0, 2, 1, 3), (0, 3, 1, 2))


@dataclass(frozen=True)
class _Way:
    """One way for the monomials `rows` of a block: the sets that become auxiliaries, and the bit left over.

    No sets: a private gadget, which costs `fixed`. `rest` is None where nothing is left.
    """

    block: int
    rows: Integers
    sets: tuple[Names, ...]
    rest: Names | None
    fixed: float


@dataclass(frozen=True)
class Search:
    """How long to search: re-choice sweeps with noise (0: none, only what descends)."""

    sweeps: int
    progress: Callable[[float], None]


def cover(blocks: Sequence[Monomials], opened: Pairs, draft: Draft, weights: Weights, search: Search) -> None:
    """Write the monomials into `draft`, quadratic; `opened` are pairs that have an auxiliary there already."""
    draft.add(*(block for block in blocks if block.degree <= 2))
    high = [block for block in blocks if block.degree > 2]
    covered = [_coverable(block) for block in high]
    for block, flags in zip(high, covered, strict=True):
        draft.alone(block.where(~flags))
    parts = [block.where(flags) for block, flags in zip(high, covered, strict=True) if flags.any()]
    if parts:
        ways = [way for index, block in enumerate(parts) for way in _ways(index, block, weights)]
        _choose_and_write(parts, ways, opened, draft, weights, search)


def _coverable(block: Monomials) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return (block.degree <= 4) | ((block.coefficients < 0) & (block.degree <= WIDEST))


def _ways(index: int, block: Monomials, weights: Weights) -> list[_Way]:
    every, w1 = np.arange(len(block)), weights.coupling
    positive, negative = np.flatnonzero(block.coefficients > 0), np.flatnonzero(block.coefficients < 0)
    names, degree = block.names, block.degree
    ways = []
    if degree == 3:
        ways += [_Way(index, every, (without(names, left),), names[:, left], w1) for left in (2, 1, 0)]
    if degree == 4:
        pairs = (((names[:, [a, b]], names[:, [c, d]])) for a, b, c, d in _HALVES)
        ways += [_Way(index, every, pair, None, w1) for pair in pairs]
    if degree <= 4 and len(positive):
        ways.append(_Way(index, positive, (), None, weights.positive_alone(degree)))
    if len(negative):
        ways.append(_Way(index, negative, (names[negative],), None, 0.0))
        if degree > 3:
            found = names[negative]
            ways += [_Way(index, negative, (without(found, left),), found[:, left], w1) for left in range(degree)]
    return ways


@dataclass(frozen=True)
class _Sets:
    """The different sets of all ways: `by_size` their members, `first` the resource number of each size's first.

    `numbers` are the resource numbers of each way's sets, way by way.
    """

    by_size: dict[int, Names]
    first: dict[int, int]
    count: int
    numbers: list[tuple[Names, ...]]


def _number_sets(ways: Sequence[_Way]) -> _Sets:
    by_size, first, count = {}, {}, 0
    ranked: dict[tuple[int, int], Names] = {}
    for size in sorted({part.shape[1] for way in ways for part in way.sets}):
        places = [(w, s) for w, way in enumerate(ways) for s, part in enumerate(way.sets) if part.shape[1] == size]
        parts = [ways[w].sets[s] for w, s in places]
        number, by_size[size] = distinct(np.concatenate(parts))
        ends = np.cumsum([len(part) for part in parts])
        for place, found in zip(places, np.split(number + np.int32(count), ends[:-1]), strict=True):
            ranked[place] = found
        first[size] = count
        count += len(by_size[size])
    numbers = [tuple(ranked[w, s] for s in range(len(way.sets))) for w, way in enumerate(ways)]
    return _Sets(by_size, first, count, numbers)


def _choose_and_write(
    blocks: Sequence[Monomials],
    ways: Sequence[_Way],
    opened: Pairs,
    draft: Draft,
    weights: Weights,
    search: Search,
) -> None:
    sets = _number_sets(ways)
    owned = _owned(sets, opened)
    options, way_of, row_of = _options(blocks, ways, sets)
    largest = max(float(np.abs(block.coefficients).max()) for block in blocks)
    limit = FREE_LOAD * largest
    effort = Effort(search.sweeps, limit=limit, slope=weights.range / limit, progress=search.progress)
    found = choose(options, _resources(sets, owned, weights), effort)
    auxiliary = _open(sets, owned, found.users > 0, draft)
    chosen_way, chosen_row = way_of[found.choice], row_of[found.choice]
    for number, way in enumerate(ways):
        here = chosen_row[chosen_way == number]
        block = blocks[way.block].where(way.rows[here])
        z = [auxiliary[part[here]] for part in sets.numbers[number]]
        _write(block, z, None if way.rest is None else way.rest[here], draft)


def _options(blocks: Sequence[Monomials], ways: Sequence[_Way], sets: _Sets) -> tuple[Options, Names, Names]:
    """The options monomial by monomial, and for each option its way and its place among the way's rows."""
    offsets = np.cumsum([0, *map(len, blocks)])
    monomials = [(offsets[way.block] + way.rows).astype(np.int32) for way in ways]
    counts = np.zeros(int(offsets[-1]), np.int64)
    for rows in monomials:
        counts[rows] += 1
    starts = np.concatenate([[0], np.cumsum(counts)])
    total, place = int(starts[-1]), starts[:-1].copy()
    first, second, way_of, row_of = np.full((4, total), -1, np.int32)
    fixed = np.empty(total)
    for number, (way, rows) in enumerate(zip(ways, monomials, strict=True)):
        here = place[rows]
        place[rows] += 1
        for column, part in zip((first, second), sets.numbers[number], strict=False):
            column[here] = part
        fixed[here], way_of[here], row_of[here] = way.fixed, number, np.arange(len(rows))
    weights = np.concatenate([block.coefficients for block in blocks])
    return Options(starts.astype(np.int64), first, second, fixed, weights), way_of, row_of


def _owned(sets: _Sets, opened: Pairs) -> Names:
    """The auxiliary that each resource has already, -1 for none."""
    owned = np.full(sets.count, -1, np.int32)
    if 2 in sets.by_size and len(opened.keys):
        pairs = sets.by_size[2].astype(np.int64)
        known = opened.find((pairs[:, 0] << 32) | pairs[:, 1])
        here = np.flatnonzero(known >= 0)
        owned[sets.first[2] + here] = opened.numbers[known[here]]
    return owned


def _resources(sets: _Sets, owned: Names, weights: Weights) -> Resources:
    sizes = np.concatenate(
        [np.full(len(found), size) for size, found in sorted(sets.by_size.items())] or [np.zeros(0, np.int64)]
    )
    users = (owned >= 0).astype(np.int32)
    opening = 1 + weights.coupling * sizes
    return Resources(opening, np.full(sets.count, weights.coupling), sizes.astype(np.float64), users, users)


def _open(sets: _Sets, owned: Names, used: np.ndarray[tuple[int], np.dtype[np.bool_]], draft: Draft) -> Names:
    """The auxiliary of every used resource; those that have none yet get one."""
    auxiliary = owned.copy()
    for size, found in sorted(sets.by_size.items()):
        here = slice(sets.first[size], sets.first[size] + len(found))
        new = np.flatnonzero(used[here] & (owned[here] < 0))
        auxiliary[sets.first[size] + new] = draft.products(found[new])
    return auxiliary


def _write(block: Monomials, z: Sequence[Names], rest: Names | None, draft: Draft) -> None:
    if not len(block):
        return
    if not z:
        draft.alone(block)
        return
    for part in z:
        draft.carry(part, block.coefficients)
    columns = [*([] if rest is None else [rest]), *z]
    draft.add(Monomials(np.stack(columns, axis=1).astype(np.int32), block.coefficients))
