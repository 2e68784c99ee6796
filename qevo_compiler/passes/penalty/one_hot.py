"""Find the one-hot families among constraints, and the rows that other rows imply."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.structure import redundant_rows
from qevo_compiler.analyses.structure.recognise import whole_rows
from qevo_compiler.dialects.poly import ConstraintOp, arithmetic
from qevo_compiler.dialects.problem import Relation
from qevo_compiler.passes.penalty.penalty_weights import OneHot

Flags = NDArray[np.bool_]


def one_hot_structure(
    constraints: tuple[ConstraintOp, ...], bits: int
) -> tuple[OneHot, frozenset[int], frozenset[int]]:
    """One-hot families among hard constraints, the indices of those that define the first labels, and of the rest.

    The rest are the hard constraints that the labels do not express.
    """
    labels = [np.full(bits, -1), np.full(bits, -1)]
    defining: set[int] = set()
    rest: set[int] = set()
    for index, op in enumerate(constraints):
        if op.weight is not None:
            continue
        groups = _one_hot_rows(op)
        side = None if groups is None else next((k for k in (0, 1) if (labels[k][groups[0]] < 0).all()), None)
        if groups is None or side is None:
            rest.add(index)
            continue
        names, rows = groups
        labels[side][names] = rows + labels[side].max(initial=-1) + 1
        if side == 0:
            defining.add(index)
    return OneHot(labels[0], labels[1], not rest), frozenset(defining), frozenset(rest)


def redundant_by_family(constraints: tuple[ConstraintOp, ...], kept: frozenset[int]) -> dict[int, Flags]:
    """Rows of hard constraints, by index, that another row implies. Families in `kept` lose no row."""
    hard = [k for k, op in enumerate(constraints) if op.weight is None and not op.implied]
    if sum(constraints[k].body.rows for k in hard) < 2 or set(hard) <= kept:
        return {}
    bodies = [whole_rows(constraints[k]) for k in hard]
    rows = arithmetic.stack([body for body, _ in bodies])
    whole = np.ones(rows.rows, bool)
    for block in rows.terms:
        values = block.coefficients.values
        whole[block.row.values[values != np.rint(values)]] = False
    marked = redundant_rows(rows, np.concatenate([equal for _, equal in bodies]), whole)
    ends = np.cumsum([constraints[k].body.rows for k in hard])
    parts = np.split(marked, ends[:-1])
    return {k: part for k, part in zip(hard, parts, strict=True) if k not in kept and part.any()}


def _one_hot_rows(op: ConstraintOp) -> tuple[NDArray[np.int32], NDArray[np.int32]] | None:
    """Bits and groups of a family whose rows all say that exactly one of disjoint bits is 1, or nothing at all."""
    row, names, coefficients = op.body.block(1)
    if op.relation is not Relation.EQ or op.body.degree != 1 or not len(row):
        return None
    starts = np.diff(row, prepend=-1) > 0
    group = (np.cumsum(starts) - 1).astype(np.int32)
    said, unit = np.zeros(op.body.rows), coefficients[starts]
    said[row[starts]] = -unit
    used = np.bincount(names[:, 0])
    alike = (coefficients == unit[group]).all() and (op.body.constants() == said).all()
    return (names[:, 0], group) if alike and int(used.max()) < 2 else None
