"""The sweep in plain Python, number for number the compiled one; a thousand times slower."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from qevo_compiler.evaluator.quadratization.kernel import COMMON

_MASK = (1 << 64) - 1


Named = tuple[int, float, float]
"""A resource, what opening it costs, and the reach of a negative weight on it."""


def sweep(
    monomials: int,
    width: int,
    building: int,
    heat: float,
    pull: float,
    limit: float,
    slope: float,
    fixed: float,
    opening: float,
    positive_opening: float,
    reach: float,
    alone: float,
    slots: int,
    table: Any,
    weights: Any,
    common: Any,
    negative: Any,
    named: Any,
    state: Any,
    random: Any,
    choice: Any,
) -> int:
    """One sweep over a block; the arrays that change do so in place. Returns how many changed their option."""
    resources = _Resources(pull, limit, slope, positive_opening, bool(building), named, state)
    random_numbers = _Random(int(random[0]) & _MASK)
    changed, row = 0, 0
    for i in range(monomials):
        weight, old = float(weights[i]), int(choice[i])
        shared = common[i, : COMMON * width].reshape(-1, max(width, 1))
        options: list[tuple[float, list[Named]]] = [(fixed, [(int(r), opening, reach) for r in own]) for own in shared]
        if weight > 0:
            options.append((alone, []))
        else:
            costs = table[:slots].tolist()
            options += [(c[0], [(int(r), c[1], c[2])]) for r, c in zip(negative[row], costs, strict=True)]
            row += 1
        if old >= 0:
            resources.use(options[old][1], weight, -1)
        best, least = 0, float("inf")
        for option, (cost, resource_list) in enumerate(options):
            for each in resource_list:
                cost += resources.marginal(weight, *each)
            if heat > 0:
                cost += heat * random_numbers.next()
            if cost < least:
                best, least = option, cost
        resources.use(options[best][1], weight, 1)
        choice[i] = best
        changed += best != old
    random[0] = random_numbers.signed()
    return changed


@dataclass
class _Resources:
    """Users, positive users and load of every resource, and what one more user of it costs."""

    pull: float
    limit: float
    slope: float
    positive_opening: float
    building: bool
    named: Any
    state: Any

    @property
    def load(self) -> Any:
        return self.state.view(np.float64)[:, 1]

    def marginal(self, weight: float, r: int, opening: float, reach: float) -> float:
        users, positives = self.state[r, :2]
        cost = opening if users == 0 else 0.0
        cost = cost + (self.positive_opening if weight > 0 and positives == 0 else 0.0)
        over = float(self.load[r]) + _strained(weight, reach) - self.limit
        cost = cost + self.slope * (over if over > 0 else 0.0)
        return cost - self.pull * (float(self.named[r]) * 0.1 if self.building else float(users))

    def use(self, resources: list[Named], weight: float, sign: int) -> None:
        """Take up (1) or give back (-1); resource 0 stands for none."""
        for r, _, reach in resources:
            if r:
                self.state[r, 0] += sign
                self.state[r, 1] += sign * (weight > 0)
                self.load[r] += _strained(weight, reach) * sign


class _Random:
    """The kernel's xorshift generator."""

    def __init__(self, word: int) -> None:
        self._word = word

    def next(self) -> float:
        """A number in [0, 1)."""
        word = self._word
        word ^= (word << 13) & _MASK
        word ^= word >> 7
        word ^= (word << 17) & _MASK
        self._word = word
        return (word >> 11) * 2.0**-53

    def signed(self) -> int:
        return self._word - (1 << 64) if self._word >> 63 else self._word


def _strained(weight: float, reach: float) -> float:
    return weight if weight > 0 else -weight * reach
