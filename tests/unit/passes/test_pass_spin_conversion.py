"""Bits to spins and back keep every energy."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from ising_support import all_spins, ground_energies

from qevo_compiler.dialects.ising import ModelOp, QuboOp
from qevo_compiler.ir import Array, Builder, Module
from qevo_compiler.passes.binary_to_spin import BinaryToSpin, spin_model
from qevo_compiler.passes.scale_coefficients import scaled
from qevo_compiler.passes.spin_to_binary import SpinToBinary, bit_model

numbers = st.floats(-100, 100).filter(lambda v: v == 0 or abs(v) > 1e-3)


@st.composite
def qubos(draw: st.DrawFn) -> QuboOp:
    size = draw(st.integers(1, 6))
    pairs = [(i, j) for i in range(size) for j in range(i + 1, size) if draw(st.booleans())]
    linear = draw(st.lists(numbers, min_size=size, max_size=size))
    quadratic = draw(st.lists(numbers, min_size=len(pairs), max_size=len(pairs)))
    rows, columns = np.array(pairs, np.int32).reshape(-1, 2).T
    return QuboOp(
        draw(numbers), Array(np.array(linear)), Array(rows.copy()), Array(columns.copy()), Array(np.array(quadratic))
    )


def bit_energies(op: QuboOp) -> np.ndarray:
    bits = (all_spins(op.size) + 1) // 2
    dense = np.zeros((op.size, op.size))
    dense[op.rows.values, op.columns.values] = op.quadratic.values
    return op.offset + bits @ op.linear.values + ((bits @ dense) * bits).sum(axis=1)


@given(qubos())
@settings(max_examples=80, deadline=None)
def test_energies_agree_and_the_way_back_is_the_same_model(op: QuboOp) -> None:
    model = spin_model(op)
    np.testing.assert_allclose(ground_energies(model), bit_energies(op), atol=1e-10)
    back = bit_model(model)
    np.testing.assert_allclose(back.linear.values, op.linear.values, atol=1e-10)
    np.testing.assert_allclose(back.quadratic.values, op.quadratic.values, rtol=1e-15)
    np.testing.assert_allclose(back.offset, op.offset, atol=1e-10)


@given(qubos(), st.floats(0.01, 1))
@settings(max_examples=40, deadline=None)
def test_a_scaled_model_comes_back_at_its_own_scale(op: QuboOp, factor: float) -> None:
    np.testing.assert_allclose(bit_energies(bit_model(scaled(spin_model(op), factor))), bit_energies(op), atol=1e-9)


def test_cancelling_fields_vanish() -> None:
    op = QuboOp(0.0, Array(np.array([-0.3, -0.3])), Array([0]), Array([1]), Array(np.array([0.1 + 0.2 + 0.3])))
    assert spin_model(op).fields.values.tolist() == [0.0, 0.0]


def module_of(op: QuboOp | ModelOp) -> Module:
    builder = Builder()
    builder.append(op)
    return Module("m", (builder.finish(),))


def test_the_passes_return_modules_without_work_as_they_are() -> None:
    op = QuboOp(0.0, Array(np.array([2.0, 0.0])), Array([0]), Array([1]), Array(np.array([4.0])))
    bits = module_of(op)
    spins = BinaryToSpin().run(bits)
    assert spins.main.only(ModelOp).fields.values.tolist() == [2.0, 1.0]
    assert BinaryToSpin().run(spins) is spins
    assert SpinToBinary().run(bits) is bits
    assert SpinToBinary().run(spins) == bits
