"""Norms of a step map in coordinates in which a non-normal linear part contracts.

Truncation above degree N commutes with linear changes of coordinates, so a bound proved for v = S u holds for u
after a factor ||S^-1||. Momentum makes F_1 non-normal: ||F_1|| > 1 although its spectral radius is below one.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgWarning, solve_discrete_lyapunov

from qevo_compiler.analyses.carleman.monomials import Floats
from qevo_compiler.analyses.carleman.stages import composed_norms, kinds, linear_steps
from qevo_compiler.analyses.carleman.tensor import symmetric_parts
from qevo_compiler.dialects.linear import StepMap

# The parts F_j are transformed as dense arrays of n^(j + 1) numbers.
_MOST_ENTRIES = 2_000_000


@dataclass(frozen=True)
class Coordinates:
    """v = `forward` u, and u = `backward` v."""

    forward: Floats
    backward: Floats

    @property
    def stretch(self) -> float:
        """||S^-1||: how much longer u can be than v."""
        return float(np.linalg.norm(self.backward, 2))


def contracting_coordinates(steps: StepMap) -> list[Coordinates]:
    """Changes S = P^(1/2) with F_1^T P F_1 - r^2 P = -I for a few rates r in (radius, 1).

    They are of the coordinates that rest between steps. Empty where F_1 (of the mean step) is symmetric or not
    contracting, or where the map is too large.
    """
    # The stages of a step are transformed as sparse terms, a step without stages as a dense tensor.
    if int(steps.resting.sum()) ** (2 if steps.stages else steps.degree + 1) > _MOST_ENTRIES:
        return []
    shares = (np.bincount(kinds(steps)[1]) / steps.updates).tolist()
    matrix = np.asarray(sum(part.toarray() * p for part, p in zip(linear_steps(steps), shares, strict=True)))
    radius = float(np.abs(np.linalg.eigvals(matrix)).max(initial=0.0))
    if np.array_equal(matrix, matrix.T) or not radius < 1:
        return []
    found = []
    for share in (0.2, 0.5, 0.8):
        rate = radius + share * (1 - radius)
        with warnings.catch_warnings():
            # An inexact weight gives other coordinates, in which the bound holds as well.
            warnings.simplefilter("ignore", LinAlgWarning)
            weight = solve_discrete_lyapunov((matrix / rate).T, np.eye(len(matrix)))
        values, vectors = np.linalg.eigh((weight + weight.T) / 2)
        if values[0] > 0:
            root = np.sqrt(values)
            found.append(Coordinates((vectors * root) @ vectors.T, (vectors / root) @ vectors.T))
    return found


def transformed_norms(steps: StepMap, change: Coordinates) -> Floats:
    """||S F_j (S^-1)^{⊗j}||_2 of every distinct step [kinds, d + 1]; bounds on them for steps of several stages."""
    if steps.stages is not None:
        series = composed_norms(steps, (change.forward, change.backward))
        return np.tile([0.0, np.inf], (int(kinds(steps)[1].max()) + 1, 1)) if series is None else series
    norms = np.zeros((len(steps.variants), steps.degree + 1))
    for i, variant in enumerate(steps.variants):
        for degree, part in enumerate(symmetric_parts(variant)):
            tensor = (change.forward @ part.toarray()).reshape((steps.size,) * (degree + 1))
            for _ in range(degree):
                # Each turn transforms the axis after the first and moves it to the end.
                tensor = np.tensordot(tensor, change.backward, axes=(1, 0))
            norms[i, degree] = np.linalg.norm(tensor.reshape(steps.size, -1), 2)
    return norms
