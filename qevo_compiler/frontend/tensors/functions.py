"""Smooth functions of every element: numpy on constants, `nn.apply` on decisions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from qevo_compiler.dialects import nn
from qevo_compiler.frontend.tensors.arithmetic import finite
from qevo_compiler.frontend.tensors.value import Tensor, Values, constant, derived
from qevo_compiler.source import Span


def apply(name: str, x: Tensor, span: Span | None) -> Tensor:
    """The function `name` (a key of `FUNCTIONS`) of every element of `x`."""
    if x.is_constant:
        with np.errstate(all="ignore"):
            return constant(finite(FUNCTIONS[name](x.constant.astype(np.float64)), span), x.rows)
    return derived(partial(nn.ApplyOp, function=nn.Function[name.upper()]), (x,), x.shape, x.rows, span)


def _sigmoid(x: Values) -> Values:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))


def _silu(x: Values) -> Values:
    return np.asarray(x * _sigmoid(x))


def _gelu(x: Values) -> Values:
    from scipy.special import erf  # loaded on demand: scipy is slow to import

    return np.asarray(0.5 * x * (1.0 + erf(x / np.sqrt(2.0))))


def _relu(x: Values) -> Values:
    return np.maximum(x, 0.0)


FUNCTIONS: dict[str, Callable[[Values], Values]] = {
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "exp": np.exp,
    "gelu": _gelu,
    "silu": _silu,
    "relu": _relu,
    "abs": np.abs,
    "log": np.log,
    "sqrt": np.sqrt,
}
