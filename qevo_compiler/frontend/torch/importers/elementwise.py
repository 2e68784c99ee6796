"""Arithmetic, powers and scalar functions."""

from __future__ import annotations

import math
from typing import Any

from qevo_compiler.dialects import nn
from qevo_compiler.dialects.nn import Function
from qevo_compiler.frontend.torch.scope import Operand, Scope, Unsupported, imports
from qevo_compiler.ir import Value

_FUNCTIONS = {
    "tanh.default": Function.TANH,
    "sigmoid.default": Function.SIGMOID,
    "exp.default": Function.EXP,
    "log.default": Function.LOG,
    "sqrt.default": Function.SQRT,
    "erf.default": Function.ERF,
    "silu.default": Function.SILU,
    "relu.default": Function.RELU,
    "abs.default": Function.ABS,
    "sign.default": Function.SIGN,
}


def _function(overload: str, function: Function) -> None:
    def importer(scope: Scope, x: Operand) -> Value:
        return scope.apply(function, x)

    imports(overload)(importer)


for _overload, _each in _FUNCTIONS.items():
    _function(_overload, _each)


@imports("add.Tensor", "add.Scalar")
def _add(scope: Scope, x: Operand, y: Operand, alpha: float = 1) -> Value:
    return scope.plus(x, scope.times(y, alpha))


@imports("sub.Tensor", "sub.Scalar")
def _sub(scope: Scope, x: Operand, y: Operand, alpha: float = 1) -> Value:
    return scope.minus(x, scope.times(y, alpha))


@imports("rsub.Tensor", "rsub.Scalar")
def _rsub(scope: Scope, x: Operand, y: Operand, alpha: float = 1) -> Value:
    return _sub(scope, y, x, alpha)


@imports("mul.Tensor", "mul.Scalar")
def _mul(scope: Scope, x: Operand, y: Operand) -> Value:
    return scope.times(x, y)


@imports("div.Tensor", "div.Scalar")
def _div(scope: Scope, x: Operand, y: Operand) -> Value:
    return scope.over(x, y)


@imports("neg.default")
def _neg(scope: Scope, x: Operand) -> Value:
    return scope.add(nn.NegOp(scope.value(x)))


@imports("reciprocal.default")
def _reciprocal(scope: Scope, x: Operand) -> Value:
    return scope.add(nn.PowerOp(scope.value(x), -1))


@imports("rsqrt.default")
def _rsqrt(scope: Scope, x: Operand) -> Value:
    return scope.add(nn.PowerOp(scope.apply(Function.SQRT, x), -1))


@imports("square.default")
def _square(scope: Scope, x: Operand) -> Value:
    return scope.add(nn.PowerOp(scope.value(x), 2))


@imports("pow.Tensor_Scalar")
def _power(scope: Scope, x: Operand, exponent: float) -> Value:
    value = scope.value(x)
    if float(exponent).is_integer():
        return scope.add(nn.PowerOp(value, int(exponent)))
    if float(2 * exponent).is_integer():
        root = scope.apply(Function.SQRT, value)
        return root if exponent == 0.5 else scope.add(nn.PowerOp(root, int(2 * exponent)))
    raise Unsupported(
        f"the exponent {exponent} is neither whole nor half of one", "use `x ** 2`, `x ** 0.5` or the like"
    )


@imports("pow.Scalar")
def _exponential(scope: Scope, base: float, x: Operand) -> Value:
    if base <= 0:
        raise Unsupported("the base of a power is not positive", "use a positive base, or `torch.exp`")
    return scope.apply(Function.EXP, scope.times(x, math.log(base)))


@imports("exp2.default")
def _exp2(scope: Scope, x: Operand) -> Value:
    return _exponential(scope, 2.0, x)


def _logarithm(overload: str, base: float) -> None:
    imports(overload)(lambda scope, x: scope.times(scope.apply(Function.LOG, x), 1.0 / math.log(base)))


_logarithm("log2.default", 2.0)
_logarithm("log10.default", 10.0)


@imports("sinh.default")
def _sinh(scope: Scope, x: Operand) -> Value:
    return scope.times(scope.minus(_exp(scope, x), _exp(scope, _neg(scope, x))), 0.5)


@imports("cosh.default")
def _cosh(scope: Scope, x: Operand) -> Value:
    return scope.times(scope.plus(_exp(scope, x), _exp(scope, _neg(scope, x))), 0.5)


def _exp(scope: Scope, x: Operand) -> Value:
    return scope.apply(Function.EXP, x)


@imports("hypot.default")
def _hypot(scope: Scope, x: Operand, y: Operand) -> Value:
    return scope.apply(Function.SQRT, scope.plus(_square(scope, x), _square(scope, y)))


@imports("logaddexp.default")
def _logaddexp(scope: Scope, x: Operand, y: Operand) -> Value:
    """x + softplus(y - x)."""
    return scope.plus(x, _softplus(scope, scope.minus(y, x)))


@imports("log1p.default")
def _log1p(scope: Scope, x: Operand) -> Value:
    return scope.apply(Function.LOG, scope.plus(x, 1.0))


@imports("expm1.default")
def _expm1(scope: Scope, x: Operand) -> Value:
    return scope.minus(scope.apply(Function.EXP, x), 1.0)


@imports("gelu.default")
def _gelu(scope: Scope, x: Operand, approximate: str = "none") -> Value:
    return scope.apply(Function.GELU_TANH if approximate == "tanh" else Function.GELU, x)


@imports("leaky_relu.default")
def _leaky_relu(scope: Scope, x: Operand, slope: float = 0.01) -> Value:
    """slope x + (1 - slope) relu(x)."""
    return scope.plus(scope.times(x, slope), scope.times(scope.apply(Function.RELU, x), 1.0 - slope))


@imports("rrelu_with_noise_functional.default")
def _rrelu(
    scope: Scope,
    x: Operand,
    _noise: Operand,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    *_: Any,
) -> tuple[Value, None]:
    """Outside of training its slope is the mean of the random ones."""
    if training:
        raise Unsupported("it draws random slopes", "draw them only in training mode")
    return _leaky_relu(scope, x, (lower + upper) / 2), None


@imports("softplus.default")
def _softplus(scope: Scope, x: Operand, beta: float = 1, threshold: float = 20) -> Value:
    """relu(x) + log(1 + exp(-|beta x|)) / beta, without torch's cut at `threshold` (a change below 3e-9)."""
    scaled = scope.times(x, beta)
    tail = scope.apply(Function.EXP, scope.add(nn.NegOp(scope.apply(Function.ABS, scaled))))
    smooth = scope.plus(scope.apply(Function.RELU, scaled), _log1p(scope, tail))
    return scope.over(smooth, beta)


@imports("elu.default")
def _elu(scope: Scope, x: Operand, alpha: float = 1, scale: float = 1, input_scale: float = 1) -> Value:
    """scale (relu(x) + alpha (exp(input_scale min(x, 0)) - 1))."""
    below = scope.apply(Function.RELU, scope.add(nn.NegOp(scope.value(x))))
    tail = scope.minus(scope.apply(Function.EXP, scope.times(below, -input_scale)), 1.0)
    return scope.times(scope.plus(scope.apply(Function.RELU, x), scope.times(tail, alpha)), scale)
