"""One family of constraints as the energy takes it, and the options of getting it there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.ising import FORMS, PenaltyForm
from qevo_compiler.dialects.poly import ConstraintOp, Polynomials, arithmetic
from qevo_compiler.passes.penalty.methods import Method
from qevo_compiler.passes.penalty.slack_codes import Slack, SlackCode, largest_weight

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class RowOptions:
    """How rows are made ready; the fields are options of `penalize-constraints`."""

    slack_bits: int = 24
    coarse_bits: int = 15
    slack: SlackCode = SlackCode.AUTO
    slack_bound: int | None = None
    precision: int | None = None
    clauses: int = 3
    slope: float = 2.0
    method: Method = Method.AUTO
    tighten: bool = True

    @property
    def bound(self) -> int:
        return largest_weight(self.slack_bound, self.precision)

    @property
    def no_slack(self) -> bool:
        return self.slack is SlackCode.NONE or self.method is Method.UNBALANCED


@dataclass(frozen=True)
class PenaltyRows:
    """One family. `units` is 0 for rows that need no penalty; `residual` [rows] is u, empty for those rows.

    `forms` [rows] are numbers into `FORMS`; `slopes` [rows] belong to the sloped ones; `caps` [rows] are what
    coefficients of the body were cut to (inf: left alone) with `shared` as in `ising.penalty`, `low` and `high` the
    bounds after that. `slack` gives every row's slack in units of the body (None: no row has any). Where `widths`
    [rows] is finite, u must not be below minus it either: the slack ends there, and the row's partner has no penalty of
    its own (see `two_sided`). `exact` is False where u is no whole number or the slack is coarser than the row;
    violations below the unit are then penalised less than proved.
    """

    op: ConstraintOp
    forms: Integers
    units: Floats
    shifts: Floats
    residual: Polynomials
    slack: Slack | None
    exact: bool
    low: Floats
    high: Floats
    slopes: Floats | None = None
    caps: Floats | None = None
    widths: Floats | None = None
    shared: Integers | None = None

    @property
    def soft(self) -> bool:
        return self.op.weight is not None

    @cached_property
    def soft_weights(self) -> Floats:
        """What the squared violation of each row of a soft family costs."""
        ones = np.ones(len(self.forms)) if self.op.factors is None else self.op.factors.values
        return ones * (self.op.weight or 0.0)

    @property
    def slack_bits(self) -> int:
        return 0 if self.slack is None else self.slack.bits

    @cached_property
    def form(self) -> PenaltyForm:
        """The form of all rows, or MIXED."""
        first = self.forms[:1]
        return FORMS[int(first[0])] if len(first) and (self.forms == first).all() else PenaltyForm.MIXED

    @property
    def dominating(self) -> bool:
        """Whether the penalty is 0 on feasible states and at least 1 elsewhere, for the best slack."""
        return self.exact and self.slopes is None

    @property
    def active(self) -> Flags:
        return self.units > 0

    @cached_property
    def lower_sides(self) -> Polynomials:
        """What rows with a width say besides `u <= 0`, as rows `-u - width <= 0`."""
        if self.widths is None:
            return Polynomials(0, ())
        rows = np.flatnonzero(np.isfinite(self.widths))
        mirrored = arithmetic.scale(arithmetic.select(self.residual, rows), -1.0)
        return arithmetic.add(mirrored, arithmetic.constants(-self.widths[rows]))
