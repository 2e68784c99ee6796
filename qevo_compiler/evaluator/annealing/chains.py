"""Bits in two equations each, as edges between them: what an anneal's compound flips go along.

An assignment of n labels is n rows and n columns that hold one each, every bit an edge between a row and a column; in a
network every arc is an edge between the balances of its ends. A feasible state has no feasible neighbour by one
or two flips there, only by flips along a closed chain of edges.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.annealing.sparse_kernel import BLOCK

Indices = NDArray[np.int32]
Singles = NDArray[np.float32]
Words = NDArray[np.int64]
_WORD = 64


@dataclass(frozen=True)
class Chains:
    """Edge e is spin `sites[e]`; its ends are the halves 2 e and 2 e + 1.

    Half h turns node `nodes[h]`, an equation, up or down by `signs[h]`. It is member
    `places[h]` of that node, and `members` from starts[node] on are the node's halves, ascending by `others`, the nodes
    of their other halves. Which members would turn a node up stands in words of 64 bits from first_words[node] on;
    half h has bit `bits[h]` of word `words[h]`. `edges` [sites and fillers] is the edge of a spin, or -1. At most
    `most` edges join the same two nodes.
    """

    sites: Indices
    edges: Indices
    nodes: Indices
    signs: Singles
    places: Indices
    starts: Indices
    members: Indices
    others: Indices
    first_words: Indices
    words: Indices
    bits: Words
    logs: Singles
    most: int

    @property
    def count(self) -> int:
        return len(self.sites)

    @property
    def arrays(self) -> tuple[object, ...]:
        """In the order of `chain_kernel.CHAINS`, from `halves` on."""
        return (
            len(self.nodes), self.most, self.sites, self.edges, self.nodes, self.places, self.starts, self.members,
            self.others, self.first_words, self.words, self.bits, self.logs,
        )  # fmt: skip

    def masks(self, spins: Singles) -> Words:
        """The words [words, replicas] of spins [sites, replicas]."""
        found = np.zeros((max(int(self.first_words[-1]), 1), spins.shape[1]), np.int64)
        turned = spins[self.sites[np.arange(len(self.nodes)) // 2]] * self.signs[:, None] < 0
        np.bitwise_or.at(found, self.words, np.where(turned, self.bits[:, None], 0))
        return found


def chains_of(size: int, rows: Indices, sites: Indices, weights: NDArray[np.float64], count: int) -> Chains:
    """The edges among `size` spins: those of connected equations of equal weights whose spins are all in two of them.

    Entry e says that spin `sites[e]` is in equation `rows[e]` of `count` with `weights[e]`.
    """
    inside = _whole_networks(size, rows, sites, weights, count)
    rows, sites, weights = rows[inside], sites[inside], weights[inside]
    order = np.lexsort((rows, sites))
    rows, sites, weights = rows[order], sites[order], weights[order]
    nodes = np.unique(rows, return_inverse=True)[1].reshape(-1)
    facing = nodes.reshape(-1, 2)[:, ::-1].reshape(-1)
    sizes = np.bincount(nodes)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    members = np.lexsort((facing, nodes))
    places = np.empty(len(nodes), np.int64)
    places[members] = np.arange(len(nodes)) - starts[nodes[members]]
    first_words = np.concatenate([[0], np.cumsum(-(-sizes // _WORD))])
    edges = np.full(size + BLOCK - 1, -1, np.int32)
    edges[sites[::2]] = np.arange(len(sites) // 2)
    parallel = np.unique(nodes * len(sizes) + facing, return_counts=True)[1]
    return Chains(
        sites=sites[::2].astype(np.int32),
        edges=edges,
        nodes=nodes.astype(np.int32),
        signs=np.sign(weights).astype(np.float32),
        places=places.astype(np.int32),
        starts=starts.astype(np.int32),
        members=members.astype(np.int32),
        others=facing[members].astype(np.int32),
        first_words=first_words.astype(np.int32),
        words=(first_words[nodes] + places // _WORD).astype(np.int32),
        bits=np.left_shift(np.uint64(1), (places % _WORD).astype(np.uint64)).view(np.int64),
        logs=np.log2(np.maximum(np.arange(sizes.max(initial=0) + 1), 1)).astype(np.float32),
        most=int(parallel.max(initial=0)),
    )


def _whole_networks(
    size: int, rows: Indices, sites: Indices, weights: NDArray[np.float64], count: int
) -> NDArray[np.bool_]:
    """Entries of connected parts in which every spin is in two equations, with a weight that is that of all others."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    graph = coo_matrix((np.ones(len(rows)), (rows, sites + count)), (count + size, count + size))
    label = connected_components(graph, directed=False)[1]
    degrees = np.bincount(sites, minlength=size)
    mixed = np.zeros(count + size, bool)
    mixed[label[count:][(degrees != 2) & (degrees != 0)]] = True
    least, most = np.full(count, np.inf), np.zeros(count)
    np.minimum.at(least, rows, np.abs(weights))
    np.maximum.at(most, rows, np.abs(weights))
    mixed[label[:count][least < most]] = True
    return np.asarray(~mixed[label[rows]], bool)
