"""The flip rule: how large a family's weight must be so that undoing one literal of a violated row pays.

Write every hard row as sum a_i l_i <= b over literals (see `analyses.structure.literals`). Suppose that no bit of a
family occurs with the other sign in another hard row, nor in a row of another kind (an equation, say). Take any
state with a violated row of the family. Making one of its true literals false raises the penalty of no row, and
lowers this row's by at least 1: u falls by at least 1 in whole units, and linear, triangle, logic and square
forms (for the best slack) are 0 up to u = 0 and rise by at least 1 a unit behind it; of a violated clause a literal
is undone. If the objective rises by less than the weight, the energy falls. So no state with a violated row is
a minimum, and repeating this ends in a state without one, whose other penalties are no larger.

A violated row has at least m true literals, m the fewest whose weights exceed b; the cheapest of those costs at most
the m-th largest cost of the row. For x + y <= 1 that is the smaller cost, for x + y + z <= 2 the smallest.
The cost of a literal is the most that the objective can rise when it turns false: over all states, so that
nothing is assumed of the other bits. This is the valid inequality behind the rules VLM and MOMC.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.bounds import largest_drop
from qevo_compiler.analyses.structure import row_literals
from qevo_compiler.dialects.ising import FORMS, PenaltyForm
from qevo_compiler.dialects.poly import Polynomials, arithmetic
from qevo_compiler.dialects.problem import Relation
from qevo_compiler.passes.penalty.family_rows import PenaltyRows

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


def flip_needs(energy: Callable[[], Polynomials], families: Sequence[PenaltyRows], bits: int) -> list[float | None]:
    """For each hard family what its weight must exceed by the flip rule, or None where the rule does not apply.

    `energy` gives what is to be minimised: objective and soft penalties over `bits` decision bits (and soft slack
    behind them); it is not asked where the rule fits nothing. Cost: a sort of the rows, a pass over the energy.
    """
    fitting = [_fits(family) for family in families]
    blocked = np.zeros(bits, bool)
    signs = [_signs(family.residual, bits) for family in families]
    up = np.logical_or.reduce([s[0] for s in signs])
    down = np.logical_or.reduce([s[1] for s in signs])
    blocked |= up & down
    while True:
        for fits, (positive, negative) in zip(fitting, signs, strict=True):
            if not fits:
                blocked |= positive | negative
        still = [fits and not (blocked & (p | n)).any() for fits, (p, n) in zip(fitting, signs, strict=True)]
        if still == fitting:
            break
        fitting = still
    if not any(fitting):
        return [None] * len(families)
    total = energy()
    if not len(total):  # nothing to gain by a violation
        return [0.0 if fits else None for fits in fitting]
    size = max(bits, _highest(total) + 1)
    drop = largest_drop(total, size)[:bits]
    rise = largest_drop(arithmetic.scale(total, -1.0), size)[:bits]
    return [_need(family, drop, rise) if fits else None for family, fits in zip(families, fitting, strict=True)]


def _fits(family: PenaltyRows) -> bool:
    """Exact rows whose penalty never falls with any literal; of higher degree only sums of products of bits."""
    if not family.dominating or family.op.implied or family.widths is not None:
        return False
    if family.op.relation is Relation.EQ and (family.forms[family.active] == FORMS.index(PenaltyForm.SQUARE)).any():
        return False
    high = [block for block in family.residual.terms if block.degree > 1]
    return not high or all((b.coefficients.values > 0).all() for b in family.residual.terms if b.degree)


def _signs(p: Polynomials, bits: int) -> tuple[Flags, Flags]:
    """Which bits occur in terms with a positive and which in terms with a negative coefficient."""
    positive, negative = np.zeros(bits, bool), np.zeros(bits, bool)
    for block in p.terms:
        for column in block.variables.values.T:
            positive[column[block.coefficients.values > 0]] = True
            negative[column[block.coefficients.values < 0]] = True
    return positive, negative


def _highest(p: Polynomials) -> int:
    return max((int(block.variables.values.max()) for block in p.terms if block.degree), default=-1)


def _need(family: PenaltyRows, drop: Floats, rise: Floats) -> float:
    if family.residual.degree > 1:
        used = _signs(family.residual, len(drop))[0]
        return float(drop[used].max(initial=0.0))
    literals = row_literals(family.residual)
    cost = np.where(literals.negated, rise[literals.bit], drop[literals.bit])
    row = literals.row
    # Only whole weights are compared with a capacity; without one a single literal violates the row.
    within = (literals.capacity[row] > 0) & (literals.head_sums() <= literals.capacity[row])
    fewest = np.bincount(row, within, literals.rows).astype(np.int64)
    violable = fewest < literals.lengths
    dearest = cost[np.lexsort([-cost, row])]
    at = np.minimum(literals.starts[:-1] + fewest, len(cost) - 1)
    return float(dearest[at[violable]].max(initial=0.0))
