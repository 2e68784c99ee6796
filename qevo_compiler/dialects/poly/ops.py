"""A problem in packed polynomials: an objective and families of constraints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from qevo_compiler.dialects.poly.polynomials import Polynomials
from qevo_compiler.dialects.problem import Relation, Sense
from qevo_compiler.ir import Array, Invalid, Op


def _verify_terms(polynomials: Polynomials) -> None:
    for block in polynomials.terms:
        if not block.coefficients.is_finite:
            raise Invalid("a coefficient is not finite")
        if block.row.most >= polynomials.rows:
            raise Invalid("a term belongs to no row")
        if block.degree and block.variables.least < 0:
            raise Invalid("a variable has a negative number")


@dataclass(frozen=True)
class ObjectiveOp(Op):
    """The polynomial (one row) to minimise or maximise.

    Variables are numbered through the func's `problem.variable` ops in order (a choice has one
    indicator a label), or through its `ising.register` ops once variables are encoded.
    """

    name: ClassVar[str] = "poly.objective"
    pure: ClassVar[bool] = False
    polynomial: Polynomials
    sense: Sense = Sense.MINIMIZE

    def verify(self) -> None:
        _verify_terms(self.polynomial)
        if self.polynomial.rows != 1:
            raise Invalid(f"an objective has one row, not {self.polynomial.rows}")


@dataclass(frozen=True)
class ConstraintOp(Op):
    """Rows `body relation 0` of one source constraint; see `problem.constraint` for the other fields.

    `implied` marks a family that an encoding adds (one-hot, domain wall): it keeps codes valid and is
    not part of the user's problem.
    """

    name: ClassVar[str] = "poly.constraint"
    pure: ClassVar[bool] = False
    symbol: str
    relation: Relation
    body: Polynomials
    indices: Array
    weight: float | None = None
    implied: bool = False
    factors: Array | None = None
    bounding: bool = False

    def verify(self) -> None:
        _verify_terms(self.body)
        if len(self.indices) != self.body.rows:
            raise Invalid(f"{len(self.indices)} index rows for {self.body.rows} constraints")
        if self.factors is not None and (self.weight is None or self.factors.shape != (self.body.rows,)):
            raise Invalid(f"`{self.symbol}`: factors belong to a weight, one a row")
