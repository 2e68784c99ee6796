"""Choose how each monomial becomes quadratic, so that auxiliaries, couplings and range cost little together.

The ways: a cubic as a pair times the third bit; a quartic as a product of two disjoint pairs; a negative monomial
of any degree as one product of all its bits, or of all but one, times that one; a positive one of degree 3 or 4 by
a private gadget. Pairs and products are shared with every monomial that chooses them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from qevo_compiler.evaluator.quadratization import COMMON, Block, Choices, Effort, Slot, choose
from qevo_compiler.evaluator.terms.memory import give_back, returned
from qevo_compiler.passes.products.costs import Weights
from qevo_compiler.passes.products.draft import Draft
from qevo_compiler.passes.products.monomials import Later, Monomials, Names, Term, grouped, set_keys
from qevo_compiler.passes.products.sharing import Pairs
from qevo_compiler.passes.products.slots import Column, Places, in_batches, numbered

# Negative monomials of a higher degree get a product of their own without looking for neighbours.
WIDEST = 12
# Load beyond so many times the largest coefficient costs range: below it other coefficients set the range.
FREE_LOAD = 4.0
# Monomials from which on what the heap keeps is more than the program around it.
MANY = 1 << 12
_HALVES: tuple[Places, ...] = ((0, 1, 2, 3), (0, 2, 1, 3), (0, 3, 1, 2))


@dataclass(frozen=True)
class _Way:
    """One way to write monomials of a sign (0: of both): which places become auxiliaries, and the one left over.

    It is the option numbered `option` of these monomials. No sets: a private gadget. `rest` is None where nothing
    is left.
    """

    option: int
    sign: int
    sets: tuple[Places, ...]
    rest: int | None


@dataclass(frozen=True)
class Search:
    """How long to search: re-choice sweeps with noise (0: none, only what descends)."""

    sweeps: int
    progress: Callable[[float], None]

    def make_room(self, blocks: Sequence[Monomials]) -> None:
        """Return what the heap keeps before a step that takes much, where that is short beside the search."""
        if self.sweeps and sum(map(len, blocks)) >= MANY:
            give_back()


def cover(blocks: Sequence[Monomials], opened: Pairs, draft: Draft, weights: Weights, search: Search) -> None:
    """Write the monomials into `draft`, quadratic; `opened` are pairs that have an auxiliary there already."""
    draft.add(*(block.term() for block in blocks if block.degree <= 2))
    high = [block for block in blocks if block.degree > 2]
    covered = [_coverable(block) for block in high]
    for block, flags in zip(high, covered, strict=True):
        draft.alone(block.where(~flags))
    parts = [block if flags.all() else block.where(flags) for block, flags in zip(high, covered, strict=True)]
    parts = [block for block in parts if len(block)]
    if parts:
        _write_chosen(parts, _chosen(parts, opened, weights, search), opened, draft)
        search.make_room(parts)


def _coverable(block: Monomials) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return (block.degree <= 4) | ((block.weights < 0) & (block.degree <= WIDEST))


def _ways(degree: int) -> list[_Way]:
    """Those of both signs, of positive monomials (up to degree 4) and of negative ones."""
    whole = tuple(range(degree))
    ways = []
    if degree == 3:
        ways = [_Way(2 - left, 0, (_without(whole, left),), left) for left in (2, 1, 0)]
    if degree == 4:
        ways = [_Way(number, 0, ((a, b), (c, d)), None) for number, (a, b, c, d) in enumerate(_HALVES)]
    first = len(ways)
    if degree <= 4:
        ways.append(_Way(first, 1, (), None))
    ways.append(_Way(first, -1, (whole,), None))
    if degree > 3:
        ways += [_Way(first + 1 + left, -1, (_without(whole, left),), left) for left in whole]
    return ways


def _without(whole: Places, left: int) -> Places:
    return tuple(place for place in whole if place != left)


def _chosen(blocks: Sequence[Monomials], opened: Pairs, weights: Weights, search: Search) -> list[Choices]:
    """The number of the option that each monomial takes."""
    search.make_room(blocks)
    stated = [_stated(block, weights) for block in blocks]
    resources = numbered([column for _, columns in stated for column in columns], opened)
    problem = [block for block, _ in stated]
    del stated
    limit = FREE_LOAD * max(float(np.abs(block.coefficients).max()) for block in blocks)
    search.make_room(blocks)
    effort = Effort(search.sweeps, limit=limit, slope=weights.range / limit, progress=search.progress)
    return choose(problem, resources, effort)


def _stated(block: Monomials, weights: Weights) -> tuple[Block, list[Column]]:
    """The block as the search takes it, and the columns of its slots, to be filled with numbers of sets."""
    degree, names, ways = block.degree, block.names, _ways(block.degree)
    both = [places for way in ways if way.sign == 0 for places in way.sets]
    own = [places for way in ways if way.sign < 0 for places in way.sets]
    rows = np.flatnonzero(block.weights < 0).astype(np.int32)
    common = returned((len(block), len(both)), np.int32)
    negative = returned((len(rows), len(own)), np.int32)
    columns = [Column(names, None, places, common[:, j]) for j, places in enumerate(both)]
    columns += [Column(names, rows, places, negative[:, j]) for j, places in enumerate(own)]
    slots = [_slot(len(places), 0.0 if len(places) == degree else weights.coupling, weights) for places in own]
    pair, alone = _slot(2, weights.coupling, weights), weights.positive_alone(degree)
    coefficients = np.ascontiguousarray(block.coefficients)
    return Block(coefficients, len(both) // COMMON, common, pair, alone, negative, slots), columns


def _slot(size: int, fixed: float, weights: Weights) -> Slot:
    return Slot(fixed, 1 + weights.coupling * size, weights.coupling, float(size))


def _write_chosen(blocks: Sequence[Monomials], choices: list[Choices], opened: Pairs, draft: Draft) -> None:
    parts = [
        _Part(way, block, choice) for block, choice in zip(blocks, choices, strict=True) for way in _ways(block.degree)
    ]
    for part, z in zip(parts, _found(parts, opened, draft), strict=True):
        part.write(z, draft)


def _found(parts: Sequence[_Part], opened: Pairs, draft: Draft) -> list[list[Names]]:
    """The auxiliary of every set of every part."""
    rows = [part.rows() for part in parts]
    lengths = [len(here) for part, here in zip(parts, rows, strict=True) for _ in part.way.sets]
    # One piece of memory that goes when the last term is written.
    pieces = iter(np.split(returned((sum(lengths),), np.int32), np.cumsum(lengths)[:-1]))
    found = [[next(pieces) for _ in part.way.sets] for part in parts]
    columns = [
        Column(part.block.names, here, places, out)
        for part, here, own in zip(parts, rows, found, strict=True)
        for places, out in zip(part.way.sets, own, strict=True)
    ]
    in_batches(columns, lambda sets: _auxiliaries(sets, opened, draft))
    return found


@dataclass(frozen=True)
class _Part:
    """The monomials of a block that chose one way."""

    way: _Way
    block: Monomials
    choice: Choices

    def rows(self) -> Names:
        """Which they are: looked up when asked for, since choices are a quarter as long."""
        here = self.choice == self.way.option
        if self.way.sign:
            here &= (self.block.weights > 0) == (self.way.sign > 0)
        return np.flatnonzero(here).astype(np.int32)

    def write(self, z: Sequence[Names], draft: Draft) -> None:
        """Write the monomials with the auxiliaries z [rows] of the way's sets."""
        rows = self.rows()
        if not z:
            draft.alone(self.block.where(rows))
        elif len(rows):
            for part in z:
                draft.carry(part, self.block.coefficients_of(rows))
            draft.add(Later(len(z) + (self.way.rest is not None), len(rows), lambda: self._term(z)))

    def _term(self, z: Sequence[Names]) -> Term:
        rows, rest = self.rows(), self.way.rest
        left = [] if rest is None else [self.block.names[rows, rest]]
        return Term((*left, *z), self.block.coefficients_of(rows))


def _auxiliaries(sets: Names, opened: Pairs, draft: Draft) -> Names:
    """The auxiliary of each set; those that have none yet get one, in lexicographic order."""
    groups = grouped(set_keys(sets))
    different = sets[groups.first]
    auxiliary = opened.of(different) if different.shape[1] == 2 else np.full(len(different), -1, np.int32)
    new = auxiliary < 0
    auxiliary[new] = draft.products(different[new])
    return groups.spread(auxiliary)
