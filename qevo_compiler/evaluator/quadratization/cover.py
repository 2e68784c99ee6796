"""Let every monomial choose one of its options, so that the auxiliaries opened in all cost little.

A resource is a product that may get an auxiliary, and costs something once, when its first user comes. An option
is a set of at most two resources and a cost of its own. Monomials choose in turn, each the option that costs the
least given what the others chose; then they choose again, sweep by sweep, with noise that dies down: the noising
method of Charon and Hudry (Oper. Res. Lett. 14, 1993), which finds better covers than strict descent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.llvm import address_of, compiled
from qevo_compiler.evaluator.quadratization.kernel import sweep_kernel

Floats = NDArray[np.float64]
Counts = NDArray[np.int32]
Kinds = NDArray[np.int16]
Sweep = Callable[..., int]

# Sweeps without noise at the end: they only descend, and stop when nothing changes.
SETTLING = 4


@dataclass(frozen=True)
class Options:
    """Monomial i has the options `starts[i] .. starts[i + 1]` and the coefficient `weights[i]`.

    Option k uses the resources `first[k]` and `second[k]` (-1: none) and costs `fixed[kinds[k]]` itself.
    """

    starts: NDArray[np.int64]
    first: Counts
    second: Counts
    kinds: Kinds
    fixed: Floats
    weights: Floats


@dataclass(frozen=True)
class Resources:
    """What each kind of resource costs when it is opened, and more when its first positive user comes.

    Resource r is of kind `kinds[r]`. `users` and `positives` count the users that it has before the search and keeps.
    The kind's `reach` times |c| is what a negative coefficient c adds to the resource's largest coefficient, its
    `load`; a positive one adds c.
    """

    kinds: Kinds
    opening: Floats
    positive_opening: Floats
    reach: Floats
    users: Counts
    positives: Counts

    @property
    def count(self) -> int:
        return len(self.kinds)


@dataclass(frozen=True)
class Effort:
    """How to search: noisy sweeps after the first pass, the noise's size at first (in units of cost), the seed.

    Every user of a resource makes it `pull` cheaper, so that ties go to what is shared already. Load beyond
    `limit` costs `slope` a unit. Progress goes to `progress`, as a share of the sweeps.
    """

    sweeps: int = 100
    heat: float = 0.8
    pull: float = 0.02
    limit: float = float("inf")
    slope: float = 0.0
    seed: int = 0x2545F4914F6CDD1D
    progress: Callable[[float], None] = lambda share: None


@dataclass(frozen=True)
class Cover:
    """The option that each monomial chose, and how many users each resource has in the end."""

    choice: Counts
    users: Counts


def choose(options: Options, resources: Resources, effort: Effort, sweep: Sweep | None = None) -> Cover:
    """Search for a cheap choice; the same input gives the same choice on every machine.

    Cost: (sweeps + a few) times the number of options. `sweep` replaces the compiled sweep in tests.
    """
    monomials = len(options.weights)
    choice = np.full(monomials, -1, np.int32)
    users, positives = resources.users.astype(np.int32), resources.positives.astype(np.int32)
    if not monomials:
        return Cover(choice, users)
    run: Sweep = sweep or compiled(sweep_kernel())
    load = np.zeros(max(resources.count, 1))
    state = np.array([effort.seed], np.int64)
    arrays = (options.starts, options.first, options.second, options.kinds, options.fixed, options.weights)
    costs = (resources.kinds, resources.opening, resources.positive_opening, resources.reach)
    named = _named(options, resources.count)
    given: list[Any] = [*arrays, *costs, named, users, positives, load, choice, state]
    if sweep is None:
        # Small problems are many short calls: addresses are looked up once.
        given = [address_of(array) for array in given]
    heats = _heats(effort)
    for number, heat in enumerate(heats):
        building = int(choice[0] < 0)
        numbers = (heat, effort.pull, effort.limit, effort.slope)
        changed = run(monomials, building, *numbers, *given)
        effort.progress((number + 1) / len(heats))
        if number > effort.sweeps and not changed:
            break
    effort.progress(1.0)
    return Cover(choice, users)


def _heats(effort: Effort) -> list[float]:
    """No noise on the first pass, then from `heat` down to 0."""
    falling = [effort.heat * (1 - k / effort.sweeps) for k in range(effort.sweeps)]
    return [0.0, *falling, *[0.0] * SETTLING]


def _named(options: Options, count: int) -> Counts:
    """How many options name each resource."""
    named = np.zeros(count + 1, np.int32)
    for part in (options.first, options.second):
        named += np.bincount(part + np.int32(1), minlength=count + 1)
    return named[1:]
