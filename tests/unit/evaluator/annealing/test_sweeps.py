"""Kernels against numpy, flip by flip: any vector width, any threads, any size; and energies against dimod."""

from __future__ import annotations

import dimod
import numpy as np
import pytest
from annealing_support import random_model, random_polynomial
from hypothesis import given
from hypothesis import strategies as st

from qevo_compiler.dialects.poly import Vartype
from qevo_compiler.dialects.poly.arithmetic import evaluate
from qevo_compiler.evaluator.annealing.acceptance import Rule
from qevo_compiler.evaluator.annealing.energies import energies
from qevo_compiler.evaluator.annealing.higher import (
    anneal_polynomial,
    polynomial_beta_range,
    polynomial_energies,
)
from qevo_compiler.evaluator.annealing.metropolis import anneal
from qevo_compiler.evaluator.annealing.model import DenseSpins, SpinModel
from qevo_compiler.evaluator.annealing.path_integral import actions, worldlines
from qevo_compiler.evaluator.annealing.polynomial import PolynomialModel
from qevo_compiler.evaluator.annealing.reference import (
    dense_reference,
    path_reference,
    polynomial_reference,
    sparse_reference,
)
from qevo_compiler.evaluator.annealing.runs import Spins, first_states
from qevo_compiler.evaluator.annealing.temperatures import beta_range

BITS = ["128", "256", "512"]
SIZES = [1, 2, 63, 64, 65, 130]
RULES = [Rule.METROPOLIS, Rule.GIBBS]
BETAS = np.array([0.05, 0.2, 0.6, 1.5])
REPLICAS, SEED = 19, 2**40 + 7


