"""Logic and comparison as polynomials over expressions that are 0 or 1."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial, reduce

import numpy as np

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.language.values import NotZeroOne
from qevo_compiler.dialects import nn
from qevo_compiler.frontend.tensors.align import common_shape, folded, spread
from qevo_compiler.frontend.tensors.arithmetic import add, multiply, subtract
from qevo_compiler.frontend.tensors.value import Tensor, constant, deepest, derived
from qevo_compiler.source import Span

COMPARISONS: dict[str, np.ufunc] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<=": np.less_equal,
    ">=": np.greater_equal,
    "<": np.less,
    ">": np.greater,
}
ZERO = constant(np.int64(0))
ONE = constant(np.int64(1))
TWO = constant(np.int64(2))
Operand = tuple[Tensor, Span | None]


def logical(operator: str, operands: Sequence[Operand], span: Span | None) -> Tensor:
    """`and`, `or`, `xor` or `=>` of 0/1 operands, folded from the left.

    and: ab; or: a + b - ab; xor: a + b - 2ab; implication: 1 - a + ab.
    """
    for operand, place in operands:
        _check_zero_one(operator, operand, place)
    join = _JOINS[operator]
    return reduce(lambda a, b: _marked(join(a, b, span)), (operand for operand, _ in operands))


def negation(operand: Tensor, span: Span | None, place: Span | None) -> Tensor:
    """`not a`: 1 - a."""
    _check_zero_one("not", operand, place)
    return _marked(subtract(ONE, operand, span))


def compare(operator: str, x: Tensor, y: Tensor, span: Span | None) -> Tensor:
    """A comparison as a 0/1 value: of constants, of 0/1 expressions, or of numbers by an indicator op."""
    if x.is_constant and y.is_constant:
        return folded(COMPARISONS[operator], x, y, span)
    if operator in ("==", "!=") and x.is_zero_one and y.is_zero_one:
        return _same_bits(operator, x, y, span)
    if operator in (">", "<="):
        x, y = y, x
    # x < y, or not: x >= y.
    condition = nn.Condition.ZERO if operator in ("==", "!=") else nn.Condition.POSITIVE
    body = subtract(y, x, span)
    build = partial(nn.IndicatorOp, condition=condition)
    met = derived(build, (body,), body.shape, body.rows, span, True)
    return met if operator in ("==", "<", ">") else _marked(subtract(ONE, met, span))


def _same_bits(operator: str, x: Tensor, y: Tensor, span: Span | None) -> Tensor:
    for decision, known in ((x, y), (y, x)):
        if known.is_constant and (known.constant == (operator == "==")).all():
            shape = common_shape(x.shape, y.shape, span)
            return spread(decision, deepest(x.rows, y.rows), shape, span)
    differ = _exclusive(x, y, span)
    return _marked(differ if operator == "!=" else subtract(ONE, differ, span))


def _check_zero_one(operator: str, operand: Tensor, span: Span | None) -> None:
    if not operand.is_zero_one:
        raise CompileError(NotZeroOne(span, operator))


def _marked(tensor: Tensor) -> Tensor:
    if tensor.is_constant:
        return replace(tensor, stored=tensor.known.astype(bool), symbol="")
    return tensor if tensor.zero_one else replace(tensor, zero_one=True)


def _either(a: Tensor, b: Tensor, span: Span | None) -> Tensor:
    return subtract(add(a, b, span), multiply(a, b, span), span)


def _exclusive(a: Tensor, b: Tensor, span: Span | None) -> Tensor:
    return subtract(add(a, b, span), multiply(TWO, multiply(a, b, span), span), span)


def _implies(a: Tensor, b: Tensor, span: Span | None) -> Tensor:
    return add(subtract(ONE, a, span), multiply(a, b, span), span)


_JOINS: dict[str, Callable[[Tensor, Tensor, Span | None], Tensor]] = {
    "and": multiply,
    "or": _either,
    "xor": _exclusive,
    "=>": _implies,
}
