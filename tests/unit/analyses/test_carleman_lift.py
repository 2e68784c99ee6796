"""The lift: reduction from tensors, jets, finite exactness, the expansion in the rate, closure, moments."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from carleman_examples import QUARTIC, family, golden, random_map, repeated, scalar
from hypothesis import given, settings
from hypothesis import strategies as st

from qevo_compiler.analyses.carleman import assembly
from qevo_compiler.analyses.carleman import lift as lifting
from qevo_compiler.analyses.carleman.aposteriori import (
    defect_error,
    iterate,
    manifold_residual,
    order_doubling,
    truncation_error,
)
from qevo_compiler.analyses.carleman.closure import BasisTooLarge, closed_lift
from qevo_compiler.analyses.carleman.lift import lift, lift_of_op, moment_lift, op_of_lift, propagate
from qevo_compiler.analyses.carleman.monomials import (
    FullBasis,
    basis_size,
    tensor_size,
    values_of,
    weights_of,
)
from qevo_compiler.analyses.carleman.tensor import duplication, rate_expansion, symmetric_parts, tensor_lift
from qevo_compiler.dialects.linear import StepMap
from qevo_compiler.dialects.poly import arithmetic

SEEDS = st.integers(0, 10**6)


def test_the_table_of_sizes() -> None:
    rows = {(2, 3): (15, 10), (4, 4): (341, 70), (10, 3): (1111, 286), (10, 5): (111111, 3003)}
    rows |= {(100, 3): (1010101, 176851), (1000, 2): (1001001, 501501)}
    for (n, order), sizes in rows.items():
        assert (tensor_size(n, order), basis_size(n, order)) == sizes


@pytest.mark.parametrize(("n", "order"), [(1, 5), (2, 3), (3, 4), (5, 3)])
def test_the_basis_lists_every_monomial_and_where_products_stand(n: int, order: int) -> None:
    basis = FullBasis.of(n, order)
    wanted = [m for k in range(order + 1) for m in itertools.combinations_with_replacement(range(n), k)]
    assert [tuple(v for v in row if v >= 0) for row in basis.monomials.tolist()] == wanted
    place = {m: i for i, m in enumerate(wanted)}
    for i, monomial in enumerate(wanted):
        if len(monomial) < order:
            assert basis.successors[i].tolist() == [place[tuple(sorted((*monomial, v)))] for v in range(n)]


@given(SEEDS, st.booleans(), st.integers(1, 4))
@settings(max_examples=30)
def test_the_monomial_lift_is_the_tensor_lift(seed: int, constant: bool, order: int) -> None:
    step, _ = random_map(seed, constant)
    basis = FullBasis.of(step.rows, order)
    plain = assembly.assemble(step, basis).toarray()
    copies = duplication(step.rows, order).toarray()
    tensor = tensor_lift(step, order).toarray()
    assert np.abs(tensor @ copies - copies @ plain).max() <= 1e-12
    weights = weights_of(basis.monomials)
    isometry = copies / weights
    assert np.abs(isometry.T @ isometry - np.eye(basis.size)).max() <= 1e-14
    isometric = weights[:, None] * plain / weights
    assert np.linalg.norm(isometric, 2) == pytest.approx(np.linalg.norm(tensor @ isometry, 2), rel=1e-12)


def test_norms_of_the_golden_reduction() -> None:
    expected = golden("s_symmetric_reduction")
    assert (expected["dim_tensor"], expected["dim_monomial"]) == (tensor_size(2, 3), basis_size(2, 3))


@given(SEEDS)
@settings(max_examples=20)
def test_rows_against_plain_polynomial_products(seed: int) -> None:
    """An oracle that shares nothing with the assembly: evaluate f(u)^a at points where degree > N vanishes."""
    step, _ = random_map(seed, constant=True)
    order = 3
    basis = FullBasis.of(step.rows, order)
    matrix = assembly.assemble(step, basis)
    # Products of jets along a ray: coefficients in t of f(t u)^a, truncated, against M m(t u).
    direction = np.random.default_rng(seed).normal(size=step.rows)
    jets = np.zeros((step.rows, order + 1))
    for degree in range(min(step.degree, order) + 1):
        row, names, values = step.block(degree)
        jets[:, degree] = np.bincount(row, values * direction[names].prod(axis=1), step.rows)
    degrees = (basis.monomials >= 0).sum(axis=1)
    powers = values_of(basis.monomials, direction)
    for position, monomial in enumerate(basis.monomials.tolist()):
        product = np.ones(1)
        for v in monomial:
            if v >= 0:
                product = np.convolve(product, jets[v])[: order + 1]
        product = np.concatenate([product, np.zeros(order + 1 - len(product))])
        row = matrix[[position]].toarray()[0] * powers
        assert np.bincount(degrees, row, order + 1) == pytest.approx(product, abs=1e-11)


@given(SEEDS, st.integers(1, 5))
@settings(max_examples=15)
def test_the_first_block_is_the_jet_of_the_composition(seed: int, steps: int) -> None:
    """F_0 = 0: block one after T steps is the degree-N Taylor polynomial of the T-fold composition in u(0)."""
    step, start = random_map(seed)
    order = 3
    lifted = lift(repeated(step, steps), start, order)
    found = propagate(lifted, lifted.initial, steps)[-1, lifted.first_block]
    # Along u = t start the composition is a polynomial in t; its jet by truncated univariate arithmetic.
    jets = np.zeros((step.rows, order + 1))
    jets[:, 1] = start
    for _ in range(steps):
        following = np.zeros_like(jets)
        for block in step.terms:
            for row, names, value in zip(
                block.row.values, block.variables.values, block.coefficients.values, strict=True
            ):
                product = np.array([value])
                for v in names:
                    product = np.convolve(product, jets[v])[: order + 1]
                following[row, : len(product)] += product
        jets = following
    assert found == pytest.approx(jets.sum(axis=1), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("constant", [0.0, 0.05])
def test_order_d_to_the_t_is_exact(constant: float) -> None:
    step = family({(0, 0): constant, (1, 0): 0.8, (0, 2): 0.3}, {(0, 1): 0.7, (1, 1): -0.2})
    steps = repeated(step, 3)
    assert truncation_error(lift(steps, [0.4, -0.3], 8), iterate(steps, [0.4, -0.3]))[-1] <= 1e-15
    assert truncation_error(lift(steps, [0.4, -0.3], 7), iterate(steps, [0.4, -0.3]))[-1] > 1e-12


def test_an_affine_map_is_exact_at_order_one() -> None:
    steps = repeated(family({(0, 0): 0.3, (1, 0): 0.9, (0, 1): 0.2}, {(0, 1): 0.5}), 40)
    assert truncation_error(lift(steps, [1.0, 2.0], 1), iterate(steps, [1.0, 2.0])).max() <= 1e-14


@given(SEEDS, st.floats(0.01, 1))
@settings(max_examples=15)
def test_the_expansion_in_the_rate(seed: int, eta: float) -> None:
    """M = sum of eta^p Q_p: Q_0 the identity, Q_1 the generator of the continuous system."""
    field, _ = random_map(seed, constant=True)
    order, n = 3, field.rows
    step = arithmetic.add(arithmetic.variables(np.arange(n)), arithmetic.scale(field, eta))
    parts = [part.toarray() for part in rate_expansion(field, order)]
    total = sum(eta**p * part for p, part in enumerate(parts))
    assert total == pytest.approx(tensor_lift(step, order).toarray(), abs=1e-12)
    assert np.array_equal(parts[0], np.eye(len(parts[0])))
    assert parts[1] == pytest.approx(_generator(field, order), abs=1e-13)


def _generator(field, order):
    """Sum over slots of I ⊗ .. B_j .. ⊗ I, by dense Kronecker products."""
    n = field.rows
    parts = [part.toarray() for part in symmetric_parts(field)]
    starts = np.cumsum([0, *(n**k for k in range(order + 1))])
    found = np.zeros((starts[-1], starts[-1]))
    for k in range(1, order + 1):
        for slot in range(k):
            for j, part in enumerate(parts):
                m = k - 1 + j
                if m <= order:
                    block = np.kron(np.kron(np.eye(n**slot), part), np.eye(n ** (k - 1 - slot)))
                    found[starts[k] : starts[k + 1], starts[m] : starts[m + 1]] += block
    return found


def test_euler_on_the_continuous_system_is_not_gradient_descent() -> None:
    """a1 at N = 9: dropping eta^2 and beyond leaves an error of 4.4e-5 where the discrete lift has 6.6e-7."""
    parts = rate_expansion(scalar(0, -1.0, 0, -1.0), 9)
    matrix = (parts[0] + 0.1 * parts[1]).toarray()
    state = np.array([0.5**k for k in range(10)])
    for _ in range(50):
        state = matrix @ state
    assert state[1] == pytest.approx(0.00230534320614740, rel=1e-12)


@given(SEEDS, st.booleans())
@settings(max_examples=15)
def test_the_defect_gives_the_error_identically(seed: int, constant: bool) -> None:
    step, start = random_map(seed, constant)
    steps = repeated(step, 6)
    states = iterate(steps, start)
    lifted = lift(steps, start, 3)
    own = states - propagate(lifted, lifted.initial, 6)[:, lifted.first_block]
    assert defect_error(lifted, states) == pytest.approx(own, abs=1e-14)


def test_even_orders_add_nothing_to_an_odd_map() -> None:
    steps = repeated(QUARTIC, 20)
    three, four = (lift(steps, [0.5], order) for order in (3, 4))
    assert three.degrees.tolist() == four.degrees.tolist() == [0, 1, 3]
    a, b = (propagate(x, x.initial, 20)[-1, x.first_block] for x in (three, four))
    assert np.array_equal(a, b)


@given(SEEDS, st.booleans())
@settings(max_examples=15)
def test_the_closure_changes_no_state(seed: int, odd: bool) -> None:
    step, start = random_map(seed)
    if odd:
        step = type(step)(step.rows, tuple(block for block in step.terms if block.degree % 2))
    steps = repeated(step, 5)
    whole, kept = (lift(steps, start, 4, closure=closure) for closure in (False, True))
    assert kept.size <= whole.size
    found = [propagate(x, x.initial, 5)[:, x.first_block] for x in (whole, kept)]
    assert found[0] == pytest.approx(found[1], abs=1e-15)
    names, matrices = closed_lift([step], 4, True, 10**6)
    assert np.array_equal(names, kept.monomials)
    plain = assembly.weighted(matrices[0], weights_of(names))
    assert abs(plain - kept.matrices[0]).max() <= 1e-14


def test_a_closure_by_waves_serves_where_the_basis_cannot_be_listed() -> None:
    """Five hundred uncoupled scalars at order 5: 2.6e11 monomials, of which 1001 matter."""
    n = 500
    rows = np.arange(n)
    blocks = [(rows, rows[:, None], np.full(n, 0.9)), (rows, np.repeat(rows[:, None], 3, axis=1), np.full(n, -0.1))]
    from qevo_compiler.dialects.poly.polynomials import pack

    steps = repeated(pack(n, blocks), 4)
    start = np.linspace(0.1, 0.6, n)
    lifted = lift(steps, start, 3)
    assert basis_size(n, 3) > 2e7
    assert lifted.size == 2 * n + 1
    found = propagate(lifted, lifted.initial, 4)[-1, lifted.first_block]
    one = lift(repeated(QUARTIC, 4), start[:1], 3)
    assert found[0] == pytest.approx(propagate(one, one.initial, 4)[-1, one.first_block][0], rel=1e-14)
    with pytest.raises(BasisTooLarge):
        lift(steps, start, 3, most=500)


def test_alarms() -> None:
    steps = repeated(QUARTIC, 50)
    lifted = lift(steps, [0.5], 5)
    assert manifold_residual(lifted, lifted.initial) == pytest.approx(0, abs=1e-16)
    history = propagate(lifted, lifted.initial, 50)
    assert manifold_residual(lifted, history[20]) > 1e-6
    true = truncation_error(lifted, iterate(steps, [0.5]))[-1]
    assert 0.3 < order_doubling(steps, [0.5], 5)[-1] / true < 3


def test_a_lift_survives_its_op() -> None:
    step, start = random_map(3, constant=True)
    lifted = lift(repeated(step, 4), start, 3)
    op = op_of_lift(lifted)
    op.verify()
    again = lift_of_op(op)
    assert np.array_equal(propagate(again, again.initial, 4), propagate(lifted, lifted.initial, 4))
    assert op_of_lift(again) == op


def _batches() -> list:
    x = np.array([[1, 0.5], [1, -1], [1, 2], [1, 0]])
    y = np.array([1, -0.5, 2.5, 0.25])
    steps = []
    for rows in ([0, 1], [2, 3]):
        a, c = x[rows].T @ x[rows] / 2, x[rows].T @ y[rows] / 2
        m = np.eye(2) - 0.2 * a
        steps.append(
            family(
                {(0, 0): 0.2 * c[0], (1, 0): m[0, 0], (0, 1): m[0, 1]},
                {(0, 0): 0.2 * c[1], (1, 0): m[1, 0], (0, 1): m[1, 1]},
            )
        )
    return steps


def test_moments_equal_the_enumeration_of_all_batch_sequences() -> None:
    steps = _batches()
    lifted = moment_lift(steps, [0.5, 0.5], 8, [0.0, 0.0], 2)
    final = propagate(lifted, lifted.initial, 8)[-1] / lifted.weights
    points = []
    for chosen in itertools.product((0, 1), repeat=8):
        which = np.array(chosen)
        points.append(iterate(StepMap.from_steps([steps[i] for i in which]), [0.0, 0.0])[-1])
    points = np.array(points)
    second = np.array([(points[:, i] * points[:, j]).mean() for i, j in ((0, 0), (0, 1), (1, 1))])
    assert final[1:3] == pytest.approx(points.mean(axis=0), abs=2e-15)
    assert final[3:] == pytest.approx(second, abs=2e-15)
    assert final[1:3] == pytest.approx([0.447062664772804, 0.943410050269557], rel=1e-12)
    assert final[3:] == pytest.approx([0.200211761750350, 0.422498641116393, 0.893089772723634], rel=1e-12)


def test_lifting_the_mean_map_misses_the_covariance() -> None:
    steps = _batches()
    mean = arithmetic.scale(arithmetic.add(*steps), 0.5)
    lifted = lift(repeated(mean, 8), [0.0, 0.0], 2, closure=False)
    final = propagate(lifted, lifted.initial, 8)[-1] / lifted.weights
    assert final[5] == pytest.approx(0.8900225229496087, rel=1e-12)
    assert abs(final[5] - 0.893089772723634) > 1e-3


def test_the_limit_on_the_basis_counts_what_is_kept() -> None:
    steps = repeated(QUARTIC, 2)
    assert lift(steps, [0.5], 9, most=6).size == 6
    with pytest.raises(BasisTooLarge):
        lift(steps, [0.5], 9, most=5)
    assert lifting.lift(steps, [0.5], 5, constant=False).degrees.tolist() == [1, 3, 5]
