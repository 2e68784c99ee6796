"""Solvers: phase factors, the inverse polynomial, QSVT and HHL against classical solutions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial import chebyshev
from qlsa_support import QUARTIC, REGRESSION, SADDLE, lifted, overlap, powers, system

from qevo_compiler.passes.qlsa.dilation import dilation
from qevo_compiler.passes.qlsa.fragment import counts
from qevo_compiler.passes.qlsa.hhl import hhl, inverse_fourier
from qevo_compiler.passes.qlsa.history_circuit import history_circuit, step_circuit
from qevo_compiler.passes.qlsa.inverse_polynomial import inverse_polynomial
from qevo_compiler.passes.qlsa.linear_system import Encoding, linear_system_circuit
from qevo_compiler.passes.qlsa.phase_factors import phase_factors, response
from qevo_compiler.passes.qlsa.qsvt import transformed
from qevo_compiler.passes.qlsa.simulate import matrix_of, state_of


def amplitudes(solver):
    """The post-selected amplitudes of the system: the waste qubits come first and read 0."""
    return state_of(solver.fragment, solver.qubit_count)[: 1 << len(solver.system)]


@given(st.integers(1, 25), st.integers(0, 2**32))
@settings(max_examples=25)
def test_phase_factors_give_the_polynomial(terms, seed):
    series = np.zeros(2 * terms)
    series[1::2] = np.random.default_rng(seed).normal(size=terms)
    fine = np.linspace(-1, 1, 501)
    series *= 0.8 / np.abs(chebyshev.chebval(fine, series)).max()
    found = phase_factors(series[1::2])
    assert np.allclose(found.phases, found.phases[::-1])
    assert np.abs(response(found.phases, fine).imag - chebyshev.chebval(fine, series)).max() < 1e-10


@pytest.mark.parametrize("kappa", [1.0, 2.0, 8.0, 40.0])
@pytest.mark.parametrize("tolerance", [0.1, 1e-3])
def test_the_inverse_polynomial_keeps_its_error(kappa, tolerance):
    found = inverse_polynomial(kappa, tolerance)
    series = np.zeros(2 * len(found.coefficients))
    series[1::2] = found.coefficients
    x = np.linspace(1 / kappa, 1, 2001)
    assert np.abs(chebyshev.chebval(x, series) * x / found.height - 1).max() <= found.error * (1 + 1e-9)
    assert found.error <= tolerance
    assert np.abs(chebyshev.chebval(np.linspace(-1, 1, 4001), series)).max() <= 0.9 * (1 + 3e-4)
    assert found.degree <= max(kappa, 1.05) * np.log(2 / tolerance) + 3


def test_a_singular_value_transformation_of_any_matrix():
    """f(A) = W f(S) V^T for an odd polynomial, whatever its degree modulo four."""
    matrix = np.random.default_rng(0).normal(size=(4, 4))
    encoding = dilation(matrix)
    left, values, right = np.linalg.svd(matrix / encoding.alpha)
    for series in ([0.5], [0.3, -0.4], [0.2, 0.1, 0.4]):
        full = np.zeros(2 * len(series))
        full[1::2] = series
        found = matrix_of(transformed(encoding, phase_factors(np.array(series))), 4)[:4, :4]
        assert np.abs(found - (left * chebyshev.chebval(values, full)) @ right).max() < 1e-10


LARGE = "c1, N = 3, T = 2, P = 1"
SYSTEMS = {
    LARGE: (SADDLE, [0.3, 0.1], 3, 2, 1),
    "a1, N = 3, T = 3": (QUARTIC, [0.5], 3, 3, 0),
    "b, N = 1, T = 2, P = 1": (REGRESSION, [0.0, 0.0], 1, 2, 1),
    "b, N = 1, T = 3": (REGRESSION, [0.0, 0.0], 1, 3, 0),
    "c1, N = 2, T = 2": (SADDLE, [0.3, 0.1], 2, 2, 0),
    "c1, N = 3, T = 1, P = 1": (SADDLE, [0.3, 0.1], 3, 1, 1),
}


@pytest.mark.parametrize("name", [pytest.param(k, marks=pytest.mark.slow) if k == LARGE else k for k in SYSTEMS])
def test_carleman_systems_are_solved(name):
    matrix, rhs, step = system(*SYSTEMS[name])
    assert np.linalg.cond(matrix) <= 8
    found = linear_system_circuit(matrix, rhs)
    solver = found.solver
    state, classical = amplitudes(solver), np.linalg.solve(matrix, rhs)
    solution = found.solution(state)
    assert overlap(solution, classical) >= 0.9999
    assert np.linalg.norm(solution - classical) <= 0.01 * np.linalg.norm(classical), "the scale is known"
    assert np.abs(state.imag).max() < 1e-10
    horizon, size = SYSTEMS[name][3], len(step)
    direct = np.linalg.matrix_power(step, horizon) @ rhs[:size]
    assert overlap(solution[horizon * size : (horizon + 1) * size], direct) >= 0.99


def test_the_oracle_systems_are_the_worked_examples():
    """Values of section 7 of the specification: a1 at T = 50, b at T = 25, c1 at T = 10."""

    def final(coefficients, start, order, steps):
        _, rhs, step = system(coefficients, start, order, 1, 0)
        return (np.linalg.matrix_power(step, steps) @ rhs[: len(step)])[1 : 1 + len(start)]

    assert final(QUARTIC, [0.5], 3, 50) == pytest.approx([0.00220015965659565], abs=1e-15)
    assert final(REGRESSION, [0.0, 0.0], 1, 25) == pytest.approx([0.432924998570300, 1.01793831916087], abs=1e-14)
    assert final(SADDLE, [0.3, 0.1], 3, 10) == pytest.approx([0.446057384826555, 0.351368083290920], abs=1e-14)


@pytest.mark.parametrize("encoding", Encoding)
def test_every_encoding_solves(encoding):
    matrix, rhs, _ = system(REGRESSION, [0.2, -0.1], 1, 1, 0)
    found = linear_system_circuit(matrix, rhs, encoding)
    assert overlap(found.solution(amplitudes(found.solver)), np.linalg.solve(matrix, rhs)) >= 0.9999
    assert found.solver.alpha >= np.linalg.norm(matrix, 2) * (1 - 1e-12)


@pytest.mark.parametrize("tolerance", [0.3, 0.03, 0.003])
def test_tolerance_is_kept_and_paid_for(tolerance):
    matrix, rhs, _ = system(QUARTIC, [0.5], 1, 3, 0)
    found = linear_system_circuit(matrix, rhs, tolerance=tolerance)
    classical = np.linalg.solve(matrix, rhs)
    error = np.linalg.norm(found.solution(amplitudes(found.solver)) - classical) / np.linalg.norm(classical)
    assert error <= found.solver.error <= tolerance
    assert found.solver.queries <= found.solver.kappa * np.log(2 / tolerance) + 3


@pytest.mark.parametrize(
    ("case", "tolerance"),
    [
        ((QUARTIC, [0.5], 3, 3, 2), 0.03),
        ((REGRESSION, [0.0, 0.0], 1, 4, 0), 0.03),
        ((SADDLE, [0.3, 0.1], 2, 2, 0), 0.1),
    ],
)
def test_a_history_from_its_step(case, tolerance):
    """The same solution as the explicit system, by an encoding of the step alone."""
    matrix, rhs, step = system(*case)
    found = step_circuit([step], [0] * case[3], rhs[: len(step)], case[4], tolerance=tolerance)
    classical = np.linalg.solve(matrix, rhs).reshape(-1, len(step))
    solution = found.solution(amplitudes(found.solver))
    assert solution.shape == classical.shape
    assert np.linalg.norm(solution - classical) <= tolerance * np.linalg.norm(classical)
    assert found.solver.kappa >= found.solver.alpha * np.linalg.norm(np.linalg.inv(matrix), 2) * (1 - 1e-12)


def test_minibatches_are_solved():
    """Two affine steps in turn, as cyclic batches give: one encoding of each."""
    steps = [np.array([[1.0, 0.0], [0.2, 0.7]]), np.array([[1.0, 0.0], [-0.1, 0.9]])]
    which, start = (0, 1, 0), np.array([1.0, 0.5])
    found = step_circuit(steps, which, start)
    solution = found.solution(amplitudes(found.solver))
    wanted = [start]
    for k in which:
        wanted.append(steps[k] @ wanted[-1])
    assert np.linalg.norm(solution - wanted) <= 0.01 * np.linalg.norm(wanted)


def test_a_longer_horizon_costs_an_adder_and_not_a_matrix():
    step, start = np.array([[0.5]]), [1.0]
    sizes = []
    for horizon in (7, 15, 31):
        solver = step_circuit([step], [0] * horizon, start, inverse_norm=2.0).solver
        sizes.append(counts(solver.fragment).cnot / solver.queries)
    assert sizes[2] - sizes[1] < 0.5 * sizes[0]


@pytest.mark.parametrize(("horizon", "padding"), [(1, 0), pytest.param(2, 1, marks=pytest.mark.slow)])
def test_the_structured_solver_agrees_with_the_explicit_system(horizon, padding):
    coefficients, order, gamma = {1: np.array([[0.9]]), 2: np.array([[-0.1]])}, 2, 0.8
    scaled = {j: f * gamma ** (j - 1) for j, f in coefficients.items()}
    matrix, rhs, _ = system(scaled, [0.5 / gamma], order, horizon, padding)
    inverse_norm = np.linalg.norm(np.linalg.inv(matrix), 2)
    found = history_circuit(coefficients, [0.5], order, horizon, inverse_norm, padding, gamma, 0.03)
    state = amplitudes(found.solver).reshape(horizon + padding + 1, 1 << order)
    kept = [((1 << k) - 1) << (order - k) for k in range(order + 1)]
    solution = state[:, kept].real.reshape(-1) * found.solver.scale
    classical = np.linalg.solve(matrix, rhs)
    assert np.linalg.norm(solution - classical) <= 0.03 * np.linalg.norm(classical)
    assert np.linalg.norm(np.delete(state, kept, axis=1)) < 1e-10
    assert rhs[: order + 1] == pytest.approx(powers(np.array([0.5 / gamma]), order))
    assert lifted(scaled, 1, order) == pytest.approx(-matrix[order + 1 : 2 * order + 2, : order + 1])


def rotated(values, seed):
    rng = np.random.default_rng(seed)
    left, right = (np.linalg.qr(rng.normal(size=(len(values),) * 2))[0] for _ in range(2))
    return left @ np.diag(values) @ right


def test_hhl_is_exact_where_the_clock_is():
    matrix, rhs = 3.0 * rotated([1, 2 / 7], 0), np.array([0.4, -1.2])
    solver = hhl(matrix, rhs, 4)
    assert np.abs(amplitudes(solver) * solver.scale - np.linalg.solve(matrix, rhs)).max() < 1e-12


@pytest.mark.parametrize("name", ["history", "rotated"])
def test_hhl_overlap(name):
    matrix, rhs = (system({1: np.array([[0.7]])}, [1.0], 1, 1, 0)[:2]) if name == "history" else (None, None)
    if matrix is None:
        matrix, rhs = rotated([1, 0.61, 0.43, 0.37], 2), np.array([1.0, 0.0, -0.5, 0.2])
    solver = hhl(matrix, rhs, 6)
    assert overlap(amplitudes(solver), np.linalg.solve(matrix, rhs)) >= 0.99


def test_the_inverse_fourier_transform():
    fourier = np.exp(2j * np.pi * np.outer(range(8), range(8)) / 8) / np.sqrt(8)
    assert np.abs(matrix_of(inverse_fourier(range(3)), 3) - fourier.conj().T).max() < 1e-12


def test_both_solvers_agree_and_qsvt_needs_fewer_gates():
    matrix, rhs = rotated([1, 0.5], 4), np.array([0.3, 0.9])
    polynomial, estimation = linear_system_circuit(matrix, rhs).solver, hhl(matrix, rhs, 7)
    assert overlap(amplitudes(polynomial), amplitudes(estimation)) > 0.999
    assert counts(polynomial.fragment).cnot < counts(estimation.fragment).cnot


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: linear_system_circuit(np.ones((2, 2)), [1, 0]), "singular"),
        (lambda: linear_system_circuit(np.eye(2), [0, 0]), "zero"),
        (lambda: linear_system_circuit(np.eye(3), [1, 0]), "no linear system"),
        (lambda: linear_system_circuit(np.diag([1.0, 1e-3]), [1, 0]), "written up to 100"),
        (lambda: linear_system_circuit(np.eye(200), np.ones(200)), "at most 128"),
        (lambda: step_circuit([np.eye(2)], [0], [1.0]), "do not fit"),
        (lambda: step_circuit([np.eye(1)], [0] * 90, [1.0]), "written up to 100"),
        (lambda: inverse_polynomial(0.5, 0.1), "no inverse polynomial"),
        (lambda: phase_factors(np.array([1.2])), "reaches 1"),
        (lambda: hhl(np.eye(3), [1, 0, 0], 3), "2\\^n rows"),
        (lambda: hhl(np.diag([1.0, 0.01]), [1, 0], 4), "cannot tell"),
    ],
)
def test_what_cannot_be_solved_is_refused(call, match):
    with pytest.raises(ValueError, match=match):
        call()
