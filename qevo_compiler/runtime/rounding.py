"""Round a trained model's weights to k bits: every layer, row by row, by every method, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.rounding import BadBudget
from qevo_compiler.dialects import ising
from qevo_compiler.dialects.nn.parameters import parameter_values
from qevo_compiler.frontend.torch.load import TracedModel
from qevo_compiler.frontend.torch.state import Metrics, evaluate_model
from qevo_compiler.ir import Evidence, LedgerEntry, Module
from qevo_compiler.passes import Context, Pipeline
from qevo_compiler.passes.base import Progress
from qevo_compiler.passes.pipelines import SOURCES
from qevo_compiler.passes.rounding_model import Around
from qevo_compiler.runtime.report import LayerResult, MethodResult, RoundingReport
from qevo_compiler.runtime.row_rounding import METHODS, NEAREST, Effort, RowRounding, round_family

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RoundedModel:
    """The report of a rounding, all parameters of the rounded model by symbol, and the scales of rounded ones."""

    report: RoundingReport
    values: Mapping[str, Floats]
    scales: Mapping[str, Floats]


def round_model(
    traced: TracedModel,
    module: Module,
    bits: int = 4,
    effort: Effort | None = None,
    around: Around = Around.FLOOR,
    layers: tuple[str, ...] = (),
    context: Context | None = None,
) -> RoundedModel:
    """Round the weights of `module`, imported from `traced`, to `bits` bits and measure every method.

    The weights returned are those of the method with the lowest loss on the batch, of equals the first
    in `METHODS`; held-out data takes no part in the choice. The same arguments give the same result.
    Raises `CompileError` for options out of range and for a model without layers to round.
    Cost: sweeps * reads * rows * d^2 a layer of rows x d.
    """
    effort, context = effort or Effort(), context or Context()
    _check(effort)
    options = {"rounding-model": {"bits": bits, "around": around, "layers": layers}}
    lowered = Pipeline.parse(SOURCES["round"], options).run(module, context)
    values = {name: np.asarray(value, np.float64) for name, value in parameter_values(lowered.func("loss")).items()}
    # Many small products: threads would cost more than they save, and change the last digits.
    with threadpool_limits(1):
        rounded = _round_families(lowered.main.ops_of(ising.FamilyOp), values, effort, context.progress)
    before = evaluate_model(traced)
    methods = []
    for method in METHODS:
        metrics = evaluate_model(traced, {**values, **_weights(rounded, method)})
        seconds = sum(rows.seconds[method] for rows in rounded)
        methods.append(MethodResult(method, _mean_error(rounded, method), metrics, seconds))
    written = min(methods, key=lambda method: method.metrics.loss)
    ledger = lowered.record(*_ledger(before, written)).ledger
    report = RoundingReport(bits, effort, before, _layer_results(rounded), tuple(methods), written.name, ledger)
    return RoundedModel(report, {**values, **_weights(rounded, written.name)}, _scales(rounded))


def _check(effort: Effort) -> None:
    for option in ("reads", "sweeps"):
        if getattr(effort, option) < 1:
            raise CompileError(BadBudget(None, option, str(getattr(effort, option)), "a whole number from 1 on"))


def _round_families(
    families: Sequence[ising.FamilyOp], values: Mapping[str, Floats], effort: Effort, progress: Progress
) -> list[RowRounding]:
    sizes = np.array([family.linear.size * family.width for family in families], np.float64)
    done = np.concatenate([[0.0], np.cumsum(sizes)]) / sizes.sum()
    rounded = []
    for stream, family in enumerate(families):

        def report(share: float, start: float = done[stream], end: float = done[stream + 1]) -> None:
            progress("rounding", start + share * (end - start))

        rows = values[family.symbol].reshape(family.weight_shape[0], -1)
        block = rows[family.first_row : family.first_row + family.members]
        rounded.append(round_family(family, block, effort, stream, report))
    return rounded


def _weights(rounded: Sequence[RowRounding], method: str) -> dict[str, Floats]:
    """The weights of a method by symbol; families of one symbol fill its rows."""
    found: dict[str, Floats] = {}
    for rows in rounded:
        family = rows.family
        whole = found.setdefault(family.symbol, np.zeros((family.weight_shape[0], family.width)))
        whole[family.first_row : family.first_row + family.members] = rows.weights(method)
    return {rows.family.symbol: found[rows.family.symbol].reshape(rows.family.weight_shape) for rows in rounded}


def _scales(rounded: Sequence[RowRounding]) -> dict[str, Floats]:
    found: dict[str, Floats] = {}
    for rows in rounded:
        family = rows.family
        whole = found.setdefault(family.symbol, np.ones(family.weight_shape[0]))
        whole[family.first_row : family.first_row + family.members] = family.scales.values
    return found


def _by_symbol(rounded: Sequence[RowRounding]) -> dict[str, list[RowRounding]]:
    groups: dict[str, list[RowRounding]] = {}
    for rows in rounded:
        groups.setdefault(rows.family.symbol, []).append(rows)
    return groups


def _relative(group: Sequence[RowRounding], method: str) -> float:
    """A layer's error relative to that of rounding to nearest, to ten digits; 1 where nearest makes none."""
    nearest = sum(rows.total(NEAREST) for rows in group)
    # The digits after the tenth depend on the number of threads, and reports are files.
    return float(f"{sum(rows.total(method) for rows in group) / nearest:.10g}") if nearest > 0 else 1.0


def _mean_error(rounded: Sequence[RowRounding], method: str) -> float:
    mean = np.mean([_relative(group, method) for group in _by_symbol(rounded).values()])
    return float(f"{mean:.10g}")


def _layer_results(rounded: Sequence[RowRounding]) -> tuple[LayerResult, ...]:
    results = []
    for symbol, group in _by_symbol(rounded).items():
        errors = {method: _relative(group, method) for method in METHODS}
        members = sum(rows.family.members for rows in group)
        settled, optimal = (sum(int(getattr(rows, name).sum()) for rows in group) for name in ("settled", "optimal"))
        results.append(LayerResult(symbol, members, group[0].family.width, errors, settled, optimal))
    return tuple(results)


def _ledger(before: Metrics, written: MethodResult) -> list[LedgerEntry]:
    after, entries = written.metrics, []
    changes = (
        ("loss", before.loss, after.loss),
        ("accuracy", before.accuracy, after.accuracy),
        ("held-out loss", before.held_out_loss, after.held_out_loss),
        ("held-out accuracy", before.held_out_accuracy, after.held_out_accuracy),
    )
    note = f"the rounded model ({written.name}) against the float model"
    for quantity, old, new in changes:
        if old is not None and new is not None:
            entries.append(LedgerEntry("round", f"change of {quantity}", new - old, Evidence.MEASURED, note=note))
    return entries
