"""Readers for the published instances in the shared data folder."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest

DATA = Path(os.environ.get("QEVO_DATA", Path(__file__).parents[2].parent / "shared" / "data"))


def instance(name: str) -> Path:
    """The path of an instance; skips the test where the shared data are absent."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{name} is not there: set QEVO_DATA to the folder of published instances")
    return path


def read_gset(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Edges [m, 2] from 0 and weights [m] of a G-set graph."""
    rows = np.loadtxt(path, skiprows=1, ndmin=2)
    return rows[:, :2].astype(int) - 1, rows[:, 2]


def read_geo(path: Path) -> np.ndarray:
    """Distances of a TSPLIB instance of type GEO (the rounding is TSPLIB's own)."""
    lines = path.read_text().split("NODE_COORD_SECTION")[1].split("EOF")[0].split("\n")
    points = np.array([line.split()[1:] for line in lines if line.strip()], float)
    degrees = np.trunc(points)
    radians = 3.141592 * (degrees + 5 * (points - degrees) / 3) / 180
    return np.array([[_geo_distance(a, b) for b in radians] for a in radians], float)


def _geo_distance(a: np.ndarray, b: np.ndarray) -> int:
    if (a == b).all():
        return 0
    q1, q2, q3 = math.cos(a[1] - b[1]), math.cos(a[0] - b[0]), math.cos(a[0] + b[0])
    return int(6378.388 * math.acos(0.5 * ((1 + q1) * q2 - (1 - q1) * q3)) + 1)
