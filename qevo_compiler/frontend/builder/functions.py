"""Functions of expressions, under numpy's and torch's names; numbers and arrays give arrays."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.language.python import BadPythonValue
from qevo_compiler.frontend import tensors
from qevo_compiler.frontend.builder import places
from qevo_compiler.frontend.builder.expressions import Expression
from qevo_compiler.frontend.builder.reading import read_tensor


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


def maximum(*items: Any) -> Any:
    """The larger of two, or the largest of several, element by element."""
    return _extreme("max", items)


def minimum(*items: Any) -> Any:
    """The smaller of two, or the least of several, element by element."""
    return _extreme("min", items)


def _extreme(name: str, items: tuple[Any, ...]) -> Any:
    span = places.here()
    if len(items) < 2:
        expected = f"give two or more expressions; the {name} of an array is `x.{name}()`"
        raise CompileError(BadPythonValue(span, f"what `{name}imum` compares", f"{len(items)} values", expected))
    first = next((item for item in items if isinstance(item, Expression)), None)
    if first is None:
        return reduce(tensors.EXTREMES[name], [np.asarray(item) for item in items])
    return first._with(tensors.extreme_of(name, [read_tensor(first._problem, item, span) for item in items], span))
