"""Choose the truncation order: the smallest whose proved error is within the tolerance.

before: linear.map() {..}; problem.linearize() {order = none, tolerance = 1e-04, ..}
after:  linear.map() {..}; problem.linearize() {order = 5, tolerance = 1e-04, ..}

The bound is the smallest of bounds A, B and C of docs/carleman.md over the steps of one lift. With re-uploads it
is the bound on the whole loop, which adds up the chunks and how each amplifies the error before it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from qevo_compiler.analyses.carleman.certificates import Certifier
from qevo_compiler.analyses.carleman.lift import BasisTooLarge
from qevo_compiler.analyses.carleman.monomials import basis_size
from qevo_compiler.analyses.carleman.reupload import reupload
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.linear import OrderNotReached
from qevo_compiler.ir import Evidence, LedgerEntry, Module
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.linear.request import Request, with_op
from qevo_compiler.passes.stages import STEPPED


@dataclass(frozen=True)
class SelectOrder(Pass):
    """`tolerance` overrides the program's. No order above `max_order` is tried, nor (with re-uploads, where each
    order is run) one whose basis has more than `max_size` monomials."""

    name = "select-order"
    takes = STEPPED
    leaves = STEPPED
    tolerance: float | None = None
    max_order: int = 30
    max_size: int = 20_000

    def run(self, module: Module, context: Context = SILENT) -> Module:
        request = Request.of(module.main)
        asked = request.asked
        tolerance = self.tolerance or (asked.tolerance if asked else None)
        if asked is None or tolerance is None or (asked.order is not None and self.tolerance is None):
            return module
        loops = asked.reupload is not None and asked.reupload < request.op.map.updates
        order, bounds = self._by_loops(request, tolerance) if loops else self._by_one_lift(request, tolerance)
        if order is None:
            best = min(range(len(bounds)), key=bounds.__getitem__)
            raise CompileError(OrderNotReached(request.span, tolerance, len(bounds), best + 1, bounds[best]))
        note = f"order {order} is the smallest within the tolerance {tolerance:g}"
        entry = LedgerEntry(self.name, "truncation error", bounds[-1], Evidence.PROVED, note=note)
        return with_op(module, replace(asked, order=order)).record(entry)

    def _by_one_lift(self, request: Request, tolerance: float) -> tuple[int | None, list[float]]:
        return Certifier.of(request.chunk, request.start).order_for(tolerance, self.max_order)

    def _by_loops(self, request: Request, tolerance: float) -> tuple[int | None, list[float]]:
        op = request.op
        assert request.asked is not None
        assert request.asked.reupload is not None
        found: list[float] = []
        for order in range(1, self.max_order + 1):
            if basis_size(op.map.size, order) > self.max_size:
                break
            try:
                run = reupload(op.map, request.start, order, request.asked.reupload, pivot=np.zeros(op.map.size))
            except BasisTooLarge:
                break
            found.append(run.bounds[-1])
            if found[-1] <= tolerance:
                return order, found
        return None, found or [float("inf")]
