"""Controls, multiplexers, arithmetic and the fragments they are made of, against textbook matrices."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qlsa_support import textbook

from qevo_compiler.dialects.gate import Gate
from qevo_compiler.passes.qlsa.arithmetic import at_least, increment
from qevo_compiler.passes.qlsa.controls import (
    controlled,
    controlled_phase,
    controlled_rotation,
    controlled_x,
    rotation_bound,
    where,
)
from qevo_compiler.passes.qlsa.fragment import Counts, counts, gate, join, phase, tidy
from qevo_compiler.passes.qlsa.multiplexer import diagonal, multiplexed
from qevo_compiler.passes.qlsa.simulate import matrix_of

KINDS = (Gate.H, Gate.X, Gate.RY, Gate.RZ, Gate.CX, Gate.CZ, Gate.CRY, Gate.CRZ, Gate.SWAP)


@st.composite
def fragments(draw, size=3):
    parts = [phase(draw(st.floats(-3, 3)))]
    for kind in draw(st.lists(st.sampled_from(KINDS), max_size=12)):
        sites = draw(st.permutations(range(size)))[: kind.arity]
        parts.append(gate(kind, *sites, angle=draw(st.floats(-7, 7)) if kind.angles else 0.0))
    return join(parts)


def after_controls(matrix, controls):
    """The block matrix that acts where all controls, the first qubits, are 1."""
    size = len(matrix)
    full = np.eye(size << controls, dtype=complex)
    full[-size:, -size:] = matrix
    return full


@given(fragments())
def test_the_simulator_is_the_textbook(fragment):
    assert np.abs(matrix_of(fragment, 3) - textbook(fragment, 3)).max() < 1e-10


@given(fragments())
def test_inverse_and_tidy(fragment):
    matrix = matrix_of(fragment, 3)
    assert np.abs(matrix_of(fragment.inverse, 3) @ matrix - np.eye(8)).max() < 1e-12
    doubled = join([fragment, gate(Gate.CX, 0, 1), gate(Gate.RZ, 2), gate(Gate.CX, 0, 1), gate(Gate.X, 2)])
    assert np.abs(matrix_of(tidy(doubled), 3) - matrix_of(doubled, 3)).max() < 1e-12
    assert len(tidy(doubled)) <= len(doubled) - 3


@given(fragments())
def test_a_controlled_fragment_keeps_its_phase(fragment):
    found = matrix_of(controlled(fragment.on((1, 2, 3)), 0), 4)
    assert np.abs(found - after_controls(matrix_of(fragment, 3), 1)).max() < 1e-12


def test_controlling_a_multiplexer_leaves_its_cx_alone():
    angles = np.random.default_rng(0).normal(size=8)
    plain = multiplexed(Gate.RY, (1, 2, 3), 4, angles)
    fragment = controlled(plain, 0)
    wanted = after_controls(matrix_of(plain.on((0, 0, 1, 2, 3)), 4), 1)
    assert np.abs(matrix_of(fragment, 5) - wanted).max() < 1e-12
    assert counts(fragment).cnot == 3 * 8
    half = join([gate(Gate.CX, 1, 2), gate(Gate.RY, 2, angle=0.3), gate(Gate.CX, 1, 2), gate(Gate.X, 1)])
    assert np.abs(matrix_of(controlled(half, 0), 3) - after_controls(matrix_of(half.on((0, 0, 1)), 2), 1)).max() < 1e-12


@pytest.mark.parametrize("borrowed", range(4))
@pytest.mark.parametrize("controls", range(7))
def test_controlled_x(controls, borrowed):
    width = controls + 1 + borrowed
    spare = range(controls + 1, width)
    fragment = controlled_x(range(controls), controls, list(spare))
    wanted = np.kron(after_controls(np.array([[0, 1], [1, 0]]), controls), np.eye(1 << borrowed))
    assert np.abs(matrix_of(fragment, width) - wanted).max() < 1e-11
    if borrowed and controls >= 3:
        assert counts(fragment).cnot <= 24 * controls


@pytest.mark.parametrize("kind", [Gate.RY, Gate.RZ])
@pytest.mark.parametrize("controls", range(8))
def test_controlled_rotation(kind, controls):
    fragment = controlled_rotation(kind, range(controls), controls, 0.7, [controls + 1])
    small = matrix_of(gate(kind, 0, angle=0.7), 1)
    wanted = np.kron(after_controls(small, controls), np.eye(2))
    assert np.abs(matrix_of(fragment, controls + 2) - wanted).max() < 1e-11
    assert counts(fragment).cnot <= rotation_bound(controls)


@pytest.mark.parametrize("qubits", range(1, 6))
def test_controlled_phase_and_values(qubits):
    phases = np.ones(1 << qubits, complex)
    phases[-1] = np.exp(0.3j)
    found = matrix_of(controlled_phase(range(qubits), 0.3), qubits)
    assert np.abs(found - np.diag(phases)).max() < 1e-12
    values = [0, 1, 1, 0, 1][:qubits]
    moved = matrix_of(where(controlled_phase(range(qubits), 0.3), range(qubits), values), qubits)
    assert np.argmax(np.abs(np.diag(moved) - 1)) == int("".join(map(str, values)), 2)


def test_long_controls_are_linear():
    sizes = [counts(controlled_rotation(Gate.RY, range(k), k, 0.1, [k + 1])).cnot for k in (20, 40, 80)]
    assert sizes[1] / sizes[0] < 2.3
    assert sizes[2] / sizes[1] < 2.2


@given(st.integers(0, 4), st.integers(0, 2**32))
def test_multiplexed_rotations_and_diagonals(selectors, seed):
    angles = np.random.default_rng(seed).normal(size=1 << selectors)
    fragment = multiplexed(Gate.RY, range(selectors), selectors, angles)
    blocks = [matrix_of(gate(Gate.RY, 0, angle=float(t)), 1) for t in angles]
    wanted = np.zeros((2 << selectors, 2 << selectors), complex)
    for k, block in enumerate(blocks):
        wanted[2 * k : 2 * k + 2, 2 * k : 2 * k + 2] = block
    assert np.abs(matrix_of(fragment, selectors + 1) - wanted).max() < 1e-12
    assert counts(fragment) == (Counts(2**selectors, 2**selectors) if selectors else Counts(0, 1))
    found = matrix_of(diagonal(range(selectors), angles), selectors)
    assert np.abs(found - np.diag(np.exp(1j * angles))).max() < 1e-12


@pytest.mark.parametrize("width", range(1, 5))
def test_increment_and_comparison(width):
    size = 1 << width
    moved = matrix_of(increment(range(width)), width)
    assert np.abs(moved - np.roll(np.eye(size), 1, axis=0)).max() < 1e-12
    for bound in range(size + 1):
        found = matrix_of(at_least(range(width), bound, width), width + 1).real
        flipped = np.array([found[2 * k + 1, 2 * k] for k in range(size)])
        assert np.abs(flipped - (np.arange(size) >= bound)).max() < 1e-11


def test_counts_write_out_what_the_target_does_not_count():
    fragment = join([gate(Gate.CRY, 0, 1, angle=1.0), gate(Gate.CZ, 0, 1), gate(Gate.SWAP, 0, 1), gate(Gate.H, 0)])
    assert counts(fragment) == Counts(2 + 1 + 3, 2 + 2 + 1)


def test_the_phase_of_a_circuit_is_within_half_a_turn():
    assert phase(2.5 * math.pi).circuit(1).phase == pytest.approx(0.5 * math.pi)
