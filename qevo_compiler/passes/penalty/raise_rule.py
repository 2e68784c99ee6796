"""The raise rule: how large a family's weight must be so that raising an integer that its rows bound from below pays.

Take a family of rows `e - q t <= 0`, each with an integer t of its own or a shared one, whose bits occur in no other
constraint and in the objective as `a t`. In a state with violated rows let u be the largest violation of those of one
t, in whole units. Raising t by at most u satisfies them all (q is whole), raises no other row, and changes the
objective by at most a u; the penalties of the family fall by at least u, the least that forms take at a violation of u
(clauses: by 1, so that a times the largest violation must be reached). So a weight above a suffices, however wide the
objective's range. A makespan bounded by the loads of its machines is the case in point: weight 1.

Bits of t may be cut to K where the rest e is nowhere above K: while a row is violated no cut bit is set.

What else mends a state, such as setting a bit of an empty group, may raise rows that held. Where e is linear that costs
at most `a` times the largest coefficient of the bit in the rows of t more, as raising t by so much makes up for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.ising import FORMS, PenaltyForm, RegisterOp, Role
from qevo_compiler.dialects.poly import Polynomials
from qevo_compiler.dialects.problem import Domain, Encoding, Relation
from qevo_compiler.passes.penalty.family_rows import PenaltyRows

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

# Codes that have every value of the range, and no rows of their own.
_FREE = (Encoding.LOG, Encoding.BOUNDED, Encoding.UNARY)
_SAME = 1e-9


@dataclass(frozen=True)
class Integral:
    """`owner` [bits] is the integer that a bit is of (-1: none), `step` [bits] what it adds to that."""

    owner: Integers
    step: Floats

    @staticmethod
    def of(registers: Sequence[RegisterOp], bits: int) -> Integral:
        """The bits of integers whose codes have every value."""
        owner, step = np.full(bits, -1), np.zeros(bits)
        count = 0
        for op in registers:
            affine = op.affine
            if op.role is not Role.DECISION or op.domain is not Domain.INTEGER or affine is None:
                continue
            if op.encoding in _FREE and (affine.weights.values > 0).all():
                place = op.first + affine.bits.values
                owner[place] = count + np.repeat(np.arange(affine.size), np.diff(affine.starts.values))
                step[place] = affine.weights.values
            count += affine.size
        return Integral(owner, step)


@dataclass(frozen=True)
class Raise:
    """What a family's weight must exceed, and the integer that bounds each row [rows] with its price `a` [rows]."""

    need: float
    owner: Integers
    price: Floats


@dataclass(frozen=True)
class Lift:
    """What the raised integers cost at most when a bit [bits] is removed, and when it is set."""

    drop: Floats
    rise: Floats


def raise_needs(
    energy: Callable[[], Polynomials], families: Sequence[PenaltyRows], integral: Integral
) -> list[Raise | None]:
    """For each hard family what the raise rule asks for, or None where it does not apply.

    `energy` gives what is to be minimised, over the bits of `integral` and soft slack behind them. It is asked only
    where a family fits. Cost: a pass over the rows, and where some fit over the energy.
    """
    none: list[Raise | None] = [None] * len(families)
    used = [_owners(family.residual, integral) for family in families]
    if not integral.step.any():
        return none
    met = np.bincount(np.concatenate([np.zeros(0, np.int64), *used]), minlength=int(integral.owner.max()) + 1)
    fitting = [
        _fits(family) and len(owners) > 0 and bool((met[owners] == 1).all())
        for family, owners in zip(families, used, strict=True)
    ]
    rows = [_bounded(family, integral) if fits else None for family, fits in zip(families, fitting, strict=True)]
    if all(found is None for found in rows):
        return none
    prices = _prices(energy(), integral, len(met))
    return [
        None if found is None else _need(family, *found, prices) for family, found in zip(families, rows, strict=True)
    ]


def _fits(family: PenaltyRows) -> bool:
    return (
        family.dominating and not family.op.implied and family.widths is None and family.op.relation is not Relation.EQ
    )


def _owners(p: Polynomials, integral: Integral) -> Integers:
    """The integers whose bits occur in the rows, each once."""
    names = [block.variables.values.reshape(-1) for block in p.terms if block.degree]
    flat = np.concatenate([np.zeros(0, np.int64), *names])
    found = np.unique(integral.owner[flat[flat < len(integral.owner)]])
    return found[found >= 0]


