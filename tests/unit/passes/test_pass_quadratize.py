"""The least energy over auxiliaries equals the polynomial, whatever the polynomial."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ising_support import all_spins, ground_energies, lower, objective, polynomials, problem_module, variable

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.dialects.ising import ModelOp, QuboOp, RegisterOp, Role
from qevo_compiler.dialects.poly import Polynomials, arithmetic
from qevo_compiler.dialects.problem import Domain
from qevo_compiler.ir import Builder, Module
from qevo_compiler.passes.binary_to_spin import spin_model
from qevo_compiler.passes.quadratize import Quadratize, _model, quadratized

QUADRATIC = "encode-variables,penalize-constraints,quadratize"

monomials = st.lists(st.integers(0, 5), min_size=0, max_size=6, unique=True).map(lambda names: tuple(sorted(names)))
terms = st.dictionaries(monomials, st.integers(-9, 9).filter(bool).map(float), min_size=1, max_size=7)


def least_over_auxiliaries(p: Polynomials, bits: int) -> tuple[np.ndarray, int]:
    quadratic, factors = quadratized(p, bits, 10**6)
    count = bits if factors is None else bits + len(factors)
    qubo = _model(quadratic, count, False, objective({}))
    assert isinstance(qubo, QuboOp)
    return ground_energies(spin_model(qubo), bits), count


@given(terms)
@settings(max_examples=120, deadline=None)
def test_minimum_over_auxiliaries_is_the_polynomial(given_terms: dict[tuple[int, ...], float]) -> None:
    p = polynomials([given_terms])
    quadratic, factors = quadratized(p, 6, 10**6)
    if factors is not None and len(factors) > 12:
        return
    least, _ = least_over_auxiliaries(p, 6)
    expected = arithmetic.evaluate(p, (all_spins(6) + 1) // 2)[:, 0]
    np.testing.assert_allclose(least, expected, atol=1e-9)
    assert quadratic.degree <= 2


@pytest.mark.parametrize("degree", [3, 4, 5, 6])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_single_monomials_take_one_auxiliary_a_degree(degree: int, sign: float) -> None:
    p = polynomials([{tuple(range(degree)): sign * 3}])
    least, count = least_over_auxiliaries(p, degree)
    assert count == degree + degree - 2
    np.testing.assert_allclose(least, arithmetic.evaluate(p, (all_spins(degree) + 1) // 2)[:, 0])


def test_shared_pairs_share_their_auxiliary() -> None:
    p = polynomials([{(0, 1, k): (-1.0) ** k * k for k in range(2, 9)}])
    _, factors = quadratized(p, 9, 10**6)
    assert factors is not None
    assert factors.values.tolist() == [[0, 1]]


def test_the_pair_of_the_passs_documentation() -> None:
    module = lower(problem_module(variable("x", Domain.BINARY, (3,)), objective({(0, 1, 2): -2.0})), QUADRATIC)
    qubo = module.main.only(QuboOp)
    (auxiliary,) = [r for r in module.main.ops_of(RegisterOp) if r.role is Role.AUXILIARY]
    assert (auxiliary.first, auxiliary.count) == (3, 1)
    assert qubo.linear.values.tolist() == [0, 0, 0, 4]
    assert sorted(qubo.quadratic.values.tolist()) == [-2, -2, -2]


def test_factors_lie_below_their_product() -> None:
    rng = np.random.default_rng(0)
    p = polynomials([{tuple(sorted(rng.choice(20, 5, replace=False).tolist())): rng.normal() for _ in range(60)}])
    _, factors = quadratized(p, 20, 10**6)
    assert factors is not None
    product = 20 + np.arange(len(factors))
    assert (factors.values[:, 0] < factors.values[:, 1]).all()
    assert (factors.values[:, 1] < product).all()
    assert len(np.unique(factors.values, axis=0)) == len(factors)


def test_auxiliaries_are_few() -> None:
    rng = np.random.default_rng(1)
    p = polynomials([{tuple(sorted(rng.choice(30, 3, replace=False).tolist())): rng.normal() for _ in range(1500)}])
    _, factors = quadratized(p, 30, 10**6)
    assert factors is not None
    assert len(factors) < 250


def test_limit() -> None:
    module = problem_module(variable("x", Domain.BINARY, (6,)), objective({tuple(range(6)): 1.0}))
    with pytest.raises(CompileError, match="Q0670"):
        lower(module, QUADRATIC, quadratize={"max_auxiliaries": 3})
    assert lower(module, QUADRATIC, quadratize={"max_auxiliaries": 4}).main.only(QuboOp).size == 10


def test_spins_go_straight_to_a_spin_model() -> None:
    module = lower(problem_module(variable("s", Domain.SPIN, (3,)), objective({(0, 1): 2.0, (2,): 1.0})), QUADRATIC)
    model = module.main.only(ModelOp)
    assert model.fields.values.tolist() == [0, 0, 1]
    assert model.couplings.values.tolist() == [2]


def test_a_quadratic_module_is_returned_as_it_is() -> None:
    module = Module("empty", (Builder().finish(),))
    assert Quadratize().run(module) is module
