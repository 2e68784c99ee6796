"""Expansion of tensor ops in which every product of two quantities that depend on weights is a new variable.

What is multiplied has degree one at most: an operand of degree two is given a number first, and stands for itself
from there on. So nothing of a degree above two is formed, whatever the depth of the model.
"""

from __future__ import annotations

import numpy as np

from qevo_compiler.analyses.carleman.activations import Products
from qevo_compiler.dialects.poly import Polynomials, arithmetic
from qevo_compiler.dialects.poly.algebra import Algebra
from qevo_compiler.dialects.poly.expansion import Expansion, Part
from qevo_compiler.dialects.poly.gram import Product
from qevo_compiler.passes.expanding.multiplier import Multiplier
from qevo_compiler.source import Span


def free_algebra(size: int) -> Algebra:
    """Variables without rules."""
    return Algebra(np.zeros(size, bool), np.zeros(size, bool), np.full(size, -1, np.int32))


class StagedMultiplier(Multiplier):
    """Forms values of degree two at most over `weights` variables and the products that were given numbers."""

    def __init__(self, weights: int, max_terms: int) -> None:
        super().__init__(free_algebra(weights), max_terms)
        self._weights = weights
        self._rows: list[Polynomials] = []
        self._numbers: dict[tuple[bytes, ...], int] = {}
        # Expansions are kept beside what became of them, so that an address is never that of another.
        self._cut: dict[int, tuple[Expansion, Expansion]] = {}

    def products(self) -> Products:
        """The definitions of all variables after the weights."""
        return Products(self._weights, arithmetic.stack(self._rows) if self._rows else Polynomials(0, ()))

    def deferred(self, x: Expansion, y: Expansion, span: Span | None) -> Expansion | Product:
        left = self._affine(x)
        return super().deferred(left, left if y is x else self._affine(y), span)

    def product(self, x: Expansion, y: Expansion, span: Span | None) -> Expansion:
        left = self._affine(x)
        return super().product(left, left if y is x else self._affine(y), span)

    def square(self, x: Expansion, span: Span | None) -> Expansion:
        return super().square(self._affine(x), span)

    def matrices(self, x: Expansion, y: Expansion, size: tuple[int, int, int], span: Span | None) -> Expansion:
        left = self._affine(x)
        return super().matrices(left, left if y is x else self._affine(y), size, span)

    def _affine(self, x: Expansion) -> Expansion:
        """`x` with a variable in place of every row of degree two."""
        if all(part.names.shape[1] < 2 for part in x.parts):
            return x
        if id(x) not in self._cut:
            self._cut[id(x)] = x, self._numbered(self.algebra.polynomials(x))
        return self._cut[id(x)][1]

    def _numbered(self, rows: Polynomials) -> Expansion:
        curved = np.zeros(rows.rows, bool)
        curved[rows.block(2)[0]] = True
        places = np.flatnonzero(curved)
        names = np.array([self._number(arithmetic.select(rows, places[i : i + 1])) for i in range(len(places))])
        self.algebra = free_algebra(self._weights + len(self._rows))
        parts = [Part(places.astype(np.int32), names.astype(np.int32)[:, None], np.ones(len(places)))]
        for block in rows.terms:
            row = block.row.values
            kept = ~curved[row]
            if kept.any():
                parts.append(Part(row[kept], block.variables.values[kept], block.coefficients.values[kept]))
        return Expansion(rows.rows, tuple(parts))

    def _number(self, row: Polynomials) -> int:
        """The variable of one polynomial; equal ones share it."""
        key = tuple(part for b in row.terms for part in (b.variables.values.tobytes(), b.coefficients.values.tobytes()))
        if key not in self._numbers:
            self._numbers[key] = self._weights + len(self._rows)
            self._rows.append(row)
        return self._numbers[key]