def _bounded(family: PenaltyRows, integral: Integral) -> tuple[Integers, Floats] | None:
    """The integer that bounds each row from above, and the most that a row is violated by; None where one has none."""
    p, active = family.residual, family.active
    owner, most = np.full(p.rows, -1), p.constants()
    row, names, values = p.block(1)
    of = integral.owner[names[:, 0]]
    for block in p.terms:
        if block.degree > 1 and (integral.owner[block.variables.values] >= 0).any():
            return None
        if block.degree > 1:
            most = most + np.bincount(block.row.values, np.maximum(block.coefficients.values, 0), p.rows)
    bounds = (of >= 0) & (values < 0)
    owner[row[bounds]] = of[bounds]
    if ((of >= 0) & (of != owner[row])).any() or (owner[active] < 0).any():
        return None
    most = most + np.bincount(row[~bounds], np.maximum(values[~bounds], 0), p.rows)
    r, step, size = row[bounds], integral.step[names[bounds, 0]], -values[bounds]
    # The bit of the least step is the last to be cut; its coefficient tells q.
    order = np.lexsort((step, r))
    first = order[np.diff(r[order], prepend=-1) > 0]
    q, cut = np.zeros(p.rows), np.full(p.rows, np.inf)
    q[r[first]] = size[first] / step[first]
    np.minimum.at(cut, r, np.where(size < q[r] * step * (1 - _SAME), size, np.inf))
    shared = np.abs(size - np.minimum(q[r] * step, cut[r])) <= _SAME * size
    lengths = np.bincount(integral.owner[integral.owner >= 0])
    complete = np.bincount(r, minlength=p.rows)[active] == lengths[owner[active]]
    reach = np.bincount(r, size, p.rows)
    enough = (cut >= most - _SAME * np.abs(most)) & (reach >= most - _SAME * np.abs(most))
    unit = np.abs(q - np.rint(q)) <= _SAME * q
    if not (shared.all() and complete.all() and (enough & unit & (q >= 1))[active].all()):
        return None
    return owner, np.maximum(most, 0.0)


def _prices(energy: Polynomials, integral: Integral, count: int) -> Floats:
    """What each integer costs a step, infinite where its part of the energy is no multiple of it."""
    _, names, values = energy.block(1)
    bits = len(integral.owner)
    linear = np.bincount(names[:, 0], values, max(bits, int(names.max(initial=-1)) + 1))[:bits]
    here = integral.owner >= 0
    each = linear[here] / integral.step[here]
    prices, least = np.full(count, -np.inf), np.full(count, np.inf)
    np.maximum.at(prices, integral.owner[here], each)
    np.minimum.at(least, integral.owner[here], each)
    prices[prices - least > _SAME * np.abs(prices)] = np.inf
    for block in energy.terms:
        if block.degree > 1:
            names = block.variables.values
            owners = integral.owner[names[names < bits]]
            prices[owners[owners >= 0]] = np.inf
    return prices


def lifts(family: PenaltyRows, raised: Raise, integral: Integral) -> Lift | None:
    """What raising the integers of a family costs when bits change; None where its rows have products."""
    bits = len(integral.owner)
    row, names, values = family.residual.block(1)
    if family.residual.degree > 1:
        return None
    other = integral.owner[names[:, 0]] < 0
    row, bit, values = row[other], names[other, 0].astype(np.int64), values[other]
    keys, place = np.unique(raised.owner[row] * bits + bit, return_inverse=True)
    price, most = np.maximum(raised.price[row], 0.0), np.zeros((2, len(keys)))
    for sign, largest in zip((-1.0, 1.0), most, strict=True):
        np.maximum.at(largest, place, price * np.maximum(sign * values, 0.0))
    drop, rise = (np.bincount(keys % bits, largest, bits).astype(np.float64) for largest in most)
    return Lift(drop, rise)


def _need(family: PenaltyRows, owner: Integers, most: Floats, prices: Floats) -> Raise | None:
    price = np.where(owner >= 0, prices[owner], -np.inf)
    logical = family.forms == FORMS.index(PenaltyForm.LOGIC)
    cost = np.where(logical, price * np.maximum(most, 1.0), price)[family.active]
    need = float(np.maximum(cost, 0.0).max(initial=0.0))
    return Raise(need, owner, price) if np.isfinite(need) else None
