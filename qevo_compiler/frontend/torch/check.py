"""The self-check of every import: what was imported has to agree with the model itself.

Loss and gradient of the imported func, in double precision by the reference evaluator, are compared
with eager autograd on the whole example batch. The gradient checked is the one that later passes
use: layers decomposed, then differentiated in the IR. Importing is therefore trusted no further than
this comparison; a wrong rule in PyTorch's own tables of decompositions is found as well. One
evaluation of loss and gradient is a small part of what the following passes cost.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.torch.models import GradientMismatch
from qevo_compiler.dialects import nn
from qevo_compiler.evaluator.reference import evaluate_func
from qevo_compiler.frontend.torch.guard import exactly
from qevo_compiler.frontend.torch.load import TracedModel
from qevo_compiler.ir import Module
from qevo_compiler.passes.decompose_layers import DecomposeLayers
from qevo_compiler.passes.gradient_extraction import GradientExtraction

TOLERANCE = 1e-6


def check_gradient(module: Module, traced: TracedModel) -> float:
    """The largest relative difference found; raises `CompileError` when it exceeds `TOLERANCE`.

    A parameter's difference is relative to its largest gradient entry, or to 1e-4 of the largest entry
    of all parameters where that is more: a gradient that vanishes by symmetry is rounding noise.
    """
    loss, gradient = eager_gradient(traced)
    found_loss = evaluate_func(module.main).objective
    found = imported_gradient(module)
    errors = {"the loss": _relative(np.float64(found_loss or 0.0), np.float64(loss), 1.0 if loss == 0 else abs(loss))}
    largest = max((float(np.abs(g).max(initial=0.0)) for g in gradient.values()), default=0.0)
    for symbol, expected in gradient.items():
        own = float(np.abs(expected).max(initial=0.0))
        scale = max(own, 1e-4 * largest) or 1.0
        errors[f"the gradient of `{symbol}`"] = _relative(found.get(symbol, np.zeros_like(expected)), expected, scale)
    what = max(errors, key=lambda name: errors[name])
    if not errors[what] <= TOLERANCE:
        span = traced.places.top_level("loss" if what == "the loss" else "model")
        raise CompileError(GradientMismatch(span, what, f"{errors[what]:.1e}", f"{TOLERANCE:.0e}"))
    return errors[what]


def eager_gradient(traced: TracedModel) -> tuple[float, dict[str, NDArray[np.float64]]]:
    """Loss and gradient by eager autograd in double precision; zeros for parameters that the loss does not use."""
    parameters = traced.parameters()
    with exactly(), torch.enable_grad():
        value = traced.whole.at({}, traced.batch)[1]
        found = torch.autograd.grad(value, list(parameters.values()), allow_unused=True)
    pairs = zip(parameters.items(), found, strict=True)
    return float(value.detach()), {name: (torch.zeros_like(p) if g is None else g).numpy() for (name, p), g in pairs}


def imported_gradient(module: Module) -> dict[str, NDArray[Any]]:
    """The gradient by parameter of an imported module, by the passes that the pipeline itself uses."""
    lowered = GradientExtraction().run(DecomposeLayers().run(module))
    values = evaluate_func(lowered.func("gradient")).returns
    symbols = [op.symbol for op in lowered.main.ops_of(nn.ParameterOp)]
    return dict(zip(symbols, values[-len(symbols) :], strict=True))


def _relative(found: NDArray[Any] | np.float64, expected: NDArray[Any] | np.float64, scale: float) -> float:
    return float(np.max(np.abs(found - expected), initial=0.0)) / scale
