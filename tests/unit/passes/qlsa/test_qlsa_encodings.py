"""Block encodings: the top-left block by simulation equals the matrix, and alpha its formula."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qlsa_support import QUARTIC, SADDLE, history, lifted, textbook
from scipy import sparse

from qevo_compiler.passes.qlsa.block_encoding import encoded_block
from qevo_compiler.passes.qlsa.carleman_encoding import carleman_encoding
from qevo_compiler.passes.qlsa.dilation import dilation
from qevo_compiler.passes.qlsa.fragment import counts
from qevo_compiler.passes.qlsa.history_encoding import history_encoding
from qevo_compiler.passes.qlsa.shannon import unitary_circuit
from qevo_compiler.passes.qlsa.simulate import matrix_of
from qevo_compiler.passes.qlsa.sparse_access import sparse_access


@given(st.integers(0, 4), st.integers(0, 2**32))
@settings(max_examples=25)
def test_any_unitary(count, seed):
    rng = np.random.default_rng(seed)
    matrix, _ = np.linalg.qr(rng.normal(size=(2**count,) * 2) + 1j * rng.normal(size=(2**count,) * 2))
    fragment = unitary_circuit(matrix, range(count))
    assert np.abs(matrix_of(fragment, count) - matrix).max() < 1e-12
    assert counts(fragment).cnot <= max(0.75 * 4**count - 1.5 * 2**count, 0)


@pytest.mark.parametrize("matrix", [np.eye(8)[[2, 0, 1, 3, 4, 7, 6, 5]], np.diag([1, 1j, -1, 1]), np.eye(4)])
def test_unitaries_with_equal_eigenvalues(matrix):
    count = len(matrix).bit_length() - 1
    assert np.abs(matrix_of(unitary_circuit(matrix, range(count)), count) - matrix).max() < 1e-12


def matrices(seed, size):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(size, size)) * (rng.random((size, size)) < 0.5) + np.diag(rng.normal(size=size))


@given(st.integers(0, 3), st.integers(0, 2**32), st.floats(1.0, 3.0))
@settings(max_examples=25)
def test_dilations(count, seed, more):
    matrix = matrices(seed, 1 << count)
    encoding = dilation(matrix)
    assert encoding.alpha == pytest.approx(np.linalg.norm(matrix, 2))
    assert np.abs(encoded_block(encoding) - matrix).max() < 1e-11
    larger = dilation(matrix, more * encoding.alpha)
    assert np.abs(encoded_block(larger) - matrix).max() < 1e-11


@given(st.integers(1, 3), st.integers(0, 2**32))
@settings(max_examples=25)
def test_sparse_access(count, seed):
    matrix = matrices(seed, 1 << count)
    encoding = sparse_access(sparse.csr_array(matrix))
    found = matrix != 0
    alpha = np.sqrt(found.sum(0).max() * found.sum(1).max()) * np.abs(matrix).max()
    assert encoding.alpha == pytest.approx(alpha)
    assert np.abs(encoded_block(encoding) - matrix).max() < 1e-11 * alpha
    balanced = sparse_access(matrix, balanced=True)
    assert balanced.alpha == pytest.approx(np.sqrt(np.abs(matrix).sum(0).max() * np.abs(matrix).sum(1).max()))
    assert balanced.alpha <= alpha * (1 + 1e-12)
    assert np.abs(encoded_block(balanced) - matrix).max() < 1e-11 * alpha


@pytest.mark.parametrize(("horizon", "padding"), [(1, 0), (1, 1), (2, 0), (3, 0), (2, 1), (2, 2), (1, 4), (5, 2)])
@pytest.mark.parametrize("scale", [0.1, 1.0])
def test_histories(horizon, padding, scale):
    step = matrices(7, 2) * scale
    own = dilation(step)
    encoding = history_encoding(own, horizon, padding)
    assert encoding.alpha == pytest.approx(1 + max(1, own.alpha))
    wanted = np.eye(1 << encoding.system)
    rows = 2 * (horizon + padding + 1)
    wanted[:rows, :rows] = history(step, horizon, padding)
    assert rows > len(wanted) // 2
    assert np.abs(encoded_block(encoding) - wanted).max() < 1e-11


@pytest.mark.parametrize(("which", "padding"), [((0, 1), 0), ((0, 1, 1, 0), 2), ((2, 0, 1), 0), ((1,), 1)])
def test_histories_of_several_steps(which, padding):
    steps = [matrices(seed, 2) * scale for seed, scale in ((1, 1.0), (2, 0.3), (3, 2.0))][: max(which) + 1]
    encoding = history_encoding([dilation(step) for step in steps], len(which), padding, which)
    wanted = np.eye(1 << encoding.system)
    for t in range(len(which) + padding):
        block = steps[which[t]] if t < len(which) else np.eye(2)
        wanted[2 * t + 2 : 2 * t + 4, 2 * t : 2 * t + 2] = -block
    assert np.abs(encoded_block(encoding) - wanted).max() < 1e-11
    assert encoding.alpha == pytest.approx(1 + max(1, *(np.linalg.norm(step, 2) for step in steps)))


def places(size, order):
    """Where the unary register and the slots keep the entries of (1, u, u (x) u, ...)."""
    found = []
    for k in range(order + 1):
        base = (((1 << k) - 1) << (order - k)) * size**order
        found += [base + i * size ** (order - k) for i in range(size**k)]
    return np.array(found)


MAPS = {
    "a1": (QUARTIC, 1, 3),
    "a4 to second degree": ({1: np.array([[0.9]]), 2: np.array([[-0.15]])}, 1, 3),
    "a4 to order 2": ({1: np.array([[0.9]]), 2: np.array([[-0.15]]), 3: np.array([[-0.05]])}, 1, 2),
    "c1 to order 2": ({1: SADDLE[1]}, 2, 2),
    "random": ({1: matrices(3, 2), 2: np.random.default_rng(4).normal(size=(2, 4))}, 2, 2),
}


@pytest.mark.parametrize("gamma", [1.0, 0.5])
@pytest.mark.parametrize("name", MAPS)
def test_lifted_steps(name, gamma):
    coefficients, size, order = MAPS[name]
    encoding = carleman_encoding(coefficients, order, gamma)
    block, valid = encoded_block(encoding), places(size, order)
    scaled = {j: f * gamma ** (j - 1) for j, f in coefficients.items()}
    assert np.abs(block[np.ix_(valid, valid)] - lifted(scaled, size, order)).max() < 1e-11
    # What stands for no lifted vector stays apart, so a valid right-hand side has a valid solution.
    assert np.abs(np.delete(block[:, valid], valid, axis=0)).max() < 1e-11
    assert np.abs(np.delete(block[valid], valid, axis=1)).max() < 1e-11
    weights = sum(np.linalg.norm(f, 2) for f in scaled.values())
    if weights <= 1 + 1e-12:
        assert encoding.alpha == pytest.approx(1.0), "the renewal probabilities are at most one"


def test_histories_of_lifted_steps():
    coefficients = {1: np.array([[0.9]]), 2: np.array([[-0.15]])}
    encoding = history_encoding(carleman_encoding(coefficients, 2), 2, 1)
    valid = (np.arange(4)[:, None] * 4 + places(1, 2)).reshape(-1)
    block = encoded_block(encoding)[np.ix_(valid, valid)]
    assert np.abs(block - history(lifted(coefficients, 1, 2), 2, 1)).max() < 1e-11
    assert encoding.alpha == 1 + max(1.0, carleman_encoding(coefficients, 2).alpha)


def test_the_emitted_circuit_is_the_encoding():
    encoding = sparse_access(history(np.array([[0.5]]), 1, 0))
    block = textbook(encoding.fragment, encoding.qubit_count)[:2, :2] * encoding.alpha
    assert np.abs(block - [[1, 0], [-0.5, 1]]).max() < 1e-10


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: dilation(np.eye(3)), "2\\^n rows"),
        (lambda: dilation(np.eye(2), 0.5), "below the norm"),
        (lambda: sparse_access(np.zeros((2, 2))), "non-zero"),
        (lambda: sparse_access(np.eye(128)), "2 to 64"),
        (lambda: history_encoding(dilation(np.eye(2)), 0, 2), "no history"),
        (lambda: history_encoding([dilation(np.eye(2))], 2, 0, [0, 1]), "one of the steps"),
        (lambda: history_encoding([dilation(np.eye(2)), dilation(np.eye(4))], 2, 0, [0, 1]), "different sizes"),
        (lambda: carleman_encoding({0: np.ones((1, 1)), 1: np.eye(1)}, 2), "constant term"),
        (lambda: carleman_encoding({1: np.eye(1)}, 5), "orders 1 to"),
        (lambda: carleman_encoding({1: np.zeros((1, 1))}, 2), "zero"),
        (lambda: unitary_circuit(np.ones((2, 2)), [0]), "no unitary"),
    ],
)
def test_what_does_not_fit_is_refused(call, match):
    with pytest.raises(ValueError, match=match):
        call()
