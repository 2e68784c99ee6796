"""Download and re-upload: propagate a chunk of steps, read the state, re-centre the map there and lift again.

Truncation is in degree, not in time: re-centring on the downloaded point gains orders of magnitude, a fixed
pivot gains little and may lose (`carleman.md`, finding F1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from qevo_compiler.analyses.carleman.bounds import bound_a
from qevo_compiler.analyses.carleman.lift import lift, propagate
from qevo_compiler.analyses.carleman.majorant import step_majorants
from qevo_compiler.analyses.carleman.monomials import Floats
from qevo_compiler.analyses.carleman.optimizer import shift
from qevo_compiler.analyses.carleman.stages import at_rest
from qevo_compiler.dialects.linear import StepMap


@dataclass(frozen=True)
class Trajectory:
    """The states [T + 1, n] in the map's coordinates, the steps at which a chunk starts, and the proved bound on
    the error at the end of each chunk (infinite where the majorant leaves it open)."""

    states: Floats
    uploads: tuple[int, ...]
    bounds: tuple[float, ...]


def reupload(
    steps: StepMap,
    start: ArrayLike,
    order: int,
    every: int,
    recentre: bool = True,
    pivot: ArrayLike | None = None,
) -> Trajectory:
    """Run the lift of `steps` in chunks of `every` steps of the optimizer from `start`.

    States are those between sub-steps, too, where there are stages. With `recentre` the pivot of each chunk is its
    first state; a `pivot` that is given serves the first chunk. Without it `pivot` (default the origin) serves
    throughout.
    """
    state = np.asarray(start, np.float64)
    fixed = np.zeros(steps.size) if pivot is None else np.asarray(pivot, np.float64)
    states, uploads, bounds = [state[None, :]], [], []
    error = 0.0
    stride = every * steps.stage_count
    for first in range(0, steps.steps, stride):
        chunk = steps.window(first, min(first + stride, steps.steps))
        centre = at_rest(chunk, state) if recentre and (first or pivot is None) else fixed
        local = shift(chunk, centre)
        away = at_rest(chunk, state - centre)
        lifted = lift(local, away, order)
        history = propagate(lifted, lifted.initial, chunk.steps)[1:, lifted.first_block] + centre
        error = _chunk_error(local, float(np.linalg.norm(away)), error, order)
        states.append(history)
        uploads.append(first // steps.stage_count)
        bounds.append(error)
        state = history[-1]
    return Trajectory(np.concatenate(states), tuple(uploads), tuple(bounds))


def _chunk_error(local: StepMap, radius: float, before: float, order: int) -> float:
    """Bound on the error after a chunk that began with error `before` at distance `radius` from its pivot.

    ||F(u + e) - F(u)|| <= G(||u|| + ||e||) - G(||u||) for the composed majorant G, whose coefficients are
    non-negative; the truncation adds bound A.
    """
    norms, which = step_majorants(local)
    with np.errstate(over="ignore", invalid="ignore"):
        low, high = radius, radius + before
        for kind in which.tolist():
            low, high = (float(np.polynomial.polynomial.polyval(x, norms[kind])) for x in (low, high))
        total = (high - low if before else 0.0) + float(bound_a(norms, which, radius, order)[-1])
    return total if np.isfinite(total) else np.inf
