"""Embedding a spin model in an annealer's graph, and what that does to its precision.

The clique embedding comes first: it is fast, deterministic and has chains of one length. For sparse
models minorminer then searches, with a fixed seed and one thread, and the better of both is kept, by
longest chain and then by number of qubits. The search is left out for models of many couplings that
have a clique embedding: there it takes minutes, is cut off by the clock, and seldom wins.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.diagnostics import CompileError, InternalError
from qevo_compiler.diagnostics.targets import NoEmbedding, TooManyVariables
from qevo_compiler.dialects import ising
from qevo_compiler.ir import Array
from qevo_compiler.packages import need
from qevo_compiler.targets.dwave.limits import COUPLING_LIMIT, FIELD_LIMIT, STRONGEST_COUPLING
from qevo_compiler.targets.dwave.topology import Lattice, Topology, lattice

Ints = NDArray[np.int64]

SEED = 0
# Up to this many couplings the search ends by itself in seconds, so its result does not hang on the clock.
SEARCHED_COUPLINGS = 500
# Without a clique embedding the search is the only hope, up to this many couplings.
HOPED_COUPLINGS = 5000
SECONDS = 300
_TRIES = 3
_PREFACTOR = 1.414
# minorminer 0.2.22 never returns for cliques of 5 to 8 in a Zephyr graph; part of a larger one serves.
_HANGING_CLIQUES = range(5, 9)
_SAFE_CLIQUE = 9


@dataclass(frozen=True)
class Embedding:
    """Chain i holds the qubits of spin i, ascending; `method` says which algorithm found the chains."""

    topology: Topology
    chains: tuple[tuple[int, ...], ...]
    method: str

    @property
    def longest(self) -> int:
        return max(map(len, self.chains), default=0)

    @property
    def qubits(self) -> int:
        return sum(map(len, self.chains))


@dataclass(frozen=True)
class Precision:
    """`chain_strength` holds chains together; the solver multiplies the energy by `auto_scale` to fit its ranges."""

    chain_strength: float
    auto_scale: float


def embed(model: ising.ModelOp, topology: Topology) -> Embedding:
    """A verified embedding of the model's graph.

    Raises `CompileError` when the model has more spins than the lattice qubits, or none was found.
    """
    graph = lattice(topology)
    if model.size > len(graph.qubits):
        raise CompileError(TooManyVariables(model.span, model.size, len(graph.qubits), graph.title))
    found = _search(topology, model.size, model.rows, model.columns)
    if found is None:
        couplings = model.couplings.size
        raise CompileError(NoEmbedding(model.span, model.size, couplings, graph.title, graph.block, HOPED_COUPLINGS))
    return found


@lru_cache(maxsize=4)
def _search(topology: Topology, size: int, rows: Array, columns: Array) -> Embedding | None:
    """Cached because `check`, `emit` and the ledger all ask; the result depends on the arguments alone."""
    graph = lattice(topology)
    pairs = np.stack([rows.values, columns.values], axis=1).astype(np.int64)
    found = [Embedding(topology, clique, "clique")] if (clique := _clique(graph, size)) is not None else []
    limit = SEARCHED_COUPLINGS if found else HOPED_COUPLINGS
    if len(pairs) <= limit and (heuristic := _minorminer(graph, size, pairs)) is not None:
        found.append(Embedding(topology, heuristic, "minorminer"))
    for embedding in found:
        _verify(embedding, graph, pairs)
    return min(found, key=lambda e: (e.longest, e.qubits), default=None)


def _clique(graph: Lattice, size: int) -> tuple[tuple[int, ...], ...] | None:
    busclique = need("minorminer.busclique", f"embedding in {graph.title}", "dwave")
    asked = _SAFE_CLIQUE if size in _HANGING_CLIQUES else size
    found = busclique.find_clique_embedding(asked, graph.graph, seed=SEED, use_cache=False)
    return _chains(found, size) if len(found) == asked else None


def _minorminer(graph: Lattice, size: int, pairs: Ints) -> tuple[tuple[int, ...], ...] | None:
    """Spins without couplings take free qubits: the search is told only of the others."""
    found: dict[int, list[int]] = {}
    if len(pairs):
        minorminer = need("minorminer", f"embedding in {graph.title}", "dwave")
        couplers = graph.couplers.tolist()
        found = minorminer.find_embedding(
            pairs.tolist(), couplers, random_seed=SEED, threads=1, tries=_TRIES, timeout=SECONDS
        )
        if not found:
            return None
    used = {qubit for chain in found.values() for qubit in chain}
    free = (qubit for qubit in graph.qubits if qubit not in used)
    for spin in range(size):
        if spin not in found:
            qubit = next(free, None)
            if qubit is None:
                return None
            found[spin] = [qubit]
    return _chains(found, size)


def _chains(found: Mapping[int, object], size: int) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(sorted(map(int, found[spin]))) for spin in range(size))  # type: ignore[call-overload]


def _verify(embedding: Embedding, graph: Lattice, pairs: Ints) -> None:
    """Chains are disjoint and connected, and every coupling has a coupler."""
    owner = _owners(embedding, graph)
    if int((owner >= 0).sum()) != embedding.qubits:
        raise InternalError("an embedding uses a qubit twice or one that is missing")
    counts, inside = _couplers(owner, graph, len(embedding.chains), pairs)
    if (counts == 0).any():
        raise InternalError("an embedding leaves a coupling without a coupler")
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    size = len(owner)
    links = coo_array((np.ones(len(inside)), (inside[:, 0], inside[:, 1])), shape=(size, size))
    parts, _ = connected_components(links, directed=False)
    if parts - int((owner < 0).sum()) != len(embedding.chains):
        raise InternalError("an embedding has a chain in pieces")


def _owners(embedding: Embedding, graph: Lattice) -> Ints:
    """The spin of each qubit, -1 where there is none."""
    owner = np.full(graph.qubits[-1] + 1, -1, np.int64)
    for spin, chain in enumerate(embedding.chains):
        owner[list(chain)] = spin
    return owner


def _couplers(owner: Ints, graph: Lattice, size: int, pairs: Ints) -> tuple[Ints, Ints]:
    """How many couplers join the chains of each pair, and the couplers inside chains."""
    a, b = owner[graph.couplers[:, 0]], owner[graph.couplers[:, 1]]
    used = (a >= 0) & (b >= 0)
    across = used & (a != b)
    keys = np.minimum(a, b)[across] * size + np.maximum(a, b)[across]
    known, counts = np.unique(keys, return_counts=True)
    wanted = pairs[:, 0] * size + pairs[:, 1]
    at = np.searchsorted(known, wanted)
    hit = at < len(known)
    hit[hit] = known[at[hit]] == wanted[hit]
    result = np.zeros(len(pairs), np.int64)
    result[hit] = counts[at[hit]]
    return result, graph.couplers[used & (a == b)]


def precision(model: ising.ModelOp, embedding: Embedding) -> Precision:
    """Chain strength and the factor by which the solver shrinks or stretches the embedded energy.

    The strength is D-Wave's uniform torque compensation, 1.414 rms(J) sqrt(mean degree). Fields are
    spread over a chain's qubits and couplings over the couplers between two chains. The limits that D-Wave
    sets on sums over a qubit's couplers can shrink the energy further.
    """
    strengths = model.couplings.values
    strength = 1.0
    if strengths.size:
        rms = math.sqrt(float((strengths**2).sum()) / strengths.size)
        strength = _PREFACTOR * rms * math.sqrt(2 * strengths.size / model.size)
    graph = lattice(embedding.topology)
    pairs = np.stack([model.rows.values, model.columns.values], axis=1).astype(np.int64)
    counts, inside = _couplers(_owners(embedding, graph), graph, model.size, pairs)
    spread = strengths / counts
    fields = np.abs(model.fields.values) / np.array([len(chain) for chain in embedding.chains] or [1])[: model.size]
    pressure = max(
        float(fields.max(initial=0.0)) / FIELD_LIMIT,
        float(spread.max(initial=0.0)) / COUPLING_LIMIT,
        float(spread.min(initial=0.0)) / STRONGEST_COUPLING,
        strength / -STRONGEST_COUPLING if len(inside) else 0.0,
    )
    return Precision(strength, 1.0 / pressure if pressure else 1.0)
