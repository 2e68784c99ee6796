"""Choose which products of two bits to give an auxiliary, until no monomial has more than two bits.

Each round counts, for all pairs at once, in how many high monomials they occur, and takes the pairs that
are the most shared one in all of their monomials. These do not touch each other, so a round does what
taking the most shared pair again and again would do, many pairs at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Names = NDArray[np.int32]
Integers = NDArray[np.int64]

# Beyond these rounds a pair is taken when half of its monomials prefer it.
STRICT_ROUNDS = 256
_SCRAMBLE = np.int64(0x9E3779B97F4A7C15 - (1 << 64))
_MASK = np.int64((1 << 62) - 1)


@dataclass(frozen=True)
class Monomials:
    """Multilinear monomials of one degree: `names` [m, degree] ascending, `coefficients` [m]."""

    names: Names
    coefficients: Floats


@dataclass(frozen=True)
class Split:
    """What the rounds leave: monomials of degree at most 2 and the auxiliaries' factors [count, 2]."""

    quadratic: list[Monomials]
    factors: Names


class TooMany(Exception):
    """More auxiliaries would be needed than allowed."""


def split_products(high: Sequence[Monomials], bits: int, limit: int) -> Split:
    """Replace pairs by auxiliaries numbered from `bits` on until all monomials are quadratic.

    For z := ab carrying the terms T z, with positive coefficients summing to P and negative to -N, the gadget

        P (ab - az - bz + z) + N (2z - az - bz)

    makes min over z equal ab T: at ab = 1 it is P (1 - z), and T <= P; at ab = 0, z = 1 it is at least
    N, and T >= -N. Raises `TooMany` beyond `limit`. A round costs one sort of d (d - 1) / 2 keys a monomial.
    """
    quadratic: list[Monomials] = []
    factors: list[Names] = []
    count = rounds = 0
    while high:
        pairs = _pairs(high, bits + count)
        chosen, share = _choose(pairs, 1.0 if rounds < STRICT_ROUNDS else 0.5)
        rounds += 1
        count += len(chosen)
        if count > limit:
            raise TooMany
        names = np.stack(np.divmod(chosen, bits + count - len(chosen)), axis=1).astype(np.int32)
        high, low, carried = _replace(high, share, names, bits + count - len(chosen))
        quadratic += low
        quadratic += _gadgets(names, bits + count - len(chosen), *carried)
        factors.append(names)
    return Split(quadratic, np.concatenate(factors) if factors else np.zeros((0, 2), np.int32))


def _pairs(high: Sequence[Monomials], total: int) -> list[Integers]:
    """For every block the keys a * total + b of all pairs of each monomial, [m, d (d - 1) / 2]."""
    keys = []
    for block in high:
        left, right = np.triu_indices(block.names.shape[1], 1)
        keys.append(block.names[:, left].astype(np.int64) * total + block.names[:, right])
    return keys


def _choose(pairs: list[Integers], agreement: float) -> tuple[Integers, list[Integers]]:
    """The keys to give an auxiliary, and for every monomial of each block its column and key rank (column -1: none)."""
    keys, place, counts = np.unique(
        np.concatenate([p.reshape(-1) for p in pairs]), return_inverse=True, return_counts=True
    )
    # Ties by a scrambled key: in key order, long chains of neighbours would take one round each.
    priority = np.empty(len(keys), np.int64)
    priority[np.lexsort([keys * _SCRAMBLE & _MASK, counts])] = np.arange(len(keys))
    bests, start = [], 0
    for block in pairs:
        ranks = place[start : start + block.size].reshape(block.shape)
        start += block.size
        column = np.argmax(priority[ranks], axis=1)
        bests.append(np.stack([column, ranks[np.arange(len(ranks)), column]]))
    wins = np.bincount(np.concatenate([rank for _, rank in bests]), minlength=len(keys))
    taken = wins >= agreement * counts
    number = np.cumsum(taken) - 1
    share = [np.stack([np.where(taken[rank], column, -1), number[rank]]) for column, rank in bests]
    return keys[taken], share


def _replace(
    high: Sequence[Monomials], share: list[Integers], names: Names, first: int
) -> tuple[list[Monomials], list[Monomials], tuple[Floats, Floats]]:
    """Monomials with their pair replaced, split into still high and quadratic; and P and N of each auxiliary."""
    positive, negative = np.zeros(len(names)), np.zeros(len(names))
    still: dict[int, list[Monomials]] = {}
    low: list[Monomials] = []
    for block, (column, number) in zip(high, share, strict=True):
        degree, taken = block.names.shape[1], column >= 0
        if not taken.all():
            still.setdefault(degree, []).append(Monomials(block.names[~taken], block.coefficients[~taken]))
        if not taken.any():
            continue
        coefficients, product = block.coefficients[taken], number[taken]
        positive += np.bincount(product, np.maximum(coefficients, 0), len(names))
        negative += np.bincount(product, np.maximum(-coefficients, 0), len(names))
        rest = _without_pair(block.names[taken], column[taken])
        # Auxiliaries have the highest numbers, so the monomial stays ascending.
        replaced = Monomials(np.column_stack([rest, (product + first).astype(np.int32)]), coefficients)
        (still.setdefault(degree - 1, []) if degree > 3 else low).append(replaced)
    return [_joined(still[degree]) for degree in sorted(still)], low, (positive, negative)


def _without_pair(names: Names, column: Integers) -> Names:
    degree = names.shape[1]
    left, right = np.triu_indices(degree, 1)
    keep = np.ones((len(left), degree), bool)
    keep[np.arange(len(left)), left] = False
    keep[np.arange(len(left)), right] = False
    return names[keep[column]].reshape(len(names), degree - 2)


def _joined(parts: list[Monomials]) -> Monomials:
    names, coefficients = ([getattr(part, field) for part in parts] for field in ("names", "coefficients"))
    return parts[0] if len(parts) == 1 else Monomials(np.concatenate(names), np.concatenate(coefficients))


def _gadgets(names: Names, first: int, positive: Floats, negative: Floats) -> list[Monomials]:
    z = np.arange(first, first + len(names), dtype=np.int32)
    pull = -(positive + negative)
    return [
        Monomials(names, positive),
        Monomials(np.stack([names[:, 0], z], axis=1), pull),
        Monomials(np.stack([names[:, 1], z], axis=1), pull),
        Monomials(z[:, None], positive + 2 * negative),
    ]
