"""How far replacing functions by polynomials moves the trained parameters: measured by training both.

This error is not the truncation's: it is there before anything is lifted, and no order makes it smaller.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from qevo_compiler.analyses.carleman.aposteriori import iterate
from qevo_compiler.analyses.carleman.monomials import Floats
from qevo_compiler.analyses.carleman.optimizer import Sgd
from qevo_compiler.dialects import linear, nn, problem
from qevo_compiler.evaluator.reference import run_func
from qevo_compiler.ir import Func, Module
from qevo_compiler.passes.decompose_layers import DecomposeLayers
from qevo_compiler.passes.gradient_extraction import gradient_func, objective_of

# Evaluations of the gradient times its ops.
_BUDGET = 500_000


def activation_error(module: Module, op: linear.MapOp, rule: Sgd) -> float | None:
    """||theta(T) of the model itself - theta(T) of its polynomial||, whole data in every step, without noise.

    None where the model has no function, was not kept as `@loss`, or is too long to train here.
    """
    kept = module.find("loss")
    if kept is None:
        return None
    loss = DecomposeLayers().run(Module("loss", (replace(kept, name="main"),))).main
    if not loss.ops_of(nn.ApplyOp):
        return None
    slope = gradient_func(loss)
    if len(slope.ops) * len(rule.rates) > _BUDGET:
        return None
    sign = -1.0 if objective_of(loss).sense is problem.Sense.MAXIMIZE else 1.0
    count = op.parameters
    exact = _trained(_gradient(slope, sign), op.start.values[:count], rule)
    ours = iterate(op.map, op.start.values - op.pivot.values)[-1] + op.pivot.values
    error = float(np.linalg.norm(exact - ours[:count]))
    return error if np.isfinite(error) else None


def _gradient(slope: Func, sign: float) -> Callable[[Floats], Floats]:
    """The gradient at a flat point, by the evaluator of tensor ops."""
    parameters = slope.ops_of(nn.ParameterOp)
    ends = np.cumsum([op.value.size for op in parameters])

    def at(point: Floats) -> Floats:
        parts = np.split(point, ends[:-1])
        values = {op.symbol: part.reshape(op.value.shape) for op, part in zip(parameters, parts, strict=True)}
        known = run_func(slope, parameters=values)
        # The first value that `@gradient` returns is the objective.
        return sign * np.concatenate([known[value].reshape(-1) for value in slope.returns[1:]])

    return at


def _trained(gradient: Callable[[Floats], Floats], start: Floats, rule: Sgd) -> Floats:
    """The parameters after torch.optim.SGD's steps."""
    theta, velocity = start.astype(np.float64), np.zeros(len(start))
    with np.errstate(over="ignore", invalid="ignore"):
        for t, rate in enumerate(rule.rates.tolist()):
            drift = gradient(theta) + rule.weight_decay * theta
            velocity = rule.momentum * velocity + (1.0 if t == 0 else 1.0 - rule.dampening) * drift
            move = drift + rule.momentum * velocity if rule.nesterov else velocity
            theta = theta - rate * (move if rule.momentum else drift)
    return theta
