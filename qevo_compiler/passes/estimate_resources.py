"""State what solving the history system on a fault-tolerant computer would cost.

before: linear.lift() {..}; linear.history() {..}     or   linear.declared() {figures = [..], tolerance = 0.01}
after:  the same, and linear.resources() {figures = [figure{quantity = "kappa", value = 26.8, known = measured}, ..]}

Nothing of the program changes. Small lifts are costed by their own matrices and by emitted circuits, larger ones by
oracles that are assumed, declared runs by what they declare; every figure says which.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from qevo_compiler.analyses.carleman.history import HistorySystem
from qevo_compiler.analyses.carleman.lift import lift_of_op
from qevo_compiler.analyses.resources.costing import complete
from qevo_compiler.analyses.resources.declared import declared_resources
from qevo_compiler.analyses.resources.sheet import Sheet
from qevo_compiler.analyses.resources.system import state_circuit, state_system
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.pipeline import BadOption
from qevo_compiler.diagnostics.resources import NotCostable
from qevo_compiler.dialects import linear, problem
from qevo_compiler.dialects.linear import Known
from qevo_compiler.ir import Evidence, LedgerEntry, Module
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.linear.query_circuit import query_circuit
from qevo_compiler.passes.linear.request import with_op
from qevo_compiler.passes.qlsa.linear_system import Encoding
from qevo_compiler.passes.quantities import ACTIVATION_ERROR, REMAINDER
from qevo_compiler.passes.stages import COSTABLE, COSTED

_DEFAULT_TOLERANCE = 0.01
_ERRORS = {
    "truncation": "truncation error",
    "activation": ACTIVATION_ERROR,
    "remainder": REMAINDER,
}


@dataclass(frozen=True)
class EstimateResources(Pass):
    """`tolerance` is the error allowed in the 2-norm of the parameters (default: a declared run's own, else 0.01);
    `encoding` that of the step in one query. Beyond `max_unknowns` singular values are bounded, not computed."""

    name = "estimate-resources"
    takes = COSTABLE
    leaves = COSTED
    tolerance: float | None = None
    encoding: Encoding = Encoding.DILATION
    max_unknowns: int = 200_000

    def run(self, module: Module, context: Context = SILENT) -> Module:
        if self.tolerance is not None and not (math.isfinite(self.tolerance) and self.tolerance > 0):
            raise CompileError(BadOption(None, self.name, "tolerance", str(self.tolerance), "a positive number"))
        declared = module.main.first(linear.DeclaredOp)
        try:
            figures = self._of_system(module) if declared is None else self._of_declaration(declared)
        except ValueError as error:
            raise CompileError(NotCostable(None if declared is None else declared.span, str(error))) from None
        costed = with_op(module, linear.ResourcesOp(figures))
        if declared is None or costed is module:
            return costed
        note = f"{declared.description or 'a declared run'}: the record follows from them, no program was lifted"
        count = float(len(declared.figures))
        return costed.record(LedgerEntry(self.name, "declared quantities", count, Evidence.ESTIMATED, note=note))

    def _of_system(self, module: Module) -> tuple[linear.Figure, ...]:
        main = module.main
        history = main.only(linear.HistoryOp)
        system = HistorySystem(lift_of_op(main.only(linear.LiftOp)), history.padding, history.gamma)
        sheet = Sheet()
        steps = main.only(linear.MapOp).map
        train = main.first(problem.TrainOp)
        horizon = steps.updates if train is None else train.steps
        state_system(sheet, system, self.max_unknowns, horizon * steps.stage_count)
        state_circuit(sheet, system, query_circuit(system, self.encoding), steps)
        tolerance = _DEFAULT_TOLERANCE if self.tolerance is None else self.tolerance
        complete(sheet, tolerance, _errors(module))
        return sheet.figures()

    def _of_declaration(self, op: linear.DeclaredOp) -> tuple[linear.Figure, ...]:
        return declared_resources(op.figures, op.tolerance if self.tolerance is None else self.tolerance)


def _errors(module: Module) -> dict[str, tuple[float, Known]]:
    """The errors in the ledger by what made them: measured where they were, else the smallest bound."""
    found = {}
    for name, quantity in _ERRORS.items():
        entries = [entry for entry in module.ledger if entry.quantity == quantity]
        measured = [entry for entry in entries if entry.kind is Evidence.MEASURED]
        best = measured[-1] if measured else min(entries, key=lambda entry: entry.value, default=None)
        if best is not None:
            found[name] = (best.value, Known(best.kind.value))
    return found
