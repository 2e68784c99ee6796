"""The rules by bounds: how large weights must be so that every infeasible state costs more than a feasible one.

Let f be the objective with the soft penalties and U an upper bound of its least feasible value: of f over the feasible
states (range), or its value at one of them (incumbent). At an infeasible state let the one-hot groups have a bits too
many in all, and e of them none, which costs at least a + e. Removing the surplus raises f by a D at most, setting a bit
in each empty group (the cheapest) by e R, and then f is at least L, its bound over states with one bit a group. So
f >= L - a D - e R. Likewise f >= L - a D with the bound over states with at most one, and f >= L with that over all.

A family whose violated rows are at least m in all (`dependent_rows`) takes the weight (U - L) / m, and if it makes up
groups the larger of D and R besides. The violated rows are at least as many as the m of any of them, so that the
first parts sum up to U - L at least, the others to a D + e R, and the energy is above U.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qevo_compiler.analyses.bounds import Groups, free_bounds, group_bounds, largest_drop, largest_rise
from qevo_compiler.dialects.ising import PenaltyRule
from qevo_compiler.dialects.poly import Polynomials


@dataclass(frozen=True)
class Need:
    """What a weight must exceed by a rule, and why in words, where there is more to say."""

    value: float
    rule: PenaltyRule
    why: str = ""


@dataclass(frozen=True)
class Share:
    """What the rules ask of a family: the fewest rows violated where one of its own is, and if it makes up groups."""

    least: int = 1
    grouped: bool = False


def bound_needs(
    objective: Polynomials, soft_high: float, groups: Groups, incumbent: float | None, families: Sequence[Share]
) -> list[Need]:
    """What the weight of each family must exceed; `soft_high` bounds the soft penalties, which are never negative."""
    low, high = (float(end[0]) for end in free_bounds(objective))
    lows = [(low, 0.0)]
    if not groups.is_none:
        lows += _grouped_lows(objective, groups)
        high = float(group_bounds(objective, groups)[1][0])
    upper, rule = high + soft_high, PenaltyRule.RANGE
    if incumbent is not None and incumbent < upper:
        upper, rule = incumbent, PenaltyRule.INCUMBENT
    found = [
        [(max(upper - low, 0.0) / family.least, most if family.grouped else 0.0) for family in families]
        for low, most in lows
    ]
    needs = min(found, key=lambda needs: max(spread + most for spread, most in needs))
    return [Need(sum(need), rule, _why(*need, family.least)) for need, family in zip(needs, families, strict=True)]


def _grouped_lows(objective: Polynomials, groups: Groups) -> list[tuple[float, float]]:
    """Bounds L of the objective with the most that it costs to get there from one violation of a group."""
    bits = len(groups.of_bit)
    grouped = groups.exact[groups.of_bit]
    drop = float(largest_drop(objective, bits)[grouped].max())
    rise = np.full(len(groups.size), np.inf)
    np.minimum.at(rise, groups.of_bit[grouped], largest_rise(objective, groups)[grouped])
    fill = float(rise[groups.exact].max())
    at_most_one, one = (float(group_bounds(objective, groups, exactly)[0][0]) for exactly in (False, True))
    return [(at_most_one, drop), (one, max(drop, fill))]


def _why(spread: float, most: float, least: int) -> str:
    parts = [f"{spread:g} for each of at least {least} rows that are violated together"] if least > 1 else []
    parts += [f"{most:g} for a bit of a group"] if most else []
    return " and ".join(parts)
