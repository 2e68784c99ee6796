"""Graphs as kernels read them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Adjacency:
    """The neighbours of vertex v are `others[first[v]:first[v + 1]]`, and `edges` there says by which edge."""

    first: Ints
    others: Ints
    edges: Ints

    @classmethod
    def of(cls, pairs: Ints, size: int) -> Adjacency:
        """Of the simple graph with edges `pairs` [m, 2] on `size` vertices; neighbours in rising order."""
        ends, others = pairs.T.reshape(-1), pairs[:, ::-1].T.reshape(-1)
        order = np.lexsort((others, ends))
        first = np.concatenate([[0], np.cumsum(np.bincount(ends, minlength=size))]).astype(np.int64)
        return cls(first, others[order].astype(np.int64), order % max(len(pairs), 1))

    @property
    def lists(self) -> list[list[int]]:
        """The neighbours of every vertex."""
        return [part.tolist() for part in np.split(self.others, self.first[1:-1])]
