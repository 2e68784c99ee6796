"""Train a model by rounds of map, sample, decode and accept, then by AdamW, beside AdamW alone.

A round replaces the loss by its quadratic model over a block of weights on a small grid, samples that
as a spin model, and tries the best samples on the true loss. A step that does not lower the loss is
not taken, and the ratio of actual to predicted decrease sets the radius of the next round's grid, so
the loss on the batch never rises.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.backends.select import select_backend
from qevo_compiler.diagnostics import CompileError, Diagnostic
from qevo_compiler.diagnostics.model import StationaryPoint
from qevo_compiler.diagnostics.rounding import BadBudget
from qevo_compiler.dialects import ising, poly
from qevo_compiler.dialects.nn.parameters import parameter_values, with_parameters
from qevo_compiler.evaluator.polynomials import values_at
from qevo_compiler.frontend.torch.load import TracedModel
from qevo_compiler.frontend.torch.state import evaluate_model, fine_tune, loss_at
from qevo_compiler.ir import Evidence, LedgerEntry, Module
from qevo_compiler.passes import Context, Pipeline
from qevo_compiler.passes.gradient_extraction import objective_of
from qevo_compiler.passes.pipelines import SOURCES, lowering_text
from qevo_compiler.passes.quadratic.curvature import Curvature
from qevo_compiler.passes.quadratic.work import work_shares
from qevo_compiler.runtime.training_report import RoundResult, TrainingReport

Floats = NDArray[np.float64]
Values = dict[str, Floats]

SHRINK, GROW = 0.5, 2.0
POOR, GOOD = 0.25, 0.75
"""Radius rule of trust-region methods: shrink below `POOR`, grow above `GOOD` of the predicted decrease."""
SEARCHED = 4
CORNERS = 9
"""What `local-quadratic-model` looks at: curvatures a weight in its search, and corners for its own error."""
FORWARD, HESSIAN = 1 / 3, 1.0
"""Gradient-equivalents of an evaluation of the loss, or of pushing one tangent through it; and through its gradient."""
ADAPTIVE = frozenset({"Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop", "Adagrad", "Adadelta"})
"""Optimizers whose learning rate is a step length, as AdamW's is; that of plain descent multiplies gradients."""

Sampler = Callable[[Module, int, int, int | None], NDArray[np.integer]]


@dataclass(frozen=True)
class TrainingOptions:
    """How to train.

    `candidates` samples a round are tried on the true loss. `radius` multiplies the first grid;
    `model` holds further options of `local-quadratic-model` (block, size, capacity, bits, curvature).
    `steps` of AdamW follow the rounds, with the learning rate of the model file's optimizer if that is one of
    `ADAPTIVE`.
    """

    rounds: int = 6
    reads: int = 32
    sweeps: int | None = None
    seed: int = 0
    candidates: int = 8
    radius: float = 1.0
    steps: int = 100
    backend: str | None = None
    model: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainedModel:
    """The report of a training and all parameters of the trained model by symbol."""

    report: TrainingReport
    values: Mapping[str, Floats]


def train_rounds(
    traced: TracedModel,
    module: Module,
    options: TrainingOptions | None = None,
    context: Context | None = None,
    sampler: Sampler | None = None,
) -> TrainedModel:
    """Train the model that `module` was imported from.

    `sampler` replaces the backend: (module at the target's stage, reads, seed, sweeps) to spins
    [reads, n]. The same arguments give the same result, times aside. Raises `CompileError` for options
    out of range and for a model that cannot be trained.
    """
    options, context = options or TrainingOptions(), context or Context()
    _check(options)
    training = _Training(traced, module, options, context, sampler or _backend(options.backend))
    started = time.perf_counter()
    training.run()
    rounds_done = time.perf_counter()
    return training.finish({"rounds": rounds_done - started})


def _check(options: TrainingOptions) -> None:
    whole = ("rounds", "reads", "candidates", "steps")
    wrong: list[Diagnostic] = [
        BadBudget(None, name, str(getattr(options, name)), "a whole number from 1 on")
        for name in whole
        if getattr(options, name) < 1
    ]
    if options.sweeps is not None and options.sweeps < 1:
        wrong.append(BadBudget(None, "sweeps", str(options.sweeps), "a whole number from 1 on"))
    if not 0 < options.radius < np.inf:
        wrong.append(BadBudget(None, "radius", str(options.radius), "a number above 0"))
    if wrong:
        raise CompileError(*wrong)


