"""Bringing the pairs of commuting two-qubit gates together on a device, in any order, by few swaps.

Spins are placed by annealing the sum of distances of their pairs. Then swaps follow that shorten the distances of all
pending pairs together most, on qubits that are free soon. A pair that has become adjacent waits: a swap of the two
costs one gate more then, not three, and its gate is due when one of them leaves. Several trials differ in their random
placements, each with several routings. After the commuting layers of Matsuo, Yamashita and Egger, arXiv:2212.05666.

Where many pairs have gates, a fixed network of swaps in which all pairs meet (`swap_networks.py`) is tried as well.
Of all that is found the routing that is expected to go wrong least is kept.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.routing import Adjacency, anneal_placement, route_pairs
from qevo_compiler.passes.gates.device import UNIT, Device
from qevo_compiler.passes.gates.routing import COLD, HOT, MOVES, Block, Routing
from qevo_compiler.passes.gates.swap_networks import network_routings

Ints = NDArray[np.int64]

# Routings of one placement; they differ by noise, which weighs as much as a quarter of a step of a pair.
_ROUTES = 8
# Pairs that all routings of one placement may have together: on dense models they would take most of the time.
_PAIRS = 20_000
_NOISE = 4096
# What a swap of a waiting pair saves, as if it had brought other pairs nearer by so much.
_MERGED = 60
# What waiting for a qubit costs by the step of time, in 256ths of a length.
_PATIENCE = 1000
# Gates on fewer than a tenth of all pairs never needed a network in which all meet.
_DENSE = 10


def route_commuting(pairs: Ints, device: Device, spins: int, start: Ints | None, trials: int) -> Routing | None:
    """The best of `trials` routings of gates on `pairs` [m, 2] of spins, from `start` or placements of its own.

    None where all placements have a pair that no path of couplers joins. A trial takes `MOVES` * spins moves of
    the degree of two spins, and for up to `_ROUTES` routings O(swaps * (couplers + degree)), all in kernels. A network
    of n spins takes the same moves and O(n) array operations of length n.
    """
    block = Block.of(pairs, spins)
    found = [routing for seed in range(trials) for routing in _trial(block, device, start, seed)]
    if start is None and block.density * _DENSE >= 1:
        found += network_routings(block, device, trials)
    best = min((block.expanded(routing) for routing in found), key=lambda routing: routing.cost, default=None)
    return best if best is None or start is not None else best.without_first_swaps()


def _trial(block: Block, device: Device, start: Ints | None, seed: int) -> Iterator[Routing]:
    random = np.random.default_rng(seed)
    state = random.integers(1, 1 << 62, 1)
    spins = Adjacency.of(block.pairs, block.spins)
    if start is None:
        first = random.permutation(device.size)[: block.spins]
        scale = UNIT * max(1.0, 2 * len(block.pairs) / max(block.spins, 1))
        moves = MOVES * block.spins
        start = anneal_placement(spins, device.qubits, device.length, first, moves, HOT * scale, COLD * scale, state)
    places = start[block.pairs]
    if (device.far[places[:, 0], places[:, 1]] >= device.size).any():
        return
    for _ in range(max(1, min(_ROUTES, _PAIRS // max(len(block.pairs), 1)))):
        steps, end = route_pairs(
            block.pairs, spins, device.couplers, device.qubits, device.far, device.length, start,
            _MERGED, _PATIENCE, _NOISE, state,
        )  # fmt: skip
        yield Routing(start, steps, end)
