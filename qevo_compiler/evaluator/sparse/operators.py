"""A sparse matrix in compressed rows, ready for products with one vector or many, and for T steps of a recurrence.

    operator = SparseOperator(indptr, indices, data, (m, n))
    y = operator @ x                                  x [n] or [n, columns]
    kept, last = propagate([a, b], y0, steps, which)

With `coded=True` the values are kept as 8- or 16-bit codes into a table where that is possible: 5 or 6 bytes are
then read for an entry, not 12. Products of many vectors read the matrix once for all of them.
"""

from __future__ import annotations

from functools import cache, cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qevo_compiler.evaluator.llvm import Function, aligned, compiled, f32, f64, lanes, run_chunks, thread_count
from qevo_compiler.evaluator.sparse.kernels import HASH_BITS, Shape, coding_kernel, product_kernel, transposed_kernel

Array = NDArray[Any]
# Entries times (8 + columns) below which starting threads costs more than it saves (about 2 ms of work). One column
# alone is bound by memory, which one thread was measured to use up.
THREADED = 50_000_000
# Bytes of a matrix from which on its entries are fetched ahead: no second-level cache holds it.
_STREAMED = 8_000_000
# Mean entries of a row from which on eight sums run side by side.
_LONG = 64


class SparseOperator:
    """The matrix [m, n] with `data[indptr[r]:indptr[r + 1]]` in columns `indices[...]` of row r.

    `dtype` is float64 or float32; `threads` None uses all cores for large products of many columns only. Arrays
    of fitting types are not copied.
    """

    def __init__(
        self,
        indptr: ArrayLike,
        indices: ArrayLike,
        data: ArrayLike,
        shape: tuple[int, int],
        dtype: type[np.floating[Any]] = np.float64,
        coded: bool = False,
        threads: int | None = None,
    ) -> None:
        self.shape, self.dtype, self.threads = shape, np.dtype(dtype), threads
        self.starts = np.ascontiguousarray(indptr, np.int64)
        self.columns = np.ascontiguousarray(indices, np.int32)
        self._check()
        values = np.ascontiguousarray(data, np.float64)
        self.code, self.table = 0, np.zeros(1, self.dtype)
        self.values: Array = values
        if coded:
            self._take_codes(values)
        if not self.code:
            self.values = values.astype(self.dtype, copy=False)

    @cached_property
    def addresses(self) -> tuple[int, int, int, int]:
        """Where starts, columns, values and table stand."""
        starts, columns, values, table = (
            array.ctypes.data for array in (self.starts, self.columns, self.values, self.table)
        )
        return starts, columns, values, table

    @property
    def nonzeros(self) -> int:
        """Stored entries."""
        return len(self.columns)

    @property
    def bytes_per_entry(self) -> int:
        """What a product reads of the matrix for an entry."""
        return self.columns.itemsize + self.values.itemsize

    def __matmul__(self, x: ArrayLike) -> Array:
        """A x for x [n] or [n, columns]."""
        given = self._operand(x, self.shape[1])
        shape, padded = self.columns_of(given)
        width = padded.shape[1]
        result = np.empty((self.shape[0], width), self.dtype)
        kernel = product(shape)
        arrays = (*self.addresses, padded, padded, result)
        parts = self.parts(width)
        if len(parts) == 1:
            kernel(*parts[0], width, *arrays)
        else:
            run_chunks(lambda part: kernel(*part, width, *arrays), parts, self.threads)
        return self._trimmed(result, given)

    def transposed(self, x: ArrayLike) -> Array:
        """A^T x for x [m] or [m, columns], in one pass over the rows: on one thread, so that sums keep their order."""
        given = self._operand(x, self.shape[0])
        shape, padded = self.columns_of(given)
        result = aligned((self.shape[1], padded.shape[1]), self.dtype)
        result[...] = 0
        compiled(transposed_kernel(shape))(self.shape[0], padded.shape[1], *self.addresses, padded, result)
        return self._trimmed(result, given)

    def columns_of(self, given: Array) -> tuple[Shape, Array]:
        """The kernel's shape for these columns, and the columns [n, width], padded to whole vectors."""
        count = 1 if given.ndim == 1 else given.shape[1]
        element = f32 if self.dtype == np.float32 else f64
        if count == 1:
            ahead = self.nonzeros * self.bytes_per_entry >= _STREAMED
            long = self.nonzeros >= _LONG * self.shape[0]
            return Shape(element, 1, 1, self.code, ahead=ahead, long=long), given.reshape(-1, 1)
        width = min(lanes(element), 1 << (count - 1).bit_length())
        vectors = 4 if count > 2 * width else 2 if count > width else 1
        shape = Shape(element, width, vectors, self.code)
        total = -(-count // shape.columns) * shape.columns
        if total == count:
            return shape, given
        padded = np.zeros((len(given), total), self.dtype)
        padded[:, :count] = given
        return shape, padded

    def parts(self, width: int) -> list[tuple[int, int]]:
        """Runs of rows with about the same number of entries, one a thread."""
        count = self.threads
        if count is None:
            count = thread_count() if width > 1 and self.nonzeros * (8 + width) >= THREADED else 1
        if count == 1:
            return [(0, self.shape[0])] if self.shape[0] else []
        bounds = np.searchsorted(self.starts, np.arange(count + 1) * self.nonzeros // count)
        bounds[0], bounds[-1] = 0, self.shape[0]
        ends = bounds.tolist()
        return [(a, b) for a, b in pairwise(ends) if a < b]

    def _trimmed(self, result: Array, given: Array) -> Array:
        return result[:, 0] if given.ndim == 1 else result[:, : given.shape[1]]

    def _operand(self, x: ArrayLike, size: int) -> Array:
        given = np.ascontiguousarray(x, self.dtype)
        if given.ndim not in (1, 2) or len(given) != size:
            raise ValueError(f"a vector of {size} or a matrix of as many rows is wanted, not {given.shape}")
        return given

    def _check(self) -> None:
        starts, columns = self.starts, self.columns
        if len(starts) != self.shape[0] + 1 or starts[0] != 0 or starts[-1] != len(columns):
            raise ValueError("the starts of the rows do not fit the entries")
        if (starts[1:] < starts[:-1]).any():
            raise ValueError("the starts of the rows must not fall")
        if len(columns) and (int(columns.min()) < 0 or int(columns.max()) >= self.shape[1]):
            raise ValueError("a column lies outside the matrix")

    def _take_codes(self, values: NDArray[np.float64]) -> None:
        for bits, kind in ((8, np.uint8), (16, np.uint16)):
            most = 1 << bits
            codes, table = np.empty(len(values), kind), np.zeros(most)
            keys, slots = np.empty(1 << HASH_BITS, np.int64), np.full(1 << HASH_BITS, -1, np.int32)
            count = compiled(coding_kernel(bits))(len(values), most, values, codes, table, keys, slots)
            if count >= 0:
                self.code, self.values = bits, codes
                self.table = table[: max(count, 1)].astype(self.dtype)
                return


@cache
def product(shape: Shape) -> Function:
    """The compiled product."""
    return compiled(product_kernel(shape))
