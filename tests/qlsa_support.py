"""Carleman systems built by brute force from Kronecker products: the oracle of the circuit tests."""

from __future__ import annotations

from functools import reduce
from itertools import product

import numpy as np
from quantum_support import unitary

from qevo_compiler.dialects.gate import CircuitOp
from qevo_compiler.passes.qlsa.fragment import Fragment


def lifted(coefficients, size, order):
    """M [sum of n^k] over degrees 0..order: A_{k,m} = sum of products of F_j over j_1 + ... + j_k = m."""
    ends = np.cumsum([0] + [size**k for k in range(order + 1)])
    matrix = np.zeros((ends[-1], ends[-1]))
    for k in range(order + 1):
        for parts in product(coefficients, repeat=k):
            m = sum(parts)
            if m <= order:
                block = reduce(np.kron, (coefficients[j] for j in parts), np.eye(1))
                matrix[ends[k] : ends[k + 1], ends[m] : ends[m + 1]] += block
    return matrix


def powers(start, order):
    """(1, u, u (x) u, ...)."""
    return np.concatenate([reduce(np.kron, [start] * k, np.ones(1)) for k in range(order + 1)])


def symmetric(size, order):
    """Orthonormal columns that span the symmetric tensors of every degree."""
    columns = []
    for k in range(order + 1):
        groups = {}
        for place, index in enumerate(product(range(size), repeat=k)):
            groups.setdefault(tuple(sorted(index)), []).append(place)
        block = np.zeros((size**k, len(groups)))
        for column, places in enumerate(groups.values()):
            block[places, column] = len(places) ** -0.5
        columns.append(block)
    total = [block.shape for block in columns]
    result = np.zeros(tuple(np.sum(total, axis=0)))
    row = column = 0
    for block in columns:
        result[row : row + block.shape[0], column : column + block.shape[1]] = block
        row, column = row + block.shape[0], column + block.shape[1]
    return result


def history(step, horizon, padding):
    """L = I - S (x) M up to the horizon, I - S (x) I after it."""
    size, blocks = len(step), horizon + padding + 1
    matrix = np.eye(blocks * size)
    for t in range(blocks - 1):
        rows, columns = slice((t + 1) * size, (t + 2) * size), slice(t * size, (t + 1) * size)
        matrix[rows, columns] -= step if t < horizon else np.eye(size)
    return matrix


def _saddle_cubic():
    """-0.1 (w1 w2^2, w1^2 w2), symmetrised over the three slots."""
    cubic = np.zeros((2, 2, 2, 2))
    for a, b, c in ((0, 1, 1), (1, 0, 1), (1, 1, 0)):
        cubic[0, a, b, c] = cubic[1, 1 - a, 1 - b, 1 - c] = -0.1 / 3
    return cubic.reshape(2, 8)


QUARTIC = {1: np.array([[0.9]]), 3: np.array([[-0.1]])}
REGRESSION = {0: np.array([[0.1625], [0.3]]), 1: np.array([[0.8, -0.075], [-0.075, 0.7375]])}
SADDLE = {1: np.array([[1.0, 0.08], [0.08, 1.0]]), 3: _saddle_cubic()}


def system(coefficients, start, order, horizon, padding):
    """(L, b, M) in the isometric symmetric basis, the constant kept."""
    start = np.asarray(start, float)
    basis = symmetric(len(start), order)
    step = basis.T @ lifted(coefficients, len(start), order) @ basis
    rhs = np.zeros((horizon + padding + 1) * len(step))
    rhs[: len(step)] = basis.T @ powers(start, order)
    return history(step, horizon, padding), rhs, step


def textbook(fragment: Fragment, qubit_count: int):
    """The fragment's unitary by the textbook matrices of the gates, from what the circuit states."""
    return unitary(emitted(fragment, qubit_count))


def emitted(fragment: Fragment, qubit_count: int) -> CircuitOp:
    circuit = fragment.circuit(qubit_count)
    circuit.verify()
    return circuit


def sparse_bits(indices, count):
    return (np.asarray(indices)[:, None] >> np.arange(count)[::-1] & 1).astype(bool)


def overlap(first, second):
    return abs(np.vdot(first, second)) / np.linalg.norm(first) / np.linalg.norm(second)
