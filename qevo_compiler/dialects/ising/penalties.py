"""The penalties of constraint families: their weights, the rules that found these, and their forms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.ir import Array, EnumAttribute, Invalid, Op


class PenaltyRule(EnumAttribute):
    """How a penalty weight was found; `docs/penalties.md` has the proofs and the references.

    RANGE, INCUMBENT, REPAIR, FLIP and RAISE are proved to dominate the objective. SOFT is the user's weight, GIVEN one
    that the user sets for a hard family. The rest may be too small: VLM and MOMC are rules of the literature,
    UNBALANCED and LAGRANGIAN weigh forms that are no exact penalties, TUNED was found by sampling.
    """

    RANGE = "range"
    INCUMBENT = "incumbent"
    REPAIR = "repair"
    FLIP = "flip"
    RAISE = "raise"
    SOFT = "soft"
    GIVEN = "given"
    VLM = "vlm"
    MOMC = "momc"
    UNBALANCED = "unbalanced"
    LAGRANGIAN = "lagrangian"
    TUNED = "tuned"
    HEURISTIC = "heuristic"

    @property
    def proved(self) -> bool:
        """Whether a minimum of the energy is known to be feasible and optimal."""
        return self in _PROVED


_PROVED = (PenaltyRule.RANGE, PenaltyRule.INCUMBENT, PenaltyRule.REPAIR, PenaltyRule.FLIP, PenaltyRule.RAISE)


class PenaltyForm(EnumAttribute):
    """The penalty of a row as a function of its residual u, a multiple of the row's unit.

    SQUARE is u^2, LINEAR is u (never negative), TRIANGLE is u (u + 1) / 2, which is 0 at u = -1 and u = 0.
    LOGIC counts the row's violated clauses: the row, over bits, says that of some sets of one to three literals
    not all are true, and the penalty is the sum of the sets' products. SLOPED is u^2 + slope u, which may be
    negative. MIXED has a form a row.
    """

    SQUARE = "square"
    LINEAR = "linear"
    TRIANGLE = "triangle"
    LOGIC = "logic"
    SLOPED = "sloped"
    MIXED = "mixed"


FORMS = (PenaltyForm.SQUARE, PenaltyForm.LINEAR, PenaltyForm.TRIANGLE, PenaltyForm.LOGIC, PenaltyForm.SLOPED)
"""The forms by the number that `PenaltyOp.forms` has for them."""


@dataclass(frozen=True)
class PenaltyOp(Op):
    """The weight that multiplies the penalty of one constraint family in the energy (before scaling).

    Row r of a family `body relation 0` (`>=` negated to `<=`) adds `weight * form(u)` with
    `u = (body + shifts[r] + slack) / units[r]`, in absolute value for `==`; a row with unit 0 is always
    satisfied and adds nothing. None means units of 1 and shifts of 0. `forms` [rows] (numbers into `FORMS`)
    belong to MIXED, `slopes` [rows] to SLOPED and MIXED. `caps` [rows] cut the coefficients of the body over bits
    first (see `analyses.structure.tightening`; inf: as stated, None: all rows), where the first of `shared` [2, terms]
    lose what the second do, labels of one choice (None: none). `factors` [rows] multiply the weight of soft rows. A
    slack register encoded as domain wall adds, besides, `weight` for every bit that is set behind one that is not.
    `implied` marks the family that the encoding of the variable `symbol` adds.
    """

    name: ClassVar[str] = "ising.penalty"
    pure: ClassVar[bool] = False
    symbol: str
    weight: float
    rule: PenaltyRule
    form: PenaltyForm = PenaltyForm.SQUARE
    units: Array | None = None
    shifts: Array | None = None
    implied: bool = False
    forms: Array | None = None
    slopes: Array | None = None
    caps: Array | None = None
    shared: Array | None = None
    factors: Array | None = None

    def row_weights(self, rows: int) -> NDArray[np.float64]:
        """What multiplies the penalty of every row."""
        return self.weight * (np.ones(rows) if self.factors is None else self.factors.values)

    def row_forms(self, rows: int) -> NDArray[np.int64]:
        """The form of every row, as numbers into `FORMS`."""
        if self.forms is not None:
            return np.asarray(self.forms.values, np.int64)
        return np.full(rows, FORMS.index(self.form))

    def verify(self) -> None:
        if (self.form is PenaltyForm.MIXED) != (self.forms is not None):
            raise Invalid(f"`{self.symbol}`: a form a row belongs to a mixed penalty, and that needs it")
