"""Which weights stay: one-shot magnitude pruning."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def magnitude_mask(weights: Mapping[str, NDArray[np.float64]], density: float) -> dict[str, Mask]:
    """Masks of the largest weights over all tensors together: round(density n) of n, at least one.

    Equal magnitudes are taken in order of the mapping and of the elements. Raises `ValueError` unless 0 < density <= 1.
    """
    if not 0 < density <= 1:
        raise ValueError(f"a density of {density!r} is not in (0, 1]")
    flat = np.concatenate([np.abs(np.asarray(values)).reshape(-1) for values in weights.values()])
    count = max(round(density * flat.size), 1)
    kept = np.zeros(flat.size, bool)
    kept[np.argsort(-flat, kind="stable")[:count]] = True
    ends = np.cumsum([np.size(values) for values in weights.values()])
    parts = np.split(kept, ends[:-1])
    return {name: part.reshape(np.shape(weights[name])) for name, part in zip(weights, parts, strict=True)}
