import networkx as nx
import numpy as np
import pytest

from qevo_compiler.analyses.interaction import interaction_of
from qevo_compiler.dialects import ising
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.ir import Array


def model(size, edges):
    rows, columns = np.array(sorted(edges)).reshape(-1, 2).T
    return ising.ModelOp(0.0, Array(np.zeros(size)), Array(rows), Array(columns), Array(np.ones(len(rows))))


def test_components_are_numbered_by_their_smallest_vertex():
    graph = interaction_of(model(6, [(1, 4), (2, 5), (4, 5)]))
    assert graph.components().tolist() == [0, 1, 1, 2, 1, 1]
    assert graph.degrees().tolist() == [0, 1, 1, 0, 2, 2]
    assert graph.density == pytest.approx(0.2)


def test_polynomials_join_all_pairs_of_a_term():
    names = np.array([[0, 2, 3], [1, 1, 4]], np.int32)
    polynomials = pack(2, [(np.array([0, 1]), names, np.ones(2)), (np.array([0]), np.array([[0, 2]]), np.ones(1))])
    graph = interaction_of(polynomials, 6)
    assert list(zip(graph.rows.tolist(), graph.columns.tolist(), strict=True)) == [(0, 2), (0, 3), (1, 4), (2, 3)]
    assert graph.size == 6
    assert interaction_of(polynomials).size == 5


def test_colourings_are_proper():
    rng = np.random.default_rng(0)
    for _ in range(10):
        pairs = rng.integers(0, 30, (80, 2))
        edges = {(min(i, j), max(i, j)) for i, j in pairs.tolist() if i != j}
        graph = interaction_of(model(30, edges))
        colours = graph.colouring()
        assert (colours[graph.rows] != colours[graph.columns]).all()
        assert colours.max() <= graph.degrees().max()


def test_components_agree_with_networkx():
    rng = np.random.default_rng(1)
    pairs = rng.integers(0, 60, (40, 2))
    graph = interaction_of(model(60, {(min(i, j), max(i, j)) for i, j in pairs.tolist() if i != j}))
    labels = graph.components()
    found = sorted(sorted(np.flatnonzero(labels == label).tolist()) for label in range(labels.max() + 1))
    assert found == sorted(sorted(part) for part in nx.connected_components(graph.to_networkx()))


def test_an_empty_model():
    graph = interaction_of(model(0, []))
    assert len(graph) == 0
    assert graph.components().tolist() == []
    assert graph.colouring().tolist() == []
