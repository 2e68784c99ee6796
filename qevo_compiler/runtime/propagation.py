"""The lifted dynamics run classically, beside the optimizer itself: trajectories, error an order, bounds, flags."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.carleman.aposteriori import iterate
from qevo_compiler.analyses.carleman.certificates import Certificate, Certifier
from qevo_compiler.analyses.carleman.lift import lift, lift_of_op, propagate
from qevo_compiler.analyses.carleman.majorant import Dissipation, dissipation
from qevo_compiler.analyses.carleman.reupload import reupload
from qevo_compiler.dialects import linear
from qevo_compiler.dialects.linear import StepMap
from qevo_compiler.ir import Func
from qevo_compiler.passes.linear.request import Request

Floats = NDArray[np.float64]

# Beside the program's order, lower ones up to here are run for comparison.
_COMPARED = 12


@dataclass(frozen=True)
class OrderRun:
    """One order: dimension of the lift, states x [T + 1, n], and ||x - optimizer|| [T + 1].

    `certificate` bounds the error at the end of a lift: of the whole horizon, or of the first chunk between
    re-uploads; `loop` bounds it after all re-uploads.
    """

    order: int
    dimension: int
    states: Floats
    errors: Floats
    certificate: Certificate
    loop: float | None = None


@dataclass(frozen=True)
class Propagation:
    """The optimizer's states x [T + 1, n], the runs by ascending order (the last is the program's), and the flags."""

    names: tuple[str, ...]
    exact: Floats
    runs: tuple[OrderRun, ...]
    flags: Dissipation
    chunk: int
    moments: bool

    @property
    def run(self) -> OrderRun:
        """The program's own order."""
        return self.runs[-1]


def propagation(func: Func) -> Propagation:
    """Run every order up to the program's for the lift that `func` states.

    With moments only the program's order is run: its states are expectations, compared with the optimizer's path
    over the batches in turn.
    """
    request, op = Request.of(func), func.only(linear.LiftOp)
    pivot = request.op.pivot.values
    whole = request.op.map
    shifted = _between_steps(whole, iterate(whole, request.start))
    exact = shifted + pivot[whole.resting]
    certifier = Certifier.of(request.chunk, request.start, op.moments)
    orders = {order for order in range(1, op.order) if order < _COMPARED and not op.moments}
    runs = tuple(_run(request, op, order, shifted, certifier.at(order)) for order in sorted(orders | {op.order}))
    flags = dissipation(request.chunk, request.start)
    names = tuple(name for name, own in zip(request.op.symbols, whole.resting.tolist(), strict=True) if own)
    return Propagation(names, exact, runs, flags, request.chunk.updates, op.moments)


def _run(request: Request, op: linear.LiftOp, order: int, shifted: Floats, certificate: Certificate) -> OrderRun:
    whole, chunk = request.op.map, request.chunk
    lifted = lift_of_op(op) if order == op.order else lift(chunk, request.start, order)
    with np.errstate(over="ignore", invalid="ignore"):
        if chunk.steps < whole.steps:
            looped = reupload(whole, request.start, order, chunk.updates, pivot=np.zeros(whole.size))
            states, loop = looped.states, looped.bounds[-1]
        else:
            states = propagate(lifted, lifted.initial, whole.steps)[:, lifted.first_block]
            loop = None
        states = _between_steps(whole, states)
        errors = np.linalg.norm(states - shifted, axis=1)
    pivot = request.op.pivot.values[whole.resting]
    return OrderRun(order, lifted.size, states + pivot, errors, certificate, loop)


def _between_steps(steps: StepMap, states: Floats) -> Floats:
    """Of the states after all sub-steps those of the optimizer, over the coordinates that it has."""
    return np.asarray(states[:: steps.stage_count, steps.resting])
