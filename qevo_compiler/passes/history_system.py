"""State the linear system over the whole horizon and measure what a solver needs to know of it.

before: linear.map() {..}; linear.lift() {..}
after:  the same, and linear.history() {steps = 10, padding = 11, gamma = 1.0, unknowns = 88, nonzeros = 183}

Exact: the system has the propagated lift as its solution. The matrix is never stored. The ledger gets the
condition number, its proved bound, and the probability of reading the final state.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qevo_compiler.analyses.carleman.aposteriori import iterate
from qevo_compiler.analyses.carleman.history import HistorySystem, best_rescaling, rescaling_candidates
from qevo_compiler.analyses.carleman.lift import lift_of_op
from qevo_compiler.analyses.carleman.majorant import dissipation
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.pipeline import BadOption
from qevo_compiler.dialects import linear
from qevo_compiler.ir import Evidence, LedgerEntry, Module
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.linear.request import Request, with_op
from qevo_compiler.passes.stages import HISTORY, LIFTED


@dataclass(frozen=True)
class HistorySystemPass(Pass):
    """`padding` is the number of copies of the final block (default T + 1). `gamma` rescales u = gamma u'; `auto`
    takes the value with the least condition number over the square root of the success probability. Beyond
    `max_unknowns` the condition number is not computed, only bounded."""

    name = "history-system"
    takes = LIFTED
    leaves = HISTORY
    padding: int | None = None
    gamma: float | str = 1.0
    max_unknowns: int = 200_000

    def run(self, module: Module, context: Context = SILENT) -> Module:
        lifted = lift_of_op(module.main.only(linear.LiftOp))
        padding = lifted.steps + 1 if self.padding is None else self.padding
        system = HistorySystem(lifted, padding, self._gamma(module, HistorySystem(lifted, padding)))
        op = linear.HistoryOp(lifted.steps, padding, system.gamma, system.unknowns, system.nonzeros)
        return with_op(module, op).record(*self._entries(system))

    def _gamma(self, module: Module, plain: HistorySystem) -> float:
        if isinstance(self.gamma, float | int) and self.gamma > 0 and np.isfinite(self.gamma):
            return float(self.gamma)
        if self.gamma != "auto":
            raise CompileError(BadOption(None, self.name, "gamma", str(self.gamma), "a positive number or `auto`"))
        if plain.unknowns > self.max_unknowns:
            return 1.0
        request = Request.of(module.main)
        found = dissipation(request.chunk, request.start)
        radius = float(np.linalg.norm(iterate(request.chunk, request.start), axis=1).max())
        candidates = rescaling_candidates(found.lower, found.upper, radius)
        return best_rescaling(plain.lift, plain.padding, candidates)[0]

    def _entries(self, system: HistorySystem) -> list[LedgerEntry]:
        size = f"{system.unknowns} unknowns, {system.nonzeros} nonzeros"
        success = "a copy of the final block at degree one, before amplification"
        found = [
            (
                "condition number",
                system.condition_bound(),
                Evidence.PROVED,
                f"norm of the norms of all blocks of the inverse; {size}",
            ),
            ("success probability", system.success(), Evidence.MEASURED, success),
        ]
        if system.unknowns <= self.max_unknowns:
            kind = Evidence.MEASURED if system.exact else Evidence.ESTIMATED
            rule = "singular values of the dense matrix" if system.exact else "Lanczos and block substitution"
            found.insert(0, ("condition number", system.condition, kind, rule))
        return [LedgerEntry(self.name, *item[:3], note=item[3]) for item in found if np.isfinite(item[1])]
