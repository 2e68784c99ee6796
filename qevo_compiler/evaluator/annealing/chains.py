"""Steps of numbers (`steps.py`) as edges between the equations that hold them: where an anneal's compound flips go.

An assignment of n labels is n rows and n columns that hold one each, every bit an edge between a row and a column; in
a network every arc is an edge between the balances of its ends, once for every step that it can take. A feasible state
has no feasible neighbour by one or two flips there, only by steps along a closed chain of edges.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.annealing.steps import Floats, Indices, Places, Singles, Steps, steps_of

Words = NDArray[np.int64]
_WORD = 64


@dataclass(frozen=True)
class Chains:
    """Edge e turns the spins `sites[lows[e]]` .. `sites[tops[e]]`, where the last one differs from all before it.

    Its ends are the halves 2 e and 2 e + 1; `blocks` are the blocks of edges, `edge_starts` the first edges of blocks.
    Half h turns node `nodes[h]`, an equation and a size of steps, up or down: by `signs[h]` where the last spin is
    -1. It is member `places[h]` of that node, and `members` from starts[node] on are the node's halves,
    ascending by `others`, the nodes of their other halves. Which members can step, and which of them would turn a node
    up, stands in words of 64 bits from first_words[node] on; half h has bit `bits[h]` of word `words[h]`. A node's
    equation is `rows[node]` (-1 for the ground), its sum changes by `steps[node]`. At most `most` edges between the
    same two nodes can step the same way.
    """

    sites: Indices
    lows: Indices
    tops: Indices
    blocks: Indices
    edge_starts: Indices
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
    rows: Indices
    steps: Singles
    most: int

    @property
    def count(self) -> int:
        """How many spins are in edges."""
        return len(self._turned)

    @cached_property
    def _turned(self) -> Indices:
        """The spins of edges: numbers without a step that others take have none."""
        turns = np.bincount(self.lows, minlength=len(self.sites) + 1)
        turns -= np.bincount(self.tops + 1, minlength=len(self.sites) + 1)
        return self.sites[np.cumsum(turns)[:-1] > 0]

    @property
    def word_count(self) -> int:
        return int(self.first_words[-1])

    @property
    def arrays(self) -> tuple[object, ...]:
        """In the order of `chain_turn.CHAINS`, from `halves` on."""
        return (
            len(self.nodes), self.most, self.word_count, self.sites, self.lows, self.tops, self.blocks,
            self.edge_starts, self.nodes, self.signs, self.places, self.starts, self.members, self.others,
            self.first_words, self.words, self.bits, self.logs,
        )  # fmt: skip

    def among(self, size: int) -> NDArray[np.bool_]:
        """Which of `size` spins are in edges."""
        found = np.zeros(size, bool)
        found[self._turned] = True
        return found


def chains_of(size: int, rows: Indices, sites: Indices, weights: Floats, count: int) -> Chains:
    """The edges among `size` spins: entry e says that `sites[e]` is in equation `rows[e]` of `count` by its weight."""
    steps = steps_of(rows, sites, weights, size, count)
    ends, lengths = steps.ends.reshape(-1), np.abs(steps.sizes.reshape(-1))
    keys, nodes = np.unique(np.stack([ends.astype(np.float64), lengths]), axis=1, return_inverse=True)
    nodes = nodes.reshape(-1)
    facing = nodes.reshape(-1, 2)[:, ::-1].reshape(-1)
    sizes = np.bincount(nodes)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    members = np.lexsort((facing, nodes))
    places = np.empty(len(nodes), np.int64)
    places[members] = np.arange(len(nodes)) - starts[nodes[members]]
    first_words = np.concatenate([[0], np.cumsum(-(-sizes // _WORD))])
    return Chains(
        sites=steps.sites.astype(np.int32),
        lows=steps.lows.astype(np.int32),
        tops=steps.tops.astype(np.int32),
        blocks=steps.blocks.astype(np.int32),
        edge_starts=np.searchsorted(steps.blocks, np.arange(len(steps.single) + 1)).astype(np.int32),
        nodes=nodes.astype(np.int32),
        signs=np.sign(steps.sizes.reshape(-1)).astype(np.float32),
        places=places.astype(np.int32),
        starts=starts.astype(np.int32),
        members=members.astype(np.int32),
        others=facing[members].astype(np.int32),
        first_words=first_words.astype(np.int32),
        words=(first_words[nodes] + places // _WORD).astype(np.int32),
        bits=np.left_shift(np.uint64(1), (places % _WORD).astype(np.uint64)).view(np.int64),
        logs=np.log2(np.maximum(np.arange(sizes.max(initial=0) + 1), 1)).astype(np.float32),
        rows=np.where(keys[0] < count, keys[0], -1).astype(np.int32),
        steps=(2 * keys[1]).astype(np.float32),
        most=_parallel(steps, nodes.reshape(-1, 2)),
    )


def _parallel(steps: Steps, nodes: Places) -> int:
    """The most edges between two nodes that can step the same way at once."""
    low, high = nodes.min(axis=1, initial=np.iinfo(np.int64).max), nodes.max(axis=1, initial=0)
    # Of a block with one step of a size at a time all edges count as one.
    number = np.where(steps.single[steps.blocks], -1 - steps.blocks, np.arange(len(steps.blocks)))
    distinct = np.unique(np.stack([low, high, number]), axis=1)
    return int(np.unique(distinct[:2], axis=1, return_counts=True)[1].max(initial=0))
