"""Translation validation: is the lowering right on the instance at hand? (`--verify`)

The lowered model is compared with what decoding says of the same spins, which judges them against
`@problem` alone. A difference is a bug of the compiler, never of the program.
"""

from __future__ import annotations

import numpy as np

from qevo_compiler.diagnostics import InternalError
from qevo_compiler.dialects import gate, ising
from qevo_compiler.program import CompiledProgram

SAMPLES = 64
TOLERANCE = 1e-8


def validate(program: CompiledProgram) -> None:
    """Raise `InternalError` when the program's energies are not those of the problem that it came from.

    For random spins with auxiliaries set to what they stand for: the model's energy, divided by its
    scale, equals the objective plus every constraint's penalty as the decoder computes them. Cost:
    `SAMPLES` evaluations of the model and of the problem.
    """
    model = program.module.main.only(ising.ModelOp)
    if program.module.find("problem") is None:
        raise InternalError("the module keeps no @problem to validate against")
    rng = np.random.default_rng(0)
    spins = program.decoder.with_auxiliaries(2 * rng.integers(0, 2, (SAMPLES, model.size), dtype=np.int8) - 1)
    lowered = model_energies(model, spins) / model.scale
    stated = np.array([sum(split.values()) for split in program.decoder.energy_splits(spins)])
    error = np.abs(lowered - stated).max() / max(1.0, np.abs(stated).max())
    if not error <= TOLERANCE:
        raise InternalError(f"energies differ from the problem's by a share of {error:.3g}")
    circuit = program.module.main.first(gate.CircuitOp)
    if circuit is not None and circuit.qubit_count < model.size:
        raise InternalError(f"{circuit.qubit_count} qubits for {model.size} spins")


def model_energies(model: ising.ModelOp, spins: np.ndarray) -> np.ndarray:
    """Energies [reads] of spins [reads, n]."""
    s = spins.astype(np.float64)
    pairs = s[:, model.rows.values] * s[:, model.columns.values]
    return model.offset + s @ model.fields.values + pairs @ model.couplings.values


__all__ = ["model_energies", "validate"]
