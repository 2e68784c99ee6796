"""A(s) and B(s) of an annealer, H(s) = -A(s)/2 sum X + B(s)/2 C, and what a schedule makes of them.

Energies are angular frequencies (hbar = 1): times are in their inverse. With the tables of a device in GHz and
schedules in microseconds, `Drive.of_device` multiplies by 2 pi 1000.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Drive:
    """Tables `a`, `b` over ascending `fractions` s in [0, 1], linear in between."""

    fractions: Floats
    a: Floats
    b: Floats

    @staticmethod
    def linear(scale: float = 1.0) -> Drive:
        """H(s) = -(1 - s) sum X + s C / scale, as Trotterised annealing circuits follow it."""
        return Drive(np.array([0.0, 1.0]), np.array([2.0, 0.0]), np.array([0.0, 2.0 / scale]))

    @staticmethod
    def of_device(fractions: ArrayLike, a_ghz: ArrayLike, b_ghz: ArrayLike) -> Drive:
        """A device's table in GHz (energies over h), for times in microseconds.

        Raises `ValueError` for tables of different lengths or fractions that do not rise.
        """
        s, a, b = (np.asarray(x, np.float64) for x in (fractions, a_ghz, b_ghz))
        if not (s.shape == a.shape == b.shape and s.ndim == 1 and len(s) > 1 and (np.diff(s) > 0).all()):
            raise ValueError("tables of A and B need the same rising fractions")
        return Drive(s, a * (2e3 * np.pi), b * (2e3 * np.pi))

    def at(self, s: float) -> tuple[float, float]:
        """A and B at a fraction."""
        return float(np.interp(s, self.fractions, self.a)), float(np.interp(s, self.fractions, self.b))

    def slopes(self, s: float) -> tuple[float, float]:
        """dA/ds and dB/ds on the piece to the right of s (to the left at the end)."""
        k = min(max(int(np.searchsorted(self.fractions, s, side="right")) - 1, 0), len(self.fractions) - 2)
        width = self.fractions[k + 1] - self.fractions[k]
        return float((self.a[k + 1] - self.a[k]) / width), float((self.b[k + 1] - self.b[k]) / width)


def linear_schedule(time: float) -> tuple[Floats, Floats]:
    """Times and fractions of s = t / time."""
    return np.array([0.0, time]), np.array([0.0, 1.0])
