"""What the shots of a circuit say together: means and shares, with how far chance may have moved them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.decode.solution import Solutions

# The normal distribution's two-sided quantile for 95 %.
_QUANTILE = 1.959963984540054


@dataclass(frozen=True)
class Share:
    """How many of `of` shots, and the 95 % interval of the probability (Wilson, JASA 22, 209 (1927))."""

    count: int
    of: int

    @property
    def value(self) -> float:
        return self.count / self.of

    @property
    def interval(self) -> tuple[float, float]:
        z, n, p = _QUANTILE, self.of, self.value
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:.1%} ({low:.1%} to {high:.1%})"


@dataclass(frozen=True)
class Shots:
    """The mean objective of all shots with its standard error, and shares of shots.

    `feasible` satisfy every hard constraint (None where there is none), `best` are as good as the best solution;
    soft penalties are left out.
    """

    count: int
    objective: float
    error: float
    feasible: Share | None
    best: Share

    def __str__(self) -> str:
        feasible = "" if self.feasible is None else f"feasible {self.feasible}, "
        return f"mean objective {self.objective:.6g} +- {self.error:.2g}; {feasible}as good as the best {self.best}"

    def to_json(self) -> dict[str, float | list[float]]:
        found: dict[str, float | list[float]] = {"objective": self.objective, "error": self.error}
        for name, share in (("feasible", self.feasible), ("best", self.best)):
            if share is not None:
                found |= {name: share.value, f"{name}_interval": list(share.interval)}
        return found


def shots_of(solutions: Solutions, counts: NDArray[np.int64]) -> Shots:
    """What solutions say that were measured `counts` times each, once at least in all. O(solutions)."""
    total = int(counts.sum())
    mean = float(counts @ solutions.objective) / total
    variance = float(counts @ (solutions.objective - mean) ** 2) / max(total - 1, 1)
    best = solutions.best
    tied = (solutions.objective == best.objective) & (solutions.feasible == best.feasible)
    hard = any(not family.soft for family in solutions.families.values())
    return Shots(
        total,
        mean,
        math.sqrt(variance / total),
        Share(int(counts[solutions.feasible].sum()), total) if hard else None,
        Share(int(counts[tied].sum()), total),
    )
