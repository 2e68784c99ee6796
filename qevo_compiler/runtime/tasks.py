"""What `qevoc run` does with a traced model: train it by rounds or round its weights, and write the result."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qevo_compiler.backends.select import select_backend
from qevo_compiler.diagnostics import CompileError, Diagnostic, Diagnostics, InternalError
from qevo_compiler.diagnostics.sources import CannotWrite
from qevo_compiler.frontend.load import Imported, Task
from qevo_compiler.frontend.torch.load import TracedModel
from qevo_compiler.frontend.torch.state import Values, write_scales, write_state
from qevo_compiler.ir import LedgerEntry
from qevo_compiler.passes import Context
from qevo_compiler.passes.base import Progress
from qevo_compiler.runtime.report import RoundingReport
from qevo_compiler.runtime.rounding import round_model
from qevo_compiler.runtime.row_rounding import Effort
from qevo_compiler.runtime.training import TrainingOptions, train_rounds
from qevo_compiler.runtime.training_report import TrainingReport
from qevo_compiler.writing import all_or_none

if TYPE_CHECKING:
    from rich.console import Console

BITS = 4


@dataclass(frozen=True)
class Outcome:
    """The report of a run on a model, its ledger and warnings, and the files written."""

    report: RoundingReport | TrainingReport
    files: tuple[Path, ...]
    warnings: tuple[Diagnostic, ...] = ()

    @property
    def ledger(self) -> tuple[LedgerEntry, ...]:
        return self.report.ledger

    def to_json(self) -> dict[str, Any]:
        """The report as data; it holds no times."""
        return self.report.to_json()

    def print(self, out: Console) -> None:
        self.report.print(out)


def run_model(imported: Imported, options: Mapping[str, Any], folder: Path | None, progress: Progress) -> Outcome:
    """Train or round an imported torch model, as its task says.

    `options` may hold bits, reads, sweeps, seed, rounds and backend. With a `folder`, the weights go to
    `NAME.safetensors`, the steps of rounded ones to `NAME.scales.safetensors` and the report to
    `NAME.report.json` there. Raises `CompileError`.
    """
    if imported.traced is None:
        raise InternalError("only a traced model can be trained or rounded")
    if folder is not None:
        _make(folder)
    found = Diagnostics()
    for warning in imported.warnings:
        found.add(warning)
    context = Context(found.add, progress)
    scales: Values = {}
    report: RoundingReport | TrainingReport
    if imported.task is Task.ROUND:
        # Rows are annealed where this runs; asking for a machine is refused as everywhere else.
        select_backend(options.get("backend"))
        effort = Effort(**{key: options[key] for key in ("reads", "sweeps", "seed") if key in options})
        rounded = round_model(imported.traced, imported.module, options.get("bits", BITS), effort, context=context)
        report, values, scales = rounded.report, rounded.values, rounded.scales
    else:
        trained = train_rounds(imported.traced, imported.module, _training_options(options), context)
        report, values = trained.report, trained.values
    files = () if folder is None else _write(imported.traced, imported.module.name, report, values, scales, folder)
    return Outcome(report, files, found.warnings)


def _make(folder: Path) -> None:
    """The folder is made before the work, so that a wrong one costs nothing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CompileError(CannotWrite(None, str(folder), error.strerror or str(error))) from None


def _training_options(options: Mapping[str, Any]) -> TrainingOptions:
    model = {"bits": options["bits"]} if "bits" in options else {}
    return TrainingOptions(model=model, **{key: value for key, value in options.items() if key != "bits"})


def _write(
    traced: TracedModel,
    name: str,
    report: RoundingReport | TrainingReport,
    values: Values,
    scales: Values,
    folder: Path,
) -> tuple[Path, ...]:
    """All files, which appear together or not at all."""
    writers: dict[str, Callable[[Path], object]] = {"safetensors": lambda path: write_state(traced, values, path)}
    if scales:
        writers["scales.safetensors"] = lambda path: write_scales(scales, path)
    writers["report.json"] = lambda path: path.write_text(json.dumps(report.to_json(), indent=1) + "\n")
    paths = tuple(folder / f"{name}.{ending}" for ending in writers)
    with all_or_none(folder) as part:
        for write, path in zip(writers.values(), paths, strict=True):
            write(part(path))
    return paths
