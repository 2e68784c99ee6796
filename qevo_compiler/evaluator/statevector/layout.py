"""How a register of amplitudes is cut: vectors, register blocks, tiles in cache, strips across tiles.

Amplitude z stands at index z of two arrays, real and imaginary parts; bit q of z is qubit q, and bit 0 means
spin +1. The lowest `tile_bits` qubits lie in one tile of consecutive amplitudes, the rest select the tile.
The cut depends on the number of qubits and the precision alone, never on threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from qevo_compiler.evaluator.llvm import Scalar, aligned, f32, f64, lanes

Floats = NDArray[Any]

# Below this many qubits plain numpy is as quick as a kernel, and a kernel's register block would not fit.
LEAST = 8
# A tile and its phases fill a second-level cache of 1 MiB.
_TILE_BYTES = 1 << 19
_STRIP_BYTES = 1 << 18
# A strip's rows lie at a stride that is a power of two: long rows keep the memory's pages and prefetchers busy.
_WIDTH_BYTES = 1 << 9
_GAP_BYTES = 1 << 10


@dataclass(frozen=True)
class Layout:
    """The cut of 2^bits amplitudes of `element` (f32 or f64)."""

    bits: int
    element: Scalar

    @property
    def size(self) -> int:
        return 1 << self.bits

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float32 if self.element is f32 else np.float64)

    @property
    def tile_bits(self) -> int:
        most = (_TILE_BYTES // (self.element.bits // 4)).bit_length() - 1
        return min(most, max(self.bits - 3, LEAST + 3), self.bits)

    @property
    def tile(self) -> int:
        return 1 << self.tile_bits

    @property
    def tiles(self) -> int:
        return 1 << (self.bits - self.tile_bits)

    def width(self, mirrored: bool) -> int:
        """Amplitudes of one row of a strip; a mirrored strip and its image are worked on together."""
        most = _STRIP_BYTES // (self.element.bits // 4) // self.tiles
        wide = max(min(most, _WIDTH_BYTES * 8 // self.element.bits), 2048 // self.element.bits)
        return min(wide, self.tile // 2 if mirrored else self.tile)


def element_of(dtype: DTypeLike) -> Scalar:
    """The kernels' type for a precision; raises `ValueError` for others than float32 and float64."""
    kind = np.dtype(dtype)
    if kind not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise ValueError(f"amplitudes of precision {kind}: float32 or float64")
    return f32 if kind == np.dtype(np.float32) else f64


def block_bits(element: Scalar) -> tuple[int, int]:
    """Qubits inside a vector, and qubits across the vectors that a kernel holds in registers at a time."""
    count = lanes(element)
    return count.bit_length() - 1, 3 if count * element.bits == 512 else 2


def empty_pair(size: int, dtype: DTypeLike) -> tuple[Floats, Floats]:
    """Uninitialised real and imaginary parts: one piece of memory, so that large pages serve smaller states too."""
    # A few lines between them: entries of one number must not compete for one place in the cache.
    gap = _GAP_BYTES // np.dtype(dtype).itemsize
    both = aligned(2 * size + gap, dtype)
    return both[:size], both[size + gap :]
