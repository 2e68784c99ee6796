"""The proved bounds on the truncation error of a lift, over every norm that serves, and the order they ask for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from qevo_compiler.analyses.carleman.bounds import bound_a, bound_b, bound_c
from qevo_compiler.analyses.carleman.lyapunov import contracting_coordinates, transformed_norms
from qevo_compiler.analyses.carleman.majorant import fixed_points, step_majorants
from qevo_compiler.analyses.carleman.monomials import Floats, Ints
from qevo_compiler.dialects.linear import StepMap

EUCLIDEAN = "scalar majorant"
LYAPUNOV = "scalar majorant in a Lyapunov norm"


@dataclass(frozen=True)
class Certificate:
    """Bounds A, B and C on ||e_1(T)|| at `order` over `steps` steps; B and C are None where they do not apply.

    `rule` says in which norm bound A was the smallest.
    """

    order: int
    steps: int
    a: float
    b: float | None
    c: float | None
    rule: str

    @property
    def bound(self) -> float:
        """The smallest of them."""
        return min(bound for bound in (self.a, self.b, self.c) if bound is not None)

    def rows(self) -> list[tuple[float, str]]:
        """Every finite bound with the rule that it follows."""
        where = f"order {self.order} over {self.steps} step{'s' * (self.steps != 1)}"
        found = [
            (self.a, f"bound A: truncation error of the {self.rule}, {where}"),
            (self.b, f"bound B: ||u(0)|| R_d^N (1 - rho^T), {where}"),
            (self.c, f"bound C: geometric tail beyond the trajectory's radius, {where}"),
        ]
        return [(value, rule) for value, rule in found if value is not None and np.isfinite(value)]


@dataclass(frozen=True)
class Majorant:
    """The scalar majorants of a step map in one norm: coefficients of every distinct step [kinds, d + 1], ||u(0)||,
    and the factor from this norm back to the 2-norm."""

    norms: Floats
    start: float
    stretch: float
    rule: str


@dataclass(frozen=True)
class Certifier:
    """The majorants of one step map; `at` gives the bounds for an order."""

    majorants: tuple[Majorant, ...]
    which: Ints

    @staticmethod
    def of(steps: StepMap, start: ArrayLike, moments: bool = False) -> Certifier:
        """The majorants in the 2-norm and, where F_1 is not symmetric, in Lyapunov norms.

        With `moments` every step may be any of the variants, so the majorant is the largest of theirs; the
        bound then holds for the expectation, by the triangle inequality.
        """
        u = np.asarray(start, np.float64)[steps.resting]
        norms, which = step_majorants(steps)
        found = [Majorant(norms, float(np.linalg.norm(u)), 1.0, EUCLIDEAN)]
        for change in contracting_coordinates(steps):
            length = float(np.linalg.norm(change.forward @ u))
            found.append(Majorant(transformed_norms(steps, change), length, change.stretch, LYAPUNOV))
        if moments:
            found = [Majorant(m.norms.max(axis=0)[None, :], m.start, m.stretch, m.rule) for m in found]
            which = np.zeros_like(which)
        return Certifier(tuple(found), which)

    def at(self, order: int) -> Certificate:
        """The bounds at `order`. Cost: T N^2 d operations a norm."""
        values = [m.stretch * float(bound_a(m.norms, self.which, m.start, order)[-1]) for m in self.majorants]
        best = int(np.argmin(values))
        plain = self.majorants[0]
        largest = plain.norms.max(axis=0)
        lower, upper = fixed_points(largest)
        ratio = plain.start / upper if upper else np.inf
        steps = len(self.which)
        b = bound_b(largest, plain.start, ratio, order, steps)
        c = None if b is not None else bound_c(largest, plain.start, (lower, upper), order, steps)
        return Certificate(order, steps, values[best], b, c, self.majorants[best].rule)

    def order_for(self, tolerance: float, most: int) -> tuple[int | None, list[float]]:
        """The smallest order up to `most` whose bound is within `tolerance` (None if none), and the bounds tried."""
        found: list[float] = []
        for order in range(1, most + 1):
            found.append(self.at(order).bound)
            if found[-1] <= tolerance:
                return order, found
        return None, found
