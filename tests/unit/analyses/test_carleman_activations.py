"""Activations as state: reverse differentiation by levels, what is live, and that lifts of sub-steps compose."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qevo_compiler.analyses.carleman.activations import Products, staged_steps
from qevo_compiler.analyses.carleman.aposteriori import defect_error, iterate
from qevo_compiler.analyses.carleman.certificates import Certifier
from qevo_compiler.analyses.carleman.lift import lift
from qevo_compiler.analyses.carleman.majorant import modes_of, step_majorants
from qevo_compiler.analyses.carleman.norms import step_norms
from qevo_compiler.analyses.carleman.optimizer import Sgd, fold, gradient, shift
from qevo_compiler.analyses.carleman.pivots import minimiser
from qevo_compiler.analyses.carleman.reupload import reupload
from qevo_compiler.analyses.carleman.stages import linear_steps
from qevo_compiler.dialects.linear import StepMap
from qevo_compiler.dialects.poly import Polynomials, arithmetic
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.ir import Invalid


def quadratics(rng: np.random.Generator, rows: int, variables: list[int], scale: float) -> Polynomials:
    """Random rows of degree two; row k may use `variables[k]` variables."""
    blocks = []
    for row, count in enumerate(variables):
        pairs = rng.integers(count, size=(2, 2))
        blocks += [
            (np.full(2, row), np.sort(pairs, axis=1), scale * rng.normal(size=2)),
            (np.array([row]), rng.integers(count, size=(1, 1)), scale * rng.normal(size=1)),
            (np.array([row]), np.zeros((1, 0), np.int64), scale * rng.normal(size=1)),
        ]
    return pack(rows, blocks)


def program(seed: int, weights: int, count: int, batches: int = 1, scale: float = 0.7):
    """Products of a random straight-line program with an objective for each batch, and the same multiplied out."""
    rng = np.random.default_rng(seed)
    products = Products(weights, quadratics(rng, count, [weights + k for k in range(count)], scale))
    objectives = [quadratics(rng, 1, [weights + count], 1.0) for _ in range(batches)]
    rows = [arithmetic.select(arithmetic.variables(np.arange(weights)), np.array([i])) for i in range(weights)]
    for k in range(count):
        rows.append(composed(arithmetic.select(products.definitions, np.array([k])), rows))
    return products, objectives, [composed(objective, rows) for objective in objectives]


def composed(outer: Polynomials, rows: list[Polynomials]) -> Polynomials:
    total = arithmetic.constants([0.0])
    for block in outer.terms:
        for names, value in zip(block.variables.values, block.coefficients.values, strict=True):
            term = arithmetic.constants([value])
            for name in names:
                term = arithmetic.multiply(term, rows[name])
            total = arithmetic.add(total, term)
    return total


RULES = {
    "plain": {},
    "momentum": {"momentum": 0.6},
    "nesterov": {"momentum": 0.6, "nesterov": True, "weight_decay": 0.1},
    "dampened": {"momentum": 0.5, "dampening": 0.4},
    "noisy": {"noise": 0.01, "seed": 3},
}


def both(seed: int, rule: dict, batches: int = 1, steps: int = 4, weights: int = 2, count: int = 3):
    """The step map with sub-steps and the one in the weights alone."""
    products, objectives, expanded = program(seed, weights, count, batches)
    which = np.arange(steps) % batches
    sgd = Sgd(np.full(steps, 0.03), **rule)
    staged, names = staged_steps(products, objectives, which, sgd)
    plain = fold([gradient(objective, weights) for objective in expanded], which, sgd)
    assert staged.size == plain.size + len(names)
    staged.check()
    return staged, plain


def padded(state: np.ndarray, size: int) -> np.ndarray:
    return np.concatenate([state, np.zeros(size - len(state))])


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32 - 1), st.sampled_from(sorted(RULES)), st.integers(1, 3), st.integers(1, 3), st.integers(0, 5)
)
def test_sub_steps_are_the_optimizers_steps(seed: int, rule: str, batches: int, weights: int, count: int) -> None:
    staged, plain = both(seed, RULES[rule], batches, 4, weights, count)
    start = padded(0.3 * np.random.default_rng(seed).normal(size=weights), plain.size)
    expected = iterate(plain, start)
    found = iterate(staged, padded(start, staged.size))[:: staged.stage_count]
    assert found[:, : plain.size] == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert not found[:, plain.size :].any()
    assert staged.degree <= 2


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["plain", "nesterov"]), st.integers(1, 3), st.integers(1, 2))
def test_lifts_of_sub_steps_compose_to_the_lift_of_the_step(seed: int, rule: str, order: int, batches: int) -> None:
    """Cut off above degree N, polynomials without constant part compose: no accuracy is lost between sub-steps."""
    staged, plain = both(seed, RULES[rule], batches, steps=2, weights=2, count=2)
    point = padded(np.random.default_rng(seed).normal(size=2) / 2, plain.size)
    away = padded(np.full(2, 0.1), plain.size)
    local, whole = shift(staged, padded(point, staged.size)), shift(plain, point)
    ours, theirs = lift(local, padded(away, local.size), order), lift(whole, away, order, closure=False)
    places = {tuple(names): i for i, names in enumerate(ours.monomials.tolist())}
    kept = [i for i, names in enumerate(theirs.monomials.tolist()) if tuple(names) in places]
    own = [places[tuple(theirs.monomials[i].tolist())] for i in kept]
    for step in range(2):
        product = np.eye(ours.size)
        for variant in ours.which[step * local.stage_count : (step + 1) * local.stage_count]:
            product = ours.matrices[variant].toarray() @ product
        expected = theirs.matrices[theirs.which[step]].toarray()[np.ix_(kept, kept)]
        assert product[np.ix_(own, own)] == pytest.approx(expected, rel=1e-8, abs=1e-11)


def test_only_the_last_sub_step_has_constants_about_a_completed_pivot() -> None:
    staged, plain = both(5, RULES["plain"], 1)
    local = shift(staged, padded(np.array([0.4, -0.2]), staged.size))
    last = local.which.values[local.stage_count - 1]
    assert all(not variant.constants().any() for i, variant in enumerate(local.variants) if i != last)
    assert local.variants[last].constants()[: plain.size].any()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["plain", "momentum"]), st.integers(1, 2), st.integers(1, 3))
def test_majorants_bound_the_composition_and_its_lift(seed: int, rule: str, batches: int, order: int) -> None:
    staged, plain = both(seed, RULES[rule], batches)
    point = padded(np.random.default_rng(seed).normal(size=2) / 2, plain.size)
    local, whole = shift(staged, padded(point, staged.size)), shift(plain, point)
    norms, which = step_majorants(local)
    exact = step_norms(whole)
    assert which.tolist() == whole.which.values.tolist()
    width = max(norms.shape[1], exact.shape[1])
    wider = [np.pad(part, ((0, 0), (0, width - part.shape[1]))) for part in (norms, exact)]
    assert (wider[0] >= wider[1] - 1e-9 * (1 + wider[1])).all()
    # The part of degree one is the optimizer's own, with no loss by the detour.
    assert norms[:, 1] == pytest.approx(exact[:, 1], rel=1e-9)
    start = padded(0.02 * np.random.default_rng(seed + 1).normal(size=2), local.size)
    lifted = lift(local, start, order)
    error = np.linalg.norm(defect_error(lifted, iterate(local, start))[-1])
    assert error <= Certifier.of(local, start).at(order).bound * (1 + 1e-9) + 1e-13


def test_modes_and_minimiser_are_those_of_the_whole_step() -> None:
    # L = (w0^2 + w1 - 1)^2 + w1^2 / 2 through the product z = w0^2 + w1 - 1.
    zero, one = np.zeros(1, int), np.ones(1)
    square = pack(
        1, [(zero, np.array([[0, 0]]), one), (zero, np.array([[1]]), one), (zero, np.zeros((1, 0), int), -one)]
    )
    objective = pack(1, [(np.zeros(2, int), np.array([[2, 2], [1, 1]]), np.array([1.0, 0.5]))])
    rule = Sgd(np.full(3, 0.1))
    staged, names = staged_steps(Products(2, square), [objective], np.zeros(3, int), rule)
    assert names == ("z:0",)
    assert staged.stage_count == 2
    found = minimiser(staged, np.array([0.8, 0.3, 0.0]))
    assert found == pytest.approx([1.0, 0.0, 0.0], abs=1e-9)
    local = shift(staged, found)
    hessian = np.array([[8.0, 4.0], [4.0, 3.0]])
    (part,) = linear_steps(local)
    assert part.toarray() == pytest.approx(np.eye(2) - 0.1 * hessian, abs=1e-9)
    assert modes_of(local).radius == pytest.approx(np.abs(np.linalg.eigvalsh(np.eye(2) - 0.1 * hessian)).max())


def test_chunks_are_recentred_with_their_activations() -> None:
    staged, plain = both(11, RULES["nesterov"], 2, steps=6)
    start = padded(np.array([0.3, -0.4]), plain.size)
    expected = reupload(plain, start, 2, 2)
    found = reupload(staged, padded(start, staged.size), 2, 2)
    assert found.uploads == expected.uploads == (0, 2, 4)
    assert found.states[:: staged.stage_count, : plain.size] == pytest.approx(expected.states, rel=1e-9, abs=1e-12)
    assert found.bounds[-1] >= np.linalg.norm(expected.states[-1] - iterate(plain, start)[-1])


def test_what_no_objective_uses_is_no_coordinate() -> None:
    products, objectives, _ = program(2, 2, 4)
    alone = [pack(1, [(np.zeros(1, int), np.array([[0, 1]]), np.ones(1))])]
    staged, names = staged_steps(products, alone, np.zeros(2, int), Sgd(np.full(2, 0.1)))
    assert not names
    assert staged.stage_count == 1
    assert objectives


def test_a_value_for_a_coordinate_at_rest_is_refused() -> None:
    staged, _ = both(1, RULES["plain"])
    wrong = StepMap(tuple(reversed(staged.variants)), staged.which, staged.stages)
    with pytest.raises(Invalid, match="holds none"):
        wrong.check()
    with pytest.raises(Invalid, match="no whole number"):
        StepMap(staged.variants, type(staged.which)(staged.which.values[:-1]), staged.stages).check()
