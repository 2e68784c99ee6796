"""The order of couplings: pairs (row, column) ascend strictly, each with row < column. Looked at once an array."""

from __future__ import annotations

import weakref

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.ir import Array, Invalid

# Couplings that are looked at a time, but no more often than so: what is written meanwhile stays in the cache.
_PART, _PARTS = 1 << 13, 1 << 5


def verify_pairs(rows: Array, columns: Array, values: Array, size: int) -> None:
    """Raise `Invalid` unless these are finite couplings between `size` variables, in order and none twice."""
    i, j = rows.values, columns.values
    if not len(i) == len(j) == values.size:
        raise Invalid("rows, columns and values differ in length")
    if not len(i):
        return
    if not known_ascending(rows, columns):
        if (i == j).any():
            raise Invalid(f"coupling {(int(i[i == j][0]),) * 2} is on the diagonal")
        if (i > j).any():
            raise Invalid("a coupling is not strictly upper triangular")
        raise Invalid("couplings are not sorted or repeat")
    # Rows ascend, and a column is above its row.
    if i[0] < 0 or columns.most >= size:
        raise Invalid("a coupling names a missing variable")
    if not values.is_finite:
        raise Invalid("a coupling is not finite")


def state_ascending(rows: Array, columns: Array) -> None:
    """Note that the pairs (row, column) ascend strictly, each with row < column, for whoever asks later."""
    rows.__dict__["ascends_with"] = weakref.ref(columns)


def known_ascending(rows: Array, columns: Array) -> bool:
    """Whether the pairs ascend, each with row < column; looked at once for the same two arrays."""
    noted = rows.__dict__.get("ascends_with")
    if noted is not None and noted() is columns:
        return True
    i, j = rows.values, columns.values
    # A part at a time, so that little memory is taken; each begins with the last coupling of the part before.
    part = max(_PART, len(i) // _PARTS)
    ascending = all(_ascending(i[k : k + part + 1], j[k : k + part + 1]) for k in range(0, len(i), part))
    if ascending:
        state_ascending(rows, columns)
    return ascending


def _ascending(i: NDArray[np.integer], j: NDArray[np.integer]) -> bool:
    """Whether the pairs (i, j) ascend strictly, each with i < j."""
    if not (i < j).all():
        return False
    later = i[1:] > i[:-1]
    if later.all():
        return True
    later |= (i[1:] == i[:-1]) & (j[1:] > j[:-1])
    return bool(later.all())
