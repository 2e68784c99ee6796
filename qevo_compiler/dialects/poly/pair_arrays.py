"""The products of two terms of one affine form, as arrays that a rule describes.

For terms c_0 x_0, c_1 x_1, ... over ascending variables, the square of their sum has the products 2 c_i c_j x_i x_j
for i < j. `PairNames` stands for the variables of these, `PairProducts` for their coefficients; both keep only what
the n terms are made of, where the products are n (n - 1) / 2. `GroupPairs` stands for the variables where there is a
form in each of many groups.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.ir import Array
from qevo_compiler.ir.deferred import Deferred, uniform

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

WORTH = 1 << 15  # products; fewer are formed at once
# Products of numbers between these bounds neither overflow nor lose digits.
SMALLEST, LARGEST = 2.0**-900, 2.0**900


class PairNames(Deferred):
    """[m, 2]: the pairs of `names` [n], which ascend strictly, in lexicographic order."""

    def __init__(self, names: Ints) -> None:
        self.names = names
        least, most = (int(names[0]), int(names[-1])) if len(names) > 1 else (0, 0)
        super().__init__((_pairs(len(names)), 2), "i32", least, most)

    def _elements(self) -> Ints:
        pairs = np.empty(self.shape, np.int32)
        start, last = 0, len(self.names) - 1
        for i in range(last):
            end = start + last - i
            pairs[start:end, 0] = self.names[i]
            pairs[start:end, 1] = self.names[i + 1 :]
            start = end
        return pairs


class GroupPairs(Deferred):
    """[m, 2]: the pairs of `names` [n] inside groups, in lexicographic order; there has to be one.

    Term t goes with the terms t + 1 .. ends[t] - 1 behind it in its group. Names ascend in each group, none is twice;
    `order` lists the terms by name.
    """

    def __init__(self, names: Ints, ends: NDArray[np.int64], order: NDArray[np.int64]) -> None:
        self.names, self.ends, self._order = names, ends, order
        self._counts = ends - np.arange(1, len(names) + 1)
        leading = self._counts > 0
        least, most = int(names[leading].min()), int(names[ends[leading] - 1].max())
        super().__init__((int(self._counts.sum()), 2), "i32", least, most)

    def _elements(self) -> Ints:
        order, counts = self._order, self._counts[self._order]
        pairs = np.empty(self.shape, np.int32)
        pairs[:, 0] = self.names[np.repeat(order, counts)]
        behind = np.repeat(order + 1 - (np.cumsum(counts) - counts), counts)
        pairs[:, 1] = self.names[np.arange(len(pairs)) + behind]
        return pairs


class PairProducts(Deferred):
    """[m]: (2 c_i c_j) f for i < j in lexicographic order, `weights` [n] being the c_i and `factor` f.

    Only `pair_products` makes them: no product is zero or not finite.
    """

    def __init__(self, weights: Floats, factor: float, least: float, most: float) -> None:
        self.weights, self.factor = weights, factor
        super().__init__((_pairs(len(weights)),), "f64", least, most)

    def _elements(self) -> Floats:
        products = np.empty(self.shape)
        start, last, doubled = 0, len(self.weights) - 1, 2.0 * self.weights
        for i in range(last):
            end = start + last - i
            np.multiply(doubled[i], self.weights[i + 1 :], out=products[start:end])
            start = end
        if self.factor != 1:
            products *= self.factor
        return products

    def scaled(self, factor: float) -> PairProducts | None:
        """The products times `factor`; None where they would not be the same numbers, rounded at the same steps."""
        if not _is_power_of_two(factor) and not _is_power_of_two(self.factor):
            return None
        return pair_products(self.weights, self.factor * factor)


def pair_products(weights: Floats, factor: float = 1.0) -> PairProducts | None:
    """The rule for (2 c_i c_j) f, or None where a product might overflow or vanish, or where there is none."""
    sizes = np.abs(weights)
    small, large = float(sizes.min(initial=np.inf)), float(sizes.max(initial=0.0))
    if len(weights) < 2 or not SMALLEST**0.5 < small <= large < LARGEST**0.5:  # NaN fails, too
        return None
    if not SMALLEST < small * small * abs(factor) <= large * large * abs(factor) < LARGEST:
        return None
    # The largest and the smallest product are of two among the two smallest and the two largest.
    ordered = np.sort(weights).tolist()
    ends = ordered if len(ordered) < 4 else [*ordered[:2], *ordered[-2:]]
    products = [2.0 * a * b * factor for a, b in combinations(ends, 2)]
    return PairProducts(weights, factor, min(products), max(products))


def no_rows(count: int) -> Array:
    """The row numbers of `count` terms of one polynomial."""
    return uniform(count, 0)


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


def _is_power_of_two(number: float) -> bool:
    return abs(float(np.frexp(number)[0])) == 0.5
