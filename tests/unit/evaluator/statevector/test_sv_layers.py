"""QAOA layers against plain numpy on all amplitudes: sizes, precisions, vector widths, threads, gradients."""

import numpy as np
import pytest

from qevo_compiler.evaluator.statevector import Cost, Qaoa
from qevo_compiler.evaluator.statevector.costs import all_costs
from qevo_compiler.evaluator.statevector.layers import Layers
from qevo_compiler.evaluator.statevector.small import flips, mixed

CLOSE = {np.float32: 3e-5, np.float64: 2e-12}


def random_cost(n, seed, fields=True, whole=False):
    rng = np.random.default_rng(seed)
    rows, columns = np.triu_indices(n, 1)
    kept = rng.random(len(rows)) < min(1.0, 3 / max(n, 1))
    weights = rng.integers(-3, 4, kept.sum()) if whole else rng.normal(size=kept.sum())
    own = rng.normal(size=n) if fields else np.zeros(n)
    return Cost.of_edges(own, rows[kept], columns[kept], weights, 0.25)


def layered(cost, gammas, betas):
    """prod_k exp(-i beta_k sum X) exp(-i gamma_k C) |+...+> in numpy, [2^n]."""
    vector = np.full(1 << cost.size, 2.0 ** (-cost.size / 2), np.complex128)
    table = all_costs(cost)
    for gamma, beta in zip(gammas, betas, strict=True):
        vector = mixed(vector * np.exp(-1j * gamma * table), beta)
    return vector


def distance(state, wanted):
    return np.abs(state.amplitudes() - wanted).max() / np.abs(wanted).max()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("fields", [False, True])
@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 9, 10, 13, 15, 17])
def test_layers_agree_with_numpy(n, fields, dtype):
    cost = random_cost(n, n, fields)
    rng = np.random.default_rng(n)
    gammas, betas = rng.uniform(-1, 1, 3), rng.uniform(-4, 4, 3)
    qaoa = Qaoa(cost, dtype)
    state = qaoa.state(gammas, betas)
    wanted = layered(cost, gammas, betas)
    assert qaoa.layers.folded == (not fields and n >= 9)
    assert distance(state, wanted) < CLOSE[dtype]
    weights = np.abs(wanted) ** 2
    assert np.abs(state.probabilities() - weights).max() < CLOSE[dtype]
    assert qaoa.expectation(state) == pytest.approx(weights @ all_costs(cost), abs=CLOSE[dtype] * max(cost.bound, 1))


@pytest.mark.parametrize("bits", [128, 256, 512])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("fields", [False, True])
def test_any_vector_width(bits, dtype, fields, monkeypatch):
    monkeypatch.setenv("QEVO_VECTOR_BITS", str(bits))
    cost = random_cost(12, 5, fields)
    gammas, betas = np.array([0.7, -0.4]), np.array([0.3, 1.9])
    qaoa = Qaoa(cost, dtype)
    state = qaoa.state(gammas, betas)
    wanted = layered(cost, gammas, betas)
    assert distance(state, wanted) < CLOSE[dtype]
    value, by_gamma, by_beta = qaoa.gradient(gammas, betas)
    assert value == pytest.approx(np.abs(wanted) ** 2 @ all_costs(cost), abs=CLOSE[dtype] * cost.bound)
    plain = Qaoa(cost, np.float64).gradient(gammas, betas)
    assert np.allclose(by_gamma, plain[1], atol=CLOSE[dtype] * cost.bound**2)
    assert np.allclose(by_beta, plain[2], atol=CLOSE[dtype] * cost.bound * 12)


