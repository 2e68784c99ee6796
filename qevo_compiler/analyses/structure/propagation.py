"""Which bits have the same value at every point that satisfies all hard constraints, by the rows' bounds.

A row u <= 0 whose least value over the free bits is m leaves no room for a literal of weight a where m + |a| > 0: the
bit takes the value of that least. Bits settled by one row settle others, so rows are gone through again until nothing
changes. An equation is two such rows. (Constraint programmers call this bound propagation; Savelsbergh, "Preprocessing
and probing techniques for mixed integer programming problems", 1994.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.granularity import row_units
from qevo_compiler.analyses.tolerances import unit_tolerances
from qevo_compiler.dialects.poly import ConstraintOp
from qevo_compiler.dialects.problem import Relation

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Settled:
    """Bits with one value each, 0 or 1; `broken` is the number of a constraint that then cannot hold, or None.

    Where a row can never hold by itself nothing is settled and nothing said: others report that.
    """

    bits: Integers
    values: Integers
    broken: int | None = None


def settled_bits(constraints: Sequence[ConstraintOp], bits: int, rounds: int) -> Settled:
    """What hard, linear `constraints` settle in at most `rounds` rounds. Cost: that many times their terms."""
    rows = _Rows.of(constraints)
    values = np.full(bits, -1, np.int64)
    for number in range(rounds):
        slack, fixed = rows.slack(values)
        if (slack < 0).any() and not number:
            break
        if (slack < 0).any():
            return Settled(*_found(values), int(rows.owner[np.argmax(slack < 0)]))
        tight = np.flatnonzero(~fixed & (np.abs(rows.weights) > slack[rows.rows]))
        if not len(tight):
            break
        wanted = (rows.weights[tight] < 0).astype(np.int64)
        values[rows.bits[tight]] = wanted
        clash = values[rows.bits[tight]] != wanted
        if clash.any():
            return Settled(*_found(values), int(rows.owner[rows.rows[tight[np.argmax(clash)]]]))
    return Settled(*_found(values))


def _found(values: Integers) -> tuple[Integers, Integers]:
    bits = np.flatnonzero(values >= 0)
    return bits, values[bits]


@dataclass(frozen=True)
class _Rows:
    """Rows constants[r] + sum weights[e] x[bits[e]] <= 0 over entries of `rows` == r; `owner` is the constraint.

    A row says nothing before it is broken by more than its `tolerances`.
    """

    constants: Floats
    tolerances: Floats
    weights: Floats
    owner: Integers
    rows: Integers
    bits: Integers

    @staticmethod
    def of(constraints: Sequence[ConstraintOp]) -> _Rows:
        constants, tolerances, owner = [np.zeros(0)], [np.zeros(0)], [np.zeros(0, np.int64)]
        rows, bits, weights = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0)]
        first = 0
        for number, op in enumerate(constraints):
            if op.weight is not None or op.body.degree > 1:
                continue
            row, names, values = op.body.block(1)
            allowed = unit_tolerances(op.body, row_units(op.body))
            signs = {Relation.LE: (1.0,), Relation.GE: (-1.0,), Relation.EQ: (1.0, -1.0)}[op.relation]
            for sign in signs:
                constants.append(sign * op.body.constants())
                tolerances.append(allowed)
                owner.append(np.full(op.body.rows, number))
                rows.append(row.astype(np.int64) + first)
                bits.append(names[:, 0].astype(np.int64))
                weights.append(sign * values)
                first += op.body.rows
        numbers = (np.concatenate(part) for part in (owner, rows, bits))
        return _Rows(np.concatenate(constants), np.concatenate(tolerances), np.concatenate(weights), *numbers)

    def slack(self, values: Integers) -> tuple[Floats, NDArray[np.bool_]]:
        """By row how much it may rise from its least value, with the tolerance; by entry whether its bit is settled."""
        own = values[self.bits]
        fixed = own >= 0
        least = np.where(fixed, self.weights * own, np.minimum(self.weights, 0.0))
        return self.tolerances - self.constants - np.bincount(self.rows, least, len(self.constants)), fixed
