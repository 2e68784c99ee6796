"""Phases of products of spins: ladders and networks have the unitary that the terms state, and few cx."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quantum_support import circuit, listed, states, unitary

from qevo_compiler.dialects.gate import CircuitOp, Gate
from qevo_compiler.ir import Array
from qevo_compiler.passes.gates import parity_network as networks
from qevo_compiler.passes.gates.parity_ladders import parity_ladders
from qevo_compiler.passes.gates.parity_network import parity_network


def by_degree(terms):
    """A dict from tuples of spins to angles as the arrays that `parity_network` takes."""
    found = []
    for degree in sorted({len(spins) for spins in terms}):
        chosen = sorted(spins for spins in terms if len(spins) == degree)
        found.append((np.array(chosen), np.array([terms[spins] for spins in chosen])))
    return found


def filled(terms):
    width = max(map(len, terms))
    sets = [[*spins, *[-1] * (width - len(spins))] for spins in terms]
    return np.array(sets), np.array(list(terms.values()))


def as_circuit(gates, size):
    opcodes, qubits, angles = gates
    return CircuitOp(size, Array(opcodes), Array(qubits), Array(np.stack([angles, np.zeros_like(angles)], axis=1)))


def stated(terms, size):
    """The diagonal unitary by the definition."""
    spins = states(size)
    total = sum(angle * spins[:, list(members)].prod(axis=1) for members, angle in terms.items())
    return np.diag(np.exp(-0.5j * total))


def cx_count(gates):
    return int((gates[0] == Gate.CX.opcode).sum())


def depth(gates):
    clock = dict.fromkeys(range(100), 0)
    for opcode, (a, b) in zip(gates[0].tolist(), gates[1].tolist(), strict=True):
        if opcode == Gate.CX.opcode:
            clock[a] = clock[b] = max(clock[a], clock[b]) + 1
    return max(clock.values())


def cost(gates, size):
    return 10 * cx_count(gates) + size * depth(gates)


def naive(terms):
    return sum(2 * (len(spins) - 1) for spins in terms)


@st.composite
def products(draw):
    size = draw(st.integers(2, 6))
    every = [spins for degree in range(2, size + 1) for spins in combinations(range(size), degree)]
    chosen = draw(st.lists(st.sampled_from(every), min_size=1, max_size=14, unique=True))
    return size, {spins: draw(st.floats(-3, 3).filter(bool)) for spins in chosen}


@settings(max_examples=60, deadline=None)
@given(products())
def test_network_and_ladders_have_the_stated_unitary(found):
    size, terms = found
    network, ladders = parity_network(by_degree(terms), size), parity_ladders(*filled(terms), size)
    for gates in (network, ladders):
        np.testing.assert_allclose(unitary(as_circuit(gates, size)), stated(terms, size), atol=1e-12)
    assert cost(network, size) <= cost(ladders, size)
    assert cx_count(ladders) <= naive(terms)


def test_the_pair_of_the_ladders():
    gates = parity_ladders(*filled({(0, 1, 2): 0.1, (0, 1, 3): 0.2}), 4)
    expected = [
        (Gate.CX, 1, 0),
        (Gate.CX, 2, 0),
        (Gate.RZ, 0, 0.1),
        (Gate.CX, 2, 0),
        (Gate.CX, 3, 0),
        (Gate.RZ, 0, 0.2),
        (Gate.CX, 1, 0),
        (Gate.CX, 3, 0),
    ]
    assert listed(as_circuit(gates, 4)) == listed(circuit(4, *expected))


def test_products_of_all_subsets_take_about_one_cx_each():
    terms = {spins: 0.1 for degree in range(2, 8) for spins in combinations(range(7), degree)}
    gates = parity_network(by_degree(terms), 7)
    assert cx_count(gates) < 1.3 * len(terms)
    np.testing.assert_allclose(unitary(as_circuit(gates, 7)), stated(terms, 7), atol=1e-12)


def autocorrelations(size):
    """The products of the sum of squared autocorrelations of a sequence."""
    terms: dict[tuple[int, ...], float] = {}
    for k in range(1, size):
        for i, j in combinations(range(size - k), 2):
            spins = tuple(sorted({i, i + k} ^ {j, j + k}))
            terms[spins] = terms.get(spins, 0.0) + 2.0
    return terms


def test_dense_products_share_what_ladders_do_not():
    terms = autocorrelations(14)
    gates = parity_network(by_degree(terms), 14)
    # Qiskit 2.6 at level 3 needs 498 for the same evolution.
    assert cx_count(gates) < 0.4 * naive(terms) < 498


def test_where_a_network_is_longer_the_ladders_stay():
    rng = np.random.default_rng(0)
    sets = np.unique(np.sort([rng.choice(60, 4, replace=False) for _ in range(200)], axis=1), axis=0)
    gates = parity_network([(sets, np.ones(len(sets)))], 60)
    ladders = parity_ladders(sets, np.ones(len(sets)), 60)
    assert cx_count(gates) == cx_count(ladders)
    for one, other in zip(gates, ladders, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("limit", ["_MOST", "_WIDEST"])
def test_beyond_the_limits_ladders_are_made_at_once(monkeypatch, limit):
    monkeypatch.setattr(networks, limit, 3)
    terms = dict.fromkeys(combinations(range(5), 3), 0.1)
    gates, ladders = parity_network(by_degree(terms), 5), parity_ladders(*filled(terms), 5)
    np.testing.assert_array_equal(gates[1], ladders[1])
