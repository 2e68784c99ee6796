"""A device as routing sees it: which qubits are coupled, and how far apart they are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.routing import Adjacency

Ints = NDArray[np.int64]

# Whole numbers keep all sums exact, whatever their order. Near pairs count more than far ones: they are done sooner.
UNIT, _POWER = 64.0, 0.7


@dataclass(frozen=True)
class Device:
    """`couplers` [c, 2] are pairs of the qubits 0 to `size` - 1, each pair once, sorted."""

    couplers: Ints
    size: int

    @classmethod
    def of(cls, pairs: Ints, size: int) -> Device:
        """With couplers as they come: in either order of a pair and more than once."""
        return cls(np.unique(np.sort(pairs, axis=1), axis=0).astype(np.int64), size)

    @cached_property
    def qubits(self) -> Adjacency:
        return Adjacency.of(self.couplers, self.size)

    @cached_property
    def far(self) -> NDArray[np.int32]:
        """Lengths of shortest paths [size, size], `size` where there is none. O(longest * size * couplers)."""
        degrees = np.diff(self.qubits.first)
        table = np.full((self.size, int(degrees.max(initial=0))), self.size, np.int64)
        table[np.arange(table.shape[1]) < degrees[:, None]] = self.qubits.others
        far = np.full((self.size, self.size), self.size, np.int32)
        # A row a start, a column a qubit reached; the last column stands for no qubit.
        front, step = np.eye(self.size, self.size + 1, dtype=np.bool_), 0
        while front.any():
            far[front[:, :-1]] = step
            reached = np.zeros_like(front)
            for near in table.T:
                reached[:, :-1] |= front[:, near]
            reached[:, :-1] &= far == self.size
            front, step = reached, step + 1
        return far

    @cached_property
    def length(self) -> NDArray[np.int32]:
        """What a distance counts for a pair that has a gate [size, size]; neighbours are there already."""
        return np.round(UNIT * np.maximum(self.far - 1, 0.0) ** _POWER).astype(np.int32)
