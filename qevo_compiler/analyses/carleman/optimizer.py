"""Optimizers as step maps: a polynomial gradient and torch.optim.SGD's rule give an affine-polynomial state update.

State: the parameters, then (with momentum) one velocity each. Coupled weight decay lambda adds lambda theta to
the gradient; v' = beta v + (1 - tau) (g + lambda theta), with tau = 0 in the first step as torch has it;
theta' = theta - eta v', or theta - eta (g + lambda theta + beta v') with Nesterov's rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qevo_compiler.analyses.carleman.monomials import Floats, Ints
from qevo_compiler.analyses.carleman.stages import completed, kinds
from qevo_compiler.dialects.linear import Stages, StepMap
from qevo_compiler.dialects.poly import AffineMap, Polynomials, arithmetic
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.ir import Array

_ROUNDING = 1e-13

Mask = NDArray[np.bool_]


class Sampling(Enum):
    """Which minibatch a step uses: the parts of the data in turn, in a new order every epoch, or drawn at random."""

    CYCLIC = "cyclic"
    SHUFFLED = "shuffled"
    INDEPENDENT = "independent"


@dataclass(frozen=True)
class Sgd:
    """Hyper-parameters with torch's meaning; `rates` [T] is the learning rate of every step.

    `noise` is the standard deviation of a Gaussian added to each parameter in each step, drawn with `seed`.
    """

    rates: Floats
    momentum: float = 0.0
    nesterov: bool = False
    dampening: float = 0.0
    weight_decay: float = 0.0
    noise: float = 0.0
    seed: int = 0


def step_decay(rate: float, steps: int, every: int = 0, factor: float = 1.0) -> Floats:
    """The rates [T] of torch's StepLR: `rate` times `factor` for every `every` steps done; constant for 0."""
    done = np.arange(steps) // every if every else np.zeros(steps, np.int64)
    return rate * factor ** done.astype(np.float64)


def gradient(objective: Polynomials, variables: int) -> Polynomials:
    """The partial derivatives of a one-row polynomial, one row a variable. Cost: terms times degree."""
    blocks = []
    for block in objective.terms:
        names, values = block.variables.values, block.coefficients.values
        for slot in range(block.degree):
            # A power x^k stands k times in its list, so the slots add up to its factor k.
            blocks.append((names[:, slot], np.delete(names, slot, axis=1), values))
    return pack(variables, blocks)


def fold(gradients: Sequence[Polynomials], which: NDArray[np.integer], rule: Sgd) -> StepMap:
    """The step map of T steps, step t with the gradient `gradients[which[t]]` (n rows each).

    Its state has n coordinates, or 2 n with momentum. Equal steps share a variant.
    """
    shape = len(which), gradients[0].rows
    noise = np.random.default_rng(rule.seed).normal(0.0, rule.noise, shape) if rule.noise else None
    known: dict[tuple[int, float, bool], Polynomials] = {}
    steps = []
    for t, (batch, rate) in enumerate(zip(which.tolist(), rule.rates.tolist(), strict=True)):
        key = (batch, rate, t == 0 and rule.dampening != 0)
        if key not in known:
            known[key] = update(gradients[batch], rate, rule, key[2])
        steps.append(known[key] if noise is None else _shifted(known[key], noise[t]))
    return StepMap.from_steps(steps)


