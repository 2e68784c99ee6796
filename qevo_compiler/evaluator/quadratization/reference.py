"""The sweep in plain Python, number for number the compiled one: for tests only, it is a thousand times slower."""

from __future__ import annotations

from typing import Any

_MASK = (1 << 64) - 1


def sweep(
    monomials: int,
    building: int,
    heat: float,
    pull: float,
    limit: float,
    slope: float,
    starts: Any,
    first: Any,
    second: Any,
    ways: Any,
    fixed: Any,
    weights: Any,
    kinds: Any,
    opening: Any,
    positive_opening: Any,
    reach: Any,
    named: Any,
    users: Any,
    positives: Any,
    strain: Any,
    choice: Any,
    state: Any,
) -> int:
    """One sweep; the arrays that change do so in place. Returns how many monomials changed their option."""
    word, changed = int(state[0]) & _MASK, 0

    def strained(r: int, weight: float) -> float:
        return weight if weight > 0 else -weight * float(reach[kinds[r]])

    def marginal(r: int, weight: float) -> float:
        cost = float(opening[kinds[r]]) if users[r] == 0 else 0.0
        cost = cost + (float(positive_opening[kinds[r]]) if weight > 0 and positives[r] == 0 else 0.0)
        over = float(strain[r]) + strained(r, weight) - limit
        cost = cost + slope * (over if over > 0 else 0.0)
        return cost - pull * (float(named[r]) * 0.1 if building else float(users[r]))

    def use(option: int, weight: float, sign: int) -> None:
        for r in (int(first[option]), int(second[option])):
            if r >= 0:
                users[r] += sign
                positives[r] += sign * (weight > 0)
                strain[r] += strained(r, weight) * sign

    for i in range(monomials):
        weight, old = float(weights[i]), int(choice[i])
        if old >= 0:
            use(old, weight, -1)
        best, least = int(starts[i]), float("inf")
        for option in range(int(starts[i]), int(starts[i + 1])):
            cost = float(fixed[ways[option]])
            for r in (int(first[option]), int(second[option])):
                if r >= 0:
                    cost += marginal(r, weight)
            if heat > 0:
                word ^= (word << 13) & _MASK
                word ^= word >> 7
                word ^= (word << 17) & _MASK
                cost += heat * ((word >> 11) * 2.0**-53)
            if cost < least:
                best, least = option, cost
        use(best, weight, 1)
        choice[i] = best
        changed += best != old
    state[0] = word - (1 << 64) if word >> 63 else word
    return changed
