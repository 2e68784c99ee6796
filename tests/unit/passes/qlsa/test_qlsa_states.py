"""State preparation: fidelity by the textbook, gates within each method's bound."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qlsa_support import emitted, powers, sparse_bits
from quantum_support import listed

from qevo_compiler.dialects.gate import Gate
from qevo_compiler.passes.lower_gates import Basis, LowerGates
from qevo_compiler.passes.qlsa import merge_state, permuted_state
from qevo_compiler.passes.qlsa.dense_state import dense_state, normalized
from qevo_compiler.passes.qlsa.fragment import counts
from qevo_compiler.passes.qlsa.initial_state import carleman_state, degree_weights
from qevo_compiler.passes.qlsa.simulate import state_of
from qevo_compiler.passes.qlsa.sparse_state import sparse_state, sparse_vector
from qevo_compiler.targets.cirq.convert import to_cirq


@st.composite
def sparse(draw, complexes=False):
    count = draw(st.integers(1, 8))
    size = draw(st.integers(1, min(16, 2**count)))
    places = draw(st.lists(st.integers(0, 2**count - 1), min_size=size, max_size=size, unique=True))
    parts = st.floats(-1, 1).filter(lambda x: abs(x) > 1e-6)
    values = np.array([draw(parts) for _ in places], complex)
    if complexes:
        values += 1j * np.array([draw(parts) for _ in places])
    return count, np.array(places), values


def wanted(count, places, values):
    vector = np.zeros(1 << count, complex)
    vector[places] = values
    return vector / np.linalg.norm(vector)


def turned(kinds):
    """Gates that bring two one-qubit gates each when they are written with cx."""
    return sum(kind in (Gate.CZ, Gate.CRY, Gate.CRZ) for kind in kinds)


def within(fragment, bound):
    found = counts(fragment)
    return found.cnot <= bound.cnot and found.one_qubit <= bound.one_qubit


def fidelity(first, second):
    return abs(np.vdot(first, second)) ** 2


@given(sparse())
@settings(max_examples=60)
def test_signed_states(case):
    count, places, values = case
    vector = wanted(*case)
    order = np.argsort(places)
    bits, parts = sparse_bits(places[order], count), vector[places[order]]
    merge_bound, permute_bound = (
        merge_state.gate_bound(len(places), count),
        permuted_state.gate_bound(len(places), count),
    )
    for way in merge_state.merge_orders(count):
        fragment = merge_state.merge_state(bits, parts, range(count), way)
        assert np.abs(state_of(fragment, count) - vector).max() < 1e-12
        assert within(fragment, merge_bound)
    for rotation in range(count):
        fragment = permuted_state.permuted_state(bits, parts, range(count), rotation)
        assert np.abs(state_of(fragment, count) - vector).max() < 1e-12
        assert within(fragment, permute_bound)
    best = sparse_state(places, values.real, range(count))
    assert best.counts.cnot <= min(merge_bound.cnot, permute_bound.cnot)


@given(sparse(complexes=True))
@settings(max_examples=30)
def test_complex_states(case):
    count, places, values = case
    vector = wanted(*case)
    found = sparse_state(places, values, range(count))
    assert np.abs(state_of(found.fragment, count) - vector).max() < 1e-12


@pytest.mark.parametrize("seed", range(6))
def test_the_emitted_circuit_has_the_fidelity_and_the_counts(seed):
    cirq = pytest.importorskip("cirq")
    rng = np.random.default_rng(seed)
    places = rng.choice(256, 16, replace=False)
    values = rng.normal(size=16)
    found = sparse_state(places, values, range(8))
    circuit = LowerGates(Basis.PORTABLE).lower(emitted(found.fragment, 8))
    line = cirq.LineQubit.range(8)
    state = cirq.Simulator(dtype=np.complex128).simulate(to_cirq(circuit, line, measured=False), qubit_order=line)
    assert fidelity(state.final_state_vector, wanted(8, places, values)) >= 1 - 1e-10
    kinds = [gate for gate, *_ in listed(circuit)]
    twos = {Gate.CX: 1, Gate.CZ: 1, Gate.CRY: 2, Gate.CRZ: 2, Gate.SWAP: 3}
    assert found.counts.cnot == sum(twos.get(kind, 0) for kind in kinds)
    assert within(found.fragment, merge_state.gate_bound(16, 8))
    assert found.counts.one_qubit == sum(kind.arity == 1 for kind in kinds) + 2 * turned(kinds)


def test_several_orders_help():
    rng = np.random.default_rng(0)
    gains = 0
    for _ in range(20):
        places = np.sort(rng.choice(256, 12, replace=False))
        values = normalized(rng.normal(size=12))
        bits = sparse_bits(places, 8)
        first = merge_state.merge_state(bits, values, range(8), merge_state.merge_orders(8)[0])
        gains += counts(first).cnot > sparse_state(places, values, range(8)).counts.cnot
    assert gains > 10


def test_gates_grow_as_entries_times_qubits():
    """Far fewer than the 2^m of a dense preparation, and linear in m for a fixed number of entries."""
    rng = np.random.default_rng(1)

    def cnots(count):
        places = rng.integers(1 << count, size=8)
        return sparse_state(places, rng.normal(size=8), range(count)).counts.cnot

    small, large = (np.mean([cnots(count) for _ in range(5)]) for count in (20, 40))
    assert large < 2.3 * small
    assert large < 8 * 40


@given(st.integers(0, 4), st.integers(0, 2**32), st.booleans())
def test_dense_states(count, seed, complexes):
    rng = np.random.default_rng(seed)
    vector = rng.normal(size=1 << count) + (1j * rng.normal(size=1 << count) if complexes else 0)
    fragment = dense_state(vector, range(count))
    assert np.abs(state_of(fragment, count) - normalized(vector)).max() < 1e-12
    assert counts(fragment).cnot <= (2 if complexes else 1) * max((1 << count) - 2, 0)


def test_structured_supports_are_cheap():
    """A product of a superposition and a basis state needs one rotation; a cat state one cx a qubit."""
    assert sparse_state([4, 5], [0.6, -0.8], range(4)).counts.cnot == 0
    assert sparse_state([0, 255], [1, 1], range(8)).counts.cnot == 7
    assert sparse_vector(np.ones(16), range(4)).counts.cnot == 0


@pytest.mark.parametrize(
    ("places", "values"), [([0, 0], [1, 1]), ([4], [1]), ([-1], [1]), ([0, 1], [0, 0]), ([0], [np.nan]), ([0, 1], [1])]
)
def test_what_is_no_state_is_refused(places, values):
    with pytest.raises(ValueError, match=r"amplitude|basis state"):
        sparse_state(places, values, range(2))


@pytest.mark.parametrize(("start", "order"), [([0.3, -0.4], 3), ([-0.7], 3), ([0.1, 0, -0.5], 2), ([1.5, 2.0], 2)])
def test_the_lifted_state_comes_from_copies(start, order):
    found = carleman_state(start, order)
    width = len(found.slots[0])
    padded = np.zeros(1 << width)
    padded[: len(start)] = start
    lifted, wanted_state = powers(padded, order), np.zeros((1 << order, 1 << (order * width)))
    size, first = 1 << width, 0
    for k in range(order + 1):
        spread = np.arange(size**k) * size ** (order - k)
        wanted_state[((1 << k) - 1) << (order - k), spread] = lifted[first : first + size**k]
        first += size**k
    wanted_state /= np.linalg.norm(wanted_state)
    assert np.abs(state_of(found.fragment, found.qubit_count) - wanted_state.reshape(-1)).max() < 1e-12
    assert np.allclose(found.weights, degree_weights(np.linalg.norm(start), order))


def test_the_lifted_state_costs_the_order_times_one_preparer():
    rng = np.random.default_rng(2)
    start = np.zeros(64)
    start[rng.choice(64, 5, replace=False)] = rng.normal(size=5)
    single = sparse_vector(start, range(6)).counts.cnot
    sizes = [counts(carleman_state(start, order).fragment).cnot for order in (1, 2, 4)]
    assert sizes[0] <= 6 * single + 2 * 40
    assert sizes[2] <= 4 * sizes[0] + 2 * 3
    assert sizes[1] <= 2 * sizes[0] + 2


def test_a_start_at_the_pivot_needs_no_gates():
    assert len(carleman_state([0.0, 0.0], 3).fragment) == 0
