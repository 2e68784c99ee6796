"""Lift the step map to order N: a sparse linear map of the monomials of the state.

before: linear.map() {..}; problem.linearize() {order = 5, ..}
after:  the same, and linear.lift() {order = 5, monomials = .., matrices = [csr{..}], initial = .., ..}

The basis is isometric (2-norms are those of the tensor powers) and holds only monomials that the state depends
on, which is exact; cutting off above degree N is the one lossy step, and its bounds go into the ledger. With
`reupload = k` the lift covers the first k steps, and the ledger has the error of the whole loop. A lift that
diverges is refused.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qevo_compiler.analyses.carleman.aposteriori import defect_error, iterate
from qevo_compiler.analyses.carleman.certificates import Certificate, Certifier
from qevo_compiler.analyses.carleman.lift import BasisTooLarge, Lift, lift, moment_lift, op_of_lift
from qevo_compiler.analyses.carleman.majorant import Dissipativity, dissipation
from qevo_compiler.analyses.carleman.monomials import Floats, basis_size
from qevo_compiler.analyses.carleman.reupload import reupload
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.linear import DivergentLift, LiftTooLarge, NoOrder, NotCertified
from qevo_compiler.diagnostics.pipeline import BadOption
from qevo_compiler.ir import Evidence, LedgerEntry, Module
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.linear.request import Request, with_op
from qevo_compiler.passes.stages import LIFTED, STEPPED

# Sparse multiplications that may be spent on measuring the error.
_MEASURE_BUDGET = 2e8


@dataclass(frozen=True)
class CarlemanTruncation(Pass):
    """`order` overrides the program's. `closure` keeps only monomials that the state depends on; without
    `constant` the constant goes where nothing needs it. `moments` lifts the expected values of all monomials,
    every distinct step being equally likely in every step. `force` lifts what diverges; `measure` also finds
    the true error where that is affordable; `max_size` bounds the basis."""

    name = "carleman-truncation"
    takes = STEPPED
    leaves = LIFTED
    order: int | None = None
    closure: bool = True
    constant: bool = True
    moments: bool = False
    force: bool = False
    measure: bool = True
    max_size: int = 2_000_000

    def run(self, module: Module, context: Context = SILENT) -> Module:
        request = Request.of(module.main)
        order = self.order or (request.asked.order if request.asked else None)
        if order is None:
            raise CompileError(NoOrder(request.span))
        if self.moments and request.op.map.stages:
            expected = "for steps in the weights alone: set `step-map.activations=expanded`"
            raise CompileError(BadOption(None, self.name, "moments", "true", expected))
        states = iterate(request.chunk, request.start)
        certificate = Certifier.of(request.chunk, request.start, self.moments).at(order)
        entries = self._judged(request, certificate, states, context)
        lifted = self._lift(request, order)
        for value, rule in certificate.rows():
            entries.append(LedgerEntry(self.name, "truncation error", value, Evidence.PROVED, note=rule))
        affordable = self.measure and request.op.map.steps * lifted.nonzeros <= _MEASURE_BUDGET
        if affordable and not self.moments:
            entries += self._measured(request, order, lifted, states)
        return with_op(module, op_of_lift(lifted)).record(*entries)

    def _judged(
        self, request: Request, certificate: Certificate, states: Floats, context: Context
    ) -> list[LedgerEntry]:
        """Refuse or warn where nothing is proved; the entry that says a refusal was overridden."""
        with np.errstate(over="ignore", invalid="ignore"):
            size = float(np.linalg.norm(states, axis=1).max())
        if np.isfinite(size) and (certificate.bound < size or certificate.bound == 0):
            return []
        found = dissipation(request.chunk, request.start)
        steps = request.chunk.updates
        if found.of_class(certificate.order, steps) is not Dissipativity.NONE:
            context.warn(NotCertified(request.span, certificate.bound, size))
            return []
        growth = found.amplification(certificate.order, steps)
        if not self.force:
            modes = found.modes
            chunk = int(1 / (growth / steps)) if growth > 1 else 0
            counts = (modes.divergent, modes.unstable, modes.radius)
            raise CompileError(DivergentLift(request.span, growth, *counts, steps, certificate.order, chunk))
        note = "a divergent lift was forced: a kept product can grow by e to this power"
        return [LedgerEntry(self.name, "log of the amplification", growth, Evidence.MEASURED, note=note)]

    def _lift(self, request: Request, order: int) -> Lift:
        steps, start = request.chunk, request.start
        try:
            if self.moments:
                count = len(steps.variants)
                chances = np.full(count, 1 / count)
                return moment_lift(steps.variants, chances, steps.steps, start, order, self.max_size)
            return lift(steps, start, order, closure=self.closure, constant=self.constant, most=self.max_size)
        except BasisTooLarge:
            n = steps.size
            raise CompileError(LiftTooLarge(request.span, n, order, basis_size(n, order), self.max_size)) from None

    def _measured(self, request: Request, order: int, lifted: Lift, states: Floats) -> list[LedgerEntry]:
        error = float(np.linalg.norm(defect_error(lifted, states)[-1]))
        note = "from the exact defect along the optimizer's own trajectory"
        entries = [LedgerEntry(self.name, "truncation error", error, Evidence.MEASURED, note=note)]
        whole = request.op.map
        if request.chunk.steps < whole.steps:
            run = reupload(whole, request.start, order, request.chunk.updates, pivot=np.zeros(whole.size))
            last, own = iterate(whole, request.start)[-1], whole.resting
            note = f"{len(run.uploads)} uploads, re-centred on the downloaded point, against the optimizer itself"
            gap = float(np.linalg.norm((run.states[-1] - last)[own]))
            entries.append(LedgerEntry(self.name, "error after all re-uploads", gap, Evidence.MEASURED, note=note))
            if np.isfinite(run.bounds[-1]):
                note = "bound A of every chunk and the amplification of the error before it"
                bound = run.bounds[-1]
                entries.append(LedgerEntry(self.name, "error after all re-uploads", bound, Evidence.PROVED, note=note))
        return [entry for entry in entries if np.isfinite(entry.value)]
