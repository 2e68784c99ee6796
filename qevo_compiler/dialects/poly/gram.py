"""Sums of products of affine forms through one matrix product instead of term by term.

sum_r f_r (a_r . x + b_r) (c_r . x + d_r) has the coefficients A^T diag(f) C: for R rows over V variables
that takes R V^2 multiplications but room for V^2 numbers only, where the terms one by one need R V^2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from qevo_compiler.dialects.nn.products import matmul
from qevo_compiler.dialects.poly.expansion import Expansion, Part
from qevo_compiler.dialects.poly.polynomials import Floats, Ints

WORTH = 1 << 20  # pairs of terms; fewer are multiplied one by one
MOST_VARIABLES = 6000


@dataclass(frozen=True)
class Product:
    """The product row by row of two expansions, times one factor a row (or a scalar), not yet multiplied out."""

    left: Expansion
    right: Expansion
    factors: Floats

    def scaled(self, factors: Floats) -> Product:
        return replace(self, factors=self.factors * factors)


def is_worth_deferring(x: Expansion, y: Expansion, pairs: int) -> bool:
    """Whether a sum over the product of `x` and `y` is cheaper by matrices than by its `pairs` of terms."""
    if pairs < WORTH or any(part.degree > 1 for part in (*x.parts, *y.parts)):
        return False
    count = len(_names(x, y)) + 1
    return count <= MOST_VARIABLES and x.rows * count**2 < 64 * pairs


def sum_product(product: Product) -> Expansion:
    """The sum of all rows of the product, as one row."""
    names = _names(product.left, product.right)
    left = _matrix(product.left, names)
    right = left if product.left is product.right else _matrix(product.right, names)
    factors = np.broadcast_to(product.factors, (product.left.rows,))
    gram = matmul((left * factors[:, None]).T, right)
    return Expansion(1, _terms(gram + gram.T, names))


def _names(x: Expansion, y: Expansion) -> Ints:
    used = [part.names.reshape(-1) for part in (*x.parts, *y.parts)]
    return np.unique(np.concatenate([*used, np.zeros(0, np.int32)]))


def _matrix(x: Expansion, names: Ints) -> Floats:
    """The coefficients [rows, names + 1], the constant term last."""
    matrix = np.zeros((x.rows, len(names) + 1))
    for part in x.parts:
        # Terms are merged, so no place of the matrix is met twice.
        matrix[part.rows(), np.searchsorted(names, part.names[:, 0]) if part.names.shape[1] else -1] = part.weights()
    return matrix


def _terms(symmetric: Floats, names: Ints) -> tuple[Part, ...]:
    """The terms of (x, 1) S (x, 1)^T / 2."""
    count = len(names)
    i, j = np.triu_indices(count)
    coefficients = symmetric[i, j]
    coefficients[i == j] *= 0.5
    pairs = np.stack([names[i], names[j]], axis=1)

    def part(terms: Ints, weights: Floats) -> Part:
        return Part(np.zeros(len(terms), np.int32), terms, weights)

    constant = part(np.zeros((1, 0), np.int32), symmetric[count:, count] * 0.5)
    return constant, part(names[:, None], symmetric[:count, count]), part(pairs, coefficients)
