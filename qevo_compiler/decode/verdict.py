"""What decoded samples say about the stated problem: `optimal` only where that follows.

It follows where the objective has reached a bound of itself and no soft constraint is violated, or from an enumeration.

Where penalties are 0 on satisfied rows (for the best slack) and nowhere negative, whatever their weights, the least
energy of a feasible point over slacks and auxiliaries is what is to be minimised there, its merit. So among the
lowest states of the model a best feasible point comes before all worse ones. Presolve keeps only one lowest state;
with it a feasible point is known to be best when its merit is the least energy, below which no merit lies.
"""

from __future__ import annotations

from dataclasses import dataclass

from qevo_compiler.decode.projection import Projection
from qevo_compiler.decode.solution import Solutions
from qevo_compiler.dialects import poly
from qevo_compiler.dialects.ising import PenaltyOp, PenaltyRule, ReductionOp
from qevo_compiler.dialects.problem import Sense
from qevo_compiler.ir import Module
from qevo_compiler.passes.binary_to_spin import spin_view
from qevo_compiler.passes.quantities import CHANGES_ENERGIES, FUNCTION_ERROR, PENALTY_FLOOR

_TOLERANCE = 1e-9
# A bound costs as much as lowering the objective once.
_BOUNDED_TERMS = 1 << 20


@dataclass(frozen=True)
class Verdict:
    """`status` is infeasible (of the samples: none satisfies every hard constraint), feasible or optimal.

    `note` says why it is not more, and what helps; it may be empty.
    """

    status: str
    note: str = ""


def verdict(module: Module, solutions: Solutions, exact: bool) -> Verdict:
    """What follows from samples; `exact` says that they are the lowest states of the model."""
    if not solutions.feasible.any():
        return Verdict("infeasible", _why_infeasible(module, exact))
    if any(entry.quantity == FUNCTION_ERROR and entry.value > _TOLERANCE for entry in module.ledger):
        return Verdict("feasible", "energies are those of polynomials that stand for functions: see the ledger")
    if _meets_its_bound(module, solutions):
        return Verdict("optimal", "no values have a better objective: all its terms are at their bounds")
    if not exact:
        return Verdict("feasible")
    if not _faithful(module):
        return Verdict("feasible", "best of the model, whose energies are not exactly the problem's: see the ledger")
    if module.main.first(ReductionOp) is None or _reaches_the_least_energy(module, solutions):
        return Verdict("optimal")
    return Verdict("feasible", "states of lower energy violate constraints: larger penalty weights would decide")


def _meets_its_bound(module: Module, solutions: Solutions) -> bool:
    """Whether the best point has an objective that no values go below, and violates nothing that costs."""
    problem = module.find("problem")
    op = None if problem is None else problem.first(poly.ObjectiveOp)
    if op is None or not op.polynomial.degree > 0 or sum(len(block) for block in op.polynomial.terms) > _BOUNDED_TERMS:
        return False
    best = solutions.best
    if not all(family.satisfied[best.read].all() for family in solutions.families.values()):
        return False
    least = Projection(module).objective_bound()
    merit = best.objective if solutions.sense is Sense.MINIMIZE else -best.objective
    return merit <= least + _TOLERANCE * (1.0 + abs(least))


def _why_infeasible(module: Module, exact: bool) -> str:
    hard = [op for op in module.main.ops_of(PenaltyOp) if op.rule is not PenaltyRule.SOFT]
    if exact and _faithful(module) and all(op.rule.proved for op in hard):
        return "no values satisfy every hard constraint: all states were compared, and the weights are proved"
    floors = [entry.subject for entry in module.ledger if entry.quantity == PENALTY_FLOOR]
    if floors:
        return f"no read satisfies every hard constraint: smaller coefficients in {', '.join(floors)} would help"
    help = "take larger penalty weights" if exact else "take more reads or sweeps, or tune the penalties"
    return f"no read satisfies every hard constraint: {help}"


def _faithful(module: Module) -> bool:
    """Whether feasible points cost what the problem says, and infeasible ones no less."""
    sloped = any(op.slopes is not None and op.slopes.values.any() for op in module.main.ops_of(PenaltyOp))
    return not sloped and not any(e.quantity in CHANGES_ENERGIES and abs(e.value) > _TOLERANCE for e in module.ledger)


def _reaches_the_least_energy(module: Module, solutions: Solutions) -> bool:
    model = spin_view(module)
    if model is None or solutions.energy is None:
        return False
    best = solutions.best
    soft = sum(float(family.costs[best.read]) for family in solutions.families.values())
    merit = (best.objective if solutions.sense is Sense.MINIMIZE else -best.objective) + soft
    least = float(solutions.energy.min()) / model.scale
    size = 1.0 + abs(merit) + abs(model.offset) / model.scale
    return merit <= least + _TOLERANCE * size
