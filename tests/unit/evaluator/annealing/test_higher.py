"""Polynomials of any degree: ground states by enumeration, powers, packing, first states, watches."""

from __future__ import annotations

import numpy as np
import pytest
from annealing_support import all_states, random_polynomial
from hypothesis import given
from hypothesis import strategies as st

from qevo_compiler.dialects.poly import Vartype
from qevo_compiler.dialects.poly.arithmetic import constants, evaluate, multiply, variables
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.evaluator.annealing.acceptance import Rule
from qevo_compiler.evaluator.annealing.energies import energies
from qevo_compiler.evaluator.annealing.higher import (
    anneal_polynomial,
    polynomial_beta_range,
    polynomial_energies,
)
from qevo_compiler.evaluator.annealing.metropolis import anneal
from qevo_compiler.evaluator.annealing.model import SpinModel
from qevo_compiler.evaluator.annealing.polynomial import PolynomialModel
from qevo_compiler.evaluator.annealing.runs import Watch
from qevo_compiler.evaluator.annealing.schedules import geometric


@pytest.mark.parametrize("vartype", list(Vartype))
@pytest.mark.parametrize("integer", [True, False])
def test_ground_states_against_enumeration(vartype: Vartype, integer: bool) -> None:
    for seed in range(4):
        terms = random_polynomial(12, {0: 1, 1: 6, 2: 12, 3: 20, 4: 6, 8: 2}, seed, integer)
        model = PolynomialModel.of(terms, vartype, 12)
        levels = evaluate(terms, all_states(12, vartype).astype(np.float64)).reshape(-1)
        found = anneal_polynomial(model, geometric(*polynomial_beta_range(model), 300), 16, seed, threads=1)
        assert np.isclose(polynomial_energies(model, found).min(), levels.min(), rtol=0, atol=1e-9)


@given(
    size=st.integers(1, 9),
    terms=st.lists(st.lists(st.integers(0, 8), max_size=9), max_size=12),
    vartype=st.sampled_from(list(Vartype)),
)
def test_energies_of_any_terms(size: int, terms: list[list[int]], vartype: Vartype) -> None:
    """Repeated variables are powers; the oracle multiplies them out."""
    members = [[v % size for v in term] for term in terms]
    coefficients = np.arange(1.0, len(members) + 1)
    blocks = [
        (np.zeros(1, np.int32), np.array([term], np.int32).reshape(1, len(term)), coefficients[k : k + 1])
        for k, term in enumerate(members)
    ]
    states = all_states(size, vartype)
    values = states.astype(np.float64)
    expected = np.zeros(len(states))
    for c, term in zip(coefficients, members, strict=True):
        expected += c * values[:, term].prod(axis=1)
    model = PolynomialModel.of(pack(1, blocks), vartype, size)
    assert np.array_equal(polynomial_energies(model, states, 1), expected)
    low = anneal_polynomial(model, geometric(*polynomial_beta_range(model), 60), 16, 1, threads=1)
    assert polynomial_energies(model, low).min() <= np.quantile(expected, 0.5)


def test_descent_ends_where_no_flip_lowers_the_energy() -> None:
    for vartype in Vartype:
        terms = random_polynomial(30, {1: 10, 2: 30, 3: 50, 5: 10}, 3)
        model = PolynomialModel.of(terms, vartype, 30)
        found = anneal_polynomial(model, [], 40, 1, rule=Rule.GREEDY, threads=1)
        here = polynomial_energies(model, found)
        for site in range(30):
            turned = found.copy()
            turned[:, site] = -turned[:, site] if vartype is Vartype.SPIN else 1 - turned[:, site]
            assert (polynomial_energies(model, turned) >= here).all()


def test_quadratic_polynomials_are_sampled_as_spin_models_are() -> None:
    """The same numbers in the same places: flip by flip the sparse kernel's samples."""
    rng = np.random.default_rng(5)
    i, j = np.triu_indices(40, 1)
    kept = rng.random(len(i)) < 0.2
    h, c = rng.integers(-2, 3, 40).astype(np.float64), rng.choice([-2.0, 1.0, 3.0], kept.sum())
    spin = SpinModel.from_pairs(h, i[kept], j[kept], c)
    blocks = [
        (np.zeros(40, np.int32), np.arange(40, dtype=np.int32)[:, None], h),
        (np.zeros(len(c), np.int32), np.stack([i[kept], j[kept]], axis=1).astype(np.int32), c),
    ]
    model = PolynomialModel.of(pack(1, blocks), Vartype.SPIN, 40)
    betas = geometric(0.05, 1.0, 30)
    found = anneal_polynomial(model, betas, 50, 9, threads=1)
    assert np.array_equal(found, anneal(spin, betas, 50, 9, dense=False, threads=1))
    assert np.array_equal(polynomial_energies(model, found), energies(spin, found))


def test_first_states_are_the_model_s_own_values() -> None:
    terms = random_polynomial(9, {2: 5, 3: 4}, 1)
    bits = PolynomialModel.of(terms, Vartype.BINARY, 9)
    start = np.array([[0, 1, 1, 0, 0, 1, 0, 1, 1]], np.int8)
    kept = anneal_polynomial(bits, [], 5, initial=start, polish=False, threads=1)
    assert np.array_equal(kept, np.repeat(start, 5, axis=0))
    random = anneal_polynomial(bits, [], 400, polish=False, threads=1)
    assert np.isin(random, (0, 1)).all()
    assert 0.4 < random.mean() < 0.6


def test_models_without_terms() -> None:
    for vartype in Vartype:
        model = PolynomialModel.of(constants([2.5]), vartype, 3)
        found = anneal_polynomial(model, geometric(*polynomial_beta_range(model), 5), 4, threads=1)
        assert found.shape == (4, 3)
        assert (polynomial_energies(model, found) == 2.5).all()
        empty = PolynomialModel.of(constants([1.5]), vartype, 0)
        assert polynomial_beta_range(empty) == (1.0, 1.0)
        assert polynomial_energies(empty, anneal_polynomial(empty, [1.0], 2)).tolist() == [1.5, 1.5]
        assert anneal_polynomial(model, [1.0], 0).shape == (0, 3)


def test_what_is_not_one_polynomial_in_range() -> None:
    two = variables(np.array([0, 1]))
    with pytest.raises(ValueError, match="one polynomial"):
        PolynomialModel.of(two, Vartype.SPIN, 2)
    product = multiply(variables(np.array([1])), variables(np.array([4])))
    with pytest.raises(ValueError, match="out of range"):
        PolynomialModel.of(product, Vartype.SPIN, 4)
    assert PolynomialModel.of(product, Vartype.SPIN, 5).degrees == (2,)


def test_a_watch_sees_the_run_and_ends_it() -> None:
    model = PolynomialModel.of(random_polynomial(200, {3: 100}, 1), Vartype.SPIN, 200)
    seen: list[float] = []
    anneal_polynomial(model, np.ones(60_000), 16, watch=Watch(progress=seen.append), threads=1)
    assert len(seen) > 1
    assert np.isclose(seen[-1], 1.0)
    calls: list[float] = []
    watch = Watch(progress=calls.append, interrupted=lambda: True)
    assert anneal_polynomial(model, np.ones(200_000), 16, watch=watch, threads=1).shape == (16, 200)
    assert len(calls) == 1
