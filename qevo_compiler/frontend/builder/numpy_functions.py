"""NumPy's functions on expressions: those that have a meaning, by name; all others are refused.

Without the refusal NumPy would make object arrays of single expressions, which is slow and no constraint.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.language.python import BadPythonValue
from qevo_compiler.frontend.builder import places
from qevo_compiler.frontend.builder.stated import Stated

if TYPE_CHECKING:
    from qevo_compiler.frontend.builder.expressions import Expression


def _dot(a: Any, b: Any) -> Any:
    return a * b if np.ndim(a) == 0 or np.ndim(b) == 0 else a @ b


def _prod(a: Expression, axis: None = None) -> Expression:
    return a.prod()


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "sum": lambda a, axis=None: a.sum(axis),
    "mean": lambda a, axis=None: a.mean(axis),
    "prod": _prod,
    "max": lambda a, axis=None: a.max(axis),
    "min": lambda a, axis=None: a.min(axis),
    "dot": _dot,
    "transpose": lambda a: a.T,
    "shape": lambda a: a.shape,
    "ndim": lambda a: a.ndim,
    "size": lambda a: a.size,
}


def call(name: str, arguments: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """`numpy.NAME(*arguments, **options)` of expressions; raises `CompileError` where it has no meaning here."""
    function = FUNCTIONS.get(name)
    if function is None:
        known = ", ".join(f"`numpy.{known}`" for known in FUNCTIONS)
        expected = f"write it with operators and indices; of NumPy's functions there are {known}"
        raise CompileError(BadPythonValue(places.here(), f"the argument of `numpy.{name}`", "an expression", expected))
    try:
        return function(*arguments, **options)
    except TypeError as error:
        expected = f"give the array, and perhaps `axis`: {error}"
        raise CompileError(BadPythonValue(places.here(), "an argument", f"used by `numpy.{name}`", expected)) from None


_ARITHMETIC = {
    "add": "add", "subtract": "sub", "multiply": "mul", "true_divide": "truediv", "divide": "truediv", "power": "pow",
    "matmul": "matmul", "remainder": "mod", "floor_divide": "floordiv",
    "bitwise_and": "and", "bitwise_or": "or", "bitwise_xor": "xor",
    "logical_and": "and", "logical_or": "or", "logical_xor": "xor",
}  # fmt: skip
# An operator, and what it is seen from the other side.
_OPERATORS = {name: (f"__{word}__", f"__r{word}__") for name, word in _ARITHMETIC.items()} | {
    "less_equal": ("__le__", "__ge__"),
    "greater_equal": ("__ge__", "__le__"),
    "less": ("__lt__", "__gt__"),
    "greater": ("__gt__", "__lt__"),
    "equal": ("__eq__", "__eq__"),
    "not_equal": ("__ne__", "__ne__"),
    "negative": ("__neg__", ""),
    "positive": ("__pos__", ""),
    "absolute": ("__abs__", ""),
    "invert": ("__invert__", ""),
    "logical_not": ("__invert__", ""),
}
_ELEMENTWISE = ("maximum", "minimum", "tanh", "exp", "log", "sqrt")


def ufunc(name: str, method: str, inputs: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """`numpy.NAME(*inputs)` of expressions, element by element; raises `CompileError` where it has no meaning here."""
    # `array += expression` binds the name to what is returned.
    in_place = options.keys() == {"out"} and options["out"][0] is inputs[0]
    if method == "__call__" and (not options or in_place):
        if name in _ELEMENTWISE:
            return getattr(import_module("qevo_compiler.frontend.builder.functions"), name)(*inputs)
        if name == "square":
            return inputs[0] ** 2
        if name in _OPERATORS:
            own, reflected = _OPERATORS[name]
            first = isinstance(inputs[0], Stated)
            return getattr(inputs[0], own)(*inputs[1:]) if first else getattr(inputs[1], reflected)(inputs[0])
    known = ", ".join(f"`numpy.{known}`" for known in ("abs", "square", *_ELEMENTWISE))
    expected = f"write it with operators and indices; element by element there are {known}"
    raise CompileError(BadPythonValue(places.here(), f"the argument of `numpy.{name}`", "an expression", expected))
