"""A register's amplitudes: real and imaginary parts, whole or folded by the symmetry of flipping all spins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.statevector.layout import Floats, Layout, empty_pair

Complexes = NDArray[Any]


@dataclass
class State:
    """`qubits` qubits, amplitude z = (-i)^`quarter` (re[z] + i im[z]).

    A folded state holds the amplitudes with the last spin +1 (bit 0) alone; that of z with all bits flipped is
    equal, so the squares add up to 1/2.
    """

    re: Floats
    im: Floats
    qubits: int
    folded: bool = False
    quarter: int = 0

    @staticmethod
    def uniform(layout: Layout, folded: bool) -> State:
        """|+...+>."""
        re, im = empty_pair(layout.size, layout.dtype)
        qubits = layout.bits + folded
        re[:] = 2.0 ** (-qubits / 2)
        im[:] = 0
        return State(re, im, qubits, folded)

    def copy(self) -> State:
        re, im = empty_pair(len(self.re), self.re.dtype)
        re[:], im[:] = self.re, self.im
        return State(re, im, self.qubits, self.folded, self.quarter)

    def take(self, other: State) -> None:
        """Become a copy of another state of the same shape."""
        self.re[:], self.im[:], self.quarter = other.re, other.im, other.quarter

    def distance(self, other: State) -> float:
        """Norm of the difference of two states of one shape."""
        turn = (-1j) ** ((other.quarter - self.quarter) % 4)
        total, step = 0.0, 1 << 16
        for start in range(0, len(self.re), step):
            part = slice(start, start + step)
            if turn == 1:
                apart = (self.re[part] - other.re[part], self.im[part] - other.im[part])
            else:
                gap = self.re[part] + 1j * self.im[part] - turn * (other.re[part] + 1j * other.im[part])
                apart = (gap.real, gap.imag)
            total += sum(float(np.square(x, dtype=np.float64).sum()) for x in apart)
        return float(np.sqrt(total * (2 if self.folded else 1)))

    def amplitudes(self) -> Complexes:
        """All 2^qubits amplitudes, complex, in the state's precision."""
        half = (self.re + 1j * self.im) * np.array((-1j) ** (self.quarter % 4)).astype(np.result_type(self.re, 1j))
        return np.concatenate([half, half[::-1]]) if self.folded else half

    def probabilities(self) -> NDArray[np.float64]:
        """Probabilities [2^qubits] in float64."""
        half = self.re.astype(np.float64) ** 2 + self.im.astype(np.float64) ** 2
        return np.concatenate([half, half[::-1]]) if self.folded else half

    def flip(self) -> None:
        """Flip all spins, in place."""
        if self.folded:
            return
        size, step = len(self.re), 1 << 16
        for part in (self.re, self.im):
            for start in range(0, size // 2, step):
                stop = min(start + step, size // 2)
                kept = part[start:stop].copy()
                part[start:stop] = part[size - stop : size - start][::-1]
                part[size - stop : size - start] = kept[::-1]
