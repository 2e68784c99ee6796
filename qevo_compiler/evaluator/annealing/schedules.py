"""Inverse temperatures of a run, one a sweep."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def geometric(hot: float, cold: float, sweeps: int) -> Floats:
    """From hot to cold with a constant ratio; a single sweep is cold."""
    if sweeps == 1:
        return np.array([cold])
    return np.asarray(np.geomspace(hot, cold, sweeps), np.float64)


def linear(hot: float, cold: float, sweeps: int) -> Floats:
    """From hot to cold with a constant difference; a single sweep is cold."""
    return np.linspace(hot, cold, sweeps) if sweeps > 1 else np.array([cold])


def along(times: ArrayLike, fractions: ArrayLike, hot: float, cold: float, sweeps: int) -> Floats:
    """An anneal schedule s(t), piecewise linear, as inverse temperatures hot^(1 - s) cold^s at even times.

    A reverse anneal (s from 1 down and up again) starts cold, warms up and cools down.
    """
    t = np.asarray(times, np.float64)
    s = np.interp(np.linspace(t[0], t[-1], sweeps) if sweeps > 1 else t[-1:], t, np.asarray(fractions, np.float64))
    return np.asarray(np.exp((1 - s) * np.log(hot) + s * np.log(cold)), np.float64)
