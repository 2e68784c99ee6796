"""The resources of a search: a number for every set of bits that several ways to write monomials name.

Sets that are named once need no number, since nobody shares them: they are resource 0. Sets are sorted in batches by
their first bit, so that next to the numbers little is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.quadratization import FIRST, Resources
from qevo_compiler.passes.products.monomials import Flags, Integers, Kept, Names, grouped, set_keys
from qevo_compiler.passes.products.sharing import Pairs

FEW = 1 << 12  # sets in a batch
BATCHES = 12  # at most
STEP = 16  # one of so many sets says where batches end
GROUPS = 10  # bits of the number of groups of neighbouring first bits, which stay together
Places = tuple[int, ...]
Head = tuple[int, int, int]


@dataclass(frozen=True)
class Column:
    """The bits at `places` of the monomials `names` [m, d] (those of `rows`, if given); their numbers go to `out`.

    Names lie monomial by monomial.
    """

    names: Kept
    rows: Integers | Names | None
    places: Places
    out: Names

    @property
    def head(self) -> Head:
        """Columns of the same head have the same first bits."""
        return id(self.names), id(self.rows), self.places[0]

    def firsts(self) -> Names:
        found: Names = self.names[:, self.places[0]].astype(np.int32)
        return found if self.rows is None else found[self.rows]

    def starts(self, which: Integers) -> Integers:
        """Where these monomials start in `names`."""
        monomials = which if self.rows is None else self.rows[which].astype(np.int64)
        starts: Integers = monomials * self.names.shape[1]
        return starts

    def write(self, starts: Integers, out: Names) -> None:
        """The sets of the monomials that start there, bit by bit."""
        names = self.names.reshape(-1)
        for place, bits in zip(self.places, out, strict=True):
            bits[:] = names[place:].take(starts, mode="clip")


def in_batches(columns: Sequence[Column], number: Callable[[Names], Names]) -> None:
    """Write the numbers of all sets. `number` gets sets of one size, the small ones first.

    Equal sets come in one batch, and a set before another one in lexicographic order in no later one.
    """
    for size in sorted({len(column.places) for column in columns}):
        _batches_of_size([column for column in columns if len(column.places) == size], number)


def _batches_of_size(columns: Sequence[Column], number: Callable[[Names], Names]) -> None:
    batches = min(-(-sum(len(column.out) for column in columns) // FEW), BATCHES)
    if batches < 2:
        _number_batch(columns, [np.arange(len(column.out)) for column in columns], number)
        return
    labels = _labels({column.head: column for column in columns}, batches)
    for batch in range(batches):
        chosen = {head: np.flatnonzero(label == batch) for head, label in labels.items()}
        _number_batch(columns, [chosen[column.head] for column in columns], number)


def _labels(heads: dict[Head, Column], batches: int) -> dict[Head, NDArray[np.int8]]:
    """The batch of every set: those with neighbouring first bits, batches of about as many."""
    shift = max(max(column.firsts().max(initial=0).item().bit_length() for column in heads.values()) - GROUPS, 0)
    shares = [np.bincount(column.firsts()[::STEP] >> shift, minlength=1 << GROUPS) for column in heads.values()]
    counts = np.sum(shares, axis=0)
    before = np.cumsum(counts) - counts
    # Behind the last bit that was looked at there are as many as in all.
    table = np.minimum(before * batches // int(counts.sum()), batches - 1).astype(np.int8)
    return {head: table[column.firsts() >> shift] for head, column in heads.items()}


def _number_batch(columns: Sequence[Column], chosen: Sequence[Integers], number: Callable[[Names], Names]) -> None:
    ends = np.cumsum([0, *map(len, chosen)]).tolist()
    sets = np.empty((len(columns[0].places), ends[-1]), np.int32)
    for column, which, here in zip(columns, chosen, pairwise(ends), strict=True):
        column.write(column.starts(which), sets[:, slice(*here)])
    found = number(sets.T)
    for column, which, here in zip(columns, chosen, pairwise(ends), strict=True):
        column.out[which] = found[slice(*here)]


def numbered(columns: Sequence[Column], opened: Pairs) -> Resources:
    """Write the numbers of all sets, from `FIRST` on."""
    numbering = _Numbering(opened)
    in_batches(columns, numbering.numbers)
    return numbering.resources()


class _Numbering:
    """Numbers from `FIRST` on, and how many options name each."""

    def __init__(self, opened: Pairs) -> None:
        self._opened = opened
        self._count = FIRST
        self._named = [np.array([1, 0], np.int32)]
        self._owned = [np.zeros(FIRST, bool)]

    def resources(self) -> Resources:
        return Resources(np.concatenate(self._named), np.concatenate(self._owned))

    def numbers(self, sets: Names) -> Names:
        groups = grouped(set_keys(sets))
        owned = self._owns(sets[groups.first])
        kept = owned | (groups.counts > 1)
        numbers = np.cumsum(kept, dtype=np.int32) + np.int32(self._count - 1)
        numbers[~kept] = 0
        self._named.append(groups.counts[kept].astype(np.int32))
        self._owned.append(owned[kept])
        self._count += len(self._named[-1])
        return groups.spread(numbers)

    def _owns(self, sets: Names) -> Flags:
        """Which sets are pairs that have an auxiliary already."""
        if sets.shape[1] != 2:
            return np.zeros(len(sets), bool)
        return self._opened.of(sets) >= 0
