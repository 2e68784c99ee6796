"""The numbers 0, 1, 2, ...: one read-only array for all who hold them at a time, told from others at a glance."""

from __future__ import annotations

from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.ir import Array
from qevo_compiler.ir.deferred import Deferred

Ints = NDArray[np.int32]

# Sizes of larger arrays are rounded up to so many, so that x[i] and x[i + 1] over a chain share one.
_ROUND = 1 << 12
_LAST = (1 << 31) - 1

_shared: WeakValueDictionary[int, Ints] = WeakValueDictionary()


class Counting(Deferred):
    """0, 1, 2, ... below `count`, as 64 bits: where plain bits start in an affine map."""

    def __init__(self, count: int) -> None:
        super().__init__((count,), "i64", 0, max(count - 1, 0))

    def _elements(self) -> NDArray[Any]:
        return np.arange(self._shape[0])


def counting(size: int) -> Ints:
    """0, 1, 2, ... below `size`, read-only."""
    room = size if size < 8 * _ROUND else min(-(-size // _ROUND) * _ROUND, max(size, _LAST))
    found = _shared.get(room)
    if found is None:
        found = np.arange(room, dtype=np.int32)
        found.setflags(write=False)
        _shared[room] = found
    return found[:size]


def is_counting(column: NDArray[np.integer]) -> bool:
    """Whether an array holds 0, 1, 2, ...; the ends are looked at first."""
    size = len(column)
    if not size or column[0] != 0 or column[-1] != size - 1:
        return not size
    # A shared array begins with 0 and goes up by one.
    if isinstance(column.base, np.ndarray) and _shared.get(column.base.size) is column.base:
        return True
    return bool((column[1:] > column[:-1]).all())


def holds_counting(array: Array) -> bool:
    """`is_counting` of the elements, which are not formed for it."""
    return isinstance(array, Counting) or is_counting(array.values)
