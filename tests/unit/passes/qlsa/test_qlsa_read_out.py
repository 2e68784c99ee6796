"""Read-out: errors within three sigma of the formulas, signs that sampling alone cannot give, scale."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qlsa_support import QUARTIC, system

from qevo_compiler.passes.qlsa import read_out
from qevo_compiler.passes.qlsa.linear_system import linear_system_circuit
from qevo_compiler.passes.qlsa.read_out_circuits import interference, success_flag
from qevo_compiler.passes.qlsa.simulate import matrix_of, probabilities, state_of
from qevo_compiler.passes.qlsa.sparse_state import sparse_vector

SHOTS = 200_000


def unit(seed, size=8):
    vector = np.random.default_rng(seed).normal(size=size)
    return vector / np.linalg.norm(vector)


def agrees(values, deviation, truth):
    """Every component within three sigma, as far as chance allows: a five-sigma miss is an error."""
    distance = np.abs(values - truth) / np.maximum(deviation, 1e-12)
    return bool((distance < 5).all() and np.mean(distance < 3) > 0.9)


@given(st.integers(0, 2**32))
@settings(max_examples=20)
def test_signed_values_by_two_runs(seed):
    truth = unit(seed)
    found = read_out.simulate(truth, SHOTS, seed)
    clear = found.decided
    assert agrees(found.values[clear], found.deviation[clear], truth[clear])
    assert clear[np.abs(truth) > 0.1].all()


@pytest.mark.parametrize("seed", range(5))
def test_a_sign_blind_read_out_is_caught(seed):
    truth = unit(seed)
    assert (truth < -0.1).any()
    blind = read_out.magnitudes(read_out.draw(truth**2, SHOTS, seed), SHOTS)
    assert agrees(blind.values, blind.deviation, np.abs(truth))
    assert not agrees(blind.values, blind.deviation, truth)
    found = read_out.simulate(truth, SHOTS, seed)
    assert agrees(found.values[found.decided], found.deviation[found.decided], truth[found.decided])


def test_magnitudes_scatter_as_the_formula_says():
    truth = unit(3)
    samples = np.array([read_out.magnitudes(read_out.draw(truth**2, 4000, seed), 4000).values for seed in range(300)])
    stated = read_out.magnitudes(4000 * truth**2, 4000).deviation
    ratio = samples.std(axis=0) / stated
    # The standard deviation of 300 samples is known to 1 / sqrt(600): three sigma are 12 %.
    assert np.abs(ratio - 1).max() < 3 * 600**-0.5
    assert (stated <= 0.5 / np.sqrt(4000)).all()
    total = np.sqrt(((samples - np.abs(truth)) ** 2).sum(axis=1).mean())
    assert total <= np.sqrt(8) / (2 * np.sqrt(4000)) * 1.1
    assert read_out.shots_for_distance(8, float(np.sqrt(8) / (2 * np.sqrt(4000)))) == pytest.approx(4000, abs=1)


def test_the_previous_download_serves_as_reference():
    truth = unit(8)
    reference = truth + 0.05 * unit(9)
    found = read_out.simulate(truth, SHOTS, 1, reference)
    assert agrees(found.values[found.decided], found.deviation[found.decided], truth[found.decided])
    flipped = truth.copy()
    flipped[np.argmax(np.abs(truth))] *= -1
    again = read_out.simulate(flipped, SHOTS, 1, reference)
    assert np.sign(again.values[np.argmax(np.abs(truth))]) == np.sign(flipped[np.argmax(np.abs(truth))])


def test_the_interference_circuit_has_the_simulated_probabilities():
    truth, guess = unit(1), np.abs(unit(1)) + 0.01
    guess /= np.linalg.norm(guess)
    circuit = interference(sparse_vector(truth, range(3)).fragment, 3, sparse_vector(guess, range(3)).fragment)
    found = probabilities(state_of(circuit, 4)).reshape(8, 2)
    assert np.abs(found[:, 0] - (truth + guess) ** 2 / 4).max() < 1e-12
    assert np.abs(found[:, 1] - (truth - guess) ** 2 / 4).max() < 1e-12
    assert np.abs(found[:, 0] - found[:, 1] - truth * guess).max() < 1e-12


def test_a_flag_marks_the_final_block_and_degree_one():
    matrix = matrix_of(success_flag([0, 1], 2, [2, 3], 4, []), 5).real
    marked = {k >> 1 for k in range(0, 32, 2) if abs(matrix[k + 1, k]) > 0.5}
    # time 10 and 11, degree 1 as 10
    assert marked == {0b1010, 0b1110}


def test_the_whole_chain_on_a_history():
    """The circuit's own distribution, sampled: sign by interference with the start, scale by the constant."""
    order, horizon, padding = 1, 2, 1
    matrix, rhs, step = system(QUARTIC, [-0.5], order, horizon, padding)
    found = linear_system_circuit(matrix, rhs)
    solver = found.solver
    state = state_of(solver.fragment, solver.qubit_count)
    size = 1 << len(solver.system)
    counts = read_out.draw(probabilities(state)[:size], SHOTS, 0)
    final = read_out.final_block(counts[: found.unknowns].reshape(-1, len(step)), horizon)
    scale = read_out.absolute(final[1:], int(final[0]))
    exact = (np.linalg.matrix_power(step, horizon) @ rhs[: len(step)])[1:]
    slack = 0.01
    assert np.abs(scale.values - np.abs(exact)) <= 3 * scale.deviation + slack
    reference = np.zeros(size)
    reference[horizon * len(step) : (horizon + 1) * len(step)] = [0.8, -0.6]
    placed = sparse_vector(reference, solver.system).fragment
    tested = probabilities(state_of(interference(solver.fragment, solver.qubit_count, placed), solver.qubit_count + 1))
    pairs = read_out.draw(tested.reshape(-1, 2)[:size].reshape(-1), SHOTS, 1).reshape(-1, 2)
    products = read_out.overlaps(pairs[:, 0], pairs[:, 1], SHOTS)
    at = horizon * len(step)
    result = read_out.signed(
        scale,
        read_out.Estimate(products.values[at + 1 : at + 2], products.deviation[at + 1 : at + 2]),
        reference[at + 1 : at + 2],
    )
    assert result.decided.all()
    assert np.sign(result.values) == np.sign(exact) == -1


def test_no_constant_no_scale():
    with pytest.raises(ValueError, match="constant was never read"):
        read_out.absolute([3, 4], 0)
    found = read_out.absolute([0, 400], 100)
    assert found.values == pytest.approx([0, 2])
    assert found.deviation[0] == pytest.approx(0.1)
