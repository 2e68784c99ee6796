"""Which integers are listed by their values: those that a comparison inside an expression reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np

from qevo_compiler.diagnostics import Diagnostics
from qevo_compiler.diagnostics.language.values import ComparesDecisions
from qevo_compiler.dialects import nn
from qevo_compiler.dialects.problem import Domain, Encoding, ListedOp, VariableOp
from qevo_compiler.ir import Func, Op
from qevo_compiler.source import Span

# Values of an integer that is not coded by its values of its own accord.
MOST_VALUES = 64
_BY_VALUE = (Encoding.ONE_HOT, Encoding.DOMAIN_WALL, Encoding.ORDER)
_ADVICE = "state the comparison below `subject to`, or compare integers, bits and choices only"


def list_compared(main: Func) -> Func:
    """`main` with a listed variable in place of every integer that a comparison depends on.

    Raises `CompileError` (Q0215) where such an integer has another code or too many values.
    """
    read = _compared(main)
    if not read:
        return main
    found = Diagnostics()
    for op, comparison in read:
        _check(op, comparison, found)
    found.raise_if_any()
    listed = {op.result: _listed(op) for op, _ in read}
    return replace(main, ops=tuple(listed.get(op.result, op) if op.results else op for op in main.ops))


def not_listed(variables: Sequence[VariableOp], span: Span | None, reason: str, number: int) -> ComparesDecisions:
    """Why a comparison has no polynomial; `number` is the polynomial variable to blame, -1 for none."""
    if number < 0:
        return ComparesDecisions(span, reason, _ADVICE)
    firsts = np.cumsum([op.width for op in variables])
    op = variables[int(np.searchsorted(firsts, number, "right"))]
    kind = "a real number" if op.domain is Domain.REAL else "an integer without bounds"
    return ComparesDecisions(span, f"`{op.symbol}` is {kind}", _ADVICE)


def _compared(main: Func) -> list[tuple[VariableOp, Op]]:
    """The integers that comparisons read, each with the first of them."""
    comparisons = main.ops_of(nn.IndicatorOp)
    definitions = main.definitions() if comparisons else {}
    found: list[tuple[VariableOp, Op]] = []
    seen = set()
    for comparison in comparisons:
        waiting = [comparison.x]
        while waiting:
            value = waiting.pop()
            if value in seen:
                continue
            seen.add(value)
            op = definitions[value]
            waiting += op.operands
            if isinstance(op, VariableOp) and op.domain is Domain.INTEGER and _bounded(op):
                found.append((op, comparison))
    return found


def _bounded(op: VariableOp) -> bool:
    assert op.lower is not None
    assert op.upper is not None
    return bool(np.isfinite(op.lower.values).all() and np.isfinite(op.upper.values).all())


def _check(op: VariableOp, comparison: Op, found: Diagnostics) -> None:
    if op.encoding not in (None, *_BY_VALUE):
        reason = f"`{op.symbol}` is encoded as {op.encoding.value}, which has no bit for a value"
        found.add(ComparesDecisions(comparison.span, reason, "write `encoded as onehot` or `encoded as domainwall`"))
        return
    longest = int(_listed(op).lengths.max(initial=0))
    if op.encoding is None and longest > MOST_VALUES:
        reason = f"`{op.symbol}` has {longest} values, each of which needs a bit"
        advice = "a smaller range, a `choice`, or, for so many bits, `encoded as onehot`"
        found.add(ComparesDecisions(comparison.span, reason, advice))


def _listed(op: Op) -> ListedOp:
    return ListedOp(**{field.name: getattr(op, field.name) for field in fields(VariableOp)})
