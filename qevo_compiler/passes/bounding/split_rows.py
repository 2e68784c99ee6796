"""A bound on an extreme as a bound on each of its entries: `max(a, b) + c <= 0` is `a + c <= 0` and `b + c <= 0`.

The rows of one instance stay side by side under its name, as the two of `l <= e <= u` do; `abs(e) <= c` becomes two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.intervals import Interval
from qevo_compiler.dialects import nn, problem
from qevo_compiler.dialects.nn.ops import shape_of
from qevo_compiler.dialects.problem import Relation
from qevo_compiler.ir import Array, Builder, Func, Op, Value
from qevo_compiler.passes.bounding.atoms import Atom, Integers, entries, is_largest, picked


@dataclass(frozen=True)
class Term:
    """One summand of the rows of a family: `sign` times the elements of `value` at `positions` [rows]."""

    sign: int
    value: Value
    positions: Integers


def split_rows(func: Func, atoms: Mapping[Value, Atom], ranges: Mapping[Value, Interval]) -> Func:
    """Split the inequalities that bound one extreme from its own side; the same object where there are none.

    Soft rows stay, since a sum of squares is not the square of the largest, but for absolute values within a side that
    is not negative, of whose two rows one at the most is violated.
    """
    definitions = func.definitions()
    builder = Builder(func.name)
    names: dict[Value, Value] = {}
    changed = False
    for op in func.ops:
        builder.span = op.span
        split = _split(op, definitions, atoms, ranges) if isinstance(op, problem.ConstraintOp) else None
        if split is not None:
            changed = True
            _emit(builder, names, *split, atoms)
        else:
            names.update(zip(op.results, builder.append(op.map_operands(names.__getitem__)), strict=True))
    return builder.finish() if changed else func


def _split(
    op: problem.ConstraintOp,
    definitions: Mapping[Value, Op],
    atoms: Mapping[Value, Atom],
    ranges: Mapping[Value, Interval],
) -> tuple[problem.ConstraintOp, Term, list[Term]] | None:
    """The family, the one extreme that its rows bound, and the other terms."""
    if op.relation is Relation.EQ:
        return None
    towards = 1 if op.relation is Relation.LE else -1
    terms = _terms(op.body, definitions)
    bounded = [t for t in terms if t.value in atoms and t.sign * towards == (1 if is_largest(atoms[t.value]) else -1)]
    if len(bounded) != 1:
        return None
    others = [term for term in terms if term is not bounded[0]]
    if op.weight is not None and not _at_most_one(atoms[bounded[0].value], towards, others, ranges):
        return None
    return op, bounded[0], others


def _at_most_one(atom: Atom, towards: int, others: list[Term], ranges: Mapping[Value, Interval]) -> bool:
    """Whether the rows of x and -x are never violated both."""
    if not isinstance(atom, nn.ApplyOp) or atom.function is not nn.Function.ABS:
        return False
    highest: NDArray[np.float64] = np.zeros(1)
    for term in others:
        low, high = (np.reshape(bound, -1)[term.positions] for bound in ranges[term.value])
        highest = highest + (high if term.sign * towards > 0 else -low)
    return bool((highest <= 0).all())


def _terms(value: Value, definitions: Mapping[Value, Op]) -> list[Term]:
    """The summands of a flat value, seen through sums, signs and moves of elements."""
    found: list[Term] = []
    stack = [Term(1, value, np.arange(prod(shape_of(value))))]
    while stack:
        term = stack.pop()
        match definitions.get(term.value):
            case nn.ReshapeOp(x):
                stack.append(replace(term, value=x))
            case nn.NegOp(x):
                stack.append(replace(term, value=x, sign=-term.sign))
            case nn.AddOp(x, y):
                stack += [replace(term, value=y), replace(term, value=x)]
            case nn.SubOp(x, y):
                stack += [replace(term, value=y, sign=-term.sign), replace(term, value=x)]
            case nn.BroadcastOp(x, shape):
                stack.append(replace(term, value=x, positions=_broadcast(x, shape)[term.positions]))
            case nn.GatherOp(x, indices) if (indices.values >= 0).all():
                stack.append(replace(term, value=x, positions=indices.values.reshape(-1)[term.positions]))
            case _:
                found.append(term)
    return found


def _broadcast(x: Value, shape: tuple[int, ...]) -> Integers:
    """For each element of a broadcast result the element that it repeats."""
    own = shape_of(x)
    return np.broadcast_to(np.arange(prod(own)).reshape(own), shape).reshape(-1)


def _emit(
    builder: Builder,
    names: Mapping[Value, Value],
    op: problem.ConstraintOp,
    bounded: Term,
    others: list[Term],
    atoms: Mapping[Value, Atom],
) -> None:
    parts = entries(atoms[bounded.value].map_operands(names.__getitem__), builder)
    row, entry = parts.of_positions(bounded.positions)
    body = picked(builder, parts.value, entry)
    if bounded.sign < 0:
        body = builder.add(nn.NegOp(body))
    for term in others:
        other = picked(builder, names[term.value], term.positions[row])
        body = builder.add(nn.AddOp(body, other) if term.sign > 0 else nn.SubOp(body, other))
    indices = Array(op.indices.values[row])
    factors = None if op.factors is None else Array(op.factors.values[row])
    builder.append(problem.ConstraintOp(body, op.symbol, op.relation, indices, op.weight, factors))
