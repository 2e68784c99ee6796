"""The couplings of an energy under reduction: listed one by one, or as the products of one affine form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.poly import Polynomials, Terms
from qevo_compiler.dialects.poly.pair_arrays import PairNames, PairProducts, no_rows, pair_products
from qevo_compiler.evaluator.terms.couplings import Incidence, connected_parts, fix_bits, incidence
from qevo_compiler.ir import Array

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Listed:
    """`pairs` [m, 2] ascend, without repeats; `values` [m]."""

    pairs: Ints
    values: Floats

    def __len__(self) -> int:
        return len(self.values)

    def incidence(self, size: int) -> Incidence:
        return incidence(self.pairs, self.values, size)

    def parts(self, size: int, coupled: int) -> NDArray[np.int64]:
        """The least bit of each bit's connected part; `coupled` bits have couplings."""
        return connected_parts(self.pairs, size, coupled)

    def fixed(self, gone: Flags, state: Floats) -> tuple[Couplings, Floats, float]:
        """With `state` put in for the bits that are `gone`; what each bit's field and the constant gain."""
        pairs, values, gain, constant = fix_bits(self.pairs, self.values, gone, state)
        return Listed(pairs, values), gain, constant

    def terms(self) -> Terms | None:
        """The couplings as terms of one polynomial; None without any."""
        if not self.values.any():
            return None
        row = Array(np.broadcast_to(np.int32(0), self.values.shape), keep_layout=True)
        return Terms(row, Array(np.asfortranarray(self.pairs), keep_layout=True), Array(self.values))


@dataclass(frozen=True)
class Square:
    """The pairs of a rule over n names, with the values of another: all in the time of n, none formed.

    The methods are those of `Listed`. Sums at a bit are taken by formula: rounded as much, but not in the same order.
    """

    rule: PairNames
    products: PairProducts

    @property
    def names(self) -> Ints:
        return self.rule.names

    @property
    def pairs(self) -> Ints:
        return self.rule.values

    @property
    def values(self) -> Floats:
        return self.products.values

    def __len__(self) -> int:
        return len(self.products)

    def incidence(self, size: int) -> Incidence:
        weights, factor = self.products.weights, self.products.factor
        sizes = np.abs(weights)
        order = np.argsort(sizes)
        other = np.full(len(sizes), sizes[order[-1]])
        other[order[-1]] = sizes[order[-2]]
        found = Incidence(np.zeros(size), np.zeros(size), np.zeros(size), np.zeros(size))
        found.total[self.names] = 2.0 * weights * (weights.sum() - weights) * factor
        found.reach[self.names] = 2.0 * sizes * (sizes.sum() - sizes) * abs(factor)
        found.largest[self.names] = 2.0 * sizes * other * abs(factor)
        found.degree[self.names] = len(sizes) - 1
        return found

    def parts(self, size: int, coupled: int) -> NDArray[np.int64]:
        part = np.arange(size)
        part[self.names] = self.names[0]
        return part

    def fixed(self, gone: Flags, state: Floats) -> tuple[Couplings, Floats, float]:
        out = gone[self.names]
        weights, factor = self.products.weights, self.products.factor
        rest, names = weights[~out], self.names[~out]
        used = np.flatnonzero(out & (state[self.names] != 0))
        forces, values = weights[used], state[self.names[used]]
        field, inner = np.zeros(len(rest)), [np.zeros(1)]
        # Added up in the order of the couplings, as `fix_bits` does.
        for k in range(len(used)):
            field += 2.0 * forces[k] * rest * factor * values[k]
            inner.append(2.0 * forces[k] * forces[k + 1 :] * factor * values[k] * values[k + 1 :])
        gain = np.zeros(len(gone))
        gain[names] = field
        return _square(names, rest, factor), gain, float(np.cumsum(np.concatenate(inner))[-1])

    def terms(self) -> Terms | None:
        return Terms(no_rows(len(self)), self.rule, self.products)


Couplings = Listed | Square


def couplings_of(p: Polynomials) -> Couplings:
    """The products of two of one polynomial."""
    for block in p.terms:
        names, products = block.variables, block.coefficients
        if isinstance(names, PairNames) and isinstance(products, PairProducts) and len(names.names) > 2:
            return Square(names, products)
    _, pairs, values = p.block(2)
    return Listed(pairs, values)


def _square(names: Ints, weights: Floats, factor: float) -> Couplings:
    products = pair_products(weights, factor)
    if products is None:
        return Listed(np.zeros((0, 2), np.int32), np.zeros(0))
    return Square(PairNames(names), products)