@pytest.fixture(params=BITS)
def width(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("QEVO_VECTOR_BITS", request.param)
    return str(request.param)


def model_of(size: int, integer: bool) -> SpinModel:
    return random_model(size, min(1.0, 8 / size), size, integer)


@pytest.mark.parametrize("integer", [True, False])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.usefixtures("width")
def test_sparse_and_dense_sweeps_flip_by_flip(size: int, integer: bool) -> None:
    model = model_of(size, integer)
    states = first_states(SEED, REPLICAS, size)
    for rule in RULES:
        sparse = anneal(model, BETAS, REPLICAS, SEED, rule=rule, dense=False, polish=False, threads=1)
        assert np.array_equal(sparse, sparse_reference(model, BETAS, states, SEED, rule))
        dense = anneal(model, BETAS, REPLICAS, SEED, rule=rule, dense=True, polish=False, threads=1)
        assert np.array_equal(dense, dense_reference(model.dense, BETAS, states, SEED, rule))


@pytest.mark.parametrize("integer", [True, False])
@pytest.mark.parametrize(("size", "slices"), [(1, 4), (2, 8), (5, 12), (9, 16), (65, 8), (66, 4)])
@pytest.mark.usefixtures("width")
def test_path_sweeps_flip_by_flip(size: int, slices: int, integer: bool) -> None:
    model = model_of(size, integer)
    transverse, problem = np.array([2.0, 0.7, 0.0]), np.array([0.1, 0.6, 1.0])
    lines = np.repeat(first_states(SEED, REPLICAS, size)[:, None], slices, axis=1)
    terms = actions(model, transverse, problem, slices, 1.7)
    for rule in RULES:
        found = worldlines(model, transverse, problem, REPLICAS, SEED, slices=slices, beta=1.7, rule=rule, threads=1)
        assert np.array_equal(found, path_reference(model, *terms, lines, SEED, rule))


@pytest.mark.parametrize("vartype", list(Vartype))
@pytest.mark.parametrize("integer", [True, False])
@pytest.mark.parametrize("size", [9, 64, 66])
@pytest.mark.usefixtures("width")
def test_polynomial_sweeps_flip_by_flip(size: int, integer: bool, vartype: Vartype) -> None:
    terms = random_polynomial(size, {0: 1, 1: size // 2, 2: size, 3: 2 * size, 9: 6}, size, integer)
    model = PolynomialModel.of(terms, vartype, size)
    states = first_states(SEED, REPLICAS, size)
    first = states if vartype is Vartype.SPIN else (states > 0).astype(np.int8)
    for rule in RULES:
        found = anneal_polynomial(model, BETAS, REPLICAS, SEED, rule=rule, polish=False, threads=1)
        assert np.array_equal(found, polynomial_reference(model, BETAS, first, SEED, rule))


@pytest.mark.parametrize("integer", [True, False])
def test_threads_widths_and_replicas_do_not_matter(monkeypatch: pytest.MonkeyPatch, integer: bool) -> None:
    """Also after descent, and with long chunks of replicas, which two vectors of them share."""
    model = model_of(30, integer)
    cubic = PolynomialModel.of(random_polynomial(30, {2: 30, 3: 60}, 1, integer), Vartype.BINARY, 30)

    def samples(threads: int, count: int) -> list[Spins]:
        a, b = np.linspace(2, 0.1, 4), np.linspace(0.1, 1, 4)
        sparse = anneal(model, BETAS, count, 5, dense=False, threads=threads)
        dense = anneal(model, BETAS, count, 5, dense=True, threads=threads)
        lines = worldlines(model, a, b, count, 5, slices=8, threads=threads)
        return [sparse, dense, lines, anneal_polynomial(cubic, BETAS, count, 5, threads=threads)]

    monkeypatch.setenv("QEVO_VECTOR_BITS", "128")
    expected = samples(1, 150)
    for bits in BITS:
        monkeypatch.setenv("QEVO_VECTOR_BITS", bits)
        for threads in (1, 2, 4):
            for whole, found in zip(expected, samples(threads, 150), strict=True):
                assert np.array_equal(found, whole)
        for whole, part in zip(expected, samples(2, 3), strict=True):
            assert np.array_equal(part, whole[:3])


@pytest.mark.usefixtures("width")
def test_models_without_couplings_find_their_fields() -> None:
    fields = np.array([0.0, -1.5, 2.0, 0.25, -3.0, 1.0, 1.0])
    none = np.zeros(0, np.int32)
    model = SpinModel.from_pairs(fields, none, none, np.zeros(0))
    for dense in (False, True):
        found = anneal(model, BETAS, 20, 1, dense=dense, threads=1)
        assert (found[:, fields != 0] == -np.sign(fields[fields != 0])).all()
        alone = anneal(SpinModel.from_pairs(np.zeros(5), none, none, np.zeros(0)), BETAS, 3, 1, dense=dense)
        assert alone.shape == (3, 5)
        assert set(np.unique(alone)) <= {-1, 1}


def test_no_replicas_and_no_spins() -> None:
    empty = SpinModel.from_pairs(np.zeros(0), *np.zeros((2, 0), np.int32), np.zeros(0))
    for dense in (False, True):
        assert anneal(random_model(5, 1.0, 1), BETAS, 0, dense=dense).shape == (0, 5)
        assert anneal(empty, BETAS, 4, dense=dense).shape == (4, 0)
        assert anneal(random_model(5, 1.0, 1), BETAS[:0], 4, dense=dense).shape == (4, 5)


@pytest.mark.usefixtures("width")
def test_descent_ends_in_local_minima() -> None:
    for integer in (True, False):
        model = model_of(65, integer)
        for dense in (False, True):
            found = anneal(model, BETAS[:1], 40, 2, dense=dense, threads=1)
            fields = model.fields + found @ (model.dense.matrix.astype(np.float64) * model.unit)
            assert (found * fields <= 1e-4).all()


@pytest.mark.parametrize("reads", [0, 1, 15, 16, 17, 1000])
@pytest.mark.parametrize("integer", [True, False])
@pytest.mark.usefixtures("width")
def test_energies_against_dimod(reads: int, integer: bool) -> None:
    model = random_model(37, 0.4, 3, integer)
    samples = np.random.default_rng(reads).choice(np.array([-1, 1], np.int8), (reads, 37))
    couplings = zip(model.rows.tolist(), model.columns.tolist(), model.couplings.tolist(), strict=True)
    bqm = dimod.BinaryQuadraticModel(
        dict(enumerate(model.fields.tolist())), {(i, j): v for i, j, v in couplings}, model.offset, "SPIN"
    )
    expected = bqm.energies((samples, list(range(37)))) if reads else np.zeros(0)
    for threads in (1, 2):
        found = energies(model, samples, threads)
        assert found.shape == (reads,)
        assert np.allclose(found, expected, rtol=0, atol=0 if integer else 1e-12)


@pytest.mark.parametrize("reads", [0, 1, 15, 16, 17, 1000])
@pytest.mark.parametrize("integer", [True, False])
@pytest.mark.parametrize("vartype", list(Vartype))
@pytest.mark.usefixtures("width")
def test_polynomial_energies_against_evaluation(reads: int, integer: bool, vartype: Vartype) -> None:
    size = 37
    terms = random_polynomial(size, {0: 1, 1: 10, 2: 30, 3: 60, 5: 9, 8: 3}, 4, integer)
    values = np.array([-1, 1] if vartype is Vartype.SPIN else [0, 1], np.int8)
    samples = np.random.default_rng(reads).choice(values, (reads, size))
    expected = evaluate(terms, samples.astype(np.float64)).reshape(-1)
    found = polynomial_energies(PolynomialModel.of(terms, vartype, size), samples, 1)
    assert np.allclose(found, expected, rtol=0, atol=0 if integer else 1e-12)


@given(
    st.integers(1, 20),
    st.floats(0, 1),
    st.integers(0, 2**32),
    st.booleans(),
    st.integers(1, 40),
    st.sampled_from(RULES),
)
def test_any_model_flip_by_flip(size: int, density: float, seed: int, integer: bool, replicas: int, rule: Rule) -> None:
    model = random_model(size, density, seed, integer)
    states = first_states(seed, replicas, size)
    sparse = anneal(model, BETAS[:2], replicas, seed, rule=rule, dense=False, polish=False, threads=1)
    assert np.array_equal(sparse, sparse_reference(model, BETAS[:2], states, seed, rule))
    dense = anneal(model, BETAS[:2], replicas, seed, rule=rule, dense=True, polish=False, threads=1)
    assert np.array_equal(dense, dense_reference(model.dense, BETAS[:2], states, seed, rule))


def test_a_matrix_of_floats_and_bytes_gives_the_same_samples() -> None:
    model = random_model(70, 1.0, 1)
    floats = DenseSpins(model.offset, model.dense.fields, model.dense.matrix.astype(np.float32), model.unit, True)
    assert model.dense.matrix.dtype == np.int8
    found = [anneal(m, BETAS, 9, 3, dense=True, threads=1) for m in (model, floats)]
    assert np.array_equal(*found)


def test_temperatures_do_not_depend_on_the_width(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for bits in BITS:
        monkeypatch.setenv("QEVO_VECTOR_BITS", bits)
        models = [random_model(n, d, 2, i) for n, d in ((40, 0.1), (40, 0.9)) for i in (True, False)]
        terms = random_polynomial(40, {1: 20, 2: 40, 3: 90}, 2, False)
        cubics = [PolynomialModel.of(terms, vartype, 40) for vartype in Vartype]
        found.append([beta_range(m) for m in models] + [polynomial_beta_range(m) for m in cubics])
    assert found[0] == found[1] == found[2]
    assert all(0 < hot < cold for hot, cold in found[0])
