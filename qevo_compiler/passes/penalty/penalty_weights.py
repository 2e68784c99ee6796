"""What penalty weights are made of, and the choice between the rules for families that have none of their own."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.bounds import Groups
from qevo_compiler.dialects.ising import PenaltyRule
from qevo_compiler.dialects.poly import Polynomials, arithmetic
from qevo_compiler.passes.penalty.bound_rule import Need, Share, bound_needs
from qevo_compiler.passes.penalty.raise_rule import Lift
from qevo_compiler.passes.penalty.repair_rule import NO_PAIRS, Repair, repair_need

Integers = NDArray[np.int64]

# What a weight exceeds its proof's need by: far above the rounding of summed coefficients, and small, since
# samplers find better states the smaller weights are (docs/penalties.md has figures).
MARGIN = 1 / 64
# Few significant bits keep products of the weight with whole coefficients exact.
SIGNIFICANT_BITS = 8
CHEAP_TERMS = 1 << 14


@dataclass(frozen=True)
class Weight:
    """The weight of all hard penalties; `needed` is what the proof asks it to exceed, `why` how, where it says so."""

    value: float
    needed: float
    rule: PenaltyRule
    why: str = ""


@dataclass(frozen=True)
class OneHot:
    """The one-hot rows among the hard constraints.

    `first` labels the bits by a family of disjoint groups (-1: none) and `second` by another that crosses it.
    `complete` says that there are no other hard constraints, or only ones over other bits that can be repaired
    by themselves (see `flip_rule`), or `pairs` [pairs, 2] of bits that exclude each other, or rows that integers
    can be raised for, at the cost of `lifts` (see `raise_rule`).
    """

    first: Integers
    second: Integers
    complete: bool
    pairs: Integers = field(default_factory=lambda: NO_PAIRS)
    lifts: tuple[Lift, ...] = ()

    @property
    def groups(self) -> Groups:
        return Groups.of(len(self.first), self.first)

    def grid(self) -> Integers | None:
        """The bit that group i of the first and group j of the second family share, or None if they do not cross."""
        grouped = self.first >= 0
        side = int(self.first.max(initial=-1)) + 1
        # With one group a side the two rows are the same, and setting their bit saves P, not 2 P.
        if side < 2 or (grouped != (self.second >= 0)).any() or side != int(self.second.max()) + 1:
            return None
        bits = np.flatnonzero(grouped)
        if len(bits) != side * side:
            return None
        table = np.full((side, side), -1)
        table[self.first[bits], self.second[bits]] = bits
        return table if (table >= 0).all() else None


def shared_needs(
    objective: Polynomials,
    soft: Polynomials,
    soft_high: float,
    one_hot: OneHot,
    incumbent: Callable[[], float | None],
    families: Sequence[Share],
) -> list[Need]:
    """What each family's weight must exceed, all by one rule; only without a repair `incumbent` is asked.

    `objective` is to be minimised; `soft` is the energy of the soft penalties, never negative and at
    best at most `soft_high`; `incumbent` finds the value of both at a feasible state, or None.
    """
    repair = _repair_rule(objective, soft, one_hot)
    mended = [] if repair is None else [Need(repair.need, PenaltyRule.REPAIR, repair.why)] * len(families)
    if repair is not None and not is_cheap(objective):
        return mended
    feasible = incumbent() if repair is None or repair.why else None
    bounded = bound_needs(objective, soft_high, one_hot.groups, feasible, families)
    return min(mended or bounded, bounded, key=lambda needs: sorted((need.value for need in needs), reverse=True))


def is_cheap(objective: Polynomials) -> bool:
    """Whether bounds of the objective are worth their time beside a repair rule, which is nearly always smaller."""
    return len(objective) <= CHEAP_TERMS


def round_up(needed: float, size: float, margin: float = MARGIN) -> float:
    """A short number above `needed` by the margin; where any would do, one that widens no range of coefficients."""
    least = needed * (1 + margin) if needed > size * 2.0**-10 else size / 4
    if least <= 0:
        return 1.0
    unit = 2.0 ** (math.frexp(least)[1] - SIGNIFICANT_BITS)
    return math.ceil(least / unit) * unit


def largest(p: Polynomials) -> float:
    ends = (end for b in p.terms if b.degree for end in (b.coefficients.least, b.coefficients.most))
    return max(map(abs, ends), default=0.0)


def _repair_rule(objective: Polynomials, soft: Polynomials, one_hot: OneHot) -> Repair | None:
    if not one_hot.complete or not (one_hot.first >= 0).any():
        return None
    energy = arithmetic.add(objective, soft) if len(soft) else objective
    used = max((int(b.variables.values.max()) for b in energy.terms if b.degree), default=-1)
    bits = max(len(one_hot.first), used + 1)
    first, second = (_extended(labels, bits) for labels in (one_hot.first, one_hot.second))
    return repair_need(energy, first, second, one_hot.pairs, one_hot.lifts)


def _extended(labels: Integers, bits: int) -> Integers:
    return np.concatenate([labels, np.full(bits - len(labels), -1)])
