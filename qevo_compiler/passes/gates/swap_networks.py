"""Fixed networks of swaps in which every pair of spins meets: on a line of qubits, and on a ladder of two lines.

On a line of n, layers of swaps on all even and on all odd neighbours in turn bring every pair together once in n
layers (Kivlichan et al., Phys. Rev. Lett. 120, 110501, 2018). On a ladder both lines do so, one of them starting with
the odd neighbours: spins of different lines then meet once on the rungs, between n / 2 layers. A swap together with
its pair's gate costs three cz, so n spins take 3 n steps of time on a line, 5 n / 2 on a ladder.

Which spin starts where is annealed, so that what is left out of a graph that is not complete stands at the end,
where swaps that bring nothing together are dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.routing import Adjacency, anneal_placement
from qevo_compiler.passes.gates.device import Device
from qevo_compiler.passes.gates.device_paths import find_ladder, find_line
from qevo_compiler.passes.gates.routing import COLD, HOT, MOVES, NO_GATE, Block, Routing

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

# A meeting in the last layer costs this much, an earlier one less by a power of its layer: late ones are avoided.
_LATEST, _POWER = 4096.0, 6
# Temperatures go lower than for distances: early meetings differ by little.
_LOWER = 0.02


@dataclass(frozen=True)
class Network:
    """`qubits` [n] of a device by their place, and layers of places [m, 2], each with a swap or without."""

    name: str
    qubits: Ints
    layers: tuple[tuple[Ints, bool], ...]


def line_network(qubits: Ints) -> Network:
    """On qubits of which each is coupled to the next."""
    count = len(qubits)
    return Network(f"line of {count}", qubits, tuple((_neighbours(0, count, turn), True) for turn in range(count)))


def ladder_network(rails: Ints) -> Network:
    """On two lines `rails` [2, m] of which each qubit is coupled to its opposite."""
    size = rails.shape[1]
    rungs = np.stack([np.arange(size), np.arange(size) + size], axis=1)
    layers: list[tuple[Ints, bool]] = []
    for turn in range(size):
        both = [_neighbours(0, size, turn), _neighbours(size, 2 * size, turn + 1)]
        layers += [(rungs, False), (np.concatenate(both), True)]
    return Network(f"ladder of 2 x {size}", rails.reshape(-1), tuple(layers))


def network_routings(block: Block, device: Device, trials: int) -> list[Routing]:
    """A routing by each of the networks that fit the device, with the best of `trials` placements."""
    return [
        min((_routed(block, network, seed) for seed in range(trials)), key=lambda routing: routing.cost)
        for network in _fitting(device, block.spins)
    ]


def _fitting(device: Device, spins: int) -> Iterator[Network]:
    line = find_line(device, spins)
    if line is not None:
        yield line_network(line)
    rails = find_ladder(device, (spins + 1) // 2)
    if rails is not None:
        yield ladder_network(rails)


def _neighbours(first: int, last: int, turn: int) -> Ints:
    starts = np.arange(first + turn % 2, last - 1, 2)
    return np.stack([starts, starts + 1], axis=1)


def _routed(block: Block, network: Network, seed: int) -> Routing:
    """The network with spins where few meetings are late, less what is not needed."""
    size = len(network.qubits)
    meets = _meetings(network)
    where = _placed(block, _meeting_times(meets, size), seed)
    held = np.full(size, block.spins)
    held[where] = np.arange(block.spins)
    numbers = np.full((block.spins + 1, block.spins + 1), NO_GATE)
    rows, columns = block.pairs.T
    numbers[rows, columns] = numbers[columns, rows] = np.arange(len(block.pairs))
    gates = [numbers[held[labels[:, 0]], held[labels[:, 1]]] for labels in meets]
    layers = _needed(network, gates)
    for layer in layers:
        places = layer[layer[:, 3] == 1, 1:3]
        held[places] = held[places[:, ::-1]]
    end = np.argsort(held, kind="stable")[: block.spins]
    steps = np.concatenate(layers)
    steps[:, 1:3] = network.qubits[steps[:, 1:3]]
    return Routing(network.qubits[where], steps, network.qubits[end], network.name)


def _meetings(network: Network) -> list[Ints]:
    """For each layer, the places [m, 2] at which the spins of its pairs started."""
    held = np.arange(len(network.qubits))
    found = []
    for places, swap in network.layers:
        found.append(held[places])
        if swap:
            held[places] = held[places[:, ::-1]]
    return found


def _meeting_times(meets: list[Ints], size: int) -> NDArray[np.int32]:
    """What the meeting of spins that start at two places costs [size, size]."""
    cost = np.zeros((size, size), np.int32)
    for layer, labels in enumerate(meets):
        late = round(_LATEST * ((layer + 1) / len(meets)) ** _POWER)
        cost[labels[:, 0], labels[:, 1]] = cost[labels[:, 1], labels[:, 0]] = late
    return cost


def _placed(block: Block, cost: NDArray[np.int32], seed: int) -> Ints:
    """The place of every spin; beside random exchanges, spins are tried where their partners are met early."""
    random = np.random.default_rng(seed)
    size = len(cost)
    early = np.argwhere(np.triu((cost <= 1) & ~np.eye(size, dtype=np.bool_)))
    scale = _LATEST * max(1.0, 2 * len(block.pairs) / max(block.spins, 1))
    start = random.permutation(size)[: block.spins]
    return anneal_placement(
        Adjacency.of(block.pairs, block.spins), Adjacency.of(early, size), cost, start,
        MOVES * block.spins, HOT * scale, _LOWER * COLD * scale, random.integers(1, 1 << 62, 1),
    )  # fmt: skip


def _needed(network: Network, gates: list[Ints]) -> list[Ints]:
    """Each layer's steps [s, 4] on places: gates, and the swaps of spins that have gates yet to come."""
    needed: Bools = np.zeros(len(network.qubits), np.bool_)
    kept = []
    for (places, swap), made in zip(reversed(network.layers), reversed(gates), strict=True):
        later = needed[places]
        swaps = later.any(axis=1) & np.full(len(places), swap)
        acts = made != NO_GATE
        needed[places] = np.where(swaps[:, None], later[:, ::-1], later) | acts[:, None]
        used: Bools = swaps | acts
        kept.append(np.stack([made[used], *places[used].T, swaps[used]], axis=1).astype(np.int64))
    return kept[::-1]
