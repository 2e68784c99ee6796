"""The kernels' view of a model: rows both ways, units, dense matrices, temperatures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qevo_compiler.evaluator.annealing import DenseSpins, SpinModel, anneal, beta_range, energies


def random_spins(seed: int, size: int, density: float = 0.5, whole: bool = False) -> SpinModel:
    rng = np.random.default_rng(seed)
    i, j = np.nonzero(np.triu(rng.random((size, size)) < density, 1))
    order = rng.permutation(len(i))
    turned = rng.random(len(i)) < 0.5
    a, b = np.where(turned, j, i)[order], np.where(turned, i, j)[order]
    draw = (lambda count: rng.integers(-3, 4, count).astype(float)) if whole else rng.normal
    values = draw(len(i)) if whole else rng.normal(size=len(i))
    fields = draw(size) if whole else rng.normal(size=size)
    return SpinModel.from_pairs(fields, a, b, values, offset=0.5)


def dense_of(model: SpinModel) -> np.ndarray:
    matrix = np.zeros((model.size, model.size))
    matrix[model.rows, model.columns] = model.couplings
    return matrix + matrix.T


@given(st.integers(0, 30), st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=40, deadline=None)
def test_rows_and_matrix_hold_every_coupling_both_ways(size: int, seed: int, whole: bool) -> None:
    model = random_spins(seed, size, whole=whole)
    expected = dense_of(model)
    rows = model.symmetric
    found = np.zeros((size, size))
    for i in range(size):
        part = slice(rows.starts[i], rows.starts[i + 1])
        assert (np.diff(rows.columns[part]) > 0).all()
        found[i, rows.columns[part]] = rows.values[part] * model.unit
    assert found == pytest.approx(expected, rel=1e-6)
    dense = model.dense
    assert dense.matrix * dense.unit == pytest.approx(expected, rel=1e-6)
    assert dense.field_bounds == pytest.approx(model.field_bounds, rel=1e-6)
    assert dense.field_spreads == pytest.approx(model.field_spreads, rel=1e-6)
    assert model.integral or not whole


def test_units() -> None:
    def model(values: list[float]) -> SpinModel:
        return SpinModel.from_pairs(np.zeros(len(values) + 1), range(len(values)), [len(values)] * len(values), values)

    assert (model([2.0, -4.0]).unit, model([2.0, -4.0]).integral) == (1.0, True)
    assert (model([0.25, -0.5]).unit, model([0.25, -0.5]).integral) == (0.25, True)
    assert (model([1.0, 1.5]).unit, model([1.0, 1.5]).integral) == (0.5, True)
    assert not model([0.1, np.pi]).integral
    assert not model([1.0, 2.0**25]).integral
    assert model([127.0]).small
    assert not model([128.0, 1.0]).small


def test_a_spin_is_not_coupled_with_itself() -> None:
    with pytest.raises(ValueError, match="itself"):
        SpinModel.from_pairs([0.0, 0.0], [1], [1], [1.0])


@pytest.mark.parametrize(
    "matrix",
    [
        np.zeros((2, 3), np.float32),
        np.zeros((2, 2)),
        np.eye(2, dtype=np.float32),
        np.zeros((4, 4), np.float32).T[::2, ::2],
    ],
)
def test_only_fitting_matrices_are_taken(matrix: np.ndarray) -> None:
    with pytest.raises(ValueError, match="matrix"):
        DenseSpins.of_matrix(matrix)


def test_a_dense_model_is_annealed_where_its_matrix_lies() -> None:
    model = random_spins(3, 70, density=1.0)
    matrix = dense_of(model).astype(np.float32)
    dense = DenseSpins.of_matrix(matrix, model.fields, model.offset)
    assert dense.matrix is matrix
    found = energies(model, anneal(dense, np.geomspace(*beta_range(dense), 300), 20, 1))
    peer = energies(model, anneal(model, np.geomspace(*beta_range(model), 300), 20, 1, dense=False))
    assert found.min() == pytest.approx(peer.min())


@given(st.integers(1, 40), st.integers(0, 2**32 - 1), st.floats(0.1, 100.0))
@settings(max_examples=30, deadline=None)
def test_temperatures_scale_with_the_model(size: int, seed: int, factor: float) -> None:
    model = random_spins(seed, size)
    scaled = SpinModel(0.0, model.fields * factor, model.rows, model.columns, model.couplings * factor)
    hot, cold = beta_range(model)
    assert 0 < hot <= cold
    assert beta_range(scaled) == pytest.approx((hot / factor, cold / factor), rel=1e-3)


def test_temperatures_keep_their_promise() -> None:
    model = random_spins(9, 60)
    hot, cold = beta_range(model)
    stiffest = min(3 * model.field_spreads.max(), model.field_bounds.max())
    assert np.exp(-2 * hot * stiffest) == pytest.approx(0.5)
    # A cold sweep of a state that cold sweeps left flips about a tenth of a spin against the energy.
    minima = anneal(model, np.ones(1), 4, 0)
    fields = minima @ dense_of(model) + model.fields
    assert 0.01 < np.exp(-2 * cold * np.abs(fields)).sum() / 4 < 1.0
    assert beta_range(SpinModel.from_pairs(np.zeros(3), [], [], [])) == (1.0, 1.0)
