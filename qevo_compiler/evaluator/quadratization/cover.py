"""Let every monomial choose one of its options, so that the auxiliaries opened in all cost little.

A resource is a product that may get an auxiliary, and costs something once, when its first user comes. An option
is a set of at most two resources and a cost of its own. Monomials choose in turn, each the option that costs the
least given what the others chose; then they choose again, sweep by sweep, with noise that dies down: the noising
method of Charon and Hudry (Oper. Res. Lett. 14, 1993), which finds better covers than strict descent.

Options are not listed: those of a block of monomials are alike, so only the resources in their slots are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.llvm import address_of, compiled
from qevo_compiler.evaluator.quadratization.kernel import sweep_kernel
from qevo_compiler.evaluator.terms.memory import returned

Floats = NDArray[np.float64]
Counts = NDArray[np.int32]
Choices = NDArray[np.int8]
Sweep = Callable[..., int]

# Sweeps without noise at the end: they only descend, and stop when nothing changes.
SETTLING = 4
FIRST = 2
"""The number of the first resource that several options may name: 0 stands for all others, 1 is kept free."""


@dataclass(frozen=True)
class Slot:
    """What an option with a resource of one kind costs: `fixed` itself, `opening` for the resource's first user and
    `positive_opening` more for its first positive one. `reach` times |c| is what a negative coefficient c adds to
    the resource's largest coefficient, its load; a positive one adds c."""

    fixed: float
    opening: float
    positive_opening: float
    reach: float


@dataclass(frozen=True)
class Block:
    """Monomials with coefficients `weights` [m] whose options are alike but for their sign.

    First come `COMMON` options with `width` resources each, those of `common` [m, COMMON * width]; none for width 0.
    Then a positive monomial has one without resources, which costs `alone`. A negative one has an option for every
    column of `negative` [negative monomials, s], each with that resource. Resource 0 stands for any that no other
    option names.
    """

    weights: Floats
    width: int
    common: Counts
    common_slot: Slot
    alone: float
    negative: Counts
    negative_slots: Sequence[Slot]


@dataclass(frozen=True)
class Resources:
    """`named[r]` options name resource r (resource 0: 1, resource 1: none).

    Where `owned[r]`, it has a positive user before the search. The first `FIRST` are not owned.
    """

    named: Counts
    owned: NDArray[np.bool_]

    @property
    def count(self) -> int:
        return len(self.named)


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


def choose(blocks: Sequence[Block], resources: Resources, effort: Effort, sweep: Sweep | None = None) -> list[Choices]:
    """Search for a cheap choice: the number of each monomial's option, [m] of each block.

    The same input gives the same choice on every machine. Cost: (sweeps + a few) times the number of options; next
    to the input 16 bytes a resource are kept. `sweep` replaces the compiled sweep in tests.
    """
    choices = [np.full(len(block.weights), -1, np.int8) for block in blocks]
    if not any(map(len, choices)):
        return choices
    state = _state(resources)
    random = np.array([effort.seed], np.int64)
    shared = [resources.named, state, random]
    given = [_given(block, shared, choice, sweep is None) for block, choice in zip(blocks, choices, strict=True)]
    heats = _heats(effort)
    for number, heat in enumerate(heats):
        numbers = (int(number == 0), heat, effort.pull, effort.limit, effort.slope)
        changed = 0
        for block, (length, arrays) in zip(blocks, given, strict=True):
            run = sweep or compiled(sweep_kernel(block.width, heat > 0))
            changed += run(length, block.width, *numbers, *arrays)
        effort.progress((number + 1) / len(heats))
        if number > effort.sweeps and not changed:
            break
    effort.progress(1.0)
    return choices


def _state(resources: Resources) -> Counts:
    """Users, positive users and load (the two last numbers as one float) of every resource, side by side."""
    state = returned((resources.count, 4), np.int32)
    state[:, 0] = state[:, 1] = resources.owned
    return state


def _given(block: Block, shared: list[Any], choice: Choices, compiled: bool) -> tuple[int, list[Any]]:
    """What the sweep takes of a block, arrays by address: small problems are many short calls."""
    slot = block.common_slot
    costs = [slot.fixed, slot.opening, slot.positive_opening, slot.reach, block.alone]
    table = np.array([[s.fixed, s.opening, s.reach, 0.0] for s in block.negative_slots]).reshape(-1, 4)
    arrays = [table, block.weights, block.common, block.negative, *shared, choice]
    if compiled:
        arrays = [_Address(address_of(array), array) for array in arrays]
    return len(choice), [*costs, len(table), *arrays]


class _Address(int):
    """An address that keeps its array alive."""

    def __new__(cls, address: int, array: NDArray[Any]) -> _Address:
        made = super().__new__(cls, address)
        made._array = array
        return made

    _array: NDArray[Any]


def _heats(effort: Effort) -> list[float]:
    """No noise on the first pass, then from `heat` down to 0."""
    falling = [effort.heat * (1 - k / effort.sweeps) for k in range(effort.sweeps)]
    return [0.0, *falling, *[0.0] * SETTLING]
