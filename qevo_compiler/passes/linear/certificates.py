"""The proved bounds on the truncation error of a lift, and their ledger entries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qevo_compiler.analyses.carleman.bounds import bound_a, bound_b, bound_c
from qevo_compiler.analyses.carleman.lyapunov import contracting_coordinates, transformed_norms
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
    rule: str = "scalar majorant"

    @property
    def bound(self) -> float:
        """The smallest of them."""
        return min(bound for bound in (self.a, self.b, self.c) if bound is not None)

    def entries(self, stage: str) -> list[LedgerEntry]:
        """One proved entry for each finite bound."""
        rules = {
            "A": (self.a, f"truncation error of the {self.rule}"),
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

    Bound A is the smaller of that in the 2-norm and, where F_1 is not symmetric, those in Lyapunov norms.
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
    a, rule = float(bound_a(norms, which, radius, order)[-1]), "scalar majorant"
    for change in contracting_coordinates(chunk):
        inside = transformed_norms(chunk, change)
        inside = inside.max(axis=0)[None, :] if moments else inside
        from_start = float(np.linalg.norm(change.forward @ request.start))
        other = change.stretch * float(bound_a(inside, which, from_start, order)[-1])
        if other < a:
            a, rule = other, "scalar majorant in a Lyapunov norm"
    b = bound_b(largest, radius, ratio, order, chunk.steps)
    c = None if b is not None else bound_c(largest, radius, (lower, upper), order, chunk.steps)
    return Certificate(order, chunk.steps, a, b, c, rule)
