"""Smooth functions of expressions, under numpy's and torch's names; numbers and arrays give arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from qevo_compiler.frontend import tensors
from qevo_compiler.frontend.builder import places
from qevo_compiler.frontend.builder.expressions import Expression


def _apply(name: str, x: Any) -> Any:
    if isinstance(x, Expression):
        return x._with(tensors.apply(name, x._tensor, places.here()))
    return tensors.FUNCTIONS[name](np.asarray(x, np.float64))


def tanh(x: Any) -> Any:
    return _apply("tanh", x)


def sigmoid(x: Any) -> Any:
    return _apply("sigmoid", x)


def exp(x: Any) -> Any:
    return _apply("exp", x)


def gelu(x: Any) -> Any:
    return _apply("gelu", x)


def silu(x: Any) -> Any:
    return _apply("silu", x)


def relu(x: Any) -> Any:
    return _apply("relu", x)


def log(x: Any) -> Any:
    return _apply("log", x)


def sqrt(x: Any) -> Any:
    return _apply("sqrt", x)
