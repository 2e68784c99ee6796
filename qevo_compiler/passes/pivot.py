"""Move the step map to the coordinates about its pivot.

before: linear.map() {start = f64<1>(0.7), pivot = f64<1>(0.0), map = f, ..}; problem.linearize() {pivot = Pivot.start}
after:  linear.map() {start = f64<1>(0.7), pivot = f64<1>(0.7), map = f(u + 0.7) - 0.7, ..}; problem.linearize ..

Exact up to rounding: every coefficient is recomputed by substitution. The minimiser is the fixed point to which
descent from the start leads.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from qevo_compiler.analyses.carleman.monomials import Floats
from qevo_compiler.analyses.carleman.optimizer import shift, without_rest
from qevo_compiler.analyses.carleman.pivots import minimiser
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.linear import BadPivot
from qevo_compiler.dialects.problem import Pivot
from qevo_compiler.ir import Array, Evidence, LedgerEntry, Module
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.linear.request import Request, with_op
from qevo_compiler.passes.stages import STEPPED


@dataclass(frozen=True)
class PivotPass(Pass):
    """`choice` overrides the program's; `at` is a point instead: the parameters, velocities being 0."""

    name = "pivot"
    takes = STEPPED
    leaves = STEPPED
    choice: Pivot | None = None
    at: tuple[float, ...] = ()

    def run(self, module: Module, context: Context = SILENT) -> Module:
        request = Request.of(module.main)
        op = request.op
        point = self._point(request)
        # Where no coordinate moves, activations still may have to: to the values that the pivot gives them.
        moved, rest = shift(op.map, point - op.pivot.values), 0.0
        if moved is op.map:
            return module
        if self._choice(request) is Pivot.MINIMISER:
            moved, rest = without_rest(moved, 1e-14 * max(1.0, float(np.abs(point).max())))
        module = with_op(module, replace(op, pivot=Array(point), map=moved))
        if not rest:
            return module
        note = "the pivot is at rest but for rounding; its constant part was set to zero"
        return module.record(LedgerEntry(self.name, "constant part", rest, Evidence.MEASURED, note=note))

    def _choice(self, request: Request) -> Pivot | None:
        """What kind of point the pivot is; None for one given by its coordinates."""
        if self.at:
            return None
        return self.choice or (request.asked.pivot if request.asked else Pivot.ORIGIN)

    def _point(self, request: Request) -> Floats:
        op = request.op
        if self.at:
            return _padded(self.at, request)
        choice, present = self._choice(request), op.pivot.values
        if choice is Pivot.ORIGIN:
            return np.zeros(op.map.size)
        if choice is Pivot.START:
            return op.start.values
        found = minimiser(op.map, op.start.values - present)
        if found is None:
            raise CompileError(BadPivot(request.span, "descent from the start does not come to rest"))
        # A pass that runs again finds the same point but for rounding, and leaves the map alone.
        return present if np.abs(found).max() <= 1e-12 * max(1.0, float(np.abs(present).max())) else found + present


def _padded(point: tuple[float, ...], request: Request) -> Floats:
    op = request.op
    if len(point) != op.parameters:
        why = f"the point has {len(point)} numbers for {op.parameters} parameters"
        raise CompileError(BadPivot(request.span, why))
    return np.concatenate([np.asarray(point, np.float64), np.zeros(op.map.size - op.parameters)])
