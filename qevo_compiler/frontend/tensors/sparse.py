"""Products with sparse matrices of constants, which cost their entries."""

from __future__ import annotations

from functools import partial

import numpy as np

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.language.shapes import MatrixShapes
from qevo_compiler.dialects import nn
from qevo_compiler.frontend.tensors.align import index_dtype
from qevo_compiler.frontend.tensors.arithmetic import multiply
from qevo_compiler.frontend.tensors.indexing import take, transpose
from qevo_compiler.frontend.tensors.value import Tensor, Values, constant, count_of, derived
from qevo_compiler.ir import Array
from qevo_compiler.light import light
from qevo_compiler.source import Span


@light(eq=False)
class Sparse:
    """The entries of a matrix of `shape`, each place at most once, by row and then by column."""

    shape: tuple[int, int]
    rows: Values
    columns: Values
    values: Values


def sparse_product(matrix: Sparse, x: Tensor, span: Span | None) -> Tensor:
    """`matrix @ x` for x of shape [n] or [n, k] without rows."""
    height, width = matrix.shape
    if len(x.shape) not in (1, 2) or x.shape[0] != width:
        raise CompileError(MatrixShapes(span, matrix.shape, x.shape))
    shape = (height, *x.shape[1:])
    if not count_of(shape) or not len(matrix.values):
        return constant(np.zeros(shape))
    parts = take(x, _positions(matrix.columns, x.shape), (len(matrix.values), *x.shape[1:]), None, span)
    values = matrix.values.reshape(-1, *(1,) * (len(x.shape) - 1))
    indices = Array(_positions(matrix.rows, shape))
    terms = multiply(parts, constant(values), span)
    return derived(partial(nn.ScatterAddOp, indices=indices, shape=shape), (terms,), shape, None, span)


def product_sparse(x: Tensor, turned: Sparse, span: Span | None) -> Tensor:
    """`x @ matrix`, for x of shape [n] or [k, n] without rows, from the transposed matrix."""
    if len(x.shape) not in (1, 2) or x.shape[-1] != turned.shape[1]:
        raise CompileError(MatrixShapes(span, x.shape, turned.shape[::-1]))
    return transpose(sparse_product(turned, transpose(x, span), span), span)


def _positions(places: Values, shape: tuple[int, ...]) -> Values:
    """The elements of a flattened array of `shape` at places of its first axis."""
    dtype = index_dtype(count_of(shape))
    if len(shape) == 1:
        return places.astype(dtype)
    return places[:, None].astype(dtype) * shape[1] + np.arange(shape[1], dtype=dtype)
