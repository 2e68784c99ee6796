"""State vectors: QAOA layers, circuits and exact annealing as compiled kernels.

Qubit q is bit q of a state's number; bit 0 means spin +1 (Z = +1).
"""

from qevo_compiler.evaluator.statevector.circuits import CircuitState, run_circuit
from qevo_compiler.evaluator.statevector.costs import Cost
from qevo_compiler.evaluator.statevector.qaoa import Qaoa, annealing_angles
from qevo_compiler.evaluator.statevector.small import layered_reference
from qevo_compiler.evaluator.statevector.state import State

__all__ = ["CircuitState", "Cost", "Qaoa", "State", "annealing_angles", "layered_reference", "run_circuit"]
