"""Rows that no values satisfy: errors where they are hard, warnings where they are soft."""

from __future__ import annotations

import numpy as np

from qevo_compiler.analyses.names import instance_name
from qevo_compiler.diagnostics import Diagnostics
from qevo_compiler.diagnostics.constraints import NeverBetween, NeverEqual, NeverMet, NeverMetBetween, NeverSatisfied
from qevo_compiler.passes.penalty.family_rows import Flags
from qevo_compiler.passes.penalty.row_bodies import Body
from qevo_compiler.passes.penalty.two_sided import TwoSided


def impossible(body: Body, stated: Body, found: Diagnostics) -> bool:
    """Whether a row can never hold; each such row is reported by name."""
    op, never = body.op, _out_of_reach(body)
    rest = np.zeros(len(never))
    if body.equal:
        whole = np.isfinite(body.unit) & (body.unit > 0)
        unit = np.where(whole, body.unit, 1.0)
        rest = np.where(whole, np.abs(body.constant - np.rint(body.constant / unit) * unit), 0.0)
    for row in np.flatnonzero(never | (rest > body.tolerance)).tolist():
        name = instance_name(op.symbol, op.indices.values[row])
        if never[row]:
            found.add(NeverSatisfied(op.span, name, *_stated_range(stated, row), op.relation.value))
        else:
            found.add(NeverEqual(op.span, name, f"{body.unit[row]:g}", f"{rest[row]:g}"))
    crossed = _crossed(body, never)
    for row, gap in zip(crossed.first.tolist(), crossed.gap.tolist(), strict=True):
        found.add(NeverBetween(op.span, instance_name(op.symbol, op.indices.values[row]), f"{gap:g}"))
    return bool((never | (rest > body.tolerance)).any() or len(crossed.first))


def warn_of_unmet(body: Body, stated: Body, found: Diagnostics) -> None:
    """One warning for a soft family with rows whose range misses what is asked for, one for rows whose sides cross."""
    op, never = body.op, _out_of_reach(body)
    rows, crossed = np.flatnonzero(never).tolist(), _crossed(body, never)
    if rows:
        name = instance_name(op.symbol, op.indices.values[rows[0]])
        found.add(NeverMet(op.span, name, *_stated_range(stated, rows[0]), op.relation.value, len(rows) - 1))
    if len(crossed.first):
        name = instance_name(op.symbol, op.indices.values[crossed.first[0]])
        found.add(NeverMetBetween(op.span, name, f"{crossed.gap[0]:g}", len(crossed.first) - 1))


def _crossed(body: Body, never: Flags) -> TwoSided:
    """The pairs without a value between their sides, but for rows that are out of reach by themselves."""
    empty = body.pairs.empty(body.constant, body.unit, body.tolerance)
    return body.pairs.chosen(empty & ~never[body.pairs.first] & ~never[body.pairs.second])


def _out_of_reach(body: Body) -> Flags:
    never = body.low > body.tolerance
    return never | (body.high < -body.tolerance) if body.equal else never


def _stated_range(body: Body, row: int) -> tuple[str, str]:
    """The range of left minus right side in the source's own sign, for messages."""
    low, high = float(body.low[row]), float(body.high[row])
    return (f"{0.0 - high:g}", f"{0.0 - low:g}") if body.turned[row] else (f"{low:g}", f"{high:g}")
