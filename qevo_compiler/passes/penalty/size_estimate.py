"""How many couplings a program will have, before any of them takes memory.

The square of a row of L bits has L (L - 1) / 2 of them. Rows share some and cancel others, so this is the most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.constraints import FillsMemory, TooLarge
from qevo_compiler.dialects.ising import FORMS, PenaltyForm
from qevo_compiler.dialects.poly import ObjectiveOp
from qevo_compiler.evaluator.terms import memory
from qevo_compiler.passes.base import Context
from qevo_compiler.passes.penalty.family_rows import PenaltyRows
from qevo_compiler.source import Span

# Bytes a coupling, of which two numbers of bits and a coefficient take 16. While a pass writes other coefficients both
# are there, and while several penalties are added all of their couplings are, besides the sum.
WHILE_CHANGED, WHILE_ADDED = 24, 32
# The part of the memory left that is worth a word, and how much is never.
LARGE_PART, SMALL = 4, 1 << 30

_DENSE = (FORMS.index(PenaltyForm.SQUARE), FORMS.index(PenaltyForm.TRIANGLE), FORMS.index(PenaltyForm.SLOPED))


@dataclass(frozen=True)
class Estimate:
    """At most `couplings` in all, from parts with `listed` ones; `span` has most of them, between `longest` bits."""

    couplings: float
    listed: float
    span: Span | None
    longest: int


def estimate(objective: ObjectiveOp, families: Sequence[PenaltyRows], bits: int) -> Estimate:
    """The couplings of an objective and the penalties of families over `bits` decision bits. Cost: a pass over rows."""
    own = sum(len(block) for block in objective.polynomial.terms if block.degree > 1)
    parts = [(float(own), objective.span, bits), *(_family(family) for family in families)]
    slack = sum(family.slack_bits for family in families)
    listed = sum(part[0] for part in parts)
    _, span, longest = max(parts, key=lambda part: part[0])
    return Estimate(min(listed, (bits + slack) * (bits + slack - 1) / 2), listed, span, longest)


def check_size(found: Estimate, limit: float | None, context: Context) -> None:
    """Warn of a program that may take much of the memory, `limit` bytes or (None) what the machine has left.

    Raises `CompileError` for one that takes more than there is in any case.
    """
    most = WHILE_ADDED * found.listed
    if limit is None and most <= SMALL:
        return
    room = memory.left() if limit is None else limit
    if room is None or most <= room / LARGE_PART:
        return
    least = WHILE_CHANGED * found.couplings
    if least > room:
        raise CompileError(TooLarge(found.span, int(found.couplings), least, found.longest))
    context.warn(FillsMemory(found.span, int(found.couplings), most, found.longest))


def _family(family: PenaltyRows) -> tuple[float, Span | None, int]:
    lengths = np.zeros(family.residual.rows)
    for block in family.residual.terms:
        if block.degree:
            lengths += np.bincount(block.row.values, minlength=len(lengths))
    if family.slack is not None:
        lengths += np.diff(family.slack.affine.starts.values)
    lengths[~np.isin(family.forms, _DENSE)] = 0
    return float((lengths * (lengths - 1) / 2).sum()), family.op.span, int(lengths.max(initial=0.0))