def _backend(name: str | None) -> Sampler:
    def sample(module: Module, reads: int, seed: int, sweeps: int | None) -> NDArray[np.integer]:
        return select_backend(name).sample(module, reads=reads, seed=seed, sweeps=sweeps).spins

    return sample


class _Training:
    """The state of the rounds: weights, loss, radius, and the log."""

    def __init__(
        self, traced: TracedModel, module: Module, options: TrainingOptions, context: Context, sampler: Sampler
    ) -> None:
        self.traced, self.options, self.context, self.sampler = traced, options, context, sampler
        *prepare, _ = Pipeline.parse(SOURCES["train"]).passes
        self.module = Pipeline(tuple(prepare)).run(module, context)
        self.values: Values = {k: np.asarray(v, np.float64) for k, v in parameter_values(self.module.main).items()}
        self.loss = loss_at(traced, self.values)
        self.radius = options.radius
        self.rounds: list[RoundResult] = []
        self.ledger: tuple[LedgerEntry, ...] = ()

    def run(self) -> None:
        for number in range(self.options.rounds):
            self.context.progress("rounds", number / self.options.rounds)
            try:
                lowered = self._map()
            except CompileError as error:
                if any(isinstance(d, StationaryPoint) for d in error.diagnostics) and self.rounds:
                    break
                raise
            self._round(lowered, self.options.seed + number)
        self.context.progress("rounds", 1.0)

    def _map(self) -> Module:
        """The loss at the present weights as a spin model."""
        text = f"local-quadratic-model,{lowering_text('train', 'spin')}"
        model = {"radius": self.radius, **self.options.model}
        here = with_parameters(self.module, self.values)
        return Pipeline.parse(text, {"local-quadratic-model": model}).run(here, Context(self.context.warn))

    def _round(self, lowered: Module, seed: int) -> None:
        self.ledger = self.ledger or lowered.ledger
        spins = self.sampler(lowered, self.options.reads, seed, self.options.sweeps)
        points, predicted = _candidates(lowered, spins, self.options.candidates)
        registers = _decisions(lowered)
        trials = [{**self.values, **self._moved(registers, point)} for point in points]
        losses = np.array([loss_at(self.traced, trial) for trial in trials])
        best = int(np.argmin(np.where(np.isfinite(losses), losses, np.inf)))
        actual, promised = self.loss - float(losses[best]), self.loss - float(predicted[best])
        accepted = bool(np.isfinite(losses[best]) and actual > 0)
        weights = sum(op.affine.size for op in registers if op.affine is not None)
        ratio = actual / promised if promised > 0 and np.isfinite(actual) else 0.0
        radius = self.radius
        if accepted:
            self.values, self.loss = trials[best], float(losses[best])
        self._resize(ratio if accepted else 0.0)
        cost = self._cost(registers, len(trials))
        self.rounds.append(RoundResult(weights, radius, promised, actual, ratio, accepted, self.loss, cost))

    def _moved(self, registers: tuple[ising.RegisterOp, ...], point: Mapping[str, Floats]) -> Values:
        """The touched parameters with a candidate's values in the places of its block."""
        found: Values = {}
        for op in registers:
            changed = found.setdefault(op.symbol, self.values[op.symbol].copy()).reshape(-1)
            places = slice(None) if op.positions is None else op.positions.values
            changed[places] = point[op.symbol]
            found[op.symbol] = changed.reshape(self.values[op.symbol].shape)
        return found

    def _resize(self, ratio: float) -> None:
        if ratio < POOR:
            self.radius *= SHRINK
        elif ratio > GOOD:
            self.radius *= GROW

    @cached_property
    def _products(self) -> dict[str, float]:
        """Gradient-equivalents of a second derivative's product with a unit tangent of each parameter."""
        main, kind = self.module.main, self.options.model.get("curvature", Curvature.GAUSS_NEWTON)
        if kind in (Curvature.HESSIAN, Curvature.HESSIAN.value):
            gradient = self.module.func("gradient")
            unit, shares = HESSIAN, work_shares(gradient, gradient.returns)
        else:
            # What comes after the outputs is counted, too: the loss is differentiated in them.
            unit, shares = FORWARD, work_shares(main, [objective_of(main).x])
        return {symbol: unit * share for symbol, share in shares.items()}

    def _cost(self, registers: tuple[ising.RegisterOp, ...], trials: int) -> float:
        """Gradient-equivalents of a round: its gradient, its products, and evaluations of the loss.

        The weights looked at to choose the block are counted as if they lay in the tensors of the block.
        """
        sizes = {op.symbol: op.affine.size for op in registers if op.affine is not None}
        weights, total = sum(sizes.values()), sum(value.size for value in self.values.values())
        searched = min(SEARCHED * weights, total) if weights < total else 0
        products = sum(size * self._products.get(symbol, 0.0) for symbol, size in sizes.items())
        return 1.0 + products * (1 + searched / max(weights, 1)) + FORWARD * (1 + CORNERS + trials)

    def finish(self, seconds: dict[str, float]) -> TrainedModel:
        """Fine-tune, train by AdamW alone at the same budget, and compare."""
        rate, seed = self._rate(), self.options.seed
        spent = sum(result.cost for result in self.rounds)
        budget = int(np.ceil(spent)) + self.options.steps
        before, after_rounds = evaluate_model(self.traced), evaluate_model(self.traced, self.values)
        started = time.perf_counter()
        tuned, _ = fine_tune(self.traced, self.values, self.options.steps, rate, seed, self.context.progress)
        seconds["fine-tuning"] = time.perf_counter() - started
        started = time.perf_counter()
        alone, _ = fine_tune(self.traced, {}, budget, rate, seed, self.context.progress)
        seconds["AdamW alone"] = time.perf_counter() - started
        values = {**self.values, **tuned}
        after = evaluate_model(self.traced, values)
        change = LedgerEntry(
            "train", "loss change", after.loss - before.loss, Evidence.MEASURED, note="on the batch, rounds and AdamW"
        )
        report = TrainingReport(
            before,
            tuple(self.rounds),
            after_rounds,
            after,
            evaluate_model(self.traced, alone),
            self.options.steps,
            budget,
            rate,
            seed,
            seconds,
            replace(self.module, ledger=self.ledger).record(change).ledger,
        )
        return TrainedModel(report, values)

    def _rate(self) -> float:
        settings = self.traced.optimizer
        rate = float(settings.get("lr", 0.0)) if settings.get("kind") in ADAPTIVE else 0.0
        return rate if rate > 0 else 1e-3


