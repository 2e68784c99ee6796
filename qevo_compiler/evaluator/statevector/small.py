"""The same layers and sums for a handful of qubits, in plain numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.statevector.costs import Cost, all_costs
from qevo_compiler.evaluator.statevector.state import State

Complexes = NDArray[np.complex128]


def mixed(vector: Complexes, beta: float) -> Complexes:
    """exp(-i beta sum X) of a vector [2^n]."""
    c, s = np.cos(beta), -1j * np.sin(beta)
    stride = 1
    while stride < len(vector):
        pairs = vector.reshape(-1, 2, stride)
        vector = (c * pairs + s * pairs[:, ::-1]).reshape(-1)
        stride *= 2
    return vector


def flips(vector: Complexes) -> Complexes:
    """sum X of a vector [2^n]."""
    total, stride = np.zeros_like(vector), 1
    while stride < len(vector):
        total += vector.reshape(-1, 2, stride)[:, ::-1].reshape(-1)
        stride *= 2
    return total


def apply(state: State, cost: Cost, gamma: float | None, beta: float) -> None:
    """One layer in place: exp(-i gamma C) unless `gamma` is None, then exp(-i beta sum X)."""
    vector = _vector(state)
    if gamma is not None:
        vector = vector * np.exp(-1j * gamma * all_costs(cost))
    _put(state, mixed(vector, beta))


def moments(state: State, cost: Cost) -> tuple[float, float]:
    weights = np.abs(_vector(state)) ** 2
    return float(weights @ all_costs(cost)), float(weights.sum())


def times_cost(state: State, cost: Cost, out: State) -> None:
    _put(out, _vector(state) * all_costs(cost))


def cost_overlap(left: State, state: State, cost: Cost) -> float:
    return float(np.vdot(_vector(left), all_costs(cost) * _vector(state)).imag)


def mixer_overlap(left: State, state: State) -> float:
    return float(np.vdot(_vector(left), flips(_vector(state))).imag)


def _vector(state: State) -> Complexes:
    return state.re.astype(np.float64) + 1j * state.im.astype(np.float64)


def _put(state: State, vector: Complexes) -> None:
    state.re[:], state.im[:] = vector.real, vector.imag
