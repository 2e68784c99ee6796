"""Monomials of bounded degree as arrays: enumeration, isometric weights, evaluation, multiplication by a variable.

A monomial is its ascending list of variable numbers, padded with -1 at the end. Monomials are ordered by
degree, then lexicographically: for two variables 1, (0), (1), (0,0), (0,1), (1,1). Every function works on
whole degree blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import comb

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ints = NDArray[np.int64]
Small = NDArray[np.int32]
Floats = NDArray[np.float64]


def basis_size(variables: int, order: int) -> int:
    """How many monomials of degree at most `order` there are: C(n + N, N), the constant included."""
    return comb(variables + order, order)


def tensor_size(variables: int, order: int) -> int:
    """The dimension of the tensor form, sum of n^k for k = 0..N."""
    return sum(variables**k for k in range(order + 1))


@dataclass(frozen=True)
class FullBasis:
    """All monomials in `variables` variables of degree at most `order`, the constant first.

    `starts` [N + 2] are the first positions of the degrees. For a monomial of positive degree, `last` is its
    largest variable and `parent` the position of the rest (both 0 for the constant).
    """

    variables: int
    order: int
    starts: Ints
    parent: Ints
    last: Small

    @staticmethod
    def of(variables: int, order: int) -> FullBasis:
        """The basis; cost and memory are its size."""
        parents, lasts, starts = [np.zeros(1, np.int64)], [np.zeros(1, np.int32)], [0, 1]
        for degree in range(1, order + 1):
            smallest = lasts[-1] if degree > 1 else np.zeros(1, np.int32)
            counts = variables - smallest.astype(np.int64)
            own = np.repeat(np.arange(len(counts)), counts)
            lasts.append((np.arange(len(own)) - (np.cumsum(counts) - counts)[own] + smallest[own]).astype(np.int32))
            parents.append(own + starts[degree - 1])
            starts.append(starts[-1] + len(own))
        return FullBasis(variables, order, np.array(starts, np.int64), np.concatenate(parents), np.concatenate(lasts))

    @property
    def size(self) -> int:
        return len(self.last)

    def block(self, degree: int) -> slice:
        """The positions of one degree."""
        return slice(int(self.starts[degree]), int(self.starts[degree + 1]))

    @cached_property
    def degrees(self) -> NDArray[np.int8]:
        """The degree of each monomial [D]."""
        return np.repeat(np.arange(self.order + 1, dtype=np.int8), np.diff(self.starts))

    @cached_property
    def monomials(self) -> Small:
        """The variable lists [D, N]."""
        found = np.full((self.size, self.order), -1, np.int32)
        for degree in range(1, self.order + 1):
            here = self.block(degree)
            found[here, : degree - 1] = found[self.parent[here], : degree - 1]
            found[here, degree - 1] = self.last[here]
        return found

    @cached_property
    def successors(self) -> Small:
        """[positions of degree < N, n]: where the monomial times each variable stands."""
        n, count = self.variables, int(self.starts[self.order])
        table = np.zeros((count, n), np.int32)
        names = np.arange(n)
        children = self._first_children()
        table[:1] = 1 + names
        for degree in range(1, self.order):
            here = self.block(degree)
            last, parent = self.last[here].astype(np.int64)[:, None], self.parent[here]
            # With i below the last variable l the product is (parent times i) times l.
            above = children[here][:, None] + (names - last)
            inner = table[parent]
            below = children[np.minimum(inner, count - 1)] + (last - np.maximum(self.last[parent][:, None], names))
            table[here] = np.where(names >= last, above, below)
        return table

    def _first_children(self) -> Ints:
        """Where the products of each monomial with its last and later variables begin, for degrees below N."""
        counts = self.variables - self.last[: self.starts[self.order]].astype(np.int64)
        return 1 + np.cumsum(counts) - counts


def weights_of(monomials: NDArray[np.integer]) -> Floats:
    """w_a = sqrt(|a|! / a!) of each variable list [D, N]: the norm of u^{⊗|a|} restricted to the terms of u^a."""
    squared = np.ones(len(monomials))
    run = np.zeros(len(monomials))
    for column in range(monomials.shape[1]):
        here = monomials[:, column]
        again = (here == monomials[:, column - 1]) if column else np.zeros(len(here), bool)
        run = np.where(again, run + 1, 1)
        squared = np.where(here >= 0, squared * (column + 1) / run, squared)
    return np.sqrt(squared)


def values_of(monomials: NDArray[np.integer], point: ArrayLike) -> Floats:
    """u^a [..., D] of each monomial at `point` [..., n]."""
    given = np.asarray(point, np.float64)
    padded = np.concatenate([given, np.ones((*given.shape[:-1], 1))], axis=-1)
    result = np.ones((*given.shape[:-1], len(monomials)))
    for column in range(monomials.shape[1]):
        result *= padded[..., monomials[:, column]]
    return result


def degrees_of(monomials: NDArray[np.integer]) -> Ints:
    """The degree of each monomial [D]."""
    return np.asarray((monomials >= 0).sum(axis=1), np.int64)
