"""The passes by name; each is imported when first asked for."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from qevo_compiler.passes.base import Pass

PASSES = {
    "fold-constants": "FoldConstants",
    "decompose-layers": "DecomposeLayers",
    "bound-extremes": "BoundExtremes",
    "approximate-functions": "ApproximateFunctions",
    "gradient-extraction": "GradientExtraction",
    "local-quadratic-model": "LocalQuadraticModel",
    "rounding-model": "RoundingModel",
    "step-map": "StepMapPass",
    "pivot": "PivotPass",
    "dissipation-analysis": "DissipationAnalysis",
    "select-order": "SelectOrder",
    "carleman-truncation": "CarlemanTruncation",
    "history-system": "HistorySystemPass",
    "history-to-circuit": "HistoryToCircuit",
    "history-least-squares": "HistoryLeastSquares",
    "estimate-resources": "EstimateResources",
    "expand-polynomials": "ExpandPolynomials",
    "encode-variables": "EncodeVariables",
    "settle-bits": "SettleBits",
    "penalize-constraints": "PenalizeConstraints",
    "presolve": "Presolve",
    "quadratize": "Quadratize",
    "drop-eliminated": "DropEliminated",
    "unite-family": "UniteFamily",
    "binary-to-spin": "BinaryToSpin",
    "spin-to-binary": "SpinToBinary",
    "scale-coefficients": "ScaleCoefficients",
    "round-coefficients": "RoundCoefficients",
    "synthesize-schedule": "SynthesizeSchedule",
    "anneal-to-circuit": "AnnealToCircuit",
    "route-qubits": "RouteQubits",
    "lower-gates": "LowerGates",
}


@cache
def load_pass(name: str) -> type[Pass]:
    """The class of a registered pass."""
    module = import_module(f"qevo_compiler.passes.{name.replace('-', '_')}")
    cls: type[Pass] = getattr(module, PASSES[name])
    return cls
