"""An annealing circuit against the Hamiltonian that it Trotterises, on the instance at hand (part of `--verify`).

The expected distribution is computed from the spin model and its schedule with numpy alone: no gate, router or kernel
of the compiler takes part.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.backends.statevector import probabilities
from qevo_compiler.diagnostics import InternalError
from qevo_compiler.dialects import anneal, gate, ising
from qevo_compiler.dialects.ising import ProductsOp
from qevo_compiler.dialects.poly import Terms
from qevo_compiler.ir import Func
from qevo_compiler.passes import Pipeline
from qevo_compiler.passes.anneal_to_circuit import STEP, AnnealToCircuit
from qevo_compiler.program import CompiledProgram

# A state of 2^14 amplitudes takes milliseconds a layer in numpy.
MOST_SPINS = 14
TOLERANCE = 1e-6
Floats = NDArray[np.float64]


def validate_circuit(program: CompiledProgram) -> str:
    """What was compared; empty for a program without an annealing circuit.

    Every spin has a qubit of its own and is measured; up to `MOST_SPINS` spins the circuit is simulated as emitted,
    routed and in its own gates, and its outcomes have the probabilities that the model and the schedule give. Raises
    `InternalError` where that does not hold.
    """
    circuit = program.module.main.first(gate.CircuitOp)
    if circuit is None:
        return ""
    model = program.module.main.only(ising.ModelOp)
    if circuit.qubit_count < model.size:
        raise InternalError(f"{circuit.qubit_count} qubits for {model.size} spins")
    if model.size > MOST_SPINS:
        return f"; the circuit is not simulated beyond {MOST_SPINS} spins"
    passes = Pipeline.parse(program.options.get("pipeline", "")).passes
    steps = [step for step in passes if isinstance(step, AnnealToCircuit)]
    if len(steps) != 1:
        return ""
    expected = _outcomes(program.module.main, steps[0])
    distance = float(np.abs(probabilities(circuit) - expected).sum()) / 2
    if not distance <= TOLERANCE:
        raise InternalError(f"the circuit's outcomes are {distance:.3g} in total variation from the Hamiltonian's")
    return f"; the circuit's outcomes, simulated, have the Hamiltonian's probabilities, to {distance:.1g}"


def _outcomes(main: Func, step: AnnealToCircuit) -> Floats:
    """The probability of every outcome [2^n], spin 0 the most significant bit, under the Trotter product."""
    model, schedule = main.only(ising.ModelOp), main.first(anneal.ScheduleOp)
    products = [block for op in main.ops_of(ProductsOp) for block in op.energy.terms]
    energies = _energies(model, products)
    coefficients = [model.fields, model.couplings, *(block.coefficients for block in products)]
    largest = max(np.abs(part.values).max(initial=0.0) for part in coefficients) or 1.0
    state = np.full(len(energies), len(energies) ** -0.5, np.complex128)
    if step.gammas:
        for gamma, beta in zip(step.gammas, step.betas, strict=True):
            state = _mixed(np.exp(-1j * gamma * energies) * state, -beta, model.size)
        return np.abs(state) ** 2
    layer = STEP if step.time is None else step.time / step.layers
    middles = (np.arange(step.layers) + 0.5) / step.layers
    fractions = middles if schedule is None else _held(schedule, middles)
    for fraction in fractions:
        cost = np.exp(-1j * layer * fraction * energies / largest)
        halves = 0.5 if step.order == 2 else 0.0
        state = _mixed(state, halves * layer * (1 - fraction), model.size)
        state = _mixed(cost * state, (1 - halves) * layer * (1 - fraction), model.size)
    return np.abs(state) ** 2


def _held(schedule: anneal.ScheduleOp, middles: Floats) -> Floats:
    times = schedule.times.values
    return np.asarray(np.interp(middles, (times - times[0]) / (times[-1] - times[0]), schedule.fractions.values))


def _energies(model: ising.ModelOp, products: list[Terms]) -> Floats:
    """The energy of every state [2^n], spin 0 the most significant bit, a zero bit for +1; without the offset."""
    numbers = np.arange(2**model.size)
    spins = 1.0 - 2.0 * ((numbers[:, None] >> np.arange(model.size)[::-1]) & 1)
    pairs = spins[:, model.rows.values] * spins[:, model.columns.values]
    found = spins @ model.fields.values + pairs @ model.couplings.values
    for block in products:
        for members, coefficient in zip(block.variables.values, block.coefficients.values, strict=True):
            found += coefficient * spins[:, members].prod(axis=1)
    return np.asarray(found)


def _mixed(state: NDArray[np.complex128], angle: float, size: int) -> NDArray[np.complex128]:
    """exp(i angle sum X) on a state."""
    cube = state.reshape((2,) * size)
    for axis in range(size):
        cube = np.cos(angle) * cube + 1j * np.sin(angle) * np.flip(cube, axis)
    return cube.reshape(-1)


__all__ = ["validate_circuit"]
