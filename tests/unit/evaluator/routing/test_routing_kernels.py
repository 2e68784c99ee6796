"""The routing kernels against plain Python, number for number, on random graphs and devices."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import routing_reference as reference

from qevo_compiler.evaluator.routing import Adjacency, anneal_placement, end_times, route_ordered, route_pairs

DEVICES = [nx.path_graph(7), nx.cycle_graph(9), nx.grid_2d_graph(3, 4), nx.star_graph(6), nx.full_rary_tree(2, 10)]


class Case:
    """A device, spins fewer than its qubits, random pairs and a random placement."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        graph = nx.convert_node_labels_to_integers(DEVICES[seed % len(DEVICES)])
        self.couplers = np.array(sorted(map(sorted, graph.edges)), np.int64)
        self.size = len(graph)
        self.qubits = Adjacency.of(self.couplers, self.size)
        self.far = np.array(nx.floyd_warshall_numpy(graph), np.int32)
        self.length = np.round(64 * np.maximum(self.far - 1, 0.0) ** 0.7).astype(np.int32)
        self.count = int(self.random.integers(2, self.size + 1))
        pairs = np.argwhere(np.triu(self.random.random((self.count, self.count)) < self.random.random(), 1))
        self.pairs = np.ascontiguousarray(pairs, np.int64)
        self.spins = Adjacency.of(self.pairs, self.count)
        self.start = self.random.permutation(self.size)[: self.count]
        self.word = self.random.integers(1, 1 << 62, 1)


@pytest.fixture(params=range(15))
def case(request):
    return Case(request.param)


def test_placement(case):
    word = int(case.word[0])
    found = anneal_placement(case.spins, case.qubits, case.length, case.start, 400, 90.0, 3.0, case.word)
    assert found.tolist() == reference.placement(case.spins, case.qubits, case.length, case.start, 400, 90.0, 3.0, word)
    assert int(case.word[0]) != word


@pytest.mark.parametrize(("merged", "patience", "noise"), [(60, 1000, 4096), (0, 0, 1)])
def test_swaps(case, merged, patience, noise):
    word = int(case.word[0])
    steps, end = route_pairs(
        case.pairs, case.spins, case.couplers, case.qubits, case.far, case.length, case.start,
        merged, patience, noise, case.word,
    )  # fmt: skip
    expected = reference.swaps(
        case.pairs, case.spins, case.couplers, case.far, case.length, case.start, merged, patience, noise, word
    )
    assert (steps.tolist(), end.tolist()) == expected


@pytest.mark.parametrize("view", [0, 5, 48])
def test_ordered(case, view):
    gates = np.array([case.random.permutation(case.count)[:2] for _ in range(60)], np.int64)
    gates[case.random.random(60) < 0.3, 1] = -1
    weights = np.arange(view, 0, -1)
    found, end = route_ordered(gates, 5, 55, case.qubits, case.far, case.start, weights)
    expected = reference.ordered(gates, 5, 55, case.far, case.start, weights)
    assert (found.tolist(), end.tolist()) == expected


def test_a_long_detour_needs_more_room_than_was_given():
    size = 400
    far = np.abs(np.subtract.outer(np.arange(size), np.arange(size))).astype(np.int32)
    couplers = np.stack([np.arange(size - 1), np.arange(1, size)], axis=1)
    qubits, start = Adjacency.of(couplers, size), np.array([0, size - 1])
    one = np.array([[0, 1]])
    made, end = route_ordered(one, 0, 1, qubits, far, start, np.zeros(0, np.int64))
    assert len(made) == size - 1
    steps, _ = route_pairs(one, Adjacency.of(one, 2), couplers, qubits, far, far, start, 0, 0, 1, np.array([7]))
    assert len(steps) == size - 1
    assert abs(end[0] - end[1]) == 1


def test_times(case):
    gates = np.array([case.random.permutation(case.size)[:2] for _ in range(40)])
    gates[::3, 1] = -1
    lengths = case.random.integers(0, 4, 40)
    assert end_times(gates, lengths, case.size).tolist() == reference.times(gates, lengths, case.size)
    assert not len(end_times(np.zeros((0, 2), np.int64), np.zeros(0, np.int64), 3))


def test_neighbours_stand_in_rising_order():
    found = Adjacency.of(np.array([[1, 4], [0, 4], [2, 3], [0, 1]]), 6)
    assert found.lists == [[1, 4], [0, 4], [3], [2], [0, 1], []]
    assert found.edges.tolist() == [3, 1, 3, 0, 2, 2, 1, 0]
