"""The problem at the values that `settle-bits` found, and what holds its bits there.

Every feasible point has these values, so the problem with them put in has the same feasible points and the same best
ones. Penalties, slack and weights are made for, and proved of, that problem. Its energy does not depend on the settled
bits; a positive price on each other value then makes every minimum one with the settled values, where both agree.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qevo_compiler.dialects.ising import RegisterOp, SettledOp
from qevo_compiler.dialects.poly import ConstraintOp, ObjectiveOp, Polynomials
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.ir import Func, Op
from qevo_compiler.passes.reduction.higher import fixed_in


def at_settled(p: Polynomials, bits: int, settled: SettledOp) -> Polynomials:
    """Rows over `bits` bits with the settled ones at their values."""
    return fixed_in(p, bits, settled.bits.values, 2 * settled.ones.values - 1)


def func_at_settled(main: Func, settled: SettledOp) -> Func:
    """An encoded func whose objective and constraints have the settled bits at their values."""
    bits = sum(register.count for register in main.ops_of(RegisterOp))

    def known(op: Op) -> Op:
        if isinstance(op, ConstraintOp):
            return replace(op, body=at_settled(op.body, bits, settled))
        if isinstance(op, ObjectiveOp):
            return replace(op, polynomial=at_settled(op.polynomial, bits, settled))
        return op

    return replace(main, ops=tuple(known(op) for op in main.ops))


def settled_energy(settled: SettledOp) -> Polynomials:
    """The price of settled bits with other values, as one row."""
    names, ones = settled.bits.values.astype(np.int32)[:, None], settled.ones.values
    costs = np.where(ones, -settled.weight, settled.weight)
    row = np.zeros(len(names), np.int32)
    constant = np.array([settled.weight * float(ones.sum())])
    return pack(1, [(row[:1], np.zeros((1, 0), np.int32), constant), (row, names, costs)])