def _decisions(lowered: Module) -> tuple[ising.RegisterOp, ...]:
    return tuple(op for op in lowered.main.ops_of(ising.RegisterOp) if op.role is ising.Role.DECISION)


def _candidates(lowered: Module, spins: NDArray[np.integer], count: int) -> tuple[list[dict[str, Floats]], Floats]:
    """The `count` distinct samples that the quadratic model likes best, by symbol, and its values for them."""
    registers = _decisions(lowered)
    used = np.concatenate([np.arange(op.first, op.first + op.count) for op in registers])
    distinct, first = np.unique(spins[:, used], axis=0, return_index=True)
    bits = (spins[np.sort(first)] + 1) // 2
    parts = [_register_values(op, bits) for op in registers]
    predicted = values_at(lowered.func("problem").only(poly.ObjectiveOp).polynomial, np.concatenate(parts, axis=1))[
        :, 0
    ]
    order = np.argsort(predicted, kind="stable")[: min(count, len(distinct))]
    symbols = [op.symbol for op in registers]
    return [dict(zip(symbols, (part[i] for part in parts), strict=True)) for i in order], predicted[order]


def _register_values(op: ising.RegisterOp, bits: NDArray[np.integer]) -> Floats:
    """Values [samples, elements] of a register's variable; its affine map counts from the register's start."""
    if op.affine is None:
        return np.zeros((len(bits), 0))
    block = bits[:, op.first : op.first + op.count]
    return op.affine.evaluate(2 * block - 1 if op.vartype is poly.Vartype.SPIN else block)
