"""Networks of swaps: all pairs meet, what is not needed goes, dense models take them, and outcomes stay."""

from __future__ import annotations

from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from quantum_support import RAMP, circuit, listed, outcome_probabilities, program, random_model
from test_commuting_router import grid, replayed, routed

from qevo_compiler.dialects.gate import CircuitOp, Gate
from qevo_compiler.passes.anneal_to_circuit import AnnealToCircuit
from qevo_compiler.passes.gates.device import Device
from qevo_compiler.passes.gates.device_paths import find_ladder, find_line
from qevo_compiler.passes.gates.routing import Block
from qevo_compiler.passes.gates.swap_networks import ladder_network, line_network, network_routings
from qevo_compiler.passes.route_qubits import RouteQubits


def device(couplers):
    return Device.of(couplers, int(couplers.max()) + 1)


def heavy_hex(distance):
    from qiskit.transpiler import CouplingMap

    return device(np.array(sorted({tuple(sorted(pair)) for pair in CouplingMap.from_heavy_hex(distance)})))


def complete(spins):
    return np.array(list(combinations(range(spins), 2)))


@pytest.mark.parametrize("size", range(2, 12))
def test_every_pair_meets_once(size):
    for network in (line_network(np.arange(size)), ladder_network(np.arange(2 * size).reshape(2, size))):
        held, met = np.arange(len(network.qubits)), []
        for places, swap in network.layers:
            assert len(np.unique(places)) == places.size
            met += np.sort(held[places], axis=1).tolist()
            if swap:
                held[places] = held[places[:, ::-1]]
        assert sorted(met) == complete(len(held)).tolist()


@pytest.mark.parametrize("spins", [3, 7, 8])
def test_a_complete_graph_takes_three_steps_a_spin_on_a_line_and_five_halves_on_a_ladder(spins):
    block = Block.of(complete(spins), spins)
    (line,) = network_routings(block, device(grid(1, spins)), 1)
    # No swap after a spin's last gate: the last layer has none. Nor has the first, once spins start where it leads.
    assert line.depth <= 3 * spins
    assert line.gates <= 3 * len(block.pairs)
    _, ladder = network_routings(block, device(grid(2, (spins + 1) // 2)), 1)
    assert ladder.depth <= 5 * ((spins + 1) // 2)


@pytest.mark.parametrize("seed", range(6))
def test_a_network_makes_every_gate_there_and_back(seed):
    random = np.random.default_rng(seed)
    spins = int(random.integers(3, 10))
    pairs = complete(spins)[random.random(spins * (spins - 1) // 2) < 0.7]
    # Some pairs have two gates, in either order of the spins.
    pairs = np.concatenate([pairs, pairs[:2, ::-1]])
    couplers = grid(3, 5)
    block = Block.of(pairs, spins)
    for routing in network_routings(block, device(couplers), 2):
        found = block.expanded(routing)
        assert replayed(found, pairs.tolist(), couplers) == found.end.tolist()
        assert replayed(found.reversed(), pairs.tolist(), couplers) == found.start.tolist()


def test_what_stands_apart_in_the_graph_makes_no_late_layers():
    # Two cliques of 5 need not meet, and all pairs of 10 take 29 steps.
    pairs = np.concatenate([complete(5), complete(5) + 5])
    (line,) = network_routings(Block.of(pairs, 10), device(grid(1, 10)), 4)
    assert line.depth <= 22


@pytest.mark.parametrize(("couplers", "way"), [(grid(1, 12), "line of 12"), (grid(4, 6), "ladder of 2 x 6")])
def test_dense_graphs_take_a_network_and_sparse_ones_do_not(couplers, way):
    dense, sparse = list(combinations(range(12), 2)), list(nx.random_regular_graph(3, 12, seed=1).edges)
    assert routed(dense, couplers, 12).way == way
    assert routed(sparse, grid(4, 6), 12).way == "swaps"


def test_a_complete_graph_on_heavy_hexagons_beats_qiskit():
    """Qiskit 2.6 at level 3, best of seeds 0 to 2 on this lattice: 604 gates, 121 steps of time."""
    lattice = heavy_hex(7)
    layer = circuit(20, *((Gate.RZZ, *pair, 0.3) for pair in combinations(range(20), 2)))
    found = RouteQubits(coupling=tuple(lattice.couplers.reshape(-1).tolist()), trials=1).route(layer)
    from qevo_compiler.evaluator.routing import end_times

    lengths = np.array([{Gate.RZZ: 2, Gate.SWAP: 3, Gate.CX: 1}.get(gate, 0) for gate, *_ in listed(found)])
    assert lengths.sum() < 570
    assert end_times(found.qubits.values, lengths, lattice.size).max() <= 60


def test_lines_and_ladders_are_paths_of_the_device():
    lattice = heavy_hex(7)
    for found in (find_line(lattice, 97), find_line(device(grid(6, 7)), 42)):
        assert len(set(found.tolist())) == len(found)
    line = find_line(lattice, 97)
    assert (lattice.far[line[:-1], line[1:]] == 1).all()
    assert find_ladder(lattice, 3) is None
    assert find_line(lattice, 116) is None
    where = device(grid(3, 8))
    rails = find_ladder(where, 8)
    assert len(np.unique(rails)) == 16
    assert (where.far[rails[0], rails[1]] == 1).all()
    assert (where.far[rails[:, :-1], rails[:, 1:]] == 1).all()
    pieces = device(np.array([[0, 1], [2, 3], [3, 4], [6, 7]]))
    assert find_line(pieces, 3).tolist() in ([2, 3, 4], [4, 3, 2])


@pytest.mark.parametrize(("couplers", "size"), [(grid(1, 6), 6), (grid(2, 4), 6), (grid(3, 3), 7)])
def test_two_layers_of_a_dense_model_keep_their_outcomes(couplers, size):
    module = AnnealToCircuit(layers=2).run(program(random_model(np.random.default_rng(size), size), RAMP))
    routed = RouteQubits(coupling=tuple(couplers.reshape(-1).tolist()), trials=2).run(module)
    before, after = module.main.only(CircuitOp), routed.main.only(CircuitOp)
    assert np.abs(outcome_probabilities(before) - outcome_probabilities(after)).max() < 1e-12
    (entry,) = (entry for entry in routed.ledger if entry.stage == "route-qubits")
    assert "spins by " in entry.note
    assert entry.value >= 2 * size
