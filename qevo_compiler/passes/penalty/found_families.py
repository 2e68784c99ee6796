"""The constraint families of an encoded func that need a penalty: as they are stated, and at the values they settle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from qevo_compiler.analyses.bounds import Groups
from qevo_compiler.diagnostics import Diagnostics
from qevo_compiler.diagnostics.constraints import Contradiction
from qevo_compiler.dialects.ising import RegisterOp, SettledOp
from qevo_compiler.dialects.poly import ConstraintOp
from qevo_compiler.ir import Func
from qevo_compiler.passes.base import Context
from qevo_compiler.passes.penalty.family_rows import PenaltyRows, RowOptions
from qevo_compiler.passes.penalty.one_hot import one_hot_structure, redundant_by_family
from qevo_compiler.passes.penalty.penalty_rows import penalty_rows
from qevo_compiler.passes.penalty.penalty_weights import OneHot
from qevo_compiler.passes.penalty.settled_rows import func_at_settled

OptionsOf = Callable[[ConstraintOp], RowOptions]


@dataclass(frozen=True)
class Found:
    """The families that need a penalty, with the constraint index of each.

    `others` are the indices of hard constraints that `one_hot` does not express.
    """

    families: list[PenaltyRows]
    positions: list[int]
    one_hot: OneHot
    others: frozenset[int]


def known_families(main: Func, options: OptionsOf, context: Context) -> tuple[Func, Found]:
    """What penalties are made for: the problem at the values that its rows settle, and its families.

    What is wrong is said of the rows as they are stated. Raises `CompileError` naming every hard row that can never
    hold; where only the settled values leave a row none, that is warned of, and nothing counts as settled.
    """
    found, wrong = find_families(main, options)
    said(wrong, context)
    settled = main.first(SettledOp)
    if settled is None:
        return main, found
    known = func_at_settled(main, settled)
    found_there, wrong = find_families(known, options)
    if not wrong.errors:
        return known, found_there
    broken = next(op for op in main.ops_of(ConstraintOp) if op.span == wrong.errors[0].span)
    context.warn(Contradiction(broken.span, broken.symbol, alone=False))
    return replace(main, ops=tuple(op for op in main.ops if op is not settled)), found


def find_families(main: Func, options: OptionsOf) -> tuple[Found, Diagnostics]:
    """The families that matter, and what is wrong with the constraints."""
    wrong = Diagnostics()
    constraints = main.ops_of(ConstraintOp)
    bits = sum(register.count for register in main.ops_of(RegisterOp))
    one_hot, defining, rest = one_hot_structure(constraints, bits)
    redundant = redundant_by_family(constraints, defining) if rest else {}
    valid, loose = one_hot.groups, Groups.none(bits)
    families, positions = [], []
    for index, op in enumerate(constraints):
        # The groups' own rows must not be judged by assuming that they hold.
        groups = loose if index in defining else valid
        rows = penalty_rows(op, groups, options(op), wrong, redundant.get(index))
        if rows is not None:
            families.append(rows)
            positions.append(index)
    return Found(families, positions, one_hot, rest), wrong


def said(found: Diagnostics, context: Context) -> None:
    """Hand warnings on and raise errors."""
    for warning in found.warnings:
        context.warn(warning)
    found.raise_if_any()