def batches(samples: int, size: int, steps: int, sampling: Sampling, seed: int) -> tuple[list[Ints], Ints]:
    """The distinct minibatches (rising sample numbers) and which of them each step uses [T].

    A size of 0 means all samples. Where the size does not divide the data the last batch is smaller.
    """
    if not 0 < size < samples:
        return [np.arange(samples)], np.zeros(steps, np.int64)
    count = -(-samples // size)
    rng = np.random.default_rng(seed)
    if sampling is Sampling.SHUFFLED:
        epochs = [rng.permutation(samples) for _ in range(-(-steps // count))]
        found = [np.sort(order[i * size : (i + 1) * size]) for order in epochs for i in range(count)]
        return found[:steps], np.arange(steps)
    parts = [np.arange(i * size, min((i + 1) * size, samples)) for i in range(count)]
    if sampling is Sampling.INDEPENDENT:
        return parts, rng.integers(count, size=steps)
    return parts, np.arange(steps) % count


def batch_objectives(samples: Polynomials, rest: Polynomials, chosen: Sequence[Ints]) -> list[Polynomials]:
    """The objective of each minibatch: the sum of `samples` [m rows] over it, times m / batch size, plus `rest`.

    The factor makes the average over a partition into equal batches the objective over all data.
    """
    found = []
    for batch in chosen:
        part = arithmetic.total(arithmetic.select(samples, batch))
        found.append(arithmetic.add(arithmetic.scale(part, samples.rows / len(batch)), rest))
    return found


def shift(steps: StepMap, by: ArrayLike) -> StepMap:
    """The map in the coordinates u = x - `by`: f(u + by) - by, recomputed exactly. Cost: terms times 2^degree.

    Activations move to the values that a step computes from `by`, each kind of step to its own: between steps they
    are at rest, so that nothing links one step's pivot of them to another's.
    """
    offset = np.where(steps.resting, np.asarray(by, np.float64), 0.0)
    if steps.stages is not None:
        return _staged_shift(steps, steps.stages, offset)
    if not offset.any():
        return steps
    return StepMap(tuple(_recentred(variant, offset) for variant in steps.variants), steps.which)


def _staged_shift(steps: StepMap, stages: Stages, offset: Floats) -> StepMap:
    sequences, which = kinds(steps)
    points = [completed(steps, sequence, offset) for sequence in sequences]
    if not any(point.any() for point in points):
        return steps
    live = stages.live.values > 0
    moved = [
        [_staged(steps.variants[i], point, live[i], steps.resting) for i in sequence.tolist()]
        for sequence, point in zip(sequences, points, strict=True)
    ]
    taken = [(kind, stage) for kind in which.tolist() for stage in range(stages.count)]
    masks = [live[sequences[kind, stage]] for kind, stage in taken]
    return StepMap.from_steps([moved[kind][stage] for kind, stage in taken], masks, stages.count)


def _staged(step: Polynomials, point: Floats, live: Mask, resting: Mask) -> Polynomials:
    """A sub-step about `point`: nothing for what is at rest after it, no constants that are rounding."""
    moved = _recentred(step, point) if point.any() else step
    moved = arithmetic.select(moved, np.where(live, np.arange(step.rows), -1))
    constants = moved.constants()
    most = _ROUNDING * max(1.0, float(np.abs(point).max()))
    small = np.where(~resting & (np.abs(constants) <= most), constants, 0.0)
    return arithmetic.add(moved, arithmetic.constants(-small)) if small.any() else moved


def without_rest(steps: StepMap, most: float) -> tuple[StepMap, float]:
    """The map with constants up to `most` in size set to zero, and the largest of them.

    At a fixed point found by iteration F_0 is rounding; without it the lift is block triangular.
    """
    largest = 0.0
    variants = []
    for step in steps.variants:
        constants = step.constants()
        small = np.where(np.abs(constants) <= most, constants, 0.0)
        largest = max(largest, float(np.abs(small).max(initial=0.0)))
        variants.append(arithmetic.add(step, arithmetic.constants(-small)) if small.any() else step)
    return (StepMap(tuple(variants), steps.which, steps.stages), largest) if largest else (steps, 0.0)


def _recentred(step: Polynomials, offset: Floats) -> Polynomials:
    n = step.rows
    affine = AffineMap(Array(offset), Array(np.arange(n + 1)), Array(np.arange(n, dtype=np.int32)), Array(np.ones(n)))
    return arithmetic.add(arithmetic.substitute(step, affine), arithmetic.constants(-offset))


def update(slope: Polynomials, rate: float, rule: Sgd, undamped: bool) -> Polynomials:
    """One step for a gradient [n rows] over any variables of which the first are parameters, then velocities.

    `undamped` is for the first step, in which torch does not dampen.
    """
    n = slope.rows
    theta = arithmetic.variables(np.arange(n))
    drift = arithmetic.add(slope, arithmetic.scale(theta, rule.weight_decay))
    if rule.momentum == 0:
        return arithmetic.add(theta, arithmetic.scale(drift, -rate))
    velocity = arithmetic.variables(np.arange(n, 2 * n))
    share = 1.0 if undamped else 1.0 - rule.dampening
    after = arithmetic.add(arithmetic.scale(velocity, rule.momentum), arithmetic.scale(drift, share))
    move = arithmetic.add(drift, arithmetic.scale(after, rule.momentum)) if rule.nesterov else after
    return arithmetic.stack([arithmetic.add(theta, arithmetic.scale(move, -rate)), after])


def _shifted(step: Polynomials, noise: Floats) -> Polynomials:
    padded = np.concatenate([noise, np.zeros(step.rows - len(noise))])
    return arithmetic.add(step, arithmetic.constants(padded))
