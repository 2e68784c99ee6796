"""The sweep in plain Python, number for number the compiled one: for tests only, it is a thousand times slower."""

from __future__ import annotations

from typing import Any

import numpy as np

from qevo_compiler.evaluator.quadratization.kernel import COMMON

_MASK = (1 << 64) - 1


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
    word, changed, row = int(random[0]) & _MASK, 0, 0
    load = state.view(np.float64)[:, 1]

    def strained(weight: float, reach: float) -> float:
        return weight if weight > 0 else -weight * reach

    def marginal(weight: float, r: int, opening: float, reach: float) -> float:
        cost = opening if state[r, 0] == 0 else 0.0
        cost = cost + (positive_opening if weight > 0 and state[r, 1] == 0 else 0.0)
        over = float(load[r]) + strained(weight, reach) - limit
        cost = cost + slope * (over if over > 0 else 0.0)
        return cost - pull * (float(named[r]) * 0.1 if building else float(state[r, 0]))

    for i in range(monomials):
        weight, old = float(weights[i]), int(choice[i])
        options = [
            (fixed, [(int(r), opening, reach) for r in common[i, j * width : (j + 1) * width]])
            for j in range(COMMON if width else 0)
        ]
        if weight > 0:
            options.append((alone, []))
        else:
            costs = table[:slots].tolist()
            options += [(c[0], [(int(r), c[1], c[2])]) for r, c in zip(negative[row], costs, strict=True)]
            row += 1

        def use(option: int, sign: int, weight: float = weight, options: Any = options) -> None:
            for r, _, reach in options[option][1]:
                if r:
                    state[r, 0] += sign
                    state[r, 1] += sign * (weight > 0)
                    load[r] += strained(weight, reach) * sign

        if old >= 0:
            use(old, -1)
        best, least = 0, float("inf")
        for option, (cost, named_here) in enumerate(options):
            for resource in named_here:
                cost += marginal(weight, *resource)
            if heat > 0:
                word ^= (word << 13) & _MASK
                word ^= word >> 7
                word ^= (word << 17) & _MASK
                cost += heat * ((word >> 11) * 2.0**-53)
            if cost < least:
                best, least = option, cost
        use(best, 1)
        choice[i] = best
        changed += best != old
    random[0] = word - (1 << 64) if word >> 63 else word
    return changed
