"""State a history system as least squares over real variables with ranges and bits.

before: linear.map() {..}; linear.lift() {..}; linear.history() {steps = 3, padding = 0, ..}
after:  problem.variable() {symbol = "x", shape = (3,), lower = .., upper = .., bits = 4}; poly.objective {..} in
        @main and @problem; the three ops in @history

Exact as a problem: the minimum of ||L y - b||^2 is 0, at the propagated lift. One array a monomial, indexed by the
steps 1 .. T + P, in the rescaled coordinates of the system; the first block and the constant are known and
substituted. The ranges are proved to hold the solution where the scalar majorant stays near the optimizer's path,
and otherwise are twice that path, as an estimate. What is lost is in the grid, and squaring squares the
condition number: the ledger has both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from qevo_compiler.analyses.carleman.aposteriori import iterate
from qevo_compiler.analyses.carleman.history import HistorySystem
from qevo_compiler.analyses.carleman.least_squares import LeastSquares, majorant_radii
from qevo_compiler.analyses.carleman.lift import lift_of_op
from qevo_compiler.analyses.carleman.monomials import Floats
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.pipeline import BadOption
from qevo_compiler.diagnostics.qlsa import NoBox
from qevo_compiler.dialects import anneal, linear, poly
from qevo_compiler.dialects.poly import Polynomials
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.dialects.problem import Domain, VariableOp
from qevo_compiler.ir import Array, Builder, Evidence, Func, LedgerEntry, Module
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.linear.request import Request, history_func
from qevo_compiler.passes.stages import HISTORY, POLYNOMIAL

# Boxes wider than so many times the optimizer's path say that the majorant has blown up.
_LOOSE = 20.0
# An optimizer that goes further than this has diverged.
_WIDEST = 1e9


@dataclass(frozen=True)
class HistoryLeastSquares(Pass):
    """`bits` an unknown. `radius` bounds the size of the shifted state in place of the compiler's bound."""

    name = "history-least-squares"
    takes = HISTORY
    leaves = POLYNOMIAL
    bits: int = 4
    radius: float | None = None

    def run(self, module: Module, context: Context = SILENT) -> Module:
        if not 1 <= self.bits <= 30:
            raise CompileError(BadOption(None, self.name, "bits", str(self.bits), "a whole number from 1 to 30"))
        main, request = module.main, Request.of(module.main)
        problem = least_squares_of(main)
        radii, evidence = self._radii(request, main.only(linear.LiftOp).moments)
        box = problem.box(radii)
        builder = Builder(main.name)
        for op in _variables(main, problem, box, self.bits):
            builder.append(op)
        builder.append(poly.ObjectiveOp(_objective(problem)))
        for sampling in main.ops_of(anneal.SampleOp):
            builder.append(sampling)
        stated = builder.finish()
        lowered = module.with_main(stated).with_func(replace(stated, name="problem")).with_func(history_func(main))
        return lowered.record(*self._entries(problem, box, evidence))

    def _radii(self, request: Request, moments: bool) -> tuple[Floats, Evidence]:
        """Bounds on ||u(t)|| [T + 1], and whether they are proved, or stand on the optimizer's own path."""
        steps = request.chunk
        if self.radius is not None:
            if not (np.isfinite(self.radius) and self.radius > 0):
                raise CompileError(BadOption(None, self.name, "radius", str(self.radius), "a positive number"))
            return np.full(steps.steps + 1, self.radius), Evidence.ESTIMATED
        radii = majorant_radii(steps, request.start, moments)
        with np.errstate(over="ignore", invalid="ignore"):
            largest = float(np.linalg.norm(iterate(steps, request.start), axis=1).max())
        if not largest <= _WIDEST:
            raise CompileError(NoBox(request.span, largest))
        if radii.max() <= _LOOSE * largest:
            # A state that cannot move still needs a range with an inside.
            return np.maximum(radii, 1e-9), Evidence.PROVED
        return np.full(steps.steps + 1, 2 * max(largest, 1e-9)), Evidence.ESTIMATED

    def _entries(self, problem: LeastSquares, box: Floats, evidence: Evidence) -> list[LedgerEntry]:
        kappa, exact = problem.condition
        spacing = 2 * box / (2.0**self.bits - 1)
        kind = Evidence.MEASURED if exact else Evidence.PROVED
        count = f"{len(box)} unknowns at {self.bits} bits"
        grid = kappa * float(np.linalg.norm(spacing)) / 2
        how = "kappa times half the diagonal of a grid cell, if the boxes hold the solution"
        path = "twice the optimizer's own path" if self.radius is None else "a radius was given"
        held = "the majorant bounds the state" if evidence is Evidence.PROVED else path
        square = f"1 / kappa^2: {2 * np.log2(kappa):.1f} bits beyond those of the unknowns"
        found = [
            ("condition number of the least squares", kappa, kind, f"without what is known; {count}"),
            ("relative precision needed", kappa**-2, kind, square),
            ("distance of the ground state from the lifted solution", grid, evidence, f"{how}: {held}"),
        ]
        return [LedgerEntry(self.name, *item[:3], note=item[3]) for item in found]


def least_squares_of(func: Func) -> LeastSquares:
    """The least squares of the history system that a func states."""
    asked = func.only(linear.HistoryOp)
    return LeastSquares.of(HistorySystem(lift_of_op(func.only(linear.LiftOp)), asked.padding, asked.gamma))


def monomial_names(func: Func) -> list[str]:
    """Every monomial of the lift in the source's names, `x*w^2`; the constant is `1`."""
    symbols = func.only(linear.MapOp).symbols
    names = []
    for row in func.only(linear.LiftOp).monomials.values.tolist():
        used = [v for v in row if v >= 0]
        powers = [(symbols[v], used.count(v)) for v in sorted(set(used))]
        names.append("*".join(name if power == 1 else f"{name}^{power}" for name, power in powers) or "1")
    return names


def _variables(main: Func, problem: LeastSquares, box: Floats, bits: int) -> list[VariableOp]:
    names, length = monomial_names(main), problem.system.blocks - 1
    span = main.only(linear.MapOp).span
    found = []
    for start in range(0, len(box), length):
        half = Array(box[start : start + length])
        name = names[int(problem.monomials[start])]
        low = Array(-half.values)
        found.append(VariableOp(name, Domain.REAL, (length,), low, half, bits, span=span))
    return found


def _objective(problem: LeastSquares) -> Polynomials:
    """||A z - r||^2 as one packed polynomial."""
    gram = problem.gram.tocoo()
    upper = gram.row <= gram.col
    row, column, values = gram.row[upper], gram.col[upper], gram.data[upper]
    values = np.where(row == column, values, 2 * values)
    linear_part = -2 * np.asarray(problem.matrix.T @ problem.right)
    count = len(linear_part)
    blocks = [
        (np.zeros(1, np.int64), np.zeros((1, 0), np.int64), np.array([problem.right @ problem.right])),
        (np.zeros(count, np.int64), np.arange(count)[:, None], linear_part),
        (np.zeros(len(row), np.int64), np.stack([row, column], axis=1).astype(np.int64), values),
    ]
    return pack(1, blocks)
