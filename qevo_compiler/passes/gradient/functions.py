"""Derivatives of the scalar functions of `nn.apply`, as tensor expressions."""

from __future__ import annotations

from collections.abc import Callable
from math import pi, sqrt

from qevo_compiler.dialects import nn
from qevo_compiler.dialects.nn import Function
from qevo_compiler.ir import Builder, Value
from qevo_compiler.passes.gradient.emit import add, apply, multiply, polynomial, scaled

# The cubic coefficient of torch's tanh form of GELU: tanh(sqrt(2 / pi) (x + 0.044715 x^3)).
_CUBIC = 0.044715


def derivative(builder: Builder, function: Function, x: Value, y: Value) -> Value | None:
    """f'(x), where y = f(x) is at hand; None where it is zero almost everywhere.

    At a kink it takes torch's choice: 0 for `relu` and `abs` at zero.
    """
    return _RULES[function](builder, x, y)


def _sqrt(builder: Builder, x: Value, y: Value) -> Value:
    return scaled(builder, builder.add(nn.PowerOp(y, -1)), 0.5)


def _erf(builder: Builder, x: Value, y: Value) -> Value:
    return scaled(builder, apply(builder, Function.EXP, polynomial(builder, x, 0.0, 0.0, -1.0)), 2.0 / sqrt(pi))


def _gelu(builder: Builder, x: Value, y: Value) -> Value:
    """Phi(x) + x phi(x) with the normal distribution's Phi and density phi."""
    error = apply(builder, Function.ERF, scaled(builder, x, sqrt(0.5)))
    density = apply(builder, Function.EXP, polynomial(builder, x, 0.0, 0.0, -0.5))
    slope = multiply(builder, scaled(builder, x, 1.0 / sqrt(2.0 * pi)), density)
    return add(builder, polynomial(builder, error, 0.5, 0.5), slope)


def _gelu_tanh(builder: Builder, x: Value, y: Value) -> Value:
    """(1 + t) / 2 + x (1 - t^2) u' / 2 with t = tanh(u)."""
    c = sqrt(2.0 / pi)
    t = apply(builder, Function.TANH, polynomial(builder, x, 0.0, c, 0.0, c * _CUBIC))
    inner = polynomial(builder, x, 0.0, 0.5 * c, 0.0, 1.5 * c * _CUBIC)
    return add(
        builder, polynomial(builder, t, 0.5, 0.5), multiply(builder, polynomial(builder, t, 1.0, 0.0, -1.0), inner)
    )


def _silu(builder: Builder, x: Value, y: Value) -> Value:
    """s + x s (1 - s) with s = sigmoid(x)."""
    s = apply(builder, Function.SIGMOID, x)
    return add(builder, s, multiply(builder, x, polynomial(builder, s, 0.0, 1.0, -1.0)))


_RULES: dict[Function, Callable[[Builder, Value, Value], Value | None]] = {
    Function.TANH: lambda builder, x, y: polynomial(builder, y, 1.0, 0.0, -1.0),
    Function.SIGMOID: lambda builder, x, y: polynomial(builder, y, 0.0, 1.0, -1.0),
    Function.EXP: lambda builder, x, y: y,
    Function.LOG: lambda builder, x, y: builder.add(nn.PowerOp(x, -1)),
    Function.SQRT: _sqrt,
    Function.ERF: _erf,
    Function.GELU: _gelu,
    Function.GELU_TANH: _gelu_tanh,
    Function.SILU: _silu,
    Function.RELU: lambda builder, x, y: apply(builder, Function.STEP, x),
    Function.ABS: lambda builder, x, y: apply(builder, Function.SIGN, x),
    Function.SIGN: lambda builder, x, y: None,
    Function.STEP: lambda builder, x, y: None,
}