@pytest.mark.parametrize("fields", [False, True])
def test_threads_give_the_same_bytes(fields):
    cost = random_cost(18, 3, fields)
    found = []
    for threads in (1, 2, 4):
        qaoa = Qaoa(cost, np.float32, threads)
        state = qaoa.state([0.4, 0.8], [0.6, 0.2])
        spins = qaoa.sample(state, 50, 4)
        gradient = qaoa.gradient([0.4, 0.8], [0.6, 0.2])
        found.append((state.re.tobytes(), state.im.tobytes(), spins.tobytes(), repr(gradient)))
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("fields", [False, True])
@pytest.mark.parametrize("n", [1, 3, 9, 13])
def test_gradients_are_finite_differences(n, fields):
    cost = random_cost(n, n + 40, fields)
    qaoa = Qaoa(cost, np.float64)
    angles = np.random.default_rng(n).uniform(-1, 1, (2, 3))
    _, by_gamma, by_beta = qaoa.gradient(*angles)
    for row, found in enumerate((by_gamma, by_beta)):
        for k in range(3):
            step = np.zeros((2, 3))
            step[row, k] = 1e-5
            ends = [qaoa.expectation(qaoa.state(*(angles + sign * step))) for sign in (1, -1)]
            assert found[k] == pytest.approx((ends[0] - ends[1]) / 2e-5, abs=1e-6 * max(cost.bound, 1) ** 2)


@pytest.mark.parametrize("n", [5, 9, 14, 16])
def test_overlaps_are_matrix_elements(n):
    cost = random_cost(n, n, fields=n % 2 == 0)
    layers = Layers(cost, np.float64)
    state, left = layers.uniform(), layers.uniform()
    layers.apply(state, 0.3, 0.4)
    layers.apply(left, -0.9, 0.2)
    a, b = state.amplitudes(), left.amplitudes()
    assert layers.mixer_overlap(left, state) == pytest.approx(np.vdot(b, flips(a)).imag, abs=1e-11 * n)
    assert layers.cost_overlap(left, state) == pytest.approx(np.vdot(b, all_costs(cost) * a).imag, abs=1e-11 * n)
    layers.apply(left, None, 1.5)
    if n in (9, 14):
        with pytest.raises(ValueError, match="quarter"):
            layers.cost_overlap(left, state)


def test_many_turns_keep_float32_exact_for_whole_costs():
    cost = random_cost(12, 8, fields=False, whole=True)
    angle = 40 * np.pi + 0.1
    few, many = (Qaoa(cost, np.float32).state([g], [0.5]).amplitudes() for g in (0.1, angle))
    assert np.abs(few - many).max() < 1e-6


def test_samples_follow_the_probabilities():
    cost = random_cost(9, 2, fields=False)
    qaoa = Qaoa(cost, np.float64)
    state = qaoa.state([0.5], [0.4])
    reads = 40_000
    spins = qaoa.sample(state, reads, seed=3)
    numbers = ((1 - spins.astype(np.int64)) // 2) @ (1 << np.arange(9))
    wanted = state.probabilities() * reads
    counts = np.bincount(numbers, minlength=512)
    likely = wanted > 5
    chi = ((counts - wanted)[likely] ** 2 / wanted[likely]).sum()
    freedom = likely.sum()
    assert abs(chi - freedom) < 5 * np.sqrt(2 * freedom)
    assert np.array_equal(spins, qaoa.sample(state, reads, seed=3))
    assert not np.array_equal(spins, qaoa.sample(state, reads, seed=4))


def test_costs_are_the_definition():
    cost = random_cost(6, 1)
    states = np.arange(64)
    spins = 1 - 2 * ((states[:, None] >> np.arange(6)) & 1)
    wanted = cost.constant + spins @ cost.fields + np.einsum("ki,ij,kj->k", spins, np.triu(cost.couplings), spins)
    assert np.allclose(cost.values(states), wanted)
    assert np.allclose(all_costs(cost), wanted)
    assert np.allclose(all_costs(cost.folded()), wanted[:32])


@pytest.mark.parametrize("angles", [([0.1, 0.2], [0.1]), ([np.nan], [0.1]), ([[0.1]], [[0.1]])])
def test_bad_angles(angles):
    with pytest.raises(ValueError, match="one finite pair a layer"):
        Qaoa(random_cost(3, 1)).state(*angles)


@pytest.mark.parametrize("n", [2, 9])
def test_no_layers(n):
    amplitudes = Qaoa(random_cost(n, 1)).state([], []).amplitudes()
    assert np.allclose(amplitudes, 2 ** (-n / 2))


def test_bad_precision_and_couplings():
    with pytest.raises(ValueError, match="float32 or float64"):
        Qaoa(random_cost(3, 1), np.float16)
    with pytest.raises(ValueError, match="itself"):
        Cost.of_edges(np.zeros(2), np.array([1]), np.array([1]), np.ones(1))
