"""Routing of commuting gates: every gate once on a coupler, the way back, few two-qubit gates, and pieces."""

from __future__ import annotations

from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quantum_support import circuit, listed

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.dialects.gate import Gate
from qevo_compiler.passes.gates.commuting_router import route_commuting
from qevo_compiler.passes.gates.device import Device
from qevo_compiler.passes.gates.routing import NO_GATE
from qevo_compiler.passes.lower_gates import Basis, LowerGates
from qevo_compiler.passes.route_qubits import RouteQubits


def grid(rows, columns):
    graph = nx.convert_node_labels_to_integers(nx.grid_2d_graph(rows, columns), ordering="sorted")
    return np.array(sorted(map(sorted, graph.edges)))


def routed(pairs, couplers, spins, start=None, trials=3):
    device = Device.of(couplers, int(couplers.max()) + 1)
    return route_commuting(np.array(pairs), device, spins, None if start is None else np.array(start), trials)


def replayed(routing, pairs, couplers):
    """The gates that the steps make, checked spin by spin; where the spins end."""
    known = {frozenset(pair) for pair in couplers.tolist()}
    held = {qubit: spin for spin, qubit in enumerate(routing.start.tolist())}
    made = []
    for gate, first, second, swap in routing.steps.tolist():
        assert frozenset((first, second)) in known
        if gate != NO_GATE:
            assert {held[first], held[second]} == set(pairs[gate])
            made.append(gate)
        if swap:
            a, b = held.pop(first, None), held.pop(second, None)
            held |= {second: a} if a is not None else {}
            held |= {first: b} if b is not None else {}
    assert sorted(made) == list(range(len(pairs)))
    return sorted(held, key=held.__getitem__)


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_every_gate_is_made_once_there_and_back(data):
    spins = data.draw(st.integers(2, 8))
    every = list(combinations(range(spins), 2))
    pairs = data.draw(st.lists(st.sampled_from(every), min_size=1, max_size=20))
    couplers = grid(*data.draw(st.sampled_from([(1, 8), (2, 4), (3, 3)])))
    start = data.draw(st.none() | st.permutations(range(8)).map(lambda order: tuple(order[:spins])))
    found = routed(pairs, couplers, spins, start)
    assert start is None or start == tuple(found.start.tolist())
    assert replayed(found, pairs, couplers) == found.end.tolist()
    assert replayed(found.reversed(), pairs, couplers) == found.start.tolist()


def test_the_same_call_gives_the_same_routing():
    pairs = list(combinations(range(6), 2))
    one, two = (routed(pairs, grid(3, 3), 6) for _ in range(2))
    assert np.array_equal(one.steps, two.steps)
    assert np.array_equal(one.start, two.start)


def test_more_trials_are_never_worse():
    graph = nx.gnp_random_graph(12, 0.4, seed=1)
    costs = [routed(list(graph.edges), grid(4, 4), 12, trials=trials).cost for trials in (1, 4, 8)]
    assert costs == sorted(costs, reverse=True)


def cz_gates(op):
    return sum(gate is Gate.CZ for gate, *_ in listed(LowerGates(Basis.CZ).lower(op)))


@pytest.mark.parametrize(
    ("graph", "best"), [(nx.random_regular_graph(3, 30, seed=1), 220), (nx.complete_graph(20), 604)], ids=str
)
def test_fewer_cz_than_qiskit_on_heavy_hexagons(graph, best):
    """`best` of Qiskit 2.6's transpiler at level 3 on this layer and lattice, seeds 0 to 2."""
    from qiskit.transpiler import CouplingMap

    couplers = sorted({tuple(sorted(pair)) for pair in CouplingMap.from_heavy_hex(7)})
    layer = circuit(len(graph), *((Gate.RZZ, *sorted(edge), 0.3) for edge in graph.edges))
    found = RouteQubits(coupling=tuple(q for pair in couplers for q in pair)).route(layer)
    assert cz_gates(found) < best


def test_a_second_layer_takes_the_first_ones_way_back():
    pairs = list(combinations(range(5), 2))
    layer = [(Gate.RZZ, *pair, 0.1 + k) for k, pair in enumerate(pairs)]
    mixer = [(Gate.RX, q, 0.5) for q in range(5)]
    line = (0, 1, 1, 2, 2, 3, 3, 4)
    one, two = (RouteQubits(coupling=line).route(circuit(5, *(layer + mixer) * n)) for n in (1, 2))
    assert cz_gates(two) == 2 * cz_gates(one)
    assert cz_gates(RouteQubits(coupling=line).route(circuit(5, *(layer + mixer) * 2, *layer))) == 3 * cz_gates(one)


def test_a_pair_in_two_pieces_has_no_routing_but_one_piece_will_do():
    pieces = np.array([[0, 1], [1, 2], [3, 4]])
    assert routed([(0, 1)], pieces, 2, start=(0, 3)) is None
    triangle = circuit(3, *((Gate.RZZ, *pair, 0.3) for pair in combinations(range(3), 2)))
    found = RouteQubits(coupling=tuple(pieces.reshape(-1).tolist())).route(triangle)
    assert set(found.measured.tolist()) == {0, 1, 2}


def test_no_trials_is_diagnosed():
    with pytest.raises(CompileError) as caught:
        RouteQubits(coupling=(0, 1), trials=0).route(circuit(2, (Gate.RZZ, 0, 1, 0.1)))
    assert [found.code for found in caught.value.diagnostics] == ["Q0806"]
