"""Exact annealing: the Schroedinger equation under H(s(t)) = -A/2 sum X + B/2 C, to a tolerance.

A step of length h is Suzuki's symmetric composition of five midpoint Strang splittings of lengths p h, p h,
(1 - 4 p) h, p h, p h with p = 1 / (4 - 4^(1/3)) (Phys. Lett. A 146, 319 (1990)): order 4, also with H
depending on time, and exactly unitary. Each step is done once whole and once in halves; a fifteenth of the distance
is the error of the halves, which are kept, and sets the next step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from qevo_compiler.evaluator.statevector.costs import Cost, all_costs
from qevo_compiler.evaluator.statevector.drive import Drive
from qevo_compiler.evaluator.statevector.layers import Layers
from qevo_compiler.evaluator.statevector.state import State

Floats = NDArray[np.float64]

LIMIT = 22

_P = 1 / (4 - 4 ** (1 / 3))
_PARTS = (_P, _P, 1 - 4 * _P, _P, _P)
_SAFETY, _GROWTH, _SHRINK = 0.9, 3.0, 0.2


@dataclass(frozen=True)
class Evolution:
    """The final `state`; probability `success` of a ground state of C; along the anneal at `fractions`: `energies`
    <H> and `costs` <C>. `error` bounds the norm of the state's error by the sum of the steps' estimates.
    """

    state: State
    success: float
    times: Floats
    fractions: Floats
    energies: Floats
    costs: Floats
    error: float
    steps: int
    rejected: int


@dataclass
class _Run:
    layers: Layers
    drive: Drive
    times: Floats
    fractions: Floats
    error: float = 0.0
    steps: int = 0
    rejected: int = 0

    def step(self, state: State, start: float, length: float) -> None:
        """One composed step, in place: neighbouring halves of the mixer are joined."""
        held, at = 0.0, start
        gamma: float | None = None
        for part in _PARTS:
            piece = part * length
            s = float(np.interp(at + piece / 2, self.times, self.fractions))
            a, b = self.drive.at(s)
            half = -a / 4 * piece
            self.layers.apply(state, gamma, held + half)
            held, gamma, at = half, b / 2 * piece, at + piece
        self.layers.apply(state, gamma, held)

    def advance(self, state: State, start: float, stop: float, length: float, rate: float) -> float:
        """Adaptive steps from start to stop with an error of at most `rate` a unit of time; gives the next length."""
        whole, kept = state.copy(), state.copy()
        at = start
        while at < stop:
            now = min(length, stop - at)
            last = now == stop - at
            whole.take(state)
            kept.take(state)
            self.step(whole, at, now)
            self.step(state, at, now / 2)
            self.step(state, at + now / 2, now / 2)
            error = state.distance(whole) / 15
            allowed = max(rate * now, 1e-15)
            factor = _GROWTH if error == 0 else _SAFETY * (allowed / error) ** 0.25
            if error > allowed and now > 1e-12 * stop:
                state.take(kept)
                self.rejected += 1
            else:
                at = stop if last else at + now
                self.error += error
                self.steps += 1
            if not (last and factor >= 1 and error <= allowed and now < length):
                length = now * min(max(factor, _SHRINK), _GROWTH)
        return length


def evolve(
    cost: Cost, times: ArrayLike, fractions: ArrayLike, drive: Drive | None = None, *, tolerance: float = 1e-6,
    marks: int = 0, dtype: DTypeLike = np.float64, threads: int | None = None,
) -> Evolution:  # fmt: skip
    """Anneal |+...+> along the schedule (piecewise linear; times rise) to its end.

    `tolerance` is shared out over the time; float32 cannot keep below about 1e-5. Energies are taken at the start, at
    `marks` times evenly between, and at the end. Raises `ValueError` beyond `LIMIT` spins and for a bad schedule.
    """
    t, s = np.asarray(times, np.float64), np.asarray(fractions, np.float64)
    if cost.size > LIMIT:
        raise ValueError(f"{cost.size} spins: exact annealing stops at {LIMIT}")
    if t.shape != s.shape or t.ndim != 1 or len(t) < 2 or not (np.diff(t) > 0).all():
        raise ValueError("a schedule needs rising times, each with a fraction")
    layers = Layers(cost, dtype, threads)
    run = _Run(layers, drive or Drive.linear(), t, s)
    state = layers.uniform()
    stops = np.linspace(t[0], t[-1], marks + 2)
    seen = [_seen(run, state, stops[0])]
    length = _first_length(run)
    at = t[0]
    for stop in np.unique(np.concatenate([stops[1:], t[1:]])):
        length = run.advance(state, at, stop, length, tolerance / (t[-1] - t[0]))
        at = stop
        if stop in stops:
            seen.append(_seen(run, state, stop))
    rows = np.array(seen)
    success = success_probability(cost, state)
    return Evolution(state, success, stops, rows[:, 0], rows[:, 1], rows[:, 2], run.error, run.steps, run.rejected)


def success_probability(cost: Cost, state: State) -> float:
    """Probability of the cost's minimisers; costs within 1e-9 of the sum of magnitudes count as equal. O(2^n)."""
    table = all_costs(cost.folded() if state.folded else cost)
    ground = np.flatnonzero(table <= table.min() + 1e-9 * max(cost.bound, 1e-300))
    weights = state.re[ground].astype(np.float64) ** 2 + state.im[ground].astype(np.float64) ** 2
    return float(weights.sum()) * (2 if state.folded else 1)


def _first_length(run: _Run) -> float:
    """About a radian of the larger part of H."""
    size = run.layers.cost.size * np.abs(run.drive.a).max() / 2 + run.layers.cost.bound * np.abs(run.drive.b).max() / 2
    return float(min(1 / max(size, 1e-300), run.times[-1] - run.times[0]))


def _seen(run: _Run, state: State, time: float) -> tuple[float, float, float]:
    """Fraction, <H> and <C>."""
    s = float(np.interp(time, run.times, run.fractions))
    a, b = run.drive.at(s)
    cost, norm = run.layers.moments(state)
    return s, (-a / 2 * run.layers.mixer_mean(state) + b / 2 * cost) / norm, cost / norm
