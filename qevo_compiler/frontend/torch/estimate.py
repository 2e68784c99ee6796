"""Cost of lifted training for models too large to expand: the quantities of a declared run, estimated from the model.

Everything comes from gradients and Hessian products over the live weights, so millions of weights are affordable:
F_1 = I - eta (H + decay) from the ends of a Lanczos spectrum, F_0 from the gradient, F_2 = -eta/2 D^3 L by a power
method on second differences of gradients. Ritz values and power methods approach norms from below; the figures say so.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.attention import SDPBackend, sdpa_kernel

from qevo_compiler.analyses.hessian import stochastic_lanczos
from qevo_compiler.dialects import linear, problem
from qevo_compiler.dialects.linear import Figure, Known
from qevo_compiler.frontend.linearization import Linearization
from qevo_compiler.frontend.torch.guard import exactly
from qevo_compiler.frontend.torch.hessian import HessianProduct
from qevo_compiler.frontend.torch.jet import LiveLoss, descend
from qevo_compiler.frontend.torch.load import TracedModel
from qevo_compiler.ir import Func, Module

Floats = NDArray[np.float64]

_LANCZOS_STEPS = 40
_POWER_STEPS = 12
# The fourth root of the rounding unit balances truncation and rounding of a second difference.
_STEP = 1e-4


def estimated_module(
    traced: TracedModel, name: str, request: Linearization, train: problem.TrainOp, tolerance: float = 0.01
) -> Module:
    """A module with one `linear.declared` for the first chunk of the training asked for, about the present weights."""
    live = LiveLoss.of(traced, request.density)
    chunk = replace(train, steps=min(request.reupload or train.steps, train.steps))
    chunks = _figure("chunks", -(-train.steps // chunk.steps), Known.CHOSEN, "uploads in all")
    figures = (*estimated_figures(live, chunk, request.order or 2), chunks)
    description = f"{len(live.start):,} live weights of {name}, estimated from gradients and Hessian products"
    return Module(name, (Func("main", (), (linear.DeclaredOp(figures, tolerance, description, span=train.span),)),))


def estimated_figures(live: LiveLoss, train: problem.TrainOp, order: int) -> tuple[Figure, ...]:
    """The quantities that `analyses.resources.declared` asks for, each with how it is known."""
    point = live.start
    count = len(point)
    whole = sum(mask.size for mask in live.masks.values())
    row = 1 + count + math.comb(count + 1, 2)
    moved = float(np.linalg.norm(descend(live, point, train)[-1] - point))
    sizes = (
        ("n", whole, Known.MEASURED, "trainable parameters"),
        ("density", count / whole, Known.MEASURED, "share of weights kept by magnitude"),
        ("N", order, Known.CHOSEN, ""),
        ("T", train.steps, Known.CHOSEN, "steps of one chunk"),
        ("terms", count * row, Known.ASSUMED, "every gradient component depends on every live weight, to degree two"),
        ("row_terms", row, Known.ASSUMED, "the same, of one component"),
        ("start_norm", 0, Known.MEASURED, "the pivot is the start"),
        ("final_norm", moved, Known.MEASURED, "how far descent itself moves in these steps"),
    )
    return tuple(_figure(*stated) for stated in sizes) + _step_norms(live, point, train, order)


def _step_norms(live: LiveLoss, point: Floats, train: problem.TrainOp, order: int) -> tuple[Figure, ...]:
    """Norms of F_0, F_1 and F_2 about the present weights, and the growth that F_1 allows."""
    product = HessianProduct(live.traced, live.weights(point), live.masks)
    spectrum = stochastic_lanczos(product, product.size, probes=1, steps=_LANCZOS_STEPS)
    low, high = spectrum.extremes()
    factor = max(abs(1 - train.rate * (curvature + train.weight_decay)) for curvature in (low, high))
    pull = train.rate * float(np.linalg.norm(product.gradient + train.weight_decay * point))
    bend = train.rate / 2 * third_derivative_norm(live, point)
    growth = max(1.0, factor) ** (order * train.steps)
    ends = f"curvatures from {low:.4g} to {high:.4g} by Lanczos, from inside"
    return (
        _figure("g_0", pull, Known.MEASURED, "rate times gradient at the start"),
        _figure("g_1", factor, Known.ESTIMATED, ends),
        _figure("g_2", bend, Known.ESTIMATED, "rate / 2 times third derivative, power method, from below"),
        _figure("growth", growth, Known.ESTIMATED, "norm of F_1 to the power N T"),
    )


def _figure(quantity: str, value: float, known: Known, note: str) -> Figure:
    return Figure("declared", quantity, float(value), known, "", note)


def third_derivative_norm(live: LiveLoss, point: Floats, seed: int = 0) -> float:
    """The largest |D^3 L[x, x, x]| found over unit x by the symmetric higher-order power method; two starts.

    It bounds the norm of the tensor from below. Each step costs two gradients (second difference).
    """
    slope = torch.func.grad(live.at())
    rng = np.random.default_rng(seed)
    best = 0.0

    def gradient(at: Floats) -> Floats:
        return np.asarray(slope(torch.from_numpy(at)).detach().numpy(), np.float64)

    with exactly(), sdpa_kernel(SDPBackend.MATH):
        centre = gradient(point)
        for _ in range(2):
            x = rng.normal(size=len(point))
            for _ in range(_POWER_STEPS):
                x /= max(float(np.linalg.norm(x)), 1e-300)
                bent = (gradient(point + _STEP * x) + gradient(point - _STEP * x) - 2 * centre) / _STEP**2
                best = max(best, abs(float(bent @ x)))
                # The shift keeps the iteration from jumping between signs.
                x = bent + best * x
    return best
