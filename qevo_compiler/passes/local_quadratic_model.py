"""Replace a loss by its quadratic model over a block of weights, each on a small grid about its value.

before: @main { w = nn.parameter; ...; problem.objective(loss) }
after:  @main { problem.variable {symbol = "w", domain = Domain.REAL, ...}; poly.objective }, the same as @problem

The variables are the weights themselves: symbol, `positions`, and a grid of 2^bits points from w0 - a to
w0 + a. The objective is L0 + g.d + d.B.d / 2 with d = w - w0, expanded in w. B is the Gauss-Newton matrix
or the Hessian (`quadratic/curvature.py`) plus `damping` on the diagonal; the steps a are `radius` times
`step`, or times the automatic steps of `quadratic/model.py`. An automatic radius for these is the largest of
1, 1/2, 1/4 .. at which the loss falls by at least `KEPT` of what the model promises where descent on it ends:
further out the model says nothing about the loss.

`block` is `auto`, or names of weights and layers joined by `:`. From a larger choice the `size` weights (by
default as many as `capacity` bits hold) with the largest |g_i| / sqrt(B_ii) are taken, looked for among
`CANDIDATES` times as many with the largest |g_i|, whose B_ii are computed exactly. Parameters with a range
keep it, those with bits of their own use them.

Work for m weights and q outputs: about (CANDIDATES + 2) m evaluations of the model and m^2 q products, in
8 m (m + q) bytes (gauss_newton); a few times as many evaluations and no q (hessian).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.model import NothingToTrain, StationaryPoint
from qevo_compiler.diagnostics.pipeline import BadOption
from qevo_compiler.dialects import nn, poly, problem
from qevo_compiler.ir import Array, Builder, Evidence, Func, LedgerEntry, Legal, Module
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.quadratic.block import AUTO, Ints, Weights, best, check_capacity
from qevo_compiler.passes.quadratic.curvature import Curvature, SecondOrder
from qevo_compiler.passes.quadratic.loss import Loss
from qevo_compiler.passes.quadratic.model import (
    QuadraticModel,
    automatic_steps,
    boxes,
    rounded,
    rounded_symmetric,
    scores,
)
from qevo_compiler.passes.quantities import MODEL_ERROR, MODEL_ERROR_BELOW
from qevo_compiler.passes.stages import POLYNOMIAL, PRIMITIVE

Floats = NDArray[np.float64]
CAPACITY = 128
CANDIDATES = 4
CORNERS = 8
KEPT = 0.25
HALVINGS = 12


@dataclass(frozen=True)
class LocalQuadraticModel(Pass):
    name: ClassVar[str] = "local-quadratic-model"
    takes: ClassVar[Legal] = PRIMITIVE
    leaves: ClassVar[Legal] = POLYNOMIAL

    block: str = AUTO
    size: int | None = None
    capacity: int | None = None
    bits: int = 1
    step: float = 0.0
    radius: float = 0.0
    curvature: Curvature = Curvature.GAUSS_NEWTON
    damping: float = 0.0

    def run(self, module: Module, context: Context = SILENT) -> Module:
        self._check_options()
        loss = Loss.of(module)
        with np.errstate(all="ignore"):
            block, model = self.model(loss, context)
            entries = (self._error(loss, block, model), *self._entries(loss, block, model))
            promise = self._promise(loss, block, model)
        lowered = self._emit(loss, block, model)
        module = module.with_main(lowered).with_func(replace(lowered, name="problem"))
        return module.record(*entries, promise)

    def model(self, loss: Loss, context: Context = SILENT) -> tuple[Ints, QuadraticModel]:
        """The weights chosen, by ascending number among all weights, and the model over them."""
        value, gradient = loss.value_and_gradient()
        second = loss.second(self.curvature)
        context.progress("choosing weights", 0.0)
        block = self._choose(loss.weights, gradient, second)
        context.progress("curvature", 0.5)
        matrix = second.matrix(block) + self.damping * np.eye(len(block))
        loss.check_finite("curvature of the loss", matrix)
        context.progress("curvature", 1.0)
        # More digits than a model of the loss is worth, fewer than differ from machine to machine.
        (constant,) = rounded(np.array([value]), 32)
        slope, bend = rounded(gradient[block], 26), rounded_symmetric(matrix, 22)
        return block, self._fitted(loss, block, partial(QuadraticModel, float(constant), slope, bend))

    def _fitted(self, loss: Loss, block: Ints, model: partial[QuadraticModel]) -> QuadraticModel:
        """The model in the largest box that it is fit for."""
        slope, bend = model.args[1:]
        halvings = 0 if self.radius or self.step else HALVINGS
        for halved in range(halvings + 1):
            radius = (self.radius or 1.0) / 2.0**halved
            found = model(*self._boxes(loss.weights, block, slope, bend, radius))
            if halved == halvings or _kept(*self._promised(loss, block, found)) >= KEPT:
                break
        return found

    def _choose(self, weights: Weights, gradient: Floats, second: SecondOrder) -> Ints:
        named, costs = weights.named(self.block), self._bits(weights)
        if not len(named):
            raise CompileError(NothingToTrain(None, f"weight in `{self.block}`"))
        capacity = CAPACITY if self.capacity is None else self.capacity
        check_capacity(costs[named][:1], capacity)
        if self.size is not None:
            check_capacity(np.sort(costs[named])[: self.size], capacity)
        elif self.block != AUTO:
            check_capacity(costs[named], capacity)
        elif gradient.any():
            named = named[gradient[named] != 0.0]
        count = min(len(named), capacity // int(costs[named].min()), self.size or len(named))
        if count == len(named) and int(costs[named].sum()) <= capacity:
            return named
        steepest = np.argsort(-np.abs(gradient[named]), kind="stable")[: CANDIDATES * count]
        candidates = np.sort(named[steepest])
        ranks = scores(gradient[candidates], second.diagonal(candidates))
        return best(candidates, ranks, costs[candidates], capacity, count)

    def _bits(self, weights: Weights) -> Ints:
        return weights.per_weight([self._bits_of(op) for op in weights.parameters]).astype(np.int64)

    def _bits_of(self, op: nn.ParameterOp) -> int:
        return op.bits or self.bits

    def _promised(self, loss: Loss, block: Ints, model: QuadraticModel) -> tuple[float, float]:
        """By how much the loss falls where descent on the model ends: as the model says, and in truth."""
        weights = model.settled(np.exp2(self._bits(loss.weights)[block].astype(np.float64)))
        actual = loss.at(loss.weights.moved(block, weights))
        return model.value - float(model.predict(weights)), model.value - actual

    def _boxes(
        self, weights: Weights, block: Ints, gradient: Floats, matrix: Floats, radius: float
    ) -> tuple[Floats, Floats, Floats]:
        """Centre, lower and upper end of every weight of the block."""
        if self.step:
            steps = np.full(len(block), self.step)
        elif gradient.any():
            steps = automatic_steps(gradient, matrix)
        else:
            raise CompileError(StationaryPoint(None, len(block)))
        ends = (
            weights.per_weight([-np.inf if op.lower is None else op.lower for op in weights.parameters]),
            weights.per_weight([np.inf if op.upper is None else op.upper for op in weights.parameters]),
        )
        centre = weights.values()[block]
        return centre, *boxes(centre, rounded(radius * steps, 20), ends[0][block], ends[1][block])

    def _emit(self, loss: Loss, block: Ints, model: QuadraticModel) -> Func:
        builder = Builder(loss.func.name)
        for op, part, positions in loss.weights.split(block):
            builder.append(
                problem.VariableOp(
                    op.symbol,
                    problem.Domain.REAL,
                    (len(positions),),
                    Array(model.lower[part]),
                    Array(model.upper[part]),
                    self._bits_of(op),
                    positions=Array(positions),
                    tensor_shape=op.value.shape,
                    span=op.span,
                )
            )
        builder.append(poly.ObjectiveOp(model.polynomial(), loss.objective.sense, span=loss.objective.span))
        for kept in loss.func.ops:
            if type(kept) in POLYNOMIAL.ops:
                builder.append(kept)
        return builder.finish()

    def _error(self, loss: Loss, block: Ints, model: QuadraticModel) -> LedgerEntry:
        kind = self.curvature.value.replace("_", "-")
        return LedgerEntry(
            self.name,
            MODEL_ERROR,
            _discrepancy(loss, block, model),
            Evidence.MEASURED,
            note=f"{kind} matrix; the largest difference between model and loss at {CORNERS} random corners of the "
            "box and at the corner against the gradient, over the largest change of the loss at them",
        )

    def _promise(self, loss: Loss, block: Ints, model: QuadraticModel) -> LedgerEntry:
        """How far the model is from the loss where an answer will be looked for."""
        promised, actual = self._promised(loss, block, model)
        error = abs(_kept(promised, actual) - 1.0)
        return LedgerEntry(
            self.name,
            MODEL_ERROR_BELOW,
            float(f"{error:.3g}"),
            Evidence.MEASURED,
            note=f"where descent on the model ends, it promises a decrease of the loss by {promised:.3g} "
            f"from {model.value:.5g}; the loss falls by {actual:.3g}" + _rise(actual),
        )

    def _entries(self, loss: Loss, block: Ints, model: QuadraticModel) -> tuple[LedgerEntry, ...]:
        points = 2.0 ** self._bits(loss.weights)[block] - 1.0
        names = ", ".join(op.symbol for op, _, _ in loss.weights.split(block))
        return (
            LedgerEntry(
                self.name,
                "weights held fixed",
                float(loss.weights.size - len(block)),
                Evidence.PROVED,
                note=f"{len(block)} of {loss.weights.size} weights are decided, in {names}",
            ),
            LedgerEntry(
                self.name,
                "largest grid step of a weight",
                float(((model.upper - model.lower) / points).max()),
                Evidence.PROVED,
                note="each weight takes 2^bits equally spaced values about its present one",
            ),
        )

    def _check_options(self) -> None:
        wrong = (
            ("bits", self.bits, "a whole number from 1 to 16", 1 <= self.bits <= 16),
            ("size", self.size, "a whole number from 1", self.size is None or self.size >= 1),
            ("capacity", self.capacity, "a whole number from 1", self.capacity is None or self.capacity >= 1),
            ("step", self.step, "a number from 0 (0: automatic)", 0.0 <= self.step < np.inf),
            ("radius", self.radius, "a number from 0 (0: automatic)", 0.0 <= self.radius < np.inf),
            ("damping", self.damping, "a number from 0", 0.0 <= self.damping < np.inf),
        )
        errors = [BadOption(None, self.name, key, str(value), legal) for key, value, legal, fits in wrong if not fits]
        if errors:
            raise CompileError(*errors)


def _kept(promised: float, actual: float) -> float:
    """The share of a promised decrease that is kept; none where nothing is promised or the loss is not finite."""
    return actual / promised if promised > 0.0 and np.isfinite(actual) else 0.0


def _rise(decrease: float) -> str:
    return "" if decrease > 0.0 else ", so it does not fall: take a smaller `radius`, or train in rounds"


def _discrepancy(loss: Loss, block: Ints, model: QuadraticModel) -> float:
    """max |model - loss| / max |loss - L0| over `CORNERS` random corners and the one against the gradient."""
    signs = np.random.default_rng(0).integers(2, size=(CORNERS, len(block))).astype(bool)
    downhill = (model.gradient <= 0.0)[None]
    corners = np.where(np.concatenate([downhill, signs]), model.upper, model.lower)
    actual = np.array([loss.at(loss.weights.moved(block, corner)) for corner in corners])
    error = np.abs(model.predict(corners) - actual).max()
    change = np.abs(actual - model.value).max()
    # Three digits: the rest differs between machines and means nothing. Overflow at a corner counts as infinite.
    return float(f"{error / change:.3g}") if np.isfinite(error) and change > 0.0 else float("inf" if error else 0.0)
