"""The square of one affine form, written out directly: no sort, every coefficient once and in order.

Large squares stay symbolic: their products are given by a rule (`poly.pair_arrays`) until a pass needs them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.poly import Polynomials, Terms, pair_arrays
from qevo_compiler.dialects.poly.algebra import Algebra
from qevo_compiler.dialects.poly.expansion import Expansion, Part
from qevo_compiler.dialects.poly.gram import Product
from qevo_compiler.dialects.poly.pair_arrays import PairNames, no_rows, pair_products
from qevo_compiler.dialects.poly.polynomials import without_zeros
from qevo_compiler.evaluator.terms import term_kernels

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@dataclass(frozen=True)
class AffineForm:
    """constant + sum weights_i x_i over distinct ascending `names`, all bits or all `spins`."""

    constant: float
    names: Ints
    weights: Floats
    spins: bool

    @property
    def pairs(self) -> int:
        """How many products the square has."""
        return len(self.names) * (len(self.names) - 1) // 2

    def low_terms(self) -> tuple[float, Floats]:
        """The square's constant and the coefficients of its single variables.

        Over bits it is b^2 + sum (a_i^2 + 2 a_i b) x_i + sum 2 a_i a_j x_i x_j; over spins the squares of the a_i
        are constants.
        """
        squares, single = self.weights * self.weights, 2.0 * self.constant * self.weights
        if self.spins:
            return self.constant * self.constant + float(squares.sum()), single
        return self.constant * self.constant, single + squares


def symbolic_square(form: AffineForm, factor: float = 1.0) -> Polynomials | None:
    """The square times `factor`, its products given by a rule; None where they are few or have no such rule."""
    products = pair_products(form.weights, factor) if form.pairs >= pair_arrays.WORTH else None
    if products is None:
        return None
    constant, single = form.low_terms()
    blocks = [
        without_zeros(np.zeros(len(c), np.int32), names, c * factor)
        for names, c in ((np.zeros((1, 0), np.int32), np.array([constant])), (form.names[:, None], single))
    ]
    crossing = Terms(no_rows(form.pairs), PairNames(form.names), products)
    return Polynomials(1, (*(block for block in blocks if len(block)), crossing))


def affine_form(x: Expansion, algebra: Algebra) -> AffineForm | None:
    """One collected row of degree 1 over bits, or over spins; None for anything else."""
    if x.rows != 1 or not x.sorted or any(part.names.shape[1] > 1 for part in x.parts):
        return None
    constant = sum((float(part.weights().sum()) for part in x.parts if not part.names.shape[1]), 0.0)
    linear = [part for part in x.parts if part.names.shape[1]]
    if not linear or algebra.choice[linear[0].names].max() >= 0:
        return None
    names, weights = linear[0].names[:, 0], np.ascontiguousarray(linear[0].weights())
    spins = bool(algebra.spin[names].all())
    if not spins and not algebra.binary[names].all():
        return None
    return AffineForm(constant, names, weights, spins)


def squared_form(x: Product, algebra: Algebra) -> AffineForm | None:
    """What `x` is the square of, but for its factor, where that is one affine form."""
    return affine_form(x.left, algebra) if x.left is x.right else None


def symbolic_product(x: Product, algebra: Algebra) -> Polynomials | None:
    """`symbolic_square` of the product, where it is one."""
    form = squared_form(x, algebra)
    return None if form is None else symbolic_square(form, float(x.factors.reshape(-1)[0]))


def square_of_row(x: Expansion, algebra: Algebra) -> Expansion | None:
    """The square of a row that is an affine form, in order; None for anything else."""
    form = affine_form(x, algebra)
    if form is None:
        return None
    fixed, single = form.low_terms()
    count = len(form.names)
    pairs, products = term_kernels.pair_products(np.arange(count), np.full(count, count), form.names, form.weights)
    blocks = (
        (np.zeros((1, 0), np.int32), np.array([fixed])),
        (form.names[:, None], single),
        (pairs, products),
    )
    parts = (Part(np.zeros(len(c), np.int32), found, c) for found, c in blocks if len(c))
    return Expansion(1, tuple(parts), sorted=True)
