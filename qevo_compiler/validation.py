"""Translation validation: is the lowering right on the instance at hand? (`--verify`)

The lowered model is compared with what decoding says of the same spins, which judges them against
`@problem` alone. A difference is a bug of the compiler, never of the program.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.carleman.history import HistorySystem
from qevo_compiler.analyses.carleman.lift import lift_of_op, propagate
from qevo_compiler.backends.statevector import amplitudes
from qevo_compiler.decode.history import HistoryReader
from qevo_compiler.diagnostics import InternalError
from qevo_compiler.dialects import gate, ising, linear
from qevo_compiler.dialects.problem import Encoding
from qevo_compiler.ir import Module
from qevo_compiler.passes.quantities import ENERGY_ERROR
from qevo_compiler.program import CompiledProgram
from qevo_compiler.validation_circuit import validate_circuit

SAMPLES = 64
TOLERANCE = 1e-8
Spins = NDArray[np.int8]


def validate(program: CompiledProgram) -> str:
    """What was compared, and how well it agrees.

    Raises `InternalError` when the program's energies are not those of the problem that it came from: for random
    valid codes, random slacks and auxiliaries set to what they stand for, the model's energy, divided by its scale,
    equals the objective plus every penalty as the decoder computes them from the values, up to what rounding
    coefficients may have changed. Cost: `SAMPLES` evaluations of the model and of the problem. Small circuits are
    simulated. For a cost record: its norms by another way, and its condition number against the proved bound.
    """
    if program.module.main.first(gate.CircuitOp) is not None and program.module.find("history") is not None:
        return _validate_solver(program)
    record = program.module.main.first(linear.ResourcesOp)
    if record is not None:
        return _validate_record(program.module, record)
    if program.module.find("problem") is None:
        raise InternalError("the module keeps no @problem to validate against")
    model = program.module.main.first(ising.ModelOp)
    scale = 1.0 if model is None else model.scale
    found = program.decoder.decode(program.decoder.recompute_auxiliaries(_random_codes(program)))
    assert found.energy is not None
    stated = np.sum(
        [part for name, part in found.energy_split.items() if name not in ("auxiliaries", "rounding")], axis=0
    )
    error = np.abs(found.energy / scale - stated)[found.codes_valid]
    allowed = sum(entry.value for entry in program.ledger if entry.quantity == ENERGY_ERROR) / scale
    if not error.max(initial=0.0) <= allowed + TOLERANCE * max(1.0, float(np.abs(stated).max(initial=0.0))):
        raise InternalError(f"an energy differs from the problem's by {error.max():.3g}")
    states = f"the energies of {int(found.codes_valid.sum())} states are the problem's own"
    return f"{states}, to {error.max(initial=0.0):.1g}{validate_circuit(program)}"


def _validate_solver(program: CompiledProgram) -> str:
    """A history system's circuit, simulated: its post-selected state is the solution as nearly as the ledger says.

    With every singular value's inverse right to the relative error e, the overlap is at least sqrt(1 - e^2). What
    phase estimation reaches is an estimate, so `hhl` is held to ten times it. Raises `CompileError` where the
    circuit is too wide to simulate.
    """
    reader = HistoryReader.of(program.module)
    op = reader.read_out
    if op is None:
        raise InternalError("the module does not say where its circuit's solution stands")
    history = reader.history(reader.kept(amplitudes(program.module.main.only(gate.CircuitOp))))
    exact = reader.system.solution()
    overlap = abs(float(np.vdot(history, exact))) / float(np.linalg.norm(history) * np.linalg.norm(exact))
    allowed = op.error if op.solver == "qsvt" else min(10 * op.error, 1.0)
    if not overlap >= math.sqrt(1 - allowed**2) - TOLERANCE:
        raise InternalError(f"the circuit's state has overlap {overlap:.6g} with the solution")
    return f"the circuit's state, simulated, has overlap {overlap:.8g} with the solution"


def _validate_record(module: Module, record: linear.ResourcesOp) -> str:
    """The solution's norm and success probability by propagating the lift, the condition number by its bound."""
    history = module.main.first(linear.HistoryOp)
    if history is None:
        return "nothing to compare: the quantities are declared"
    stated = {figure.quantity: figure.value for figure in record.figures}
    lifted = lift_of_op(module.main.only(linear.LiftOp))
    scaled = propagate(lifted, lifted.initial, lifted.steps) * history.gamma ** -lifted.degrees.astype(np.float64)
    squares = (scaled**2).sum(axis=1)
    total = squares[:-1].sum() + (history.padding + 1) * squares[-1]
    last = scaled[-1, lifted.first_block]
    success = (history.padding + 1) * float(last @ last) / total
    bound = HistorySystem(lifted, history.padding, history.gamma).condition_bound()
    if not np.allclose([stated["y_norm"] ** 2, stated["P_final"]], [total, success], rtol=1e-9):
        raise InternalError("the cost record's norms are not those of the lifted trajectory")
    if not stated["kappa"] <= bound * (1 + 1e-9):
        raise InternalError(f"the condition number {stated['kappa']:.6g} is above its bound {bound:.6g}")
    return "the record's norms are those of the lifted trajectory, its condition number is within the bound"


def _random_codes(program: CompiledProgram) -> Spins:
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, (SAMPLES, program.decoder.numbering.bits), dtype=np.int8)
    for register in program.provenance:
        elements = int(np.prod(register.shape, dtype=np.int64))
        if register.role is not ising.Role.DECISION or not register.count or register.count % elements:
            continue
        width = register.count // elements
        chosen = rng.integers(0, width + 1, (SAMPLES, elements, 1))
        columns = slice(register.first, register.first + register.count)
        if register.encoding is Encoding.ONE_HOT:
            bits[:, columns] = (np.arange(width) == chosen % width).reshape(SAMPLES, -1)
        elif register.encoding is not None and register.encoding.ordered:
            bits[:, columns] = (np.arange(width) < chosen).reshape(SAMPLES, -1)
    return program.decoder.numbering.restrict((2 * bits - 1).astype(np.int8))


__all__ = ["validate"]
