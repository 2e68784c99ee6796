"""The graphs of D-Wave's annealers: perfect lattices, without a given machine's missing qubits."""

from __future__ import annotations

from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.packages import need

if TYPE_CHECKING:
    import networkx as nx

Ints = NDArray[np.int64]


class Topology(Enum):
    """Where to embed: nowhere, Advantage's Pegasus P16, or Advantage2's Zephyr Z12."""

    NONE = "none"
    PEGASUS = "pegasus"
    ZEPHYR = "zephyr"


class Lattice:
    """A perfect lattice: its graph, its couplers as sorted arrays, and how many spins a block may have.

    A block of that many spins embeds however dense it is: the largest clique is 180 on P16, where 177 leaves
    room for a machine's missing qubits, and 184 on Z12.
    """

    SIZES: ClassVar[dict[Topology, tuple[str, int, int]]] = {
        Topology.PEGASUS: ("Pegasus P16", 16, 177),
        Topology.ZEPHYR: ("Zephyr Z12", 12, 184),
    }

    def __init__(self, topology: Topology) -> None:
        self.title, size, self.block = self.SIZES[topology]
        graphs = need("dwave.graphs", f"embedding in {self.title}", "dwave")
        make = graphs.pegasus_graph if topology is Topology.PEGASUS else graphs.zephyr_graph
        self.graph: nx.Graph[int] = make(size)
        self.qubits: list[int] = sorted(self.graph.nodes)
        self.couplers: Ints = np.array(sorted(map(sorted, self.graph.edges)), np.int64)


@cache
def lattice(topology: Topology) -> Lattice:
    """The lattice of a topology other than `NONE`; built once."""
    return Lattice(topology)
