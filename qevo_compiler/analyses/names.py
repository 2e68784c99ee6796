"""Names of single elements: `visit[3]`, `x[0, 2]`."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
from numpy.typing import NDArray


def instance_name(symbol: str, indices: Sequence[int] | NDArray[np.integer]) -> str:
    """`symbol` alone when there are no indices."""
    return f"{symbol}[{', '.join(str(int(i)) for i in indices)}]" if len(indices) else symbol


def element_name(
    symbol: str,
    shape: tuple[int, ...],
    element: int,
    positions: NDArray[np.integer] | None,
    tensor_shape: tuple[int, ...],
) -> str:
    """The name of element `element` (flat) of a variable; `positions` place it inside a larger tensor."""
    if positions is not None:
        shape, element = tensor_shape, int(positions.reshape(-1)[element])
    return instance_name(symbol, [int(i) for i in np.unravel_index(element, shape)] if shape else [])


def index_rows(shape: tuple[int, ...]) -> NDArray[np.int64]:
    """The index tuple of every element in C order, [size, len(shape)]."""
    size = prod(shape)
    return np.stack(np.unravel_index(np.arange(size), shape), axis=1) if shape else np.zeros((1, 0), np.int64)
