"""Arrays that were made for more than came: what is left of them, in place where little is lost."""

from __future__ import annotations

import ctypes
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Names = NDArray[np.int32]
Number = TypeVar("Number", np.int64, np.float64)


def closed_up(columns: Names, kept: int) -> Names:
    """The first `kept` entries of both columns [2, m], side by side without the gap; `columns` is used up."""
    total = columns.shape[1]
    if kept == total:
        return columns
    if not _fills(kept, total):
        return np.ascontiguousarray(columns[:, :kept])
    start = int(columns.__array_interface__["data"][0])
    ctypes.memmove(start + 4 * kept, start + 4 * total, 4 * kept)
    return columns.reshape(-1)[: 2 * kept].reshape(2, kept)


def first_of(values: Floats, kept: int) -> Floats:
    """The first `kept` values, copied where much room would be kept alive for nothing."""
    return values[:kept] if _fills(kept, len(values)) else values[:kept].copy()


def shrunk(numbers: NDArray[Number], kept: int) -> NDArray[Number]:
    """The first `kept` numbers; the array, of which there must be no view, gives back the rest of its memory."""
    numbers.resize(kept, refcheck=False)
    return numbers


def _fills(kept: int, total: int) -> bool:
    return 8 * kept >= 7 * total
