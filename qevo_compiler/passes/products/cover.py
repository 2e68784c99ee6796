"""Choose how each monomial becomes quadratic, so that auxiliaries, couplings and range cost little together.

The ways: a cubic as a pair times the third bit; a quartic as a product of two disjoint pairs; a negative monomial
of any degree as one product of all its bits, or of all but one, times that one; a positive one of degree 3 or 4 by
a private gadget. Pairs and products are shared with every monomial that chooses them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from qevo_compiler.evaluator.quadratization import Effort, Options, Resources, choose
from qevo_compiler.passes.products.costs import Weights
from qevo_compiler.passes.products.draft import Draft
from qevo_compiler.passes.products.monomials import Integers, Monomials, Names, distinct
from qevo_compiler.passes.products.sharing import Pairs

# Negative monomials of a higher degree get a product of their own without looking for neighbours.
WIDEST = 12
# Load beyond so many times the largest coefficient costs range: below it other coefficients set the range.
FREE_LOAD = 4.0
Places = tuple[int, ...]
_HALVES: tuple[Places, ...] = ((0, 1, 2, 3), (0, 2, 1, 3), (0, 3, 1, 2))


@dataclass(frozen=True)
class _Way:
    """One way for the monomials `rows` of a block: which places become auxiliaries, and the one left over.

    No sets: a private gadget, which costs `fixed`. `rest` is None where nothing is left.
    """

    block: int
    rows: Integers
    sets: tuple[Places, ...]
    rest: int | None
    fixed: float

    def members(self, blocks: Sequence[Monomials], which: int) -> Names:
        """The bits [rows, k] of one of the sets."""
        names = blocks[self.block].names
        whole = names if len(self.rows) == len(names) else names[self.rows]
        return whole[:, list(self.sets[which])]


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
    degree = block.degree
    whole = tuple(range(degree))
    ways = []
    if degree == 3:
        ways += [_Way(index, every, (_without(whole, left),), left, w1) for left in (2, 1, 0)]
    if degree == 4:
        ways += [_Way(index, every, ((a, b), (c, d)), None, w1) for a, b, c, d in _HALVES]
    if degree <= 4 and len(positive):
        ways.append(_Way(index, positive, (), None, weights.positive_alone(degree)))
    if len(negative):
        ways.append(_Way(index, negative, (whole,), None, 0.0))
        if degree > 3:
            ways += [_Way(index, negative, (_without(whole, left),), left, w1) for left in whole]
    return ways


def _without(whole: Places, left: int) -> Places:
    return tuple(place for place in whole if place != left)


@dataclass(frozen=True)
class _Sets:
    """The different sets of all ways: `by_size` their members, `first` the resource number of each size's first."""

    by_size: dict[int, Names]
    first: dict[int, int]
    count: int


def _numbered(blocks: Sequence[Monomials], ways: Sequence[_Way]) -> tuple[_Sets, Options]:
    """The sets of all ways as resources, and the options monomial by monomial, each with its way as its kind."""
    offsets = np.cumsum([0, *map(len, blocks)])
    counts = np.zeros(int(offsets[-1]), np.int64)
    for way in ways:
        counts[offsets[way.block] + way.rows] += 1
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    place = [_places(way, number, ways, starts, offsets) for number, way in enumerate(ways)]
    total = int(starts[-1])
    columns = np.full(total, -1, np.int32), np.full(total, -1, np.int32)
    kinds = np.empty(total, np.int16)
    for number, here in enumerate(place):
        kinds[here] = number
    by_size, first, count = {}, {}, 0
    for size in sorted({len(part) for way in ways for part in way.sets}):
        users = [(w, s) for w, way in enumerate(ways) for s, part in enumerate(way.sets) if len(part) == size]
        numbers, by_size[size] = distinct(np.concatenate([ways[w].members(blocks, s) for w, s in users]))
        numbers += np.int32(count)
        ends = np.cumsum([len(ways[w].rows) for w, _ in users])
        for (w, s), found in zip(users, np.split(numbers, ends[:-1]), strict=True):
            columns[s][place[w]] = found
        first[size] = count
        count += len(by_size[size])
    fixed = np.array([way.fixed for way in ways])
    weights = np.concatenate([block.coefficients for block in blocks])
    return _Sets(by_size, first, count), Options(starts, *columns, kinds, fixed, weights)


def _places(way: _Way, number: int, ways: Sequence[_Way], starts: Integers, offsets: Integers) -> Names:
    """Where among the options of each of its monomials a way stands: after the ways before it that the monomial has."""
    block = int(offsets[way.block])
    before = np.zeros(int(offsets[way.block + 1]) - block, np.int64)
    for other in ways[:number]:
        if other.block == way.block:
            before[other.rows] += 1
    found: Names = (starts[block + way.rows] + before[way.rows]).astype(np.int32)
    return found


def _choose_and_write(
    blocks: Sequence[Monomials],
    ways: Sequence[_Way],
    opened: Pairs,
    draft: Draft,
    weights: Weights,
    search: Search,
) -> None:
    sets, options = _numbered(blocks, ways)
    owned = _owned(sets, opened)
    largest = max(float(np.abs(block.coefficients).max()) for block in blocks)
    limit = FREE_LOAD * largest
    effort = Effort(search.sweeps, limit=limit, slope=weights.range / limit, progress=search.progress)
    found = choose(options, _resources(sets, owned, weights), effort)
    auxiliary = _open(sets, owned, found.users > 0, draft)
    chosen, start = options.kinds[found.choice], np.cumsum([0, *map(len, blocks)])
    for number, way in enumerate(ways):
        here = np.flatnonzero(chosen == number)
        option = found.choice[here]
        block = blocks[way.block].where(here - start[way.block])
        z = [auxiliary[column[option]] for column, _ in zip((options.first, options.second), way.sets, strict=False)]
        _write(block, z, None if way.rest is None else block.names[:, way.rest], draft)


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
    """Resources by the size of their sets."""
    kinds = np.concatenate(
        [np.full(len(found), size, np.int16) for size, found in sorted(sets.by_size.items())] or [np.zeros(0, np.int16)]
    )
    users = (owned >= 0).astype(np.int32)
    size = np.arange(max(sets.by_size, default=0) + 1).astype(np.float64)
    return Resources(kinds, 1 + weights.coupling * size, np.full(len(size), weights.coupling), size, users, users)


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
