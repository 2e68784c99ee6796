"""Tables of numbers as text, made from whole columns: no object a row.

Integers become digits by division; equal floats are formatted once. Rows are joined in a byte matrix whose
unused cells are squeezed out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Cells = NDArray[np.uint8]
Column = bytes | NDArray[np.integer] | NDArray[np.float64]
CHUNK = 1 << 16


def table(columns: Sequence[Column], positional: bool = False) -> Iterator[bytes]:
    """Rows of text: bytes repeat on every row, arrays [m] give a number a row.

    Floats have the fewest digits that read back to the same double; with `positional` they are written
    without an exponent, for readers that know none. A matrix [m, k] of bytes stands as it is.
    """
    rows = next(len(column) for column in columns if isinstance(column, np.ndarray))
    for start in range(0, rows, CHUNK):
        end = min(start + CHUNK, rows)
        cells = [_cells(column, start, end, positional) for column in columns]
        every = np.concatenate(cells, axis=1).reshape(-1)
        yield every[every != 0].tobytes()


def separated(rows: Iterator[bytes], separator: bytes) -> Iterator[bytes]:
    """The same text less the separator that ends its last row."""
    held = b""
    for chunk in rows:
        if held:
            yield held
        held = chunk
    yield held.removesuffix(separator)


def float_text(value: float, positional: bool = False) -> str:
    """The shortest text that reads back to the same double."""
    text = repr(float(value))
    return np.format_float_positional(value, trim="0") if positional and "e" in text else text


def _cells(column: Column, start: int, end: int, positional: bool) -> Cells:
    if isinstance(column, bytes):
        return np.broadcast_to(np.frombuffer(column, np.uint8), (end - start, len(column)))
    part = column[start:end]
    if part.ndim == 2:
        return part.astype(np.uint8)
    if part.dtype.kind in "iu":
        return _digits(part.astype(np.int64, copy=False))
    return _floats(part.astype(np.float64, copy=False), positional)


def _digits(values: NDArray[np.integer]) -> Cells:
    """Decimal digits of numbers that are not negative, zero cells before the first."""
    width = len(str(int(values.max(initial=0))))
    cells = np.zeros((len(values), width), np.uint8)
    rest = values.astype(np.int64)
    for place in range(width - 1, -1, -1):
        shown = rest > 0 if place < width - 1 else slice(None)
        rest, digit = np.divmod(rest, 10)
        cells[shown, place] = digit[shown] + ord("0")
    return cells


def _floats(values: NDArray[np.float64], positional: bool) -> Cells:
    distinct, place = np.unique(values, return_inverse=True)
    texts = np.array([float_text(value, positional).encode() for value in distinct.tolist()])
    return texts.view(np.uint8).reshape(len(distinct), -1)[place]
