"""Products of three and more bits or spins that a quadratic model has beside it, for circuits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from qevo_compiler.dialects.poly import Polynomials, Vartype
from qevo_compiler.ir import Array, Invalid, Op


@dataclass(frozen=True)
class ProductsOp(Op):
    """One row of terms of degree 3 and more, each of different bits, in the units of the model beside it.

    The energy of a state is the model's plus this one's. `vartype` is what the bits are: 0 and 1 beside an
    `ising.qubo`, -1 and +1 beside an `ising.model`, and they carry that model's numbers.
    """

    name: ClassVar[str] = "ising.products"
    pure: ClassVar[bool] = False
    energy: Polynomials
    vartype: Vartype

    def verify(self) -> None:
        if self.energy.rows != 1:
            raise Invalid(f"products are one row, not {self.energy.rows}")
        if any(block.degree < 3 or not block.squarefree for block in self.energy.terms):
            raise Invalid("a product is of three and more different bits")
        if any(not block.coefficients.is_finite for block in self.energy.terms):
            raise Invalid("a coefficient is not finite")

    def scaled(self, factor: float) -> ProductsOp:
        """The same products with all coefficients multiplied by `factor`."""
        terms = tuple(replace(b, coefficients=Array(b.coefficients.values * factor)) for b in self.energy.terms)
        return replace(self, energy=Polynomials(1, terms))

    def renumbered(self, places: Array) -> ProductsOp:
        """The same products with bit i numbered `places[i]`; the new numbers rise with the old ones."""
        names = places.values.astype(np.int32)
        terms = tuple(replace(b, variables=Array(names[b.variables.values])) for b in self.energy.terms)
        return replace(self, energy=Polynomials(1, terms))

    @property
    def largest(self) -> float:
        """The largest coefficient by magnitude; 0 without any."""
        return max((float(np.abs(b.coefficients.values).max(initial=0.0)) for b in self.energy.terms), default=0.0)
