"""What decoded samples say about the stated problem: `optimal` only where that follows from an enumeration.

Where penalties are 0 on satisfied rows (for the best slack) and nowhere negative, whatever their weights, the least
energy of a feasible point over slacks and auxiliaries is what is to be minimised there, its merit. So among the
lowest states of the model a best feasible point comes before all worse ones. Presolve keeps only one lowest state;
with it a feasible point is known to be best when its merit is the least energy, below which no merit lies.
"""

from __future__ import annotations

from qevo_compiler.decode.solution import Solutions
from qevo_compiler.dialects.ising import PenaltyOp, ReductionOp
from qevo_compiler.dialects.problem import Sense
from qevo_compiler.ir import Module
from qevo_compiler.passes.binary_to_spin import spin_view
from qevo_compiler.passes.round_coefficients import ENERGY_ERROR

# Ledger entries that say how far energies of feasible points are from the stated problem's, when not 0.
_CHANGES = frozenset(
    {
        ENERGY_ERROR,
        "largest error of a polynomial",
        "penalty floor",
        "relative error of the quadratic model",
        "slack rounding",
    }
)
_TOLERANCE = 1e-9


def verdict(module: Module, solutions: Solutions, exact: bool) -> str:
    """`infeasible`, `feasible` or `optimal`; `exact` says that the samples are the lowest states of the model.

    `infeasible` speaks of the samples: none of them satisfies every hard constraint.
    """
    if not solutions.feasible.any():
        return "infeasible"
    if not exact or not _faithful(module):
        return "feasible"
    if module.main.first(ReductionOp) is None:
        return "optimal"
    return "optimal" if _reaches_the_least_energy(module, solutions) else "feasible"


def _faithful(module: Module) -> bool:
    """Whether feasible points cost what the problem says, and infeasible ones no less."""
    sloped = any(op.slopes is not None and op.slopes.values.any() for op in module.main.ops_of(PenaltyOp))
    return not sloped and not any(e.quantity in _CHANGES and abs(e.value) > _TOLERANCE for e in module.ledger)


def _reaches_the_least_energy(module: Module, solutions: Solutions) -> bool:
    model = spin_view(module)
    if model is None or solutions.energy is None:
        return False
    best = solutions.best
    soft = sum(best.energy_split.get(symbol, 0.0) for symbol, family in solutions.families.items() if family.soft)
    merit = (best.objective if solutions.sense is Sense.MINIMIZE else -best.objective) + soft
    least = float(solutions.energy.min()) / model.scale
    size = 1.0 + abs(merit) + abs(model.offset) / model.scale
    return merit <= least + _TOLERANCE * size
