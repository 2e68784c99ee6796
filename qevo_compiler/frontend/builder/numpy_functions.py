"""NumPy's functions on expressions: those that have a meaning, by name; all others are refused. SciPy's matrices.

Without the refusal NumPy would make object arrays of single expressions, which is slow and no constraint.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.language.python import BadPythonValue
from qevo_compiler.frontend.builder import places
from qevo_compiler.source import Span

if TYPE_CHECKING:
    from qevo_compiler.frontend.builder.expressions import Expression


# Sparse matrices become arrays up to this size (800 MB).
MOST_ENTRIES = 10**8


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


def dense(matrix: Any, span: Span | None) -> Any:
    """A sparse matrix of SciPy as an array."""
    if int(np.prod(matrix.shape, dtype=np.int64)) > MOST_ENTRIES:
        expected = f"{MOST_ENTRIES:,} entries are possible, zeros included; sum `values * x[columns]` by row instead"
        raise CompileError(BadPythonValue(span, "a sparse matrix", f"of shape {matrix.shape}", expected))
    return matrix.toarray()
