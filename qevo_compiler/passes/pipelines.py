"""The named pipelines. Each line says why its order matters where it does."""

from __future__ import annotations

# Constants fold first so that later passes see data as data; layers decompose before anything differentiates.
_TENSOR = "fold-constants,decompose-layers"

# Functions become rows where that is exact, else polynomials, before expansion, which knows only these.
_PROBLEM = f"{_TENSOR},bound-extremes,approximate-functions,expand-polynomials"

# Bits are settled while constraints are still there; presolve takes them out of the energy, where weights are known.
# One global quadratization after all penalties are in, so that products are shared and opposite signs cancel;
# presolve comes before it, since a bit that is gone needs no products.
_QUADRATIC = "encode-variables,settle-bits,penalize-constraints,presolve,quadratize,drop-eliminated"
_ISING = f"{_QUADRATIC},binary-to-spin"

# A traced model: its loss is replaced by a quadratic model over a block of weights, which is a problem like any other.
MODEL = f"{_TENSOR},gradient-extraction"
_TRAIN = f"{MODEL},local-quadratic-model"

# Batch norm must be folded into its layer before weights are rounded; layers stay whole, for their inputs. Elsewhere it
# is not: what is decided, or trained step by step, are the weights that the model itself has.
_ROUND = "fold-constants{norms=true},rounding-model"

# Rounding (off unless its `bits` is set) comes after scaling, whose factor it must not change.
_SCHEDULE = "scale-coefficients,round-coefficients,synthesize-schedule"

# The pivot moves before anything is measured about it; an order is chosen from bounds, before anything is lifted.
_LINEAR = "step-map,pivot,dissipation-analysis,select-order,carleman-truncation,history-system"

# A program with `linearize` becomes a history system whatever the target; what that becomes is the target's.
# The least squares of a history system are a problem like any other.
LINEAR_TARGETS = {
    "linear": "",
    "resources": ",estimate-resources",
    "spin": f",history-least-squares,{_ISING},{_SCHEDULE}",
    "qubo": f",history-least-squares,{_QUADRATIC},spin-to-binary",
    "circuit": ",history-to-circuit,route-qubits,lower-gates",
}
# Copies of the final block make a circuit's kappa and the number of bits grow; who wants them says so.
LINEAR_OPTIONS: dict[str, dict[str, object]] = {"history-system": {"padding": 0}}

SOURCES = {"problem": _PROBLEM, "train": _TRAIN, "round": _ROUND}
TARGETS = {
    "spin": f"{_ISING},{_SCHEDULE}",
    # No scaling: the files are for solvers that take the problem's own energies.
    "qubo": f"{_QUADRATIC},spin-to-binary",
    # The circuit's angles are scaled by the circuit pass itself, from the largest coefficient. Routing comes
    # before lowering: it may reorder rzz gates, which commute, but not what they are lowered to.
    "circuit": f"{_ISING},{_SCHEDULE},anneal-to-circuit,route-qubits,lower-gates",
    "linear": _LINEAR,
    "resources": f"{_LINEAR},estimate-resources",
}

# How much effort goes into a small program. A level never changes which programs are accepted.
# What rises is the search for a feasible point, which makes proved penalties smaller, and the presolve.
OPTIMIZATION: dict[int, dict[str, dict[str, object]]] = {
    0: {
        "settle-bits": {"rounds": 0},
        "penalize-constraints": {"search_steps": 0},
        "presolve": {"persistency": False, "symmetry": False},
    },
    1: {},
    2: {"penalize-constraints": {"search_steps": 4000}, "presolve": {"contraction": True, "roof_seconds": 1.0}},
}


def pipeline_text(task: str, target: str) -> str:
    """The whole pipeline from a source task (`problem`, `train`, `round`, `linearize`) to a target's stage."""
    if target in ("linear", "resources") or task == "linearize":
        # The optimizer's steps are made from the tensor program itself, whose sums show where the samples are.
        return f"{_TENSOR},approximate-functions,{_LINEAR}{LINEAR_TARGETS[target]}"
    return f"{SOURCES[task]},{lowering_text(task, target)}"


def lowering_text(task: str, target: str) -> str:
    """The part of a pipeline that follows the source's own."""
    lowering = TARGETS[target]
    if task == "train":
        # Training tries several good samples: a presolve that keeps one best state would leave fewer to try.
        return lowering.replace("settle-bits,", "").replace("presolve,", "").replace("drop-eliminated,", "")
    if task == "round":
        return lowering.replace(_QUADRATIC, "unite-family")
    return lowering
