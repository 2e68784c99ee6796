"""Write the solver of a history system as a circuit.

before: linear.map() {..}; linear.lift() {..}; linear.history() {steps = 3, padding = 0, ..}
after:  gate.circuit {..} in @main; the three ops and linear.read_out() {..} in @history

`qsvt` applies a polynomial of 1 / x to the singular values of a block encoding (`docs/linear-circuits.md`); `hhl` is
the reference by phase estimation for at most 8 unknowns. Queries, qubits and two-qubit gates are estimated before
anything of the circuit's length is made. The ledger gets the solver's error, what rounding the angles can do,
alpha, kappa and the success probability; `linear.read_out` says where every unknown stands.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from qevo_compiler.analyses.carleman.history import HistorySystem
from qevo_compiler.analyses.carleman.lift import lift_of_op
from qevo_compiler.analyses.carleman.monomials import Floats, Ints
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.pipeline import BadOption
from qevo_compiler.diagnostics.qlsa import CircuitTooLarge, NoCircuitForSystem
from qevo_compiler.dialects import anneal, linear
from qevo_compiler.ir import Array, EnumAttribute, Evidence, Func, LedgerEntry, Module
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.linear.circuit_plans import Plan, Problem, Route, plans
from qevo_compiler.passes.linear.request import Request, history_func
from qevo_compiler.passes.qlsa.fragment import DECIMALS, Fragment, counts, join
from qevo_compiler.passes.qlsa.hhl import LIMIT, hhl
from qevo_compiler.passes.qlsa.linear_system import padded
from qevo_compiler.passes.qlsa.qsvt import KAPPA_LIMIT, Solver, solve
from qevo_compiler.passes.qlsa.read_out_circuits import interference, success_flag
from qevo_compiler.passes.qlsa.sparse_state import sparse_vector
from qevo_compiler.passes.stages import CIRCUIT, HISTORY


class Method(EnumAttribute):
    """The linear solver."""

    QSVT = "qsvt"
    HHL = "hhl"


class Read(EnumAttribute):
    """What is measured: HISTORY, every bit of the solution; FINAL, also a flag that a copy of the end was found; SIGNS,
    the solution interfering with the start in every block, which gives the signs that sampling alone does not."""

    HISTORY = "history"
    FINAL = "final"
    SIGNS = "signs"


@dataclass(frozen=True)
class HistoryToCircuit(Pass):
    """`tolerance` bounds the relative error of every singular value's inverse. `condition` is a bound on |L^-1| to use:
    a number, `exact` (singular values) or `bound` (proved); `auto` takes `exact` up to 2000 unknowns. `clock` is
    the number of clock qubits of `hhl`. `read=final` adds a flag for a time of at least T (with `carleman` also
    degree one), `read=signs` interferes with the start in every block.
    Circuits over `max_cx` or `max_qubits` are refused before they are built."""

    name = "history-to-circuit"
    takes = HISTORY
    leaves = CIRCUIT
    solver: Method = Method.QSVT
    encoding: Route = Route.AUTO
    tolerance: float = 0.01
    condition: float | str = "auto"
    clock: int = 6
    read: Read = Read.HISTORY
    max_cx: int = 1_000_000
    max_qubits: int = 40

    def run(self, module: Module, context: Context = SILENT) -> Module:
        self._check_options()
        request, asked = Request.of(module.main), module.main.only(linear.HistoryOp)
        system = HistorySystem(lift_of_op(module.main.only(linear.LiftOp)), asked.padding, asked.gamma)
        problem = Problem(system, request.chunk, request.start)
        if self.solver is Method.HHL:
            solver, read_out = self._by_phases(problem, request)
            evidence = (Evidence.ESTIMATED, Evidence.MEASURED)
        else:
            solver, read_out, measured = self._by_polynomial(problem, request)
            evidence = (Evidence.PROVED, Evidence.MEASURED if measured else Evidence.PROVED)
        fragment, order, read_out = self._measured(solver, system, read_out)
        circuit = fragment.circuit(len(order), order)
        kept = tuple(op for op in module.main.ops if isinstance(op, anneal.SampleOp))
        history = history_func(module.main, read_out)
        lowered = module.with_main(Func(module.main.name, (), (*kept, circuit))).with_func(history)
        return lowered.record(*self._entries(solver, fragment, read_out, evidence))

    def _check_options(self) -> None:
        if not 0 < self.tolerance < 1:
            raise CompileError(BadOption(None, self.name, "tolerance", str(self.tolerance), "a number in (0, 1)"))
        known = isinstance(self.condition, str) and self.condition in ("auto", "exact", "bound")
        if not known and not (isinstance(self.condition, float | int) and 0 < self.condition < np.inf):
            form = "a positive number, `auto`, `exact` or `bound`"
            raise CompileError(BadOption(None, self.name, "condition", str(self.condition), form))
        if not 2 <= self.clock <= 12:
            raise CompileError(BadOption(None, self.name, "clock", str(self.clock), "a whole number from 2 to 12"))

    def _by_polynomial(self, problem: Problem, request: Request) -> tuple[Solver, linear.ReadOutOp, bool]:
        given = None if isinstance(self.condition, str) else float(self.condition)
        found, reason = plans(problem, self.encoding, self.tolerance, self.condition == "bound", given)
        if not found:
            raise CompileError(self._refused(request, reason))
        found = [replace(plan, cx=plan.cx * self._share) for plan in found]
        fitting = [plan for plan in found if self._over(plan) is None]
        best = min(fitting or found, key=lambda plan: plan.cx)
        limit = self._over(best)
        if limit is not None:
            sizes = f"about {best.cx} two-qubit gates on {best.qubits} qubits"
            estimate = f"{sizes}: {best.queries} queries at kappa {best.kappa:.3g}"
            system = problem.system
            raise CompileError(CircuitTooLarge(request.span, system.unknowns, system.steps, estimate, limit))
        made = best.made
        solver = solve(made.encoding, made.preparation, made.norm, best.inverse_norm, self.tolerance)
        return solver, self._read_out(solver, best), best.measured

    @property
    def _share(self) -> int:
        """How many cx a cx becomes: under the control of an interference at most 6, and 2 for a rotation beside it."""
        return 8 if self.read is Read.SIGNS else 1

    def _over(self, plan: Plan) -> str | None:
        if plan.kappa > KAPPA_LIMIT:
            return f"kappa {KAPPA_LIMIT:.0f}"
        if plan.qubits > self.max_qubits:
            return f"{self.max_qubits} qubits"
        return f"{self.max_cx} two-qubit gates" if plan.cx > self.max_cx else None

    def _refused(self, request: Request, reason: str) -> NoCircuitForSystem:
        return NoCircuitForSystem(request.span, self.solver.value, self.encoding.value, reason)

    def _by_phases(self, problem: Problem, request: Request) -> tuple[Solver, linear.ReadOutOp]:
        system = problem.system
        if system.unknowns > LIMIT:
            reason = f"it has {system.unknowns} unknowns, and the reference takes {LIMIT}"
            raise CompileError(self._refused(request, reason))
        full = padded(system.matrix().toarray())
        right = np.zeros(len(full))
        right[: system.unknowns] = system.right_side()
        try:
            solver = hhl(full, right, self.clock)
        except ValueError as error:
            raise CompileError(self._refused(request, str(error))) from None
        positions = np.arange(system.unknowns).reshape(system.blocks, -1)
        norm = float(np.linalg.norm(system.solution()))
        return solver, self._op(solver, positions, np.ones(system.lift.size), Route.SYSTEM, norm)

    def _read_out(self, solver: Solver, plan: Plan) -> linear.ReadOutOp:
        op = self._op(solver, plan.positions, plan.factors, plan.route, plan.norm)
        first = len(solver.post_select)
        return replace(op, time=_bits(plan.time, first), degree=_bits(plan.degree, first))

    def _op(self, solver: Solver, positions: Ints, factors: Floats, route: Route, norm: float) -> linear.ReadOutOp:
        waste, count = len(solver.post_select), len(solver.system)
        return linear.ReadOutOp(
            self.solver.value,
            route.value,
            _bits(range(waste)),
            _bits(range(waste, waste + count)),
            _bits(()),
            _bits(()),
            Array(positions),
            Array(np.asarray(factors, np.float64)),
            solver.scale,
            solver.error,
            min((norm / solver.scale) ** 2, 1.0),
        )

    def _measured(
        self, solver: Solver, system: HistorySystem, op: linear.ReadOutOp
    ) -> tuple[Fragment, list[int], linear.ReadOutOp]:
        """The circuit, the qubit of each bit, and the read-out with the flag's bit where that is asked for."""
        order = [*solver.post_select, *solver.system]
        if self.read is Read.HISTORY:
            return solver.fragment, order, op
        if self.read is Read.SIGNS:
            known = np.zeros(1 << len(solver.system))
            known[op.positions.values] = system.initial / op.factors.values
            reference = sparse_vector(known, range(len(solver.system))).fragment.on(solver.system)
            both = interference(solver.fragment, solver.qubit_count, reference)
            return both, [*order, solver.qubit_count], replace(op, test=len(order))
        if not op.time.size:
            reason = "it has no time register to compare with the horizon"
            raise CompileError(NoCircuitForSystem(None, self.solver.value, op.encoding, reason))
        flag = solver.qubit_count
        time, degree = ([order[bit] for bit in bits.values.tolist()] for bits in (op.time, op.degree))
        spare = [qubit for qubit in order if qubit not in (*time, *degree)]
        marked = success_flag(time, system.steps, degree, flag, spare)
        return join([solver.fragment, marked]), [*order, flag], replace(op, flag=len(order))

    def _entries(
        self, solver: Solver, fragment: Fragment, op: linear.ReadOutOp, evidence: tuple[Evidence, Evidence]
    ) -> list[LedgerEntry]:
        size = f"{counts(fragment).cnot} cx and {counts(fragment).one_qubit} one-qubit gates"
        queries = f"{solver.queries} queries, {size}, {len(op.post_select.values) + op.system.size} qubits"
        how = "polynomial" if self.solver is Method.QSVT else "resolution of the clock"
        turns = int(np.count_nonzero(fragment.angles))
        found = [
            ("relative error of the solver", solver.error, evidence[0], f"{how} on the singular values; {queries}"),
            (
                "angle rounding",
                turns * 0.25 * 10.0**-DECIMALS,
                Evidence.PROVED,
                f"{turns} angles at {DECIMALS} decimals",
            ),
            ("block-encoding subnormalisation", solver.alpha, Evidence.MEASURED, f"encoding {op.encoding}"),
            ("kappa", solver.kappa, evidence[1], "alpha times the norm of the inverse that the solver is made for"),
            ("success probability", op.success, Evidence.MEASURED, "all post-selected bits read 0; classical solution"),
        ]
        return [LedgerEntry(self.name, *item[:3], note=item[3]) for item in found]


def _bits(numbers: Iterable[int], first: int = 0) -> Array:
    return Array(np.array([first + n for n in numbers], np.int64))
