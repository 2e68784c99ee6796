"""Take common parts out of monomials of degree 5 and more, while that costs less than writing each alone.

Each round weighs all pairs of bits at once by what an auxiliary for them would save, and opens those that most
of their monomials prefer. Where all of these are negative, the whole part that they have in common becomes one
product (Fix, Gruber, Boros and Zabih 2011), since an auxiliary for a product of any size is then quadratic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qevo_compiler.passes.products.costs import Weights
from qevo_compiler.passes.products.draft import Draft
from qevo_compiler.passes.products.monomials import (
    Flags,
    Floats,
    Integers,
    Monomials,
    Names,
    by_degree,
    pair_keys,
    pair_names,
)

HIGH = 5
_SCRAMBLE = np.int64(0x9E3779B97F4A7C15 - (1 << 64))
_TINY = 1e-9


@dataclass(frozen=True)
class Pairs:
    """Pairs that have an auxiliary: their keys, ascending, and their auxiliaries' numbers."""

    keys: Integers
    numbers: Names

    @staticmethod
    def none() -> Pairs:
        return Pairs(np.zeros(0, np.int64), np.zeros(0, np.int32))

    def find(self, keys: Integers) -> Integers:
        """The place of each key among the pairs, -1 where it is not one."""
        at = np.minimum(np.searchsorted(self.keys, keys), max(len(self.keys) - 1, 0))
        return np.where(self.keys[at] == keys, at, -1) if len(self.keys) else np.full(len(keys), -1)

    def of(self, pairs: Names) -> Names:
        """The auxiliary of each pair [m, 2], -1 where it has none."""
        found = np.full(len(pairs), -1, np.int32)
        if len(self.keys):
            known = self.find((pairs[:, 0].astype(np.int64) << 32) | pairs[:, 1])
            found[known >= 0] = self.numbers[known[known >= 0]]
        return found

    def with_new(self, keys: Integers, numbers: Names) -> Pairs:
        order = np.argsort(merged := np.concatenate([self.keys, keys]))
        return Pairs(merged[order], np.concatenate([self.numbers, numbers])[order])


@dataclass(frozen=True)
class _Groups:
    """The monomials by the pair that each prefers.

    Group g has the pair `keys[g]`, which `users[g]` monomials contain and `wins[g]` prefer, one of them positive
    where `positive[g]`. What is taken out are the bits `members[starts[g] : starts[g + 1]]`: the pair, or all that
    the group has in common where it is negative. `ranks` is the group of each monomial, block by block.
    """

    keys: Integers
    users: Integers
    wins: Integers
    positive: Flags
    starts: Integers
    members: Names
    ranks: list[Integers]

    @property
    def sizes(self) -> Integers:
        return np.diff(self.starts)

    def parts(self, groups: Integers, size: int) -> Names:
        """The members of groups that have `size` of them, [groups, size]."""
        found: Names = self.members[self.starts[groups][:, None] + np.arange(size)]
        return found


def share(blocks: Sequence[Monomials], draft: Draft, weights: Weights) -> tuple[list[Monomials], Pairs]:
    """Blocks of any degree with common parts of the high ones replaced by auxiliaries of `draft`, and its pairs.

    Cost: d (d - 1) / 2 keys to sort for a monomial of degree d in each round; a round lowers degrees.
    """
    low = [block for block in blocks if block.degree < HIGH]
    high = by_degree([block for block in blocks if block.degree >= HIGH])
    hints = _hints(low, weights) if high else None
    opened, agreement = Pairs.none(), 0.5
    while high and hints is not None:
        groups = _groups(high, hints, weights)
        taken = _accepted(high, groups, opened, weights, agreement)
        if taken.any():
            done, opened = _open(high, groups, taken, opened, draft)
            agreement = 0.5
            low += [block for block in done if block.degree < HIGH]
            high = by_degree([block for block in done if block.degree >= HIGH])
        elif agreement:
            agreement = 0.0
        else:
            break
    return by_degree([*low, *high]), opened


def _hints(low: Sequence[Monomials], weights: Weights) -> tuple[Pairs, Floats]:
    """Pairs of the low monomials and what an auxiliary would save these."""
    keys, savings = [np.zeros(0, np.int64)], [np.zeros(0)]
    for block in low:
        if block.degree > 2:
            found = pair_keys(block.names)
            keys.append(found.reshape(-1))
            savings.append(np.repeat(_savings(block, 2, weights), found.shape[1]))
    unique, place = np.unique(np.concatenate(keys), return_inverse=True)
    worth = np.bincount(place, np.concatenate(savings), len(unique)).astype(np.float64)
    return Pairs(unique, np.zeros(0, np.int32)), worth


def _savings(block: Monomials, size: int | Integers, weights: Weights) -> Floats:
    """What each monomial saves when a part of `size` bits becomes one bit."""
    degree = block.degree
    cost = np.array([[weights.alone(d, sign) for d in range(degree + 1)] for sign in (False, True)])
    sign = (block.weights > 0).astype(np.int64)
    saved: Floats = cost[sign, degree] - cost[sign, degree - np.asarray(size) + 1]
    return saved


