"""Positions of sliding windows: a convolution or a pooling is a gather and then a product or a sum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.nn.layers import window_count


def window_positions(
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int] = (1, 1),
) -> NDArray[np.int64]:
    """Positions [windows, kernel elements] in one flattened image of `size`; -1 where a window covers padding."""
    rows = _axis_positions(size[0], kernel[0], stride[0], padding[0], dilation[0])
    columns = _axis_positions(size[1], kernel[1], stride[1], padding[1], dilation[1])
    row, column = rows[:, None, :, None], columns[None, :, None, :]
    inside = (row >= 0) & (column >= 0)
    positions = np.where(inside, row * size[1] + column, -1)
    return positions.reshape(len(rows) * len(columns), kernel[0] * kernel[1])


def convolution_positions(
    shape: tuple[int, ...],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
) -> NDArray[np.int32]:
    """Gather positions [groups, batch * windows, channels / groups * kernel elements] in x [batch, channels, h, w].

    The columns run over channels, then kernel rows, then kernel columns: the order of a flattened weight.
    """
    batch, channels, height, width = shape
    windows = window_positions((height, width), kernel, stride, padding, dilation)
    depth = channels // groups
    plane = np.arange(batch)[None, :, None, None] * channels + np.arange(groups)[:, None, None, None] * depth
    plane = plane + np.arange(depth)[None, None, None, :]
    positions = plane[..., None] * (height * width) + windows[None, None, :, None, :]
    positions = np.where(windows[None, None, :, None, :] >= 0, positions, -1)
    return positions.reshape(groups, batch * len(windows), depth * windows.shape[1]).astype(np.int32)


def pooling_positions(
    shape: tuple[int, ...], kernel: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int]
) -> NDArray[np.int32]:
    """Gather positions [batch, channels, windows, kernel elements] in x [batch, channels, h, w]."""
    batch, channels, height, width = shape
    windows = window_positions((height, width), kernel, stride, padding)
    plane = np.arange(batch * channels).reshape(batch, channels, 1, 1) * (height * width)
    return np.where(windows >= 0, plane + windows, -1).astype(np.int32)


def _axis_positions(length: int, kernel: int, stride: int, padding: int, dilation: int) -> NDArray[np.int64]:
    starts = np.arange(window_count(length, kernel, stride, padding, dilation)) * stride - padding
    positions = starts[:, None] + np.arange(kernel) * dilation
    return np.where((positions >= 0) & (positions < length), positions, -1)


def gather(rows: NDArray[np.float64], positions: NDArray[np.integer]) -> NDArray[np.float64]:
    """The elements of every row [k, n] at `positions`, as [k, *positions.shape]; position -1 gives zero."""
    if not rows.shape[1]:
        return np.zeros((len(rows), *positions.shape))
    flat = np.ascontiguousarray(positions).reshape(-1)
    taken = np.empty((len(rows), flat.size))
    for row, out in zip(rows, taken, strict=True):
        # Wrapping lets -1 pass, and spares the check of every position that the op has made already.
        np.take(row, flat, out=out, mode="wrap")
    if flat.size and flat.min() < 0:
        taken[:, flat < 0] = 0.0
    return taken.reshape(len(rows), *positions.shape)
