"""Training in chunks: lift, propagate K steps, download, re-centre, expand again, upload (`carleman.md` 4.4).

Each chunk lifts the Taylor polynomial of the loss about the downloaded weights. Three errors are kept apart: what the
lift's truncation loses against the polynomial's own descent, what the polynomial leaves out against the model's descent
from the same weights, and how far the whole is from training the model without any of this.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.carleman.aposteriori import iterate
from qevo_compiler.analyses.carleman.lift import lift, propagate
from qevo_compiler.analyses.hessian import Spectrum, stochastic_lanczos
from qevo_compiler.dialects import problem
from qevo_compiler.frontend.torch.hessian import HessianProduct
from qevo_compiler.frontend.torch.jet import LiveLoss, check_size, descend, jet_steps
from qevo_compiler.passes.base import Progress, ignore_progress

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Chunk:
    """One upload at step `first`: the spectrum there, and by step [K + 1] of the chunk the norms of the `truncation`
    error (lift against polynomial) and of the `remainder` (polynomial against model, from the same weights).

    `monomials` is the size of the lift.
    """

    first: int
    spectrum: Spectrum
    truncation: Floats
    remainder: Floats
    monomials: int

    @property
    def steps(self) -> int:
        return len(self.truncation) - 1


@dataclass(frozen=True)
class ChunkedTraining:
    """Live weights by step from the lifted system [T + 1, s] and from the model itself [T + 1, s], and the chunks."""

    states: Floats
    truth: Floats
    chunks: tuple[Chunk, ...]

    @property
    def errors(self) -> Floats:
        """||theta_lifted(t) - theta(t)|| [T + 1]."""
        return np.asarray(np.linalg.norm(self.states - self.truth, axis=1))


def train_in_chunks(
    live: LiveLoss,
    train: problem.TrainOp,
    order: int,
    every: int | None = None,
    degree: int = 3,
    most: int = 100,
    progress: Progress = ignore_progress,
) -> ChunkedTraining:
    """Train by lifted chunks of `every` steps (None: the turning point of the growth proxy, at most `most`).

    `degree` is that of the Taylor polynomials, `order` that of the lifts. The rule has no momentum: velocities would
    have to be downloaded, too. Raises `ValueError` for momentum, `CompileError` where an expansion is too large.
    """
    if train.momentum:
        raise ValueError("chunks have no momentum")
    check_size(len(live.start), degree)
    states = [live.start]
    chunks: list[Chunk] = []
    first = 0
    while first < train.steps:
        found, visited = _chunk(live, states[-1], train, order, every, degree, first, most)
        chunks.append(found)
        states += list(visited)
        first += found.steps
        progress("chunks", first / train.steps)
    return ChunkedTraining(np.array(states), descend(live, live.start, train), tuple(chunks))


def _chunk(
    live: LiveLoss,
    point: Floats,
    train: problem.TrainOp,
    order: int,
    every: int | None,
    degree: int,
    first: int,
    most: int,
) -> tuple[Chunk, Floats]:
    """The chunk from weights `point` at step `first`, and the lifted weights after each of its steps."""
    product = HessianProduct(live.traced, live.weights(point), live.masks)
    spectrum = stochastic_lanczos(product, product.size, probes=4, steps=product.size)
    period = spectrum.period(train.rate, most) if every is None else every
    local = replace(train, steps=min(period, train.steps - first))
    steps = jet_steps(live, point, local, degree, first)
    lifted = lift(steps, np.zeros(len(point)), order)
    ours = propagate(lifted, lifted.initial, steps.steps)[:, lifted.first_block]
    polynomial = iterate(steps, np.zeros(len(point)))
    model = descend(live, point, local, first) - point
    truncation = np.linalg.norm(ours - polynomial, axis=1)
    remainder = np.linalg.norm(polynomial - model, axis=1)
    return Chunk(first, spectrum, truncation, remainder, lifted.size), ours[1:] + point
