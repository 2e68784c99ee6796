"""What a computed lift says about its own error: exact defect, order doubling, distance from the manifold."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from qevo_compiler.analyses.carleman.lift import Lift, lift, propagate
from qevo_compiler.analyses.carleman.monomials import Floats, values_of
from qevo_compiler.dialects.linear import StepMap
from qevo_compiler.evaluator.polynomials import trajectory


def iterate(steps: StepMap, start: ArrayLike) -> Floats:
    """The states [T + 1, n] of the step map itself: the optimizer's trajectory, in shifted coordinates."""
    return trajectory(steps.variants, steps.which.values, np.asarray(start, np.float64))


def defect_error(lifted: Lift, states: Floats) -> Floats:
    """The truncation error [T + 1, n] of the propagated state, from the defects of the exact trajectory `states`.

    s(t) = m(u(t+1)) - M_t m(u(t)) and e(t+1) = M_t e(t) + s(t) give e = m(u) - y identically, with vectors
    of order N only (`carleman.md` 1.3, fact 4). The degree-one part of e is the error of the state.
    """
    found = np.zeros_like(states)
    error = np.zeros(lifted.size)
    exact = lifted.vector(states[0])
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(len(states) - 1):
            following = lifted.vector(states[t + 1])
            matrix = lifted.matrices[lifted.which[t]]
            error = matrix @ error + (following - matrix @ exact)
            exact = following
            found[t + 1] = error[lifted.first_block]
    return found


def truncation_error(lifted: Lift, states: Floats) -> Floats:
    """||y_1(t) - u(t)|| [T + 1], by propagating the lift."""
    history = propagate(lifted, lifted.initial, len(states) - 1)
    return np.asarray(np.linalg.norm(history[:, lifted.first_block] - states, axis=1))


def order_doubling(steps: StepMap, start: ArrayLike, order: int, further: int = 2) -> Floats:
    """||y_1 at order N - y_1 at order N + further|| [T + 1]: an alarm that needs no exact trajectory."""
    found = []
    for chosen in (order, order + further):
        lifted = lift(steps, start, chosen)
        found.append(propagate(lifted, lifted.initial, steps.steps)[:, lifted.first_block])
    return np.asarray(np.linalg.norm(found[0] - found[1], axis=1))


def manifold_residual(lifted: Lift, vector: Floats) -> float:
    """||y_k - m_k(y_1)|| for the lowest kept degree k >= 2: zero on the manifold of monomials, an alarm off it."""
    higher = lifted.degrees[lifted.degrees >= 2]
    if not len(higher):
        return 0.0
    here = lifted.degrees == higher.min()
    expected = values_of(lifted.monomials[here], vector[lifted.first_block]) * lifted.weights[here]
    return float(np.linalg.norm(vector[here] - expected))