def _groups(high: Sequence[Monomials], hints: tuple[Pairs, Floats], weights: Weights) -> _Groups:
    keys = [pair_keys(block.names) for block in high]
    flat = np.concatenate([found.reshape(-1) for found in keys])
    unique, place, users = np.unique(flat, return_inverse=True, return_counts=True)
    savings = [np.repeat(_savings(b, 2, weights), k.shape[1]) for b, k in zip(high, keys, strict=True)]
    worth = np.bincount(place, np.concatenate(savings), len(unique))
    hinted = hints[0].find(unique)
    worth += np.where(hinted >= 0, np.append(hints[1], 0.0)[hinted], 0.0)
    # Ties by a scrambled key: in key order, long chains of neighbours would take one round each.
    priority = np.empty(len(unique), np.int64)
    priority[np.lexsort([unique * _SCRAMBLE, np.round(worth, 9)])] = np.arange(len(unique))
    ranks, start = [], 0
    for found in keys:
        here = place[start : start + found.size].reshape(found.shape)
        start += found.size
        ranks.append(here[np.arange(len(here)), np.argmax(priority[here], axis=1)])
    every, coefficients = np.concatenate(ranks), np.concatenate([block.coefficients for block in high])
    wins = np.bincount(every, minlength=len(unique))
    positive = np.bincount(every, coefficients > 0, len(unique)) > 0
    starts, members = _members(high, ranks, unique, np.where(positive | (wins < 2), 0, wins))
    return _Groups(unique, users, wins, positive, starts, members, ranks)


def _members(
    high: Sequence[Monomials], ranks: list[Integers], keys: Integers, shared: Integers
) -> tuple[Integers, Names]:
    """The pair of every group, or all that its monomials have in common where it has `shared[g] > 0` of them."""
    owner = [np.arange(len(keys)).repeat(2)[np.repeat(shared == 0, 2)]]
    names = [pair_names(keys[shared == 0]).reshape(-1)]
    found = [
        ((rank[:, None] << 32) | block.names)[shared[rank] > 0].reshape(-1)
        for block, rank in zip(high, ranks, strict=True)
    ]
    unique, counts = np.unique(np.concatenate(found), return_counts=True)
    common = unique[counts == shared[unique >> 32]]
    owner.append(common >> 32)
    names.append((common & 0xFFFFFFFF).astype(np.int32))
    order = np.argsort(np.concatenate(owner), kind="stable")
    sizes = np.bincount(np.concatenate(owner), minlength=len(keys))
    return np.concatenate([[0], np.cumsum(sizes)]), np.concatenate(names)[order]


def _accepted(high: Sequence[Monomials], groups: _Groups, opened: Pairs, weights: Weights, agreement: float) -> Flags:
    """Which groups have most of their pair's monomials and pay for their auxiliary."""
    sizes = groups.sizes
    saved = [_savings(block, sizes[ranks], weights) for block, ranks in zip(high, groups.ranks, strict=True)]
    gain = np.bincount(np.concatenate(groups.ranks), np.concatenate(saved), len(groups.keys))
    cost = np.where(groups.positive, weights.pair(True), 1 + weights.coupling * sizes)
    cost[(opened.find(groups.keys) >= 0) & (sizes == 2)] = 0.0
    accepted: Flags = (gain >= cost - _TINY) & (groups.wins > 0) & (groups.wins >= agreement * groups.users)
    return accepted


def _open(
    high: Sequence[Monomials], groups: _Groups, taken: Flags, opened: Pairs, draft: Draft
) -> tuple[list[Monomials], Pairs]:
    """The blocks with what was taken replaced by auxiliaries; the other monomials stay as they are."""
    number, sizes = np.full(len(groups.keys), -1, np.int32), groups.sizes
    known = opened.find(groups.keys)
    reused = taken & (sizes == 2) & (known >= 0)
    number[reused] = opened.numbers[known[reused]]
    for size in np.unique(sizes[taken & ~reused]).tolist():
        new = np.flatnonzero(taken & ~reused & (sizes == size))
        number[new] = draft.products(groups.parts(new, size))
    pairs = np.flatnonzero(taken & ~reused & (sizes == 2))
    opened = opened.with_new(groups.keys[pairs], number[pairs])
    done: list[Monomials] = []
    for block, ranks in zip(high, groups.ranks, strict=True):
        done.append(block.where(number[ranks] < 0))
        for size in np.unique(sizes[ranks[number[ranks] >= 0]]).tolist():
            rows = np.flatnonzero((number[ranks] >= 0) & (sizes[ranks] == size))
            parts = groups.parts(ranks[rows], size)
            draft.carry(number[ranks[rows]], block.coefficients_of(rows))
            done.append(_replaced(block.where(rows), parts, number[ranks[rows]]))
    return [block for block in done if len(block)], opened


def _replaced(block: Monomials, parts: Names, z: Names) -> Monomials:
    """The monomials with their `parts` [m, k] taken out and z [m] put in, ascending."""
    inside = (block.names[:, :, None] == parts[:, None, :]).any(axis=2)
    rest = block.names[~inside].reshape(len(block), block.degree - parts.shape[1])
    return Monomials(np.sort(np.column_stack([rest, z]), axis=1).astype(np.int32), block.weights)
