"""Products and powers of expansions within a number of terms, put off where a sum over them may be had for less."""

from __future__ import annotations

import numpy as np

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.poly import TooManyTerms
from qevo_compiler.dialects.poly import expansion, pair_arrays
from qevo_compiler.dialects.poly.algebra import Algebra
from qevo_compiler.dialects.poly.expansion import Expansion
from qevo_compiler.dialects.poly.gram import Product, is_worth_deferring
from qevo_compiler.passes.expanding.affine_square import affine_form, square_of_row
from qevo_compiler.passes.expanding.matrix_products import Afford, product_of_both
from qevo_compiler.source import Span


class Multiplier:
    """Multiplies expansions by the rules of `algebra`. Raises `CompileError` before it forms over `max_terms` terms."""

    def __init__(self, algebra: Algebra, max_terms: int) -> None:
        self.algebra = algebra
        self._limit = max_terms

    def affordable(self, terms: int, span: Span | None) -> None:
        """Raise `CompileError` where a value of so many terms is too large."""
        if terms > self._limit:
            raise CompileError(TooManyTerms(span, terms, self._limit))

    def afford(self, span: Span | None) -> Afford:
        """`affordable` for terms at one place of the source."""
        return lambda terms: self.affordable(terms, span)

    def deferred(self, x: Expansion, y: Expansion, span: Span | None) -> Expansion | Product:
        """The product, left as it is where a sum over it may be had for less."""
        if x.dense or y.dense:
            return self.product(x, y, span)
        left = self.algebra.merged(x)
        right = left if y is x else self.algebra.merged(y)
        pairs = expansion.square_pairs(left) if left is right else expansion.product_pairs(left, right)
        single = left is right and pairs >= pair_arrays.WORTH and affine_form(left, self.algebra) is not None
        if single:
            # It costs nothing until it is written out, which may be in a pass that wants another form.
            self.affordable(pairs, span)
        if single or is_worth_deferring(left, right, pairs):
            return Product(left, right, np.array(1.0))
        return self.product(left, right, span)

    def multiplied_out(self, x: Product, span: Span | None) -> Expansion:
        return expansion.scale(self.product(x.left, x.right, span), x.factors)

    def product(self, x: Expansion, y: Expansion, span: Span | None) -> Expansion:
        if x is y:
            return self.square(x, span)
        x, y = self.collected(x), self.collected(y)
        self.affordable(expansion.product_pairs(x, y), span)
        return self.algebra.multiply(x, y)

    def square(self, x: Expansion, span: Span | None) -> Expansion:
        x = self.collected(x)
        self.affordable(expansion.square_pairs(x), span)
        return square_of_row(x, self.algebra) or self.algebra.square(x)

    def matrices(self, x: Expansion, y: Expansion, size: tuple[int, int, int], span: Span | None) -> Expansion:
        """The product of matrices (batches of n by k and k by m; `size` is (n, k, m))."""
        return product_of_both(self.collected(x), self.collected(y), size, self.algebra, self.afford(span))

    def collected(self, x: Expansion) -> Expansion:
        return x if x.dense else self.algebra.merged(x)

    def power(self, x: Expansion, exponent: int, span: Span | None) -> Expansion | Product:
        """x^exponent by repeated squaring, exponent >= 0; a square may be put off."""
        if exponent == 2:
            return self.deferred(x, x, span)
        result: Expansion | None = None
        while exponent:
            if exponent & 1:
                result = x if result is None else self.product(result, x, span)
            exponent >>= 1
            if exponent:
                x = self.square(x, span)
        return expansion.constants(np.ones(x.rows)) if result is None else result

    def polynomial(self, x: Expansion, coefficients: list[float], span: Span | None) -> Expansion:
        """sum_k coefficients[k] x^k by Horner's rule, collecting terms after every step."""
        *rest, last = coefficients or [0.0]
        result = expansion.constants(np.full(x.rows, last))
        for coefficient in reversed(rest):
            shift = expansion.constants(np.full(x.rows, coefficient))
            result = self.algebra.merged(expansion.add(self.product(result, x, span), shift))
        return result
