"""The inverse temperatures between which annealing is worth its time, from the model itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.annealing.metropolis import DenseWalk, ReplicaGroup, is_dense
from qevo_compiler.evaluator.annealing.model import DenseSpins, SpinModel
from qevo_compiler.evaluator.annealing.runs import first_states
from qevo_compiler.evaluator.annealing.sparse_kernel import sparse_fields
from qevo_compiler.evaluator.llvm import aligned, compiled

Floats = NDArray[np.float64]

# Spreads of a local field within which nearly all states lie.
SPREADS = 3.0
# Flips against the energy in a sweep of a local minimum, at the cold end.
_COLD_FLIPS = 0.1
PILOTS = 4
# Fields below this part of the largest are 0 but for the rounding of 32-bit sums.
_DUST = 1e-6


def beta_range(model: SpinModel | DenseSpins) -> tuple[float, float]:
    """Inverse temperatures, hot and cold; the same numbers for the same model. (1, 1) for a model without numbers.

    Hot: the stiffest spin flips with probability 1/2 against a local field of three root mean squares (or the
    largest possible one, if less). Cold: in local minima that a few descents from random states find, an average
    of 1/10 of a spin flips a sweep; colder than that nothing moves. Cost: some sweeps.
    """
    if not model.field_bounds.any():
        return 1.0, 1.0
    dense = model if isinstance(model, DenseSpins) else model.dense if is_dense(model) else None
    fields = _dense_pilot(dense) if dense is not None else _sparse_pilot(model)  # type: ignore[arg-type]
    hot = hot_beta(model)
    return hot, max(hot, cold_beta(fields * model.unit))


def hot_beta(model: SpinModel | DenseSpins) -> float:
    """The hot end alone; 1 for a model without numbers."""
    stiffest = np.minimum(SPREADS * model.field_spreads, model.field_bounds).max(initial=0.0)
    return float(np.log(2) / (2 * stiffest)) if stiffest > 0 else 1.0


def cold_beta(fields: Floats) -> float:
    """The beta at which sum_i exp(-2 beta |f_i|) of fields [states, n] is `_COLD_FLIPS`, without those of 0."""
    sizes = np.abs(fields)
    strengths = np.sort(sizes[sizes > _DUST * sizes.max(initial=0.0)])
    if not len(strengths):
        return 0.0
    states = len(fields)
    # Nearly all the sum comes from the weakest fields; the bounds hold for all of them being the least, or one.
    low = np.log(1 / (states * _COLD_FLIPS)) / (2 * strengths[0])
    high = np.log(len(strengths) / (states * _COLD_FLIPS)) / (2 * strengths[0])
    low, high = max(0.0, float(low)), max(0.0, float(high))
    for _ in range(60):
        middle = (low + high) / 2
        if np.exp(-2 * middle * strengths).sum() > states * _COLD_FLIPS:
            low = middle
        else:
            high = middle
    return high


def _sparse_pilot(model: SpinModel) -> Floats:
    group = ReplicaGroup(model, 1)
    spins = group.load(first_states(0, group.width, model.size))
    group.descend(spins)
    fields = aligned((group.sites, group.width), np.float32)
    compiled(sparse_fields(group.lanes))(group.sites, *group.arrays, spins, fields)
    # As many as the narrowest vectors hold: the numbers must not depend on the width.
    return np.ascontiguousarray(fields[: model.size, :PILOTS].T.astype(np.float64))


def _dense_pilot(model: DenseSpins) -> Floats:
    walk = DenseWalk(model)
    found = []
    for state in first_states(0, PILOTS, model.size):
        spins = walk.load(state)
        fields = walk.fields(spins)
        walk.descend(spins, fields)
        found.append(fields[: model.size].astype(np.float64))
    return np.array(found)
