"""Read-out of a sparse vector from shots: magnitudes, signs by interference, scale by the kept constant.

Everything classical that follows a run, with one standard deviation beside every number. `simulate` plays the
two runs from known amplitudes; the formulas are those of section 5.3 of the specification, by the binomial
variance and the delta method.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qevo_compiler.passes.qlsa.fragment import Floats, Ints


@dataclass(frozen=True)
class Estimate:
    """Values [n] and one standard deviation of each [n]."""

    values: Floats
    deviation: Floats


@dataclass(frozen=True)
class SignedEstimate:
    """Signed values; `decided` [n] tells where the interference differs from 0 by three deviations."""

    values: Floats
    deviation: Floats
    decided: NDArray[np.bool_]


def draw(probabilities: ArrayLike, shots: int, seed: int) -> Ints:
    """Counts of each outcome; what is missing to probability one is a failed post-selection, left out."""
    wanted = np.clip(np.asarray(probabilities, np.float64), 0.0, None)
    lost = max(1.0 - float(wanted.sum()), 0.0)
    chances = np.append(wanted, lost)
    counts = np.random.default_rng(seed).multinomial(shots, chances / chances.sum())
    return np.asarray(counts[:-1], np.int64)


def final_block(counts: ArrayLike, horizon: int) -> Ints:
    """Counts [blocks, D] of a history, summed over the equal copies from block `horizon` on: [D]."""
    table = np.asarray(counts, np.int64)
    return np.asarray(table[horizon:].sum(axis=0), np.int64)


def magnitudes(counts: ArrayLike, shots: int) -> Estimate:
    """|a_k| = sqrt(counts_k / shots), of deviation sqrt(1 - a_k^2) / (2 sqrt(shots)); at most 1 / (2 sqrt(shots))."""
    share = np.asarray(counts, np.float64) / shots
    return Estimate(np.sqrt(share), np.sqrt(np.clip(1 - share, 0.0, 1.0)) / (2 * math.sqrt(shots)))


def overlaps(zeros: ArrayLike, ones: ArrayLike, shots: int) -> Estimate:
    """a_k r_k = P(0, k) - P(1, k) from counts with the test qubit at 0 and at 1."""
    low, high = np.asarray(zeros, np.float64) / shots, np.asarray(ones, np.float64) / shots
    difference = low - high
    return Estimate(difference, np.sqrt(np.clip(low + high - difference**2, 0.0, None) / shots))


def signed(found: Estimate, products: Estimate, reference: ArrayLike) -> SignedEstimate:
    """Magnitudes with the signs of overlaps with a reference of known signs.

    A component whose overlap is within three deviations of 0 keeps the reference's sign and is not `decided`:
    repeat the interference with another reference or more shots where that matters.
    """
    known = np.sign(np.asarray(reference, np.float64))
    decided = np.abs(products.values) > 3 * products.deviation
    flips = np.where(decided & (products.values < 0), -1.0, 1.0)
    return SignedEstimate(found.values * flips * np.where(known == 0, 1.0, known), found.deviation, decided)


def absolute(counts: ArrayLike, constant: int) -> Estimate:
    """|u_i| = sqrt(counts_i / counts of |T, k = 0>): the constant y_0 = 1 gives the scale that a state lacks.

    Relative variance (1 / counts_i + 1 / constant) / 4. Raises `ValueError` when the constant was never seen.
    """
    if constant <= 0:
        raise ValueError("the constant was never read: take more shots, or rescale towards degree zero")
    seen = np.asarray(counts, np.float64)
    values = np.sqrt(seen / constant)
    relative = np.sqrt(np.divide(1.0, seen, out=np.zeros_like(seen), where=seen > 0) + 1 / constant) / 2
    return Estimate(values, np.where(seen > 0, values * relative, 1 / math.sqrt(constant)))


def simulate(amplitudes: ArrayLike, shots: int, seed: int, reference: ArrayLike | None = None) -> SignedEstimate:
    """Both runs played from real post-selected amplitudes [n] of norm at most one: `shots` for each run.

    The reference is the state of the estimated magnitudes, all positive, unless an earlier download [n] is given.
    """
    state = np.asarray(amplitudes, np.float64)
    found = magnitudes(draw(state**2, shots, seed), shots)
    guess = found.values if reference is None else np.asarray(reference, np.float64)
    norm = float(np.linalg.norm(guess))
    guess = guess / norm if norm else guess
    both = np.concatenate([(state + guess) ** 2, (state - guess) ** 2]) / 4
    counts = draw(both, shots, seed + 1)
    products = overlaps(counts[: len(state)], counts[len(state) :], shots)
    return signed(found, products, guess)


def shots_for_distance(entries: int, error: float) -> int:
    """Shots for a 2-norm error of the normalised vector: s / (4 error^2)."""
    return math.ceil(entries / (4 * error**2))
