"""What a monomial costs that shares nothing: auxiliaries + w1 * couplings, the least over the ways to write it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from qevo_compiler.passes.products.gadgets import log_auxiliaries


@dataclass(frozen=True)
class Weights:
    """The cost of a cover in auxiliaries: 1 each, `coupling` a coupling, `range` a doubling of the range."""

    coupling: float
    range: float

    def pair(self, positive: bool) -> float:
        """What an auxiliary for a pair costs; its own coupling exists only for positive coefficients."""
        return 1 + self.coupling * (3 if positive else 2)

    def product(self, size: int) -> float:
        """What an auxiliary costs that negative coefficients alone share."""
        return 1 + self.coupling * size

    def positive_alone(self, degree: int) -> float:
        """The private gadget with fewer auxiliaries; see `gadgets`."""
        count = min((degree - 1) // 2, log_auxiliaries(degree))
        couplings = degree * (degree - 1) // 2 + count * degree
        if count < (degree - 1) // 2:
            couplings += count * (count - 1) // 2
        return count + self.coupling * couplings

    def alone(self, degree: int, positive: bool) -> float:
        """The least cost of one monomial: a private gadget, or one pair less and the rest alone."""
        return _alone(self, degree, positive)


@lru_cache(maxsize=4096)
def _alone(weights: Weights, degree: int, positive: bool) -> float:
    if degree <= 2:
        return weights.coupling * (degree - 1) if degree else 0.0
    if not positive:
        return weights.product(degree)
    cost = weights.coupling
    for size in range(3, degree + 1):
        cost = min(weights.pair(True) + cost, weights.positive_alone(size))
    return cost
