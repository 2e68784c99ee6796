"""The proved bounds on the truncation error of a lift, and their ledger entries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qevo_compiler.analyses.carleman.bounds import bound_a, bound_b, bound_c
from qevo_compiler.analyses.carleman.majorant import fixed_points, step_norms
from qevo_compiler.ir import Evidence, LedgerEntry
from qevo_compiler.passes.linear.request import Request


@dataclass(frozen=True)
class Certificate:
    """Bounds A, B and C on ||e_1(T)|| at `order` over `steps` steps; B and C are None where they do not apply."""

    order: int
    steps: int
    a: float
    b: float | None
    c: float | None

    @property
    def bound(self) -> float:
        """The smallest of them."""
        return min(bound for bound in (self.a, self.b, self.c) if bound is not None)

    def entries(self, stage: str) -> list[LedgerEntry]:
        """One proved entry for each finite bound."""
        rules = {
            "A": (self.a, "truncation error of the scalar majorant"),
            "B": (self.b, "||u(0)|| R_d^N (1 - rho^T)"),
            "C": (self.c, "geometric tail beyond the trajectory's radius"),
        }
        return [
            LedgerEntry(stage, "truncation error", value, Evidence.PROVED, note=f"bound {name}: {rule}, {self._where}")
            for name, (value, rule) in rules.items()
            if value is not None and np.isfinite(value)
        ]

    @property
    def _where(self) -> str:
        return f"order {self.order} over {self.steps} step{'s' * (self.steps != 1)}"


def certify(request: Request, order: int, moments: bool = False) -> Certificate:
    """The bounds for the chunk that one lift covers.

    With `moments` every step may be any of the variants, so the majorant is the largest of theirs.
    """
    chunk = request.chunk
    norms, which = step_norms(chunk), chunk.which.values
    radius = float(np.linalg.norm(request.start))
    largest = norms.max(axis=0)
    if moments:
        norms, which = largest[None, :], np.zeros_like(which)
    lower, upper = fixed_points(largest)
    ratio = radius / upper if upper else np.inf
    a = float(bound_a(norms, which, radius, order)[-1])
    b = bound_b(largest, radius, ratio, order, chunk.steps)
    c = None if b is not None else bound_c(largest, radius, (lower, upper), order, chunk.steps)
    return Certificate(order, chunk.steps, a, b, c)
