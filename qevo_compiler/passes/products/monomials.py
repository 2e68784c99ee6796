"""Packed monomials of one degree, and numbers for the sets of variables that they contain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Names = NDArray[np.int32]
Kept = NDArray[np.integer]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Monomials:
    """Multilinear monomials of one degree: `names` [m, degree] ascending and `weights` [m], both of any type."""

    names: Kept
    weights: NDArray[Any]

    @property
    def degree(self) -> int:
        return int(self.names.shape[1])

    @property
    def coefficients(self) -> Floats:
        """The weights as numbers to calculate with, for one reader."""
        return self.weights.astype(np.float64, copy=False)

    def __len__(self) -> int:
        return len(self.weights)

    def where(self, rows: Flags | Integers | Names) -> Monomials:
        return Monomials(self.names[rows], self.weights[rows])

    def coefficients_of(self, rows: Flags | Integers | Names) -> Floats:
        found: Floats = self.weights[rows].astype(np.float64, copy=False)
        return found

    def term(self) -> Term:
        return Term(tuple(self.names.T), self.coefficients)


@dataclass(frozen=True)
class Term:
    """Terms of degree at most 2 with their names column by column, in any order: arrays are shared, not copied."""

    columns: tuple[Kept, ...]
    coefficients: Floats

    @property
    def degree(self) -> int:
        return len(self.columns)

    def __len__(self) -> int:
        return len(self.coefficients)

    def made(self) -> Term:
        return self


@dataclass(frozen=True)
class Later:
    """`count` terms of one degree that are made when they are written, so that nothing of them is kept until then."""

    degree: int
    count: int
    made: Callable[[], Term]

    def __len__(self) -> int:
        return self.count


def by_degree(parts: list[Monomials]) -> list[Monomials]:
    """One block a degree, ascending, none empty."""
    found: dict[int, list[Monomials]] = {}
    for part in parts:
        if len(part):
            found.setdefault(part.degree, []).append(part)
    return [_joined(found[degree]) for degree in sorted(found)]


def _joined(parts: list[Monomials]) -> Monomials:
    if len(parts) == 1:
        return parts[0]
    return Monomials(np.concatenate([p.names for p in parts]), np.concatenate([p.weights for p in parts]))


def pair_keys(names: Kept) -> Integers:
    """For each monomial [m, d] the key `a << 32 | b` of every pair in it, [m, d (d - 1) / 2], as `triu_indices`."""
    left, right = np.triu_indices(names.shape[1], 1)
    keys: Integers = (names[:, left].astype(np.int64) << 32) | names[:, right]
    return keys


def pair_names(keys: Integers) -> Names:
    """The pairs [m, 2] of keys."""
    return np.stack([keys >> 32, keys & 0xFFFFFFFF], axis=1).astype(np.int32)


def set_keys(sets: Names) -> Integers:
    """A number for each set [m, k] of ascending names, in lexicographic order and equal for equal sets alone.

    Exact at any size: names are packed into 63 bits, and ranked when the next one does not fit.
    """
    keys = np.zeros(len(sets), np.int64)
    bits = max(int(sets.max(initial=0)).bit_length(), 1)
    room = 0
    for column in range(sets.shape[1]):
        if room + bits > 63:
            groups = grouped(keys)
            keys = groups.spread(np.arange(len(groups.starts), dtype=np.int32)).astype(np.int64)
            room = len(sets).bit_length()
        keys <<= bits
        keys |= sets[:, column]
        room += bits
    return keys


@dataclass(frozen=True)
class Groups:
    """Equal keys: their places one group after the other, ascending, and where each group starts among these."""

    order: Integers
    starts: Integers

    @property
    def counts(self) -> Integers:
        return np.diff(self.starts, append=len(self.order))

    @property
    def first(self) -> Integers:
        """Where each key occurs first."""
        found: Integers = self.order[self.starts]
        return found

    def spread(self, numbers: Names) -> Names:
        """For every key the number of its group."""
        found = np.empty(len(self.order), np.int32)
        found[self.order] = np.repeat(numbers, self.counts)
        return found


def grouped(keys: Integers) -> Groups:
    """Groups in the order of their keys; `keys` is used up.

    Leaner than `np.unique`: where key and place fit into 63 bits together they are sorted as one number.
    """
    bits = len(keys).bit_length()
    if int(keys.max(initial=0)).bit_length() + bits <= 63:
        keys <<= bits
        keys |= np.arange(len(keys))
        keys.sort()
        values = keys >> bits
        keys &= (1 << bits) - 1
        order = keys
    else:
        order = np.argsort(keys, kind="stable")
        values = keys[order]
    new = np.ones(len(keys), bool)
    np.not_equal(values[1:], values[:-1], out=new[1:])
    return Groups(order, np.flatnonzero(new))
