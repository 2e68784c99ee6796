"""The point about which a step map is expanded: a fixed point found from the start, for the pivot `minimiser`."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from qevo_compiler.analyses.carleman.monomials import Floats
from qevo_compiler.analyses.carleman.stages import kinds
from qevo_compiler.dialects.linear import StepMap
from qevo_compiler.dialects.poly import Polynomials, arithmetic

_DESCENT = 20_000
_NEWTON = 50


class MeanStep:
    """The average of the distinct steps, each as often as it is used, over the coordinates that rest between steps.

    Points are [m] in those coordinates.
    """

    def __init__(self, steps: StepMap) -> None:
        self._own = np.flatnonzero(steps.resting)
        self._size = steps.size
        sequences, which = kinds(steps)
        self._shares = (np.bincount(which) / steps.updates).tolist()
        self._sequences = [[steps.variants[i] for i in sequence] for sequence in sequences.tolist()]
        if steps.stages is None and len(self._shares) > 1:
            scaled = (arithmetic.scale(s[0], p) for s, p in zip(self._sequences, self._shares, strict=True))
            self._sequences, self._shares = [[arithmetic.add(*scaled)]], [1.0]

    def value(self, point: Floats) -> Floats:
        """The point after one step."""
        total = np.zeros(len(point))
        for sequence, share in zip(self._sequences, self._shares, strict=True):
            state = self._whole(point)
            for stage in sequence:
                state = arithmetic.evaluate(stage, state)
            total += share * state[self._own]
        return total

    def jacobian(self, point: Floats) -> Floats:
        """The derivative [m, m] there."""
        total = np.zeros((len(point), len(point)))
        for sequence, share in zip(self._sequences, self._shares, strict=True):
            state, slope = self._whole(point), np.eye(self._size)[:, self._own]
            for stage in sequence:
                slope = jacobian(stage, state) @ slope
                state = arithmetic.evaluate(stage, state)
            total += share * slope[self._own]
        return total

    def _whole(self, point: Floats) -> Floats:
        state = np.zeros(self._size)
        state[self._own] = point
        return state


def minimiser(steps: StepMap, start: ArrayLike) -> Floats | None:
    """A fixed point [n] of the mean step: where descent from `start` leads, polished by Newton's method.

    None where descent diverges or does not settle. Descent chooses the point, so that a saddle is not taken
    for a minimiser; on a flat set it is the point that descent reaches. Activations are 0 in it.
    """
    step = MeanStep(steps)
    own = steps.resting
    x = np.asarray(start, np.float64)[own]
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(_DESCENT):
            following = step.value(x)
            moved = float(np.abs(following - x).max())
            x = following
            if not np.isfinite(moved) or moved <= 1e-10 * max(1.0, float(np.abs(x).max())):
                break
    found = _polished(step, x) if np.isfinite(x).all() else None
    if found is None:
        return None
    point = np.zeros(steps.size)
    point[own] = found
    return point


def jacobian(step: Polynomials, point: Floats) -> Floats:
    """The derivative [n, n] of a (sub-)step at a point."""
    found = np.zeros((step.rows, step.rows))
    for block in step.terms:
        row, names, values = block.row.values, block.variables.values, block.coefficients.values
        for slot in range(block.degree):
            factors = np.delete(point[names], slot, axis=1).prod(axis=1)
            np.add.at(found, (row, names[:, slot]), values * factors)
    return found


def _polished(step: MeanStep, x: Floats) -> Floats | None:
    best, gap = x, _gap(step, x)
    for _ in range(_NEWTON):
        away = step.value(best) - best
        # Least squares: along a flat set the derivative is singular and the point stays where it is.
        change = np.linalg.lstsq(step.jacobian(best) - np.eye(len(best)), -away, rcond=1e-9)[0]
        candidate = best + change
        smaller = _gap(step, candidate)
        if not smaller < gap:
            break
        best, gap = candidate, smaller
    return best if gap <= 1e-8 * max(1.0, float(np.abs(best).max())) else None


def _gap(step: MeanStep, x: Floats) -> float:
    return float(np.abs(step.value(x) - x).max())
