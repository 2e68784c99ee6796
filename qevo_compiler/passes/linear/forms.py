"""Two polynomial forms of a step of training, expanded in the weights or with activations as state, and their sizes.

Either is exact, and cutting off above degree N costs both the same order of accuracy; what differs is how many numbers
a lifted step has. Expanded, a net of depth L with squares has steps of degree 2^(L+1) - 3 in all its weights; with
activations as state every sub-step is quadratic and couples few coordinates, but there are more of both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qevo_compiler.analyses.carleman.lift import BasisTooLarge, lift
from qevo_compiler.analyses.carleman.monomials import Floats
from qevo_compiler.analyses.carleman.optimizer import shift
from qevo_compiler.dialects.linear import StepMap
from qevo_compiler.dialects.problem import Pivot

# Monomials of the lifts that are compared, and the order at which they are where a tolerance decides on it later.
_MOST = 20_000
_ORDER = 2
# Terms that moving a step to another point may make: 2^degree for each.
_MOVED = 20_000_000


@dataclass(frozen=True)
class Form:
    """The steps, the names of coordinates after weights and velocities, and the size of a lifted step of order N:
    `monomials`, and the nonzeros of its sub-steps' matrices. None: more than 20,000 monomials, or not `movable`:
    too many terms to be expanded about a pivot."""

    steps: StepMap
    names: tuple[str, ...]
    order: int
    monomials: int | None = None
    nonzeros: int = 0
    movable: bool = True

    @property
    def numbers(self) -> float:
        """What one step adds to the history system: unknowns of its sub-steps and their entries."""
        if self.monomials is None:
            return np.inf
        return float(self.monomials * self.steps.stage_count + self.nonzeros)

    def describe(self) -> str:
        """The size in words."""
        steps = self.steps
        shape = f"{steps.size} coordinates, degree {steps.degree}"
        if steps.stages:
            shape += f", {steps.stage_count} sub-steps"
        if not self.movable:
            terms = sum(map(len, steps.variants[0].terms))
            return f"{shape}, {terms:,} terms, too many to move to a pivot"
        if self.monomials is None:
            return f"{shape}, over {_MOST:,} monomials"
        return f"{shape}, {self.monomials:,} monomials, {self.nonzeros:,} entries a step"


def sized(steps: StepMap, names: tuple[str, ...], order: int | None, pivot: Pivot, start: Floats) -> Form:
    """The form with its size at `order`, about the origin or about the start [weights and velocities]."""
    chosen = _ORDER if order is None else order
    point = np.zeros(steps.size)
    if pivot is not Pivot.ORIGIN:
        point[: len(start)] = start
    # One step is enough to see the size of all.
    first = steps.window(0, steps.stage_count)
    if sum(len(block) << block.degree for variant in first.variants for block in variant.terms) > _MOVED:
        return Form(steps, names, chosen, movable=False)
    local = shift(first, point)
    try:
        lifted = lift(local, np.zeros(steps.size), chosen, most=_MOST)
    except BasisTooLarge:
        return Form(steps, names, chosen)
    entries = sum(lifted.matrices[variant].nnz for variant in lifted.which.tolist())
    return Form(steps, names, chosen, lifted.size, int(entries))


def explanation(chosen: Form, other: Form | None, reason: str) -> str:
    """Both sizes in a sentence; `other` None: it was not formed, for the given `reason`."""
    words = {True: "activations as state", False: "weights expanded"}
    here, there = (words[chosen.steps.stages is not None], words[chosen.steps.stages is None])
    beside = f"{there}: {reason}" if other is None else f"{there}: {other.describe()}"
    return f"order {chosen.order}, {here}: {chosen.describe()}; {beside}"
