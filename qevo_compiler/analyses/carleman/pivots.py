"""The point about which a step map is expanded: a fixed point found from the start, for the pivot `minimiser`."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from qevo_compiler.analyses.carleman.monomials import Floats
from qevo_compiler.dialects.linear import StepMap
from qevo_compiler.dialects.poly import Polynomials, arithmetic

_DESCENT = 20_000
_NEWTON = 50


def mean_step(steps: StepMap) -> Polynomials:
    """The average of the steps, each variant as often as it is used."""
    if len(steps.variants) == 1:
        return steps.variants[0]
    share = np.bincount(steps.which.values, minlength=len(steps.variants)) / steps.steps
    return arithmetic.add(*(arithmetic.scale(v, p) for v, p in zip(steps.variants, share.tolist(), strict=True)))


def minimiser(steps: StepMap, start: ArrayLike) -> Floats | None:
    """A fixed point of the mean step: where descent from `start` leads, polished by Newton's method.

    None where descent diverges or does not settle. Descent chooses the point, so that a saddle is not taken
    for a minimiser; on a flat set it is the point that descent reaches.
    """
    step = mean_step(steps)
    x = np.asarray(start, np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(_DESCENT):
            following = arithmetic.evaluate(step, x)
            moved = float(np.abs(following - x).max())
            x = following
            if not np.isfinite(moved) or moved <= 1e-10 * max(1.0, float(np.abs(x).max())):
                break
    if not np.isfinite(x).all():
        return None
    return _polished(step, x)


def jacobian(step: Polynomials, point: Floats) -> Floats:
    """The derivative [n, n] of a step at a point."""
    found = np.zeros((step.rows, step.rows))
    for block in step.terms:
        row, names, values = block.row.values, block.variables.values, block.coefficients.values
        for slot in range(block.degree):
            factors = np.delete(point[names], slot, axis=1).prod(axis=1)
            np.add.at(found, (row, names[:, slot]), values * factors)
    return found


def _polished(step: Polynomials, x: Floats) -> Floats | None:
    best, gap = x, _gap(step, x)
    for _ in range(_NEWTON):
        away = arithmetic.evaluate(step, best) - best
        # Least squares: along a flat set the derivative is singular and the point stays where it is.
        change = np.linalg.lstsq(jacobian(step, best) - np.eye(step.rows), -away, rcond=1e-9)[0]
        candidate = best + change
        smaller = _gap(step, candidate)
        if not smaller < gap:
            break
        best, gap = candidate, smaller
    return best if gap <= 1e-8 * max(1.0, float(np.abs(best).max())) else None


def _gap(step: Polynomials, x: Floats) -> float:
    return float(np.abs(arithmetic.evaluate(step, x) - x).max())
