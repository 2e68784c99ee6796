"""Spins that one constraint ties together, and the pairs of them that a sweep proposes to flip at once.

A state that satisfies `sum of bits == 1` has no neighbour by one flip that does as well, only by two: one bit goes to 0
and another to 1. The same holds for an item that replaces another one in a full knapsack.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int32]

# Mates of a constraint are met in the order of multiples of this prime, so that short runs see near and far ones.
_STRIDE = 7919


class Mates:
    """Entry e says that spin `sites[e]` is in constraint `rows[e]`; each pair of them at most once."""

    def __init__(self, rows: Indices, sites: Indices) -> None:
        sizes = np.bincount(rows)
        rows, sites = (part[sizes[rows] > 1] for part in (rows, sites))
        order = np.lexsort((sites, rows))
        self._rows, self._members = rows[order].astype(np.int64), sites[order].astype(np.int32)
        self._sizes = np.bincount(self._rows)
        self._starts = np.cumsum(self._sizes) - self._sizes
        self._entries = np.argsort(self._members, kind="stable")
        self._owners, self._degrees = np.unique(self._members, return_counts=True)
        self._firsts = np.cumsum(self._degrees) - self._degrees

    def without(self, moved: NDArray[np.bool_]) -> Mates:
        """Less the spins that are marked."""
        kept = ~moved[self._members]
        return Mates(self._rows[kept].astype(np.int32), self._members[kept])

    @property
    def count(self) -> int:
        """How many pairs a sweep has: one for every spin with mates."""
        return len(self._owners)

    def pairs(self, first: int, stop: int) -> Indices:
        """The pairs of sweeps first .. stop - 1, as sites [sweeps, count, 2].

        From sweep to sweep a spin goes through its constraints, and in each of them through its mates.
        """
        if not self.count:
            return np.zeros((stop - first, 0, 2), np.int32)
        sweeps = np.arange(first, stop)[:, None]
        entry = self._entries[self._firsts + sweeps % self._degrees]
        row = self._rows[entry]
        start, size = self._starts[row], self._sizes[row]
        shift = 1 + sweeps // self._degrees * _STRIDE % (size - 1)
        mate = self._members[start + (entry - start + shift) % size]
        return np.stack([np.broadcast_to(self._owners, mate.shape), mate], axis=2)
