"""Sparse matrices of SciPy, which is not imported for them: in products by their entries, elsewhere as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.language.python import BadPythonValue
from qevo_compiler.frontend import arrays
from qevo_compiler.frontend.tensors import Sparse
from qevo_compiler.source import Span

# Sparse matrices become arrays up to this size (800 MB).
MOST_ENTRIES = 10**8


def is_sparse(value: Any) -> bool:
    """Whether the value is a matrix of `scipy.sparse`."""
    return callable(getattr(value, "tocsr", None)) and value.ndim == 2


def sparse(matrix: Any, span: Span | None) -> Sparse:
    """The entries of a sparse matrix; raises `CompileError` where one is no finite number."""
    rows = matrix.tocsr(copy=True)
    rows.sum_duplicates()
    counts = np.diff(rows.indptr)
    values = arrays.numbers("this matrix", rows.data, span)
    return Sparse(matrix.shape, np.arange(len(counts)).repeat(counts), rows.indices, values)


def dense(matrix: Any, span: Span | None) -> Any:
    """A sparse matrix as an array; raises `CompileError` where that would be too large."""
    if int(np.prod(matrix.shape, dtype=np.int64)) > MOST_ENTRIES:
        expected = f"{MOST_ENTRIES:,} entries are possible, zeros included; write a product, `matrix @ x`, instead"
        raise CompileError(BadPythonValue(span, "a sparse matrix", f"of shape {matrix.shape}", expected))
    return matrix.toarray()
