"""QAOA and Trotterised annealing of a quadratic cost: states, expectation values, samples, gradients.

    qaoa = Qaoa(Cost.of_model(model), np.float32)
    value, by_gamma, by_beta = qaoa.gradient(gammas, betas)
    spins = qaoa.sample(qaoa.state(gammas, betas), reads=100, seed=7)

The state is prod_k exp(-i beta_k sum X) exp(-i gamma_k C) |+...+>, the first layer applied first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from qevo_compiler.evaluator.statevector.costs import Cost
from qevo_compiler.evaluator.statevector.layers import Layers
from qevo_compiler.evaluator.statevector.sampling import draw_states
from qevo_compiler.evaluator.statevector.state import State

Floats = NDArray[np.float64]


class Qaoa:
    """Layers of one cost in float32 or float64; memory is the state (half of it where the cost has no fields)."""

    def __init__(self, cost: Cost, dtype: DTypeLike = np.float32, threads: int | None = None) -> None:
        self.layers = Layers(cost, dtype, threads)
        self.cost = cost

    def state(self, gammas: ArrayLike, betas: ArrayLike) -> State:
        """The state after all layers. Raises `ValueError` unless there is a beta for every gamma."""
        pairs = list(zip(*_angles(gammas, betas), strict=True))
        state = self.layers.first(*pairs[0]) if pairs else self.layers.uniform()
        for gamma, beta in pairs[1:]:
            self.layers.apply(state, gamma, beta)
        return state

    def expectation(self, state: State) -> float:
        """<C>, divided by the state's norm: rounding in float32 shows less."""
        cost, norm = self.layers.moments(state)
        return cost / norm

    def sample(self, state: State, reads: int, seed: int) -> NDArray[np.int8]:
        """Spins [reads, n] of independent measurements, in the order drawn."""
        states = draw_states(state, reads, seed)
        spins: NDArray[np.int8] = (1 - 2 * ((states[:, None] >> np.arange(self.cost.size)) & 1)).astype(np.int8)
        return spins

    def gradient(self, gammas: ArrayLike, betas: ArrayLike) -> tuple[float, Floats, Floats]:
        """<C> and its derivatives by every gamma and beta. O(layers) passes over two states, whatever their number.

        Adjoint method (Jones and Gacon, arXiv:2009.02823): C applied to the final state and the state itself are
        carried back through the layers, and d<C>/d(angle) = 2 Im <left| generator |state> at each.
        """
        given = _angles(gammas, betas)
        state = self.state(*given)
        left = state.copy()
        value, _ = self.layers.moments(state)
        self.layers.times_cost(state, left)
        by_gamma, by_beta = np.empty(len(given[0])), np.empty(len(given[0]))
        for k, (gamma, beta) in reversed(list(enumerate(zip(*given, strict=True)))):
            by_beta[k] = 2 * self.layers.mixer_overlap(left, state)
            for vector in (state, left):
                self.layers.apply(vector, None, -beta)
            by_gamma[k] = 2 * self.layers.cost_overlap(left, state)
            for vector in (state, left):
                self.layers.phase(vector, -gamma)
        return value, by_gamma, by_beta


def _angles(gammas: ArrayLike, betas: ArrayLike) -> tuple[list[float], list[float]]:
    left, right = np.atleast_1d(np.asarray(gammas, np.float64)), np.atleast_1d(np.asarray(betas, np.float64))
    if left.shape != right.shape or left.ndim != 1 or not (np.isfinite(left).all() and np.isfinite(right).all()):
        raise ValueError(f"gammas of shape {left.shape} and betas of shape {right.shape}: one finite pair a layer")
    return left.tolist(), right.tolist()
