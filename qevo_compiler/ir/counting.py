"""The numbers 0, 1, 2, ...: one read-only array for all who hold them at a time, told from others at a glance."""

from __future__ import annotations

from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]

# Sizes of larger arrays are rounded up to so many, so that x[i] and x[i + 1] over a chain share one.
_ROUND = 1 << 12
_LAST = (1 << 31) - 1

_shared: WeakValueDictionary[int, Ints] = WeakValueDictionary()


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
    return _is_shared(column) or bool((column[1:] > column[:-1]).all())


def known_ends(values: NDArray[Any]) -> tuple[int, int] | None:
    """The first and the last number of some of the shared ones in their order; None for other arrays."""
    if not _is_shared(values) or not values.size or not values.flags.c_contiguous:
        return None
    first = values.item(0)
    return first, first + values.size - 1


def moved(values: NDArray[Any], step: int) -> Ints | None:
    """`values` + `step` as a view, where `values` are many of the shared numbers in their order; None for others."""
    known = known_ends(values) if values.size >= 8 * _ROUND else None
    if known is None:
        return None
    start, stop = known[0] + step, known[1] + step + 1
    return counting(stop)[start:].reshape(values.shape) if start >= 0 and stop <= _LAST else None


def _is_shared(values: NDArray[Any]) -> bool:
    base = values.base
    return isinstance(base, np.ndarray) and _shared.get(base.size) is base
