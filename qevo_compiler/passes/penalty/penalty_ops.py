"""What a family leaves in the module: the register of its slack bits, and how its penalty reads."""

from __future__ import annotations

import numpy as np

from qevo_compiler.dialects.ising import PenaltyForm, PenaltyOp, RegisterOp, Role
from qevo_compiler.dialects.poly import Vartype
from qevo_compiler.ir import Array
from qevo_compiler.passes.penalty.family_rows import PenaltyRows
from qevo_compiler.passes.penalty.penalty_weights import Weight


def slack_register(family: PenaltyRows, first: int) -> RegisterOp:
    """The slack bits of a family that has some, numbered from `first`."""
    op, slack = family.op, family.slack
    assert slack is not None
    return RegisterOp(
        op.symbol,
        Role.SLACK,
        Vartype.BINARY,
        first,
        slack.bits,
        slack.affine,
        encoding=slack.encoding,
        span=op.span,
    )


def penalty_op(family: PenaltyRows, weight: Weight) -> PenaltyOp:
    """The penalty of a family with its weight."""
    op = family.op
    units = None if (family.units == 1).all() else Array(family.units)
    shifts = Array(family.shifts) if family.shifts.any() else None
    forms = Array(family.forms) if family.form is PenaltyForm.MIXED else None
    slopes = None if family.slopes is None else Array(family.slopes)
    caps = None if family.caps is None or not np.isfinite(family.caps).any() else Array(family.caps)
    shared = None if caps is None or family.shared is None else Array(family.shared)
    kind = (weight.rule, family.form)
    return PenaltyOp(
        op.symbol,
        weight.value,
        *kind,
        units,
        shifts,
        op.implied,
        forms,
        slopes,
        caps,
        shared,
        op.factors,
        span=op.span,
    )
