"""lower-gates: the unitary stays, with its phase, in every basis."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quantum_support import RAMP, circuit, listed, program, random_model, unitary

from qevo_compiler.dialects.gate import CircuitOp, Gate
from qevo_compiler.ir import verify
from qevo_compiler.passes.anneal_to_circuit import AnnealToCircuit
from qevo_compiler.passes.gates.merge_rotations import merge_rotations
from qevo_compiler.passes.lower_gates import Basis, LowerGates

ALLOWED = {
    Basis.PORTABLE: {
        Gate.H,
        Gate.X,
        Gate.SX,
        Gate.RX,
        Gate.RY,
        Gate.RZ,
        Gate.CX,
        Gate.CZ,
        Gate.RZZ,
        Gate.SWAP,
        Gate.CRY,
        Gate.CRZ,
    },
    Basis.CZ: {Gate.PHASED_X, Gate.RZ, Gate.CZ},
    Basis.SYCAMORE: {Gate.PHASED_X, Gate.RZ, Gate.SYC},
    Basis.SQRT_ISWAP: {Gate.PHASED_X, Gate.RZ, Gate.SQRT_ISWAP},
}
TOLERANCE = 1e-11
ANGLES = [0.0, 1e-9, math.pi / 6, math.pi / 3, math.pi / 2, -math.pi / 2, math.pi, -math.pi, 2 * math.pi, 7.0, -25.0]


def kinds(op):
    return {gate for gate, *_ in listed(op)}


def distance(before, after):
    return np.abs(unitary(before) - unitary(after)).max()


@pytest.mark.parametrize("basis", Basis)
@pytest.mark.parametrize("gate", Gate)
def test_every_gate_keeps_its_unitary(basis, gate):
    rng = np.random.default_rng(0)
    for angle in [*ANGLES, *rng.uniform(-8, 8, 20)] if gate.angles else [0.0]:
        for sites in ((0, 1), (1, 0)):
            before = circuit(2, (gate, *sites[: gate.arity], *(angle, 0.7)[: gate.angles]))
            after = LowerGates(basis).lower(before)
            assert kinds(after) <= ALLOWED[basis]
            assert distance(before, after) < TOLERANCE


@st.composite
def circuits(draw):
    size = draw(st.integers(2, 4))
    gates = []
    for gate in draw(st.lists(st.sampled_from(list(Gate)), max_size=25)):
        sites = draw(st.permutations(range(size)))[: gate.arity]
        angles = draw(st.lists(st.floats(-10, 10), min_size=gate.angles, max_size=gate.angles))
        gates.append((gate, *sites, *angles))
    return circuit(size, *gates, phase=0.3)


@pytest.mark.parametrize("basis", Basis)
@given(before=circuits())
@settings(max_examples=30, deadline=None)
def test_random_circuits_keep_their_unitary(basis, before):
    after = LowerGates(basis).lower(before)
    assert kinds(after) <= ALLOWED[basis]
    assert distance(before, after) < 1e-9
    assert LowerGates(basis).lower(after) is after


@given(before=circuits())
@settings(max_examples=60, deadline=None)
def test_merging_rotations_keeps_the_unitary(before):
    assert distance(before, merge_rotations(before)) < 1e-12


def test_neighbouring_rotations_merge_and_vanish():
    before = circuit(2, (Gate.RZ, 0, 0.5), (Gate.RX, 1, 1.0), (Gate.RZ, 0, -0.5), (Gate.RZ, 0, 2 * math.pi))
    after = merge_rotations(before)
    assert listed(after) == [(Gate.RX, 1, 1.0)]
    assert after.phase == pytest.approx(math.pi)


def test_rotations_that_meet_through_a_cancelled_one_merge_too():
    around = [(Gate.RZ, 0, 0.5), (Gate.PHASED_X, 0, 1.0, 0.2), (Gate.PHASED_X, 0, -1.0, 0.2), (Gate.RZ, 0, 0.25)]
    assert listed(merge_rotations(circuit(1, *around))) == [(Gate.RZ, 0, 0.75)]


def test_two_qubit_gates_separate_rotations():
    kept = circuit(2, (Gate.RZ, 0, 0.5), (Gate.CZ, 0, 1), (Gate.RZ, 0, 0.5))
    assert merge_rotations(kept) is kept


@pytest.mark.parametrize(
    ("basis", "gate"),
    [(Basis.CZ, Gate.CZ), (Basis.SYCAMORE, Gate.SYC), (Basis.SQRT_ISWAP, Gate.SQRT_ISWAP)],
)
def test_an_rzz_costs_two_entangling_gates(basis, gate):
    after = LowerGates(basis).lower(circuit(2, (Gate.RZZ, 0, 1, 0.4)))
    assert sum(kind is gate for kind, *_ in listed(after)) == 2


def test_the_pair_of_the_docstring():
    after = LowerGates(Basis.CZ).lower(circuit(2, (Gate.RZZ, 0, 1, 0.5)))
    half = math.pi / 2
    assert listed(after) == [
        (Gate.PHASED_X, 1, half, half),
        (Gate.CZ, 0, 1),
        (Gate.PHASED_X, 1, 0.5, 0.0),
        (Gate.CZ, 0, 1),
        (Gate.PHASED_X, 1, -half, half),
    ]


def test_a_circuit_in_the_basis_is_left_alone():
    module = AnnealToCircuit(layers=2).run(program(random_model(np.random.default_rng(0), 4), RAMP))
    assert LowerGates().run(module) is module


@pytest.mark.parametrize("basis", [Basis.SYCAMORE, Basis.SQRT_ISWAP])
def test_rounding_is_on_the_ledger_and_bounds_the_error(basis):
    module = AnnealToCircuit(layers=3).run(program(random_model(np.random.default_rng(1), 4), RAMP))
    lowered = LowerGates(basis).run(module)
    verify(lowered)
    entry = next(e for e in lowered.ledger if e.stage == "lower-gates")
    before, after = module.main.only(CircuitOp), lowered.main.only(CircuitOp)
    difference = unitary(before) - unitary(after)
    # Matrices of doubles carry rounding of their own.
    assert np.linalg.norm(difference, 2) <= entry.value + 1e-13


def test_exact_bases_leave_the_ledger_alone():
    module = AnnealToCircuit(layers=2).run(program(random_model(np.random.default_rng(1), 4), RAMP))
    assert LowerGates(Basis.CZ).run(module).ledger == module.ledger


def test_a_hundred_thousand_gates_lower_in_arrays():
    count = 100_000
    big = circuit(2, (Gate.RZZ, 0, 1, 0.1))
    from dataclasses import replace

    from qevo_compiler.ir import Array

    qubits = np.stack([np.arange(count) % 999, np.full(count, 999)], axis=1)
    many = replace(
        big,
        qubit_count=1000,
        opcodes=Array(np.full(count, Gate.RZZ.opcode)),
        qubits=Array(qubits),
        angles=Array(np.stack([np.linspace(-1, 1, count), np.zeros(count)], axis=1)),
    )
    lowered = LowerGates(Basis.SYCAMORE).lower(many)
    lowered.verify()
    assert (lowered.opcodes.values == Gate.SYC.opcode).sum() == 2 * count
