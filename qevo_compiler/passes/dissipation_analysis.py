"""Measure how the step map contracts about its pivot, and say so in the ledger.

before: linear.map() {..}
after:  the same, with ledger entries for ||F_1||, R_d = ||u(0)|| / r_+ and the class (full, almost, none)

Nothing is lowered. Divergent and unstable modes of F_1 are warned of; whether they forbid a lift depends on its
order and is decided by `carleman-truncation`. Definitions: docs/carleman.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qevo_compiler.analyses.carleman.majorant import Dissipation, dissipation
from qevo_compiler.diagnostics.linear import UnsteadyModes
from qevo_compiler.ir import Evidence, LedgerEntry, Module, format_float
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.linear.request import Request
from qevo_compiler.passes.stages import STEPPED


@dataclass(frozen=True)
class DissipationAnalysis(Pass):
    """No options."""

    name = "dissipation-analysis"
    takes = STEPPED
    leaves = STEPPED

    def run(self, module: Module, context: Context = SILENT) -> Module:
        request = Request.of(module.main)
        found = dissipation(request.chunk, request.start)
        modes = found.modes
        if modes.divergent or modes.unstable:
            context.warn(UnsteadyModes(request.op.span, modes.divergent, modes.unstable, modes.radius))
        return module.record(*_entries(self.name, found, request))


def _entries(stage: str, found: Dissipation, request: Request) -> list[LedgerEntry]:
    order = request.asked.order if request.asked else None
    steps = request.chunk.updates
    modes = found.modes
    counted = f"{modes.divergent} divergent, {modes.unstable} unstable, {modes.flat} flat modes"
    entries = [LedgerEntry(stage, "norm of F_1", found.rho, Evidence.MEASURED, note=f"at the pivot: {counted}")]
    kind = found.of_class(order or 1, steps).value
    at = f"order {order}" if order else "order 1"
    if np.isfinite(found.ratio):
        note = f"||u(0)|| over the fixed point r_+ of the majorant; class {kind} at {at} over {steps} steps"
        entries.append(LedgerEntry(stage, "R_d", found.ratio, Evidence.MEASURED, note=note))
    else:
        note = f"the majorant has no positive fixed point; class {kind} at {at} over {steps} steps"
        shown = format_float(found.amplification(order or 1, steps))
        entries.append(
            LedgerEntry(stage, "radius of F_1", modes.radius, Evidence.MEASURED, note=f"{note}; N T ln = {shown}")
        )
    return entries
