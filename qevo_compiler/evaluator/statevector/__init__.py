"""State vectors: QAOA layers, circuits and exact annealing as compiled kernels.

Qubit q is bit q of a state's number; bit 0 means spin +1 (Z = +1).
"""

from qevo_compiler.evaluator.statevector.circuits import CircuitState, run_circuit
from qevo_compiler.evaluator.statevector.costs import Cost
from qevo_compiler.evaluator.statevector.drive import Drive, linear_schedule
from qevo_compiler.evaluator.statevector.qaoa import Qaoa
from qevo_compiler.evaluator.statevector.schroedinger import Evolution, evolve
from qevo_compiler.evaluator.statevector.spectrum import Levels, Spectrum, gap_schedule
from qevo_compiler.evaluator.statevector.state import State

__all__ = [
    "CircuitState",
    "Cost",
    "Drive",
    "Evolution",
    "Levels",
    "Qaoa",
    "Spectrum",
    "State",
    "evolve",
    "gap_schedule",
    "linear_schedule",
    "run_circuit",
]
