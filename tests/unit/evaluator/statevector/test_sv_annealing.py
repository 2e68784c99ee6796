"""Exact annealing against a general ODE solver and dense matrices; the adiabatic theorem on seeded models."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm
from scipy.sparse import csr_array

from qevo_compiler.evaluator.statevector import Cost, Drive, Spectrum, evolve, gap_schedule, linear_schedule
from qevo_compiler.evaluator.statevector.costs import all_costs


def random_cost(n, seed, fields=True):
    rng = np.random.default_rng(seed)
    rows, columns = np.triu_indices(n, 1)
    own, weights = rng.normal(size=n) * fields, rng.normal(size=len(rows))
    largest = max(np.abs(own).max(), np.abs(weights).max(initial=0), 1e-9)
    return Cost.of_edges(own / largest, rows, columns, weights / largest)


def parts(cost):
    """sum X and C as dense matrices."""
    size = 1 << cost.size
    flips = np.zeros((size, size))
    for q in range(cost.size):
        flips[np.arange(size), np.arange(size) ^ (1 << q)] = 1
    return flips, np.diag(all_costs(cost))


def integrated(cost, times, fractions, drive):
    dense, table = parts(cost)
    flips, costs = csr_array(dense), np.diagonal(table)
    vector = np.full(len(costs), len(costs) ** -0.5, np.complex128)

    def slope(t, y):
        a, b = drive.at(np.interp(t, times, fractions))
        return -1j * (-a / 2 * (flips @ y) + b / 2 * (costs * y))

    for start, stop in pairwise(times):
        vector = solve_ivp(slope, (start, stop), vector, method="DOP853", rtol=1e-11, atol=1e-12).y[:, -1]
    return vector


@pytest.mark.parametrize(("n", "fields"), [(1, True), (2, True), (3, False), (5, True), (8, True), (9, False)])
def test_evolution_agrees_with_a_general_solver(n, fields):
    cost, drive = random_cost(n, n, fields), Drive.linear(1.3)
    times, fractions = np.array([0.0, 2.0, 3.0, 5.0]), np.array([0.0, 0.5, 0.5, 1.0])
    found = evolve(cost, times, fractions, drive, tolerance=1e-7, marks=3)
    wanted = integrated(cost, times, fractions, drive)
    error = np.linalg.norm(found.state.amplitudes() - wanted)
    assert error < 1e-7
    assert found.error <= 1.01e-7
    assert error < found.error + 1e-9
    table = all_costs(cost)
    assert found.success == pytest.approx((np.abs(wanted) ** 2)[np.isclose(table, table.min())].sum(), abs=1e-6)
    assert found.fractions.tolist() == pytest.approx([0, 0.3125, 0.5, 0.6875, 1])
    assert found.energies[0] == pytest.approx(-n)
    assert found.costs[-1] == pytest.approx(np.abs(wanted) ** 2 @ table, abs=1e-6)
    assert found.energies[-1] == pytest.approx(found.costs[-1] / 1.3, abs=1e-9)


def test_a_held_fraction_is_a_matrix_exponential():
    cost = random_cost(6, 4)
    found = evolve(cost, [0, 3], [0.4, 0.4], tolerance=1e-9)
    flips, costs = parts(cost)
    wanted = expm(-3j * (-0.6 * flips + 0.4 * costs)) @ np.full(64, 1 / 8)
    assert np.linalg.norm(found.state.amplitudes() - wanted) < 1e-9
    assert found.energies[0] == pytest.approx(found.energies[-1], abs=1e-8)


def test_order_four():
    cost = random_cost(5, 8)
    errors = []
    for tolerance in (1e-4, 1e-8):
        run = evolve(cost, [0, 6], [0, 1], tolerance=tolerance)
        errors.append((run.error, run.steps))
    order = np.log(errors[0][0] / errors[1][0]) / np.log(errors[1][1] / errors[0][1])
    assert 3.7 < order < 4.4


def test_single_precision_and_devices():
    cost = random_cost(9, 3)
    single = evolve(cost, [0, 4], [0, 1], tolerance=1e-4, dtype=np.float32)
    double = evolve(cost, [0, 4], [0, 1], tolerance=1e-7)
    assert single.success == pytest.approx(double.success, abs=1e-3)
    # A device's table in GHz and microseconds: the same anneal in other units.
    table = Drive.of_device([0, 1], [2 / (2e3 * np.pi), 0], [0, 2 / (2e3 * np.pi)])
    assert evolve(cost, [0, 4], [0, 1], table, tolerance=1e-7).success == pytest.approx(double.success, abs=1e-9)


@pytest.mark.parametrize(("n", "fields"), [(1, True), (2, False), (5, True), (7, False), (9, True), (10, False)])
def test_levels_are_the_dense_spectrums(n, fields):
    cost = random_cost(n, n + 20, fields)
    flips, costs = parts(cost)
    found = Spectrum(cost).levels(np.array([0.1, 0.5, 0.9]))
    for s, energies in zip(found.fractions, found.energies, strict=True):
        values, vectors = np.linalg.eigh(-(1 - s) * flips + s * costs)
        if not fields:
            # The levels that flipping all spins keeps.
            values = values[np.einsum("ki,ki->i", vectors, vectors[::-1]) > 0]
        assert np.allclose(energies, values[: len(energies)], atol=1e-8)
    assert (found.gaps > 0).all()


def test_gap_of_one_spin():
    # H = -(1 - s) X - s Z: gap 2 sqrt((1 - s)^2 + s^2), <1| dH/ds |0> = 1 / sqrt(...).
    s = np.linspace(0, 1, 5)
    levels = Spectrum(Cost.of_edges([-1.0], [], [], [])).levels(s)
    length = np.hypot(1 - s, s)
    assert np.allclose(levels.gaps, 2 * length)
    assert np.allclose(levels.couplings[:, 1], 1 / length)
    assert np.allclose(levels.stiffness, 1 / (4 * length**3))


def test_the_measured_schedule_is_a_schedule():
    times, fractions, levels = gap_schedule(random_cost(8, 2), 10.0, points=40)
    assert len(times) == len(fractions) == len(levels.gaps) == 40
    assert (times[0], times[-1], fractions[0], fractions[-1]) == (0, 10, 0, 1)
    assert (np.diff(times) > 0).all()
    assert (np.diff(fractions) > 0).all()
    slowest = np.argmin(np.diff(fractions) / np.diff(times))
    assert abs(fractions[slowest] - fractions[np.argmin(levels.gaps)]) < 0.1


@pytest.mark.parametrize("seed", [2, 4, 7])
def test_slow_anneals_succeed_and_the_gap_saves_time(seed):
    cost = random_cost(8, seed)
    unit, fractions, _ = gap_schedule(cost, 1.0)
    linear = [evolve(cost, *linear_schedule(t), tolerance=1e-3).success for t in (1.0, 10.0, 200.0)]
    assert linear == sorted(linear)
    assert linear[-1] > 0.97
    time = 4.0
    while evolve(cost, *linear_schedule(time), tolerance=1e-3).success < 0.9:
        time *= 1.2
    assert evolve(cost, unit * time / 1.1, fractions, tolerance=1e-3).success > 0.9


def test_refusals():
    with pytest.raises(ValueError, match="stops at 22"):
        evolve(Cost(0.0, np.zeros(23), np.zeros((23, 23))), [0, 1], [0, 1])
    with pytest.raises(ValueError, match="rising times"):
        evolve(random_cost(2, 1), [0, 0], [0, 1])
    with pytest.raises(ValueError, match="up to 16"):
        Spectrum(Cost(0.0, np.zeros(17), np.zeros((17, 17))))
    with pytest.raises(ValueError, match="rising fractions"):
        Drive.of_device([0, 0], [1, 0], [0, 1])
