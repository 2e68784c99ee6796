"""Measurements of a state: numbers of basis states from a counter-based generator."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.statevector.state import State

Ints = NDArray[np.int64]

_CHUNK = 1 << 16


def uniforms(count: int, seed: int) -> NDArray[np.float64]:
    """`count` numbers in [0, 1) from Philox under `seed`."""
    return np.random.Generator(np.random.Philox(seed)).random(count)


def draw_states(state: State, reads: int, seed: int) -> Ints:
    """Numbers [reads] of measured basis states. O(2^n + reads log reads), with little memory beside the state.

    A folded state is measured with its last spin up, and a coin flips all spins.
    """
    numbers = uniforms(2 * reads, seed)
    found = _by_weight(state, numbers[:reads])
    if state.folded:
        every = (1 << state.qubits) - 1
        found = np.where(numbers[reads:] < 0.5, found, every - found)
    return found


def _by_weight(state: State, numbers: NDArray[np.float64]) -> Ints:
    """Inverse of the cumulative distribution: first the chunk of amplitudes, then the place in it."""
    starts = range(0, len(state.re), _CHUNK)
    sums = np.cumsum([_weights(state, start).sum() for start in starts])
    wanted = numbers * sums[-1]
    chunk = np.minimum(np.searchsorted(sums, wanted, side="right"), len(sums) - 1)
    found = np.empty(len(numbers), np.int64)
    for k in np.unique(chunk):
        here = np.flatnonzero(chunk == k)
        edges = np.cumsum(_weights(state, int(k) * _CHUNK))
        left = wanted[here] - (sums[k - 1] if k else 0.0)
        place = np.searchsorted(edges, left, side="right")
        # Sums in another order may leave a number just above the last edge: the last state of any weight.
        last = np.searchsorted(edges, edges[-1], side="left")
        found[here] = k * _CHUNK + np.minimum(place, last)
    return found


def _weights(state: State, start: int) -> NDArray[np.float64]:
    re, im = (part[start : start + _CHUNK].astype(np.float64) for part in (state.re, state.im))
    weights: NDArray[np.float64] = re * re + im * im
    return weights
