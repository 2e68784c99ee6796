"""The scalar functions of `nn.apply` in numpy, equal to torch's in double precision."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.nn import Function

Floats = NDArray[np.float64]


def apply_function(function: Function, x: Floats) -> Floats:
    """`function` of every element. Outside a function's domain the result is NaN or infinite, as in torch."""
    with np.errstate(all="ignore"):
        return np.asarray(_FUNCTIONS[function](x), np.float64)


def _sigmoid(x: Floats) -> Floats:
    # exp of a non-positive number only, so that large arguments of either sign stay finite.
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, small) / (1.0 + small)


def _erf(x: Floats) -> Floats:
    from scipy.special import erf

    return np.asarray(erf(x), np.float64)


def _gelu(x: Floats) -> Floats:
    from scipy.special import ndtr

    return x * np.asarray(ndtr(x), np.float64)


def _gelu_tanh(x: Floats) -> Floats:
    inner = np.tanh(np.sqrt(2.0 / np.pi) * (x + 0.044715 * x**3))
    return np.asarray(0.5 * x * (1.0 + inner))


def _silu(x: Floats) -> Floats:
    return x * _sigmoid(x)


def _relu(x: Floats) -> Floats:
    return np.maximum(x, 0.0)


def _step(x: Floats) -> Floats:
    return np.where(np.isnan(x), np.nan, x > 0)


_FUNCTIONS: dict[Function, Callable[[Floats], Floats]] = {
    Function.TANH: np.tanh,
    Function.SIGMOID: _sigmoid,
    Function.EXP: np.exp,
    Function.LOG: np.log,
    Function.SQRT: np.sqrt,
    Function.ERF: _erf,
    Function.GELU: _gelu,
    Function.GELU_TANH: _gelu_tanh,
    Function.SILU: _silu,
    Function.RELU: _relu,
    Function.ABS: np.abs,
    Function.SIGN: np.sign,
    Function.STEP: _step,
}
