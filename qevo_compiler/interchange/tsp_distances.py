"""Distances between cities as TSPLIB 95 defines them (Reinelt, "TSPLIB 95", section 2)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# TSPLIB's own values; the published optima rest on them.
PI = 3.141592
EARTH = 6378.388


def _differences(points: Floats) -> tuple[Floats, Floats]:
    x, y = points.T
    return x[:, None] - x, y[:, None] - y


def _nearest(values: Floats) -> Floats:
    result: Floats = np.floor(values + 0.5)
    return result


def euclidean(points: Floats) -> Floats:
    """EUC_2D: rounded to the nearest integer."""
    return _nearest(np.hypot(*_differences(points)))


def ceiled(points: Floats) -> Floats:
    """CEIL_2D: rounded up."""
    result: Floats = np.ceil(np.sqrt(np.square(_differences(points)).sum(axis=0)))
    return result


def pseudo_euclidean(points: Floats) -> Floats:
    """ATT: sqrt((dx^2 + dy^2) / 10), rounded up to an integer that is not smaller."""
    exact = np.sqrt(np.square(_differences(points)).sum(axis=0) / 10.0)
    nearest = _nearest(exact)
    return np.where(nearest < exact, nearest + 1, nearest)


def geographical(points: Floats) -> Floats:
    """GEO: kilometres on an idealised earth between points given as DDD.MM."""
    degrees = np.trunc(points)
    latitude, longitude = (PI * (degrees + 5.0 * (points - degrees) / 3.0) / 180.0).T
    q1 = np.cos(longitude[:, None] - longitude)
    q2 = np.cos(latitude[:, None] - latitude)
    q3 = np.cos(latitude[:, None] + latitude)
    angle: Floats = np.arccos(np.clip(0.5 * ((1.0 + q1) * q2 - (1.0 - q1) * q3), -1.0, 1.0))
    length: Floats = np.floor(EARTH * angle + 1.0)
    return length


FROM_POINTS: dict[str, Callable[[Floats], Floats]] = {
    "EUC_2D": euclidean,
    "CEIL_2D": ceiled,
    "ATT": pseudo_euclidean,
    "GEO": geographical,
}
EXPLICIT = "EXPLICIT"
# The cells that a list of weights fills, in its order: upper triangle or lower, with its diagonal or without.
# A column-wise upper triangle lists the same cells as a row-wise lower one, turned round.
_TRIANGLES = {
    "UPPER_ROW": (True, 1),
    "LOWER_COL": (True, 1),
    "LOWER_ROW": (False, 1),
    "UPPER_COL": (False, 1),
    "UPPER_DIAG_ROW": (True, 0),
    "LOWER_DIAG_COL": (True, 0),
    "LOWER_DIAG_ROW": (False, 0),
    "UPPER_DIAG_COL": (False, 0),
}
FULL = "FULL_MATRIX"
LAYOUTS = (FULL, *_TRIANGLES)


def weight_count(layout: str, size: int) -> int:
    """How many numbers a list of weights has."""
    if layout == FULL:
        return size * size
    return size * (size - 1) // 2 if _TRIANGLES[layout][1] else size * (size + 1) // 2


def from_weights(layout: str, weights: Floats, size: int) -> Floats:
    """The matrix [size, size] of a list of weights."""
    if layout == FULL:
        return weights.reshape(size, size)
    upper, diagonal = _TRIANGLES[layout]
    rows, columns = np.triu_indices(size, diagonal) if upper else np.tril_indices(size, -diagonal)
    matrix = np.zeros((size, size))
    matrix[rows, columns] = weights
    matrix[columns, rows] = weights
    return matrix
