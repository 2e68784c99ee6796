"""What `qevoc run` does with a program that has `train` and `linearize`, or with what was compiled from one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.carleman.least_squares import LeastSquares
from qevo_compiler.backends.base import check_sampling
from qevo_compiler.backends.select import select_backend
from qevo_compiler.backends.statevector import amplitudes
from qevo_compiler.decode.history import HistoryReader
from qevo_compiler.diagnostics import CompileError, InternalError
from qevo_compiler.diagnostics.backends import BadSampling
from qevo_compiler.dialects import anneal, problem
from qevo_compiler.dialects.gate import CircuitOp
from qevo_compiler.ir import Module
from qevo_compiler.passes.linear.request import history_of
from qevo_compiler.runtime.boxes import BoxResult, shrink
from qevo_compiler.runtime.linear_report import AnnealedRun, CircuitRun, LinearReport
from qevo_compiler.runtime.propagation import propagation
from qevo_compiler.runtime.shots import ShotReadOut, read_final

Floats = NDArray[np.float64]
ROUNDS = 30
READS = 50


@dataclass(frozen=True)
class LinearOptions:
    """`shots` of the read-out (None: no read-out); `rounds`, `reads` and `sweeps` are those of the annealing route."""

    shots: int | None = None
    seed: int = 0
    rounds: int = ROUNDS
    reads: int | None = None
    sweeps: int | None = None
    backend: str | None = None


def run_linear(module: Module, options: LinearOptions) -> LinearReport:
    """Propagate the lifted system of a module, and run what it was lowered to.

    `module` is at the stage `history`, or was lowered from there to a circuit, which is simulated, or to spins, which
    are annealed with shrinking boxes. Raises `CompileError` for circuits that are too wide to simulate.
    """
    func = history_of(module)
    if func is None:
        raise InternalError("the module holds no history system")
    select_backend(options.backend)
    check_sampling(options.reads, options.seed, options.sweeps)
    for option in ("shots", "rounds"):
        value = getattr(options, option)
        if value is not None and value < 1:
            raise CompileError(BadSampling(None, option, str(value), "a whole number from 1"))
    reader = HistoryReader.of(module)
    circuit = _circuit(module, reader)
    history = reader.system.solution() if circuit is None else circuit.history
    read_out: ShotReadOut | None = None
    if options.shots is not None:
        norm = float(np.linalg.norm(history)) if reader.read_out is None else reader.read_out.scale
        read_out = read_final(reader, history, norm, options.shots, options.seed)
    annealed = _annealed(module, reader, options)
    return LinearReport(module.name, reader, propagation(func), circuit, annealed, read_out, module.ledger)


def _circuit(module: Module, reader: HistoryReader) -> CircuitRun | None:
    """The state of the circuit, post-selected, against the solution by substitution."""
    op = module.main.first(CircuitOp)
    if op is None or reader.read_out is None:
        return None
    kept = reader.kept(amplitudes(op))
    history, exact = reader.history(kept), reader.system.solution()
    norms = float(np.linalg.norm(history)), float(np.linalg.norm(exact))
    overlap = abs(float(np.vdot(history, exact))) / (norms[0] * norms[1])
    error = float(np.linalg.norm(history - exact)) / norms[1]
    success = float(np.sum(np.abs(kept) ** 2))
    return CircuitRun(op.qubit_count, len(op), overlap, error, success, reader.read_out, history)


def _annealed(module: Module, reader: HistoryReader, options: LinearOptions) -> AnnealedRun | None:
    """Rounds from the ranges and bits of the compiled variables."""
    stated = module.find("problem")
    variables = stated.ops_of(problem.VariableOp) if stated else ()
    if not variables:
        return None
    squares = LeastSquares.of(reader.system)
    low, high = (
        np.concatenate([np.asarray(getattr(op, end).values) for op in variables]) for end in ("lower", "upper")
    )
    bits = int(variables[0].bits or 1)
    asked = module.main.first(anneal.SampleOp) or anneal.SampleOp()
    reads = options.reads or asked.reads or READS
    sweeps = options.sweeps or asked.sweeps
    spacing = (high - low) / (2.0**bits - 1)
    found: BoxResult = shrink(squares, low, spacing, bits, options.rounds, reads, options.seed, sweeps)
    distance = float(np.linalg.norm(found.unknowns - squares.solution))
    history = squares.expand(found.unknowns)
    return AnnealedRun(len(low), bits, squares.condition[0], found.rounds, distance, history)
