"""The interaction graph of a quadratic model or a polynomial: who meets whom in a term.

Components and the view by networkx; arrays in, arrays out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects import ising
from qevo_compiler.dialects.poly import Polynomials

if TYPE_CHECKING:
    import networkx

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Interaction:
    """An undirected graph on `size` vertices: edge k joins `rows[k] < columns[k]`; edges sorted, none twice."""

    size: int
    rows: Integers
    columns: Integers

    def __len__(self) -> int:
        """How many edges there are."""
        return len(self.rows)

    @property
    def density(self) -> float:
        """The share of possible edges that are there."""
        return len(self) / max(self.size * (self.size - 1) // 2, 1)

    def degrees(self) -> Integers:
        """How many neighbours each vertex has."""
        ends = np.concatenate([self.rows, self.columns])
        return np.bincount(ends, minlength=self.size).astype(np.int64)

    def components(self) -> Integers:
        """The number of each vertex's component; components are numbered by their smallest vertex."""
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import connected_components

        ones = np.ones(len(self), np.int8)
        matrix = csr_array((ones, (self.rows, self.columns)), shape=(self.size, self.size))
        _, labels = connected_components(matrix, directed=False)
        _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
        rank = np.empty(len(first), np.int64)
        rank[np.argsort(first)] = np.arange(len(first))
        return rank[inverse]

    def colouring(self) -> Integers:
        """A proper colouring, vertices of one colour being independent; greedy, high degrees first.

        Uses networkx: about a microsecond an edge and an object a vertex, for graphs up to some 10^5 edges.
        """
        import networkx as nx

        colours = nx.greedy_color(self.to_networkx(), strategy="largest_first")
        return np.array([colours[vertex] for vertex in range(self.size)], np.int64)

    def to_networkx(self) -> networkx.Graph[Any]:
        """The graph as networkx knows it, vertices in order."""
        import networkx as nx

        graph: networkx.Graph[Any] = nx.Graph()
        graph.add_nodes_from(range(self.size))
        graph.add_edges_from(zip(self.rows.tolist(), self.columns.tolist(), strict=True))
        return graph


def interaction_of(model: ising.ModelOp | ising.QuboOp | Polynomials, size: int | None = None) -> Interaction:
    """The interaction graph of a spin model, a binary model, or polynomials over `size` variables.

    Variables that share a term of a polynomial of any degree are joined pairwise.
    """
    if isinstance(model, ising.ModelOp | ising.QuboOp):
        return Interaction(model.size, model.rows.values.astype(np.int64), model.columns.values.astype(np.int64))
    names = [block.variables.values.astype(np.int64) for block in model.terms]
    count = size if size is not None else max((int(block.max(initial=-1)) for block in names), default=-1) + 1
    keys = [
        block[:, left] * count + block[:, right]
        for block in names
        for left in range(block.shape[1])
        for right in range(left + 1, block.shape[1])
    ]
    edges = np.unique(np.concatenate([*keys, np.zeros(0, np.int64)]))
    rows, columns = edges // max(count, 1), edges % max(count, 1)
    distinct = rows != columns
    return Interaction(count, rows[distinct], columns[distinct])
