"""The legal sets: what `@main` may hold at each stage, from the source down to a target."""

from __future__ import annotations

from qevo_compiler.dialects import anneal, gate, ising, linear, nn, poly, problem
from qevo_compiler.dialects.ising import ProductsOp
from qevo_compiler.ir import Legal

_SAMPLING = frozenset({anneal.RequestOp, anneal.SampleOp})
_TRAINING = frozenset({problem.TrainOp, problem.LinearizeOp})
_STATEMENTS = frozenset({problem.VariableOp, problem.ObjectiveOp, problem.ConstraintOp, problem.ApproximateOp})
_PROBLEM = frozenset({poly.ObjectiveOp, poly.ConstraintOp})
_MODEL = {
    ising.RegisterOp, ising.PenaltyOp, ising.SettledOp, ising.ReductionOp, ising.QuboOp, ising.ModelOp,
    ProductsOp,
}  # fmt: skip
_SCHEDULED = frozenset({anneal.RequestOp, anneal.ScheduleOp, anneal.SampleOp})

TENSOR = Legal("tensor", nn.PRIMITIVES | nn.LAYERS | _STATEMENTS | _TRAINING | _SAMPLING)
PRIMITIVE = Legal("primitive", TENSOR.ops - nn.LAYERS)
POLYNOMIAL = Legal("polynomial", _PROBLEM | {problem.VariableOp, problem.ListedOp} | _TRAINING | _SAMPLING)
ENCODED = Legal("encoded", _PROBLEM | {ising.RegisterOp, ising.SettledOp} | _SAMPLING)
UNCONSTRAINED = Legal("unconstrained", ENCODED.ops - {poly.ConstraintOp} | {ising.PenaltyOp, ising.ReductionOp})
QUADRATIC = Legal("quadratic", frozenset(_MODEL) | _SAMPLING)
SPIN = Legal("spin", QUADRATIC.ops - {ising.QuboOp})
SCHEDULED = Legal("scheduled", SPIN.ops | _SCHEDULED)
CIRCUIT = Legal("circuit", SCHEDULED.ops | {gate.CircuitOp})
FAMILY = Legal("family", frozenset({ising.FamilyOp}) | _SAMPLING)
STEPPED = Legal("stepped", frozenset({linear.MapOp}) | _TRAINING | _SAMPLING)
LIFTED = Legal("lifted", STEPPED.ops | {linear.LiftOp})
HISTORY = Legal("history", LIFTED.ops | {linear.HistoryOp})
DECLARED = Legal("declared run", frozenset({linear.DeclaredOp}))
COSTABLE = Legal("costable", HISTORY.ops | DECLARED.ops)
COSTED = Legal("costed", COSTABLE.ops | {linear.ResourcesOp})
STAGES = (
    TENSOR,
    PRIMITIVE,
    POLYNOMIAL,
    ENCODED,
    UNCONSTRAINED,
    QUADRATIC,
    SPIN,
    SCHEDULED,
    CIRCUIT,
    FAMILY,
    STEPPED,
    LIFTED,
    HISTORY,
    DECLARED,
    COSTED,
)
