"""The least energy over auxiliaries equals the polynomial, whatever the polynomial, method and weights."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ising_support import lower, objective, polynomials, problem_module, variable
from quadratization_support import check_exact, check_recomputed, energies, random_hubo, random_terms

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.dialects.ising import ModelOp, QuboOp, RegisterOp, Role
from qevo_compiler.dialects.poly import Polynomials, arithmetic
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.dialects.problem import Domain
from qevo_compiler.ir import Builder, Module, parse_module, print_module
from qevo_compiler.passes.quadratize import Method, Quadratize
from qevo_compiler.source import SourceFile

QUADRATIC = "encode-variables,penalize-constraints,quadratize"

monomials = st.lists(st.integers(0, 8), min_size=0, max_size=9, unique=True).map(lambda names: tuple(sorted(names)))
terms = st.dictionaries(monomials, st.integers(-9, 9).filter(bool).map(float), min_size=1, max_size=6)
weights = st.sampled_from([0.0, 0.05, 0.25, 3.0])


@given(terms, st.sampled_from(list(Method)), weights, st.sampled_from([0.0, 0.25, 20.0]))
@settings(max_examples=150, deadline=None)
def test_minimum_over_auxiliaries_is_the_polynomial(
    given_terms: dict[tuple[int, ...], float], method: Method, coupling: float, spread: float
) -> None:
    check_exact(polynomials([given_terms]), 9, Quadratize(method, coupling, spread, sweeps=5), most=10)


@pytest.mark.parametrize("method", list(Method))
def test_many_random_polynomials(method: Method) -> None:
    rng = np.random.default_rng(11)
    for _ in range(700):
        bits = int(rng.integers(3, 8))
        p = polynomials([random_terms(rng, bits, int(rng.integers(1, 9)), 7)])
        check_exact(p, bits, Quadratize(method, float(rng.choice([0, 0.1, 1])), sweeps=3), most=9)


@pytest.mark.parametrize("method", list(Method))
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_single_monomials_of_every_degree(method: Method, sign: float) -> None:
    for degree in range(3, 10):
        p = polynomials([{tuple(range(degree)): sign * 3}])
        found = check_exact(p, degree, Quadratize(method))
        assert found is not None
        termwise = min((degree - 1) // 2, int(np.ceil(np.log2(degree))) - 1) if sign > 0 else 1
        if sign < 0 or method is Method.TERMWISE:
            assert found.count == termwise
        assert found.count <= degree - 2


def test_the_logarithmic_gadget_wins_from_degree_seven() -> None:
    for degree, count in ((5, 2), (6, 2), (7, 2), (8, 2), (9, 3), (16, 3)):
        p = polynomials([{tuple(range(degree)): 2.0}])
        _, found = Quadratize(Method.TERMWISE).quadratized(p, degree)
        assert found is not None
        assert (found.count, int(found.kinds.values.max())) == (count, int(degree >= 7))


def test_dense_polynomials_and_all_signs_of_small_supports() -> None:
    for signs in itertools.product((-2.0, 0.0, 1.0), repeat=5):
        sets = [(0, 1, 2, 3), (0, 1, 2), (1, 2, 3), (0, 1, 2, 3, 4), (0, 2, 4)]
        p = polynomials([{names: c for names, c in zip(sets, signs, strict=True) if c} or {(): 1.0}])
        for method in Method:
            check_exact(p, 5, Quadratize(method, sweeps=2))
    rng = np.random.default_rng(0)
    every = [names for size in range(7) for names in itertools.combinations(range(6), size)]
    dense = polynomials([{names: rng.normal() for names in every}])
    for method in Method:
        check_exact(dense, 6, Quadratize(method))


def test_shared_pairs_share_their_auxiliary() -> None:
    p = polynomials([{(0, 1, k): (-1.0) ** k * k for k in range(2, 9)}])
    _, found = Quadratize().quadratized(p, 9)
    assert found is not None
    assert (found.count, found.members_of(0).tolist()) == (1, [0, 1])


def test_negative_monomials_share_their_common_part() -> None:
    three = polynomials([{(0, 1, 2, k): -float(k) for k in range(3, 9)}])
    found = check_exact(three, 9, Quadratize())
    assert found is not None
    assert (found.count, found.members_of(0).tolist()) == (1, [0, 1, 2])
    part, rest = tuple(range(6)), itertools.combinations(range(6, 12), 2)
    large = polynomials([{(*part, *pair): -1.0 - pair[0] for pair in rest}])
    _, shared = Quadratize(coupling_weight=0.5).quadratized(large, 12)
    assert shared is not None
    assert shared.members_of(0).tolist() == list(part)
    assert shared.count == 1 + 5  # z times every edge of the complete graph on six bits: five stars


def test_a_pair_of_high_monomials_serves_low_ones() -> None:
    p = polynomials([{(0, 1, 2, 3, 4): 2.0, (0, 1, 5, 6, 7): 3.0, (0, 1, 2): -4.0, (0, 1, 6, 7): 1.0}])
    found = check_exact(p, 8, Quadratize())
    assert found is not None
    pairs = [tuple(found.members_of(k).tolist()) for k in range(found.count)]
    assert pairs.count((0, 1)) == 1
    assert len(set(pairs)) == len(pairs)


def test_weights_trade_auxiliaries_for_couplings_and_range() -> None:
    p = random_hubo(60, 1500, (3, 4), 3)

    def sizes(step: Quadratize) -> tuple[int, int, float]:
        quadratic, found = step.quadratized(p, 60)
        assert found is not None
        return found.count, len(quadratic.block(2)[2]), max(np.abs(quadratic.block(d)[2]).max() for d in (1, 2))

    usual, sparse = sizes(Quadratize(range_weight=0.0)), sizes(Quadratize(coupling_weight=4.0, range_weight=0.0))
    assert sparse[0] > usual[0]
    assert sparse[1] < usual[1]
    narrow = sizes(Quadratize(range_weight=20.0))
    assert narrow[2] < usual[2]
    assert sizes(Quadratize(Method.GREEDY, range_weight=0.0))[0] >= usual[0]
    assert usual[0] < sizes(Quadratize(Method.TERMWISE))[0]


def test_large_models_spot_checked() -> None:
    p = random_hubo(300, 50_000, (3, 4), 5)
    rng = np.random.default_rng(6)
    for method in (Method.GREEDY, Method.HYBRID):
        quadratic, found = Quadratize(method, sweeps=20).quadratized(p, 300)
        assert found is not None
        assert found.count < 22_500
        ones = np.zeros((4, 300 + found.count), bool)
        ones[:, :300] = rng.random((4, 300)) < np.array([[0.2], [0.5], [0.8], [1.0]])
        check_recomputed(quadratic, found, ones, 300, arithmetic.evaluate(p, ones[:, :300].astype(float))[:, 0])


def test_high_degrees_spot_checked() -> None:
    p = random_hubo(80, 1200, (3, 5, 7, 9, 12, 14), 8)
    rng = np.random.default_rng(9)
    for step in (Quadratize(), Quadratize(coupling_weight=1.0), Quadratize(Method.TERMWISE)):
        quadratic, found = step.quadratized(p, 80)
        assert found is not None
        ones = np.zeros((40, 80 + found.count), bool)
        ones[:, :80] = rng.random((40, 80)) < rng.random((40, 1))
        check_recomputed(quadratic, found, ones, 80, energies(p, ones[:, :80]))


def test_the_same_input_gives_the_same_bytes() -> None:
    p = random_hubo(40, 900, (3, 4, 5, 6), 2)
    again = Polynomials(p.rows, p.terms)
    assert Quadratize().quadratized(p, 40) == Quadratize().quadratized(again, 40)


def test_the_pair_of_the_passs_documentation() -> None:
    module = lower(problem_module(variable("x", Domain.BINARY, (3,)), objective({(0, 1, 2): -2.0})), QUADRATIC)
    qubo = module.main.only(QuboOp)
    (auxiliary,) = [r for r in module.main.ops_of(RegisterOp) if r.role is Role.AUXILIARY]
    assert (auxiliary.first, auxiliary.count) == (3, 1)
    assert qubo.linear.values.tolist() == [0, 0, 0, 4]
    assert sorted(qubo.quadratic.values.tolist()) == [-2, -2, -2]


def test_auxiliaries_survive_the_text_form() -> None:
    given = {tuple(range(8)): 2.0, (0, 1, 2, 3): -1.0, (1, 2, 4): 3.0}
    problem = problem_module(variable("x", Domain.BINARY, (8,)), objective(given))
    for method in Method:
        module = lower(problem, QUADRATIC, quadratize={"method": method.value})
        assert parse_module(SourceFile("again.qir", print_module(module))).main.ops == module.main.ops


def test_limit() -> None:
    module = problem_module(variable("x", Domain.BINARY, (6,)), objective({tuple(range(6)): 1.0, (0, 1, 2): 2.0}))
    needed = lower(module, QUADRATIC).main.only(QuboOp).size - 6
    with pytest.raises(CompileError, match="Q0670"):
        lower(module, QUADRATIC, quadratize={"max_auxiliaries": needed - 1})
    assert lower(module, QUADRATIC, quadratize={"max_auxiliaries": needed}).main.only(QuboOp).size == 6 + needed


def test_spins_go_straight_to_a_spin_model() -> None:
    module = lower(problem_module(variable("s", Domain.SPIN, (3,)), objective({(0, 1): 2.0, (2,): 1.0})), QUADRATIC)
    model = module.main.only(ModelOp)
    assert model.fields.values.tolist() == [0, 0, 1]
    assert model.couplings.values.tolist() == [2]


def test_a_quadratic_module_is_returned_as_it_is() -> None:
    module = Module("empty", (Builder().finish(),))
    assert Quadratize().run(module) is module


def test_an_empty_polynomial_stays_empty() -> None:
    assert Quadratize().quadratized(pack(1, []), 0) == (pack(1, []), None)
