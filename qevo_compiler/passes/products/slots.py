"""The resources of a search: a number for every set of bits that several ways to write monomials name.

Sets that are named once need no number, since nobody shares them: they are resource 0. Sets are sorted in batches by
their first bit, so that next to the numbers little is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from qevo_compiler.evaluator.quadratization import FIRST, Resources
from qevo_compiler.passes.products.monomials import Flags, Integers, Names, ranked, set_keys
from qevo_compiler.passes.products.sharing import Pairs

FEW = 1 << 14  # sets that are sorted at once
BATCHES = 12
STEP = 16  # one of so many sets says where batches end
Places = tuple[int, ...]


@dataclass(frozen=True)
class Column:
    """The bits at `places` of the monomials `names` [m, d] (those of `rows`, if given); their numbers go to `out`."""

    names: Names
    rows: Integers | Names | None
    places: Places
    out: Names

    def firsts(self) -> Names:
        found: Names = self.names[:, self.places[0]]
        return found if self.rows is None else found[self.rows]

    def sets(self, which: Integers) -> Names:
        found: Names = self.names[(which if self.rows is None else self.rows[which])[:, None], list(self.places)]
        return found


def in_batches(columns: Sequence[Column], number: Callable[[Names], Names]) -> None:
    """Write the numbers of all sets. `number` gets sets of one size, the small ones first.

    Equal sets come in one batch, and a set before another one in lexicographic order in no later one.
    """
    for size in sorted({len(column.places) for column in columns}):
        _batches_of_size([column for column in columns if len(column.places) == size], number)


def _batches_of_size(columns: Sequence[Column], number: Callable[[Names], Names]) -> None:
    if sum(len(column.out) for column in columns) <= FEW:
        _number_batch(columns, [np.arange(len(column.out)) for column in columns], number)
        return
    # Columns that begin at the same place of the same monomials have the same firsts.
    heads = [(id(column.names), id(column.rows), column.places[0]) for column in columns]
    seen = np.sort(np.concatenate([column.firsts()[::STEP] for column in columns]))
    edges = seen[np.arange(1, BATCHES) * len(seen) // BATCHES]
    starts = dict(zip(heads, columns, strict=True))
    labels = {head: np.searchsorted(edges, column.firsts()).astype(np.int8) for head, column in starts.items()}
    for batch in range(BATCHES):
        chosen = {head: np.flatnonzero(label == batch) for head, label in labels.items()}
        _number_batch(columns, [chosen[head] for head in heads], number)


def _number_batch(columns: Sequence[Column], chosen: Sequence[Integers], number: Callable[[Names], Names]) -> None:
    sets = np.concatenate([column.sets(which) for column, which in zip(columns, chosen, strict=True)])
    ends = np.cumsum([len(which) for which in chosen])
    for column, which, found in zip(columns, chosen, np.split(number(sets), ends[:-1]), strict=True):
        column.out[which] = found


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
        ranks, first = ranked(set_keys(sets))
        counts = np.bincount(ranks, minlength=len(first)).astype(np.int32)
        owned = self._owns(sets[first])
        kept = owned | (counts > 1)
        numbers = np.cumsum(kept, dtype=np.int32) + np.int32(self._count - 1)
        numbers[~kept] = 0
        self._named.append(counts[kept])
        self._owned.append(owned[kept])
        self._count += len(self._named[-1])
        found: Names = numbers[ranks]
        return found

    def _owns(self, sets: Names) -> Flags:
        """Which sets are pairs that have an auxiliary already."""
        if sets.shape[1] != 2:
            return np.zeros(len(sets), bool)
        return self._opened.of(sets) >= 0
