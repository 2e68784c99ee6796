"""A history system in one of several block encodings, ready to be solved by a circuit, with the cost of that circuit.

Nothing here has the length of the circuit: one use of the encoding and the preparer of the right-hand side are made,
the queries follow from kappa and the tolerance.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from qevo_compiler.analyses.carleman.history import HistorySystem
from qevo_compiler.analyses.carleman.lift import lift
from qevo_compiler.analyses.carleman.monomials import Floats, Ints
from qevo_compiler.analyses.carleman.tensor import symmetric_parts
from qevo_compiler.dialects.linear import StepMap
from qevo_compiler.ir import EnumAttribute
from qevo_compiler.passes.qlsa.carleman_encoding import ORDER_LIMIT
from qevo_compiler.passes.qlsa.history_circuit import history_registers, prepared_history, prepared_steps
from qevo_compiler.passes.qlsa.linear_system import Encoding, Prepared, prepared_system
from qevo_compiler.passes.qlsa.qsvt import estimated

# `auto` does not try encodings of the whole matrix beyond this many unknowns: one query has 4^n gates.
_WHOLE = 32


class Route(EnumAttribute):
    """Which matrix is block-encoded, and how.

    STEP encodes M and adds the history's structure, SYSTEM encodes L whole; each as a dilation (exact, by singular
    vectors), by sparse access, or balanced sparse access. CARLEMAN encodes the coefficients of the map. AUTO takes
    the fewest two-qubit gates of STEP and SYSTEM.
    """

    AUTO = "auto"
    STEP = "step"
    STEP_SPARSE = "step_sparse"
    STEP_BALANCED = "step_balanced"
    SYSTEM = "system"
    SYSTEM_SPARSE = "system_sparse"
    SYSTEM_BALANCED = "system_balanced"
    CARLEMAN = "carleman"


_KINDS = {
    Route.STEP: Encoding.DILATION,
    Route.STEP_SPARSE: Encoding.SPARSE,
    Route.STEP_BALANCED: Encoding.BALANCED,
    Route.SYSTEM: Encoding.DILATION,
    Route.SYSTEM_SPARSE: Encoding.SPARSE,
    Route.SYSTEM_BALANCED: Encoding.BALANCED,
}
_STEPS = (Route.STEP, Route.STEP_SPARSE, Route.STEP_BALANCED)


@dataclass(frozen=True)
class Problem:
    """A history system with the map and start that it came from."""

    system: HistorySystem
    map: StepMap
    start: Floats


@dataclass(frozen=True)
class Plan:
    """A prepared solver: `positions` [blocks, D] of every unknown among the system's basis states, `factors` [D],
    `norm` the 2-norm of the whole solution.

    `time` and `degree` number qubits of the system. `kappa` is alpha times the norm of the inverse; `measured` says
    that this norm comes from singular values rather than from a proved bound.
    """

    route: Route
    made: Prepared
    kappa: float
    measured: bool
    queries: int
    cx: int
    positions: Ints
    factors: Floats
    norm: float
    time: tuple[int, ...] = ()
    degree: tuple[int, ...] = ()

    @property
    def qubits(self) -> int:
        return self.made.encoding.qubit_count + 1

    @property
    def inverse_norm(self) -> float:
        return self.kappa / self.made.encoding.alpha


def plans(
    problem: Problem, route: Route, tolerance: float, bounded: bool, given: float | None
) -> tuple[list[Plan], str]:
    """The plans for a route, several for AUTO, and why the last that is missing was refused.

    The norm of the inverse is `given`, or exact for small systems unless `bounded` asks for the proved bound.
    """
    found, reason = [], ""
    for chosen in _routes(problem, route):
        try:
            found.append(_plan(problem, chosen, tolerance, bounded, given))
        except ValueError as error:
            reason = str(error)
    return found, reason


def _routes(problem: Problem, route: Route) -> Iterable[Route]:
    if route is not Route.AUTO:
        return (route,)
    whole = (Route.SYSTEM, Route.SYSTEM_BALANCED) if problem.system.unknowns <= _WHOLE else ()
    return (Route.STEP, Route.STEP_BALANCED, *whole)


def _plan(problem: Problem, route: Route, tolerance: float, bounded: bool, given: float | None) -> Plan:
    system = problem.system
    factors, time, whole = np.ones(system.lift.size), 0, system
    degree: tuple[int, ...] = ()
    measured = given is None and not bounded and system.exact
    inverse = given if given is not None else 1 / system.singular_values[1] if measured else system.inverse_bound()
    if route is Route.CARLEMAN:
        made, whole, measured, inverse = _structured(problem, bounded, given)
        system_qubits = range(made.encoding.system)
        times, degree, slots = history_registers(system_qubits, problem.map.size, system.lift.order)
        time, factors = len(times), system.lift.weights
        positions = _tensor_positions(system, made.encoding.system, degree, slots)
    elif route in _STEPS:
        dense = [matrix.toarray() for matrix in system.matrices]
        which = system.lift.which.tolist()
        made = prepared_steps(dense, which, system.initial, system.padding, _KINDS[route])
        time = (system.blocks - 1).bit_length()
        width = 1 << (made.encoding.system - time)
        positions = np.arange(system.blocks)[:, None] * width + np.arange(system.lift.size)
    else:
        made, exact = prepared_system(system.matrix(), system.right_side(), _KINDS[route])
        inverse, measured = (exact, True) if given is None and not bounded else (inverse, measured)
        positions = np.arange(system.unknowns).reshape(system.blocks, -1)
    kappa = max(made.encoding.alpha * inverse, 1.0)
    queries, cx = estimated(made.encoding, made.preparation, kappa, tolerance)
    norm = float(np.linalg.norm(whole.solution()))
    return Plan(route, made, kappa, measured, queries, cx, positions, factors, norm, tuple(range(time)), degree)


def _structured(problem: Problem, bounded: bool, given: float | None) -> tuple[Prepared, HistorySystem, bool, float]:
    """The encoding by coefficients acts on every monomial, so norms are those of the full basis."""
    system = problem.system
    if len(problem.map.variants) > 1:
        raise ValueError("the structured encoding takes one step for the whole horizon")
    order = system.lift.order
    if order > ORDER_LIMIT:
        raise ValueError(f"the structured encoding takes orders 1 to {ORDER_LIMIT}")
    if system.lift.moments:
        raise ValueError("expected monomials are no powers of one state")
    parts = dict(enumerate(part.toarray() for part in symmetric_parts(problem.map.variants[0])))
    made = prepared_history(parts, problem.start, order, system.steps, system.padding, system.gamma)
    full = HistorySystem(lift(problem.map, problem.start, order, closure=False), system.padding, system.gamma)
    if given is not None:
        return made, full, False, given
    if full.exact and not bounded:
        return made, full, True, 1 / full.singular_values[1]
    return made, full, False, full.inverse_bound()


def _tensor_positions(
    system: HistorySystem, qubits: int, degree: tuple[int, ...], slots: tuple[tuple[int, ...], ...]
) -> Ints:
    """One of the equal entries of each monomial: its variables in ascending order in the first slots."""
    place = 1 << np.arange(qubits, dtype=np.int64)[::-1]
    monomials = system.lift.monomials.astype(np.int64)
    inside = np.zeros(system.lift.size, np.int64)
    for part, slot in enumerate(slots):
        used = monomials[:, part] >= 0
        inside[used] += place[degree[part]]
        for bit, qubit in enumerate(reversed(slot)):
            inside[used] += ((monomials[used, part] >> bit) & 1) * place[qubit]
    block = 1 << (qubits - (system.blocks - 1).bit_length())
    return np.asarray(np.arange(system.blocks)[:, None] * block + inside, np.int64)
