"""Elementwise ranges of the values of a primitive tensor func, by interval arithmetic.

Every range holds what the value can take while the decision variables stay in their domains. It is
tight for expressions that use each variable once; a value multiplied by itself counts as a square.
Bounds are not rounded outwards: they hold to a few units in the last place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects import nn, problem
from qevo_compiler.dialects.nn import Function
from qevo_compiler.dialects.nn.ops import shape_of
from qevo_compiler.dialects.nn.products import matmul
from qevo_compiler.dialects.problem import Domain
from qevo_compiler.evaluator.functions import apply_function
from qevo_compiler.evaluator.reference import apply_op
from qevo_compiler.ir import Func, Invalid, Op, Value

Floats = NDArray[np.float64]
Interval = tuple[Floats, Floats]

_BOUNDS = {Domain.BINARY: (0.0, 1.0), Domain.CHOICE: (0.0, 1.0), Domain.SPIN: (-1.0, 1.0)}

# Where GELU, its tanh form and SiLU have their minimum, to double precision.
_MINIMISERS = {
    Function.GELU: -0.7517915246935645,
    Function.GELU_TANH: -0.7524614220710163,
    Function.SILU: -1.2784645427610738,
}


def intervals(func: Func) -> dict[Value, Interval]:
    """Lower and upper bound of every element of every value; infinite where there is no bound.

    A parameter has its range if it has bits, else its present value where the func has decision
    variables and trains nothing (it is then held constant), else no bound. Raises `Invalid` for arguments and layers.
    """
    held = bool(decision_values(func)) and func.first(problem.LinearizeOp) is None
    known: dict[Value, Interval] = {}
    with np.errstate(all="ignore"):
        for op in func.ops:
            if op.results:
                known[op.result] = _declared(op, held) or _computed(op, known)
    return known


def decision_values(func: Func) -> frozenset[Value]:
    """The values that depend on decision variables or on parameters with a range and bits.

    Where training is to be linearized they are those that depend on any parameter.
    """
    found: set[Value] = set()
    trained = func.first(problem.LinearizeOp) is not None
    for op in func.ops:
        decided = isinstance(op, problem.VariableOp) or (
            isinstance(op, nn.ParameterOp) and (trained or op.bits is not None)
        )
        if decided or not found.isdisjoint(op.operands):
            found.update(op.results)
    return frozenset(found)


def _declared(op: Op, held: bool) -> Interval | None:
    match op:
        case nn.ConstantOp():
            return op.value.values, op.value.values
        case nn.ParameterOp(bits=None) if held:
            return op.value.values, op.value.values
        case nn.ParameterOp():
            lower = -np.inf if op.lower is None else op.lower
            return _full(op.result, lower), _full(op.result, np.inf if op.upper is None else op.upper)
        case problem.VariableOp(lower=None):
            low, high = _BOUNDS[op.domain]
            return _full(op.result, low), _full(op.result, high)
        case problem.VariableOp():
            return _full(op.result, np.asarray(op.lower)), _full(op.result, np.asarray(op.upper))
    return None


def _full(value: Value, bound: Any) -> Floats:
    return np.broadcast_to(np.asarray(bound, np.float64), shape_of(value))


def _computed(op: Op, known: dict[Value, Interval]) -> Interval:
    operands = [known[value] for value in op.operands]
    if isinstance(op, nn.MulOp) and op.x == op.y:
        return _power(2, operands[0])
    rule = _RULES.get(type(op))
    if rule is None:
        raise Invalid(f"no interval rule for {op.name}")
    low, high = rule(op, *operands)
    # An undefined bound (infinity times zero, infinity minus infinity) says nothing.
    return np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high)


def _monotone(op: Op, *operands: Interval) -> Interval:
    """Ops that move or add elements: they map lower bounds to lower and upper to upper bounds."""
    return apply_op(op, [low for low, _ in operands])[0], apply_op(op, [high for _, high in operands])[0]


def _mul(_: Op, x: Interval, y: Interval) -> Interval:
    corners = [np.where((a == 0) | (b == 0), 0.0, a * b) for a in x for b in y]
    return np.minimum.reduce(corners), np.maximum.reduce(corners)


def _div(op: Op, x: Interval, y: Interval) -> Interval:
    return _mul(op, x, _power(-1, y))


def _power(exponent: int, x: Interval) -> Interval:
    low, high = x
    if exponent < 0:
        inner = _power(-exponent, x)
        across = (inner[0] <= 0) & (inner[1] >= 0)
        return np.where(across, -np.inf, 1.0 / inner[1]), np.where(across, np.inf, 1.0 / inner[0])
    ends = low**exponent, high**exponent
    if exponent % 2 or not exponent:
        return ends
    across = (low <= 0) & (high >= 0)
    return np.where(across, 0.0, np.minimum(*ends)), np.maximum(*ends)


def _apply(op: nn.ApplyOp, x: Interval) -> Interval:
    low, high = x
    ends = apply_function(op.function, low), apply_function(op.function, high)
    if op.function is Function.ABS:
        return np.where((low <= 0) & (high >= 0), 0.0, np.minimum(*ends)), np.maximum(*ends)
    if op.function not in _MINIMISERS:
        return ends
    # These fall from 0 to their minimum and rise ever after; both limits at minus infinity are 0.
    ends = np.where(low == -np.inf, 0.0, ends[0]), np.where(high == -np.inf, 0.0, ends[1])
    lowest = _MINIMISERS[op.function]
    least = apply_function(op.function, np.array(lowest))
    return np.where((low <= lowest) & (high >= lowest), least, np.minimum(*ends)), np.maximum(*ends)


def _polynomial(op: nn.PolynomialOp, x: Interval) -> Interval:
    """The extremes lie at the ends or where the derivative vanishes."""
    low, high = x
    coefficients = np.trim_zeros(op.coefficients.values, "b")
    if len(coefficients) < 2:
        constant = np.full(low.shape, coefficients[0] if len(coefficients) else 0.0)
        return constant, constant
    ends = [np.polynomial.polynomial.polyval(end, coefficients) for end in x]
    least, most = np.minimum(*ends), np.maximum(*ends)
    roots = np.polynomial.polynomial.polyroots(np.polynomial.polynomial.polyder(coefficients))
    # Double roots come out slightly complex; a point too many only makes the range wider.
    for root in np.sort(roots.real[np.abs(roots.imag) <= 1e-6 * (1 + np.abs(roots))]).tolist():
        value = np.polynomial.polynomial.polyval(root, coefficients)
        inside = (low <= root) & (high >= root)
        least, most = np.where(inside, np.minimum(least, value), least), np.where(inside, np.maximum(most, value), most)
    return least, most


def _log_softmax(op: nn.LogSoftmaxOp, x: Interval) -> Interval:
    """Each element rises with itself and falls with the others."""
    low, high = x

    def mixed(own: Floats, others: Floats) -> Floats:
        rest = np.maximum(np.exp(others).sum(axis=op.axis, keepdims=True) - np.exp(others), 0.0)
        return np.asarray(own - np.log(np.exp(own) + rest))

    return mixed(low, high), np.minimum(mixed(high, low), 0.0)


def _matmul(_: Op, x: Interval, y: Interval) -> Interval:
    """Sign splitting for a constant factor, else midpoints and radii (Rump 1999)."""
    if _is_point(y):
        return _split(x[0], x[1], y[0])
    if _is_point(x):
        low, high = _split(*(np.swapaxes(bound, -1, -2) for bound in (*y, x[0])))
        return np.swapaxes(low, -1, -2), np.swapaxes(high, -1, -2)
    centres, radii = [(a + b) / 2 for a, b in (x, y)], [(b - a) / 2 for a, b in (x, y)]
    centre = matmul(*centres)
    radius = matmul(np.abs(centres[0]), radii[1]) + matmul(radii[0], np.abs(centres[1]) + radii[1])
    return centre - radius, centre + radius


def _split(low: Floats, high: Floats, factor: Floats) -> Interval:
    positive, negative = np.maximum(factor, 0.0), np.minimum(factor, 0.0)
    return matmul(low, positive) + matmul(high, negative), matmul(high, positive) + matmul(low, negative)


def _is_point(x: Interval) -> bool:
    return x[0] is x[1] or bool((x[0] == x[1]).all())


_RULES: dict[type[Op], Callable[..., Interval]] = {
    nn.AddOp: _monotone,
    nn.SubOp: lambda op, x, y: (x[0] - y[1], x[1] - y[0]),
    nn.NegOp: lambda op, x: (-x[1], -x[0]),
    nn.MulOp: _mul,
    nn.DivOp: _div,
    nn.PowerOp: lambda op, x: _power(op.exponent, x),
    nn.ApplyOp: _apply,
    nn.IndicatorOp: lambda op, x: (np.zeros_like(x[0]), np.ones_like(x[0])),
    nn.PolynomialOp: _polynomial,
    nn.LogSoftmaxOp: _log_softmax,
    nn.MatmulOp: _matmul,
    nn.SumOp: _monotone,
    nn.BroadcastOp: _monotone,
    nn.ReshapeOp: _monotone,
    nn.TransposeOp: _monotone,
    nn.GatherOp: _monotone,
    nn.ScatterAddOp: _monotone,
    nn.ExtremeOp: _monotone,
    nn.ConcatOp: _monotone,
}
