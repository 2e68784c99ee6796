"""Spin models as sums of others, and their single couplings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects import ising
from qevo_compiler.passes.penalty.rounding_dust import is_dust

Floats = NDArray[np.float64]


def coupling_of(model: ising.ModelOp, i: int, j: int) -> float:
    """The coupling of spins `i < j`, 0 where there is none. Cost: two binary searches."""
    rows, columns = model.rows.values, model.columns.values
    start, end = np.searchsorted(rows, [i, i + 1])
    at = int(start + np.searchsorted(columns[start:end], j))
    return float(model.couplings.values[at]) if at < end and columns[at] == j else 0.0


def remaining_couplings(
    model: ising.ModelOp, parts: list[ising.ModelOp]
) -> tuple[NDArray[np.int32], NDArray[np.int32], Floats]:
    """Couplings of the model less those of the parts, sorted, dust removed."""
    every = [model, *parts]
    size = max(model.size, 1)
    keys = np.concatenate([m.rows.values.astype(np.int64) * size + m.columns.values for m in every])
    signed = [model.couplings.values, *(-part.couplings.values for part in parts)]
    values = np.concatenate(signed)
    unique, place = np.unique(keys, return_inverse=True)
    total, sizes = (np.bincount(place, v, len(unique)).astype(np.float64) for v in (values, np.abs(values)))
    keep = ~is_dust(total, sizes)
    rows, columns = np.divmod(unique[keep], size)
    return rows.astype(np.int32), columns.astype(np.int32), total[keep]
