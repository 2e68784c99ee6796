"""A model with its data and its loss: from a plain PyTorch file or from Python objects.

The contract of a model file, which imports nothing of ours:

    model       an nn.Module
    inputs      a tensor, a tuple of tensors that the model is called with, or a dictionary of keyword arguments
    targets     a tensor, or a tuple or dictionary of tensors as the loss takes it
    loss        a torch loss or any callable: loss(model(inputs), targets) is one real number
    optimizer   optional: a torch.optim instance, whose hyper-parameters are read
    scheduler   optional: a torch.optim.lr_scheduler.StepLR of that optimizer
    linearize   optional: a dictionary that asks for training as a linear system (`frontend.linearization`)
    evaluation  optional: a pair (inputs, targets) held out for reports

The model is compiled in evaluation mode and in double precision: dropout is off and a batch norm uses
its stored statistics. The user's own objects are never changed; all work is on copies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.parameter import UninitializedParameter
from torch.utils.data import DataLoader, Dataset

from qevo_compiler.diagnostics import CompileError, Diagnostic, did_you_mean
from qevo_compiler.diagnostics.torch.model_files import ModelFileLacks, WrongModelPart
from qevo_compiler.diagnostics.torch.models import CaptureFailed, NonFiniteTensor, TrainingMode
from qevo_compiler.frontend.torch.batch import Batch, is_structure
from qevo_compiler.frontend.torch.modes import mode_dependent
from qevo_compiler.frontend.torch.places import Places
from qevo_compiler.frontend.torch.userfile import first_line, run_file
from qevo_compiler.frontend.torch.whole import Loss, Whole
from qevo_compiler.source import SourceMap

REQUIRED = ("model", "inputs", "targets", "loss")


@dataclass(frozen=True, eq=False)
class TracedModel:
    """A model, the batch that its loss is taken over, and what else is known about it.

    `given` is the batch as the user has it. `optimizer` holds the hyper-parameters of the user's
    optimizer, among them `kind`, its class name; `schedule` those of its scheduler; `training`
    is `linearize`. `places` finds lines of the user's files.
    """

    model: torch.nn.Module
    given: Batch
    loss: Loss
    optimizer: Mapping[str, Any] = field(default_factory=dict)
    evaluation: Batch | None = None
    schedule: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] | None = None
    places: Places = field(default_factory=lambda: Places(SourceMap()))

    @staticmethod
    def from_objects(
        model: Any,
        inputs: Any,
        targets: Any,
        loss: Any,
        optimizer: Any = None,
        evaluation: Any = None,
        sources: SourceMap | None = None,
        scheduler: Any = None,
        linearize: Any = None,
    ) -> TracedModel:
        """A traced model from Python objects; raises `CompileError` for every part that is of a wrong kind.

        The user's files that spans point into are added to `sources`.
        """
        parts = {"model": model, "inputs": inputs, "targets": targets, "loss": loss}
        places = Places(SourceMap() if sources is None else sources)
        more = {"optimizer": optimizer, "evaluation": evaluation, "scheduler": scheduler, "linearize": linearize}
        return _assemble({**parts, **more}, places)

    @property
    def sources(self) -> SourceMap:
        """The user's files that spans of this model point into."""
        return self.places.sources

    @cached_property
    def whole(self) -> Whole:
        """Copies of model and loss in double precision and evaluation mode, on the CPU."""
        with torch.no_grad():
            try:
                return Whole(self.model, self.loss)
            except Exception as error:
                span = self.places.top_level("model")
                what = CaptureFailed(span, "the model", type(error).__name__, first_line(error), "it cannot be copied")
                raise CompileError(what) from error

    @cached_property
    def batch(self) -> Batch:
        """Copies of inputs and targets, reals in double precision."""
        return self.given.exact()

    @cached_property
    def held_out(self) -> Batch | None:
        """Copies of the held-out inputs and targets."""
        return None if self.evaluation is None else self.evaluation.exact()

    def parameters(self) -> dict[str, Tensor]:
        """The trainable parameters of the exact copy by symbol; a shared one appears once."""
        return {name: p for name, p in self.whole.model.named_parameters() if p.requires_grad}

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """What the user should know about the model before it is compiled."""
        found = mode_dependent(self.model)
        return (TrainingMode(self.places.top_level("model"), found),) if found else ()


def load_model_file(path: str | Path, sources: SourceMap | None = None) -> TracedModel:
    """Run the model file at `path` and collect what it defines; the user's files are added to `sources`.

    Raises `CompileError` when the file cannot be read or run, or lacks or misuses one of the names.
    """
    path = Path(path)
    sources = SourceMap() if sources is None else sources
    return model_of(run_file(path, sources), path, sources)


def model_of(names: Mapping[str, Any], path: Path, sources: SourceMap) -> TracedModel:
    """The model that the module-level names of the file at `path` define; see `load_model_file`."""
    missing = [name for name in REQUIRED if names.get(name) is None]
    if missing and not (missing == ["targets"] and is_loader(names["inputs"])):
        listed = ", ".join(f"`{name}`" for name in missing)
        raise CompileError(ModelFileLacks(None, path.name, listed, _suggestion(missing, names)))
    return _assemble(names, Places(sources, path.name))


def _suggestion(missing: list[str], names: Mapping[str, object]) -> str:
    own = [name for name in names if not name.startswith("__") and name not in REQUIRED]
    return next(filter(None, (did_you_mean(name, own) for name in missing)), "")


def _assemble(given: Mapping[str, Any], places: Places) -> TracedModel:
    wrong: list[Diagnostic] = []

    def part(name: str, read: Callable[[Any], Any], expected: str) -> Any:
        value = read(given[name])
        if value is None:
            wrong.append(WrongModelPart(places.top_level(name), name, _kind(given[name]), expected))
        return value

    model = part("model", _as_model, "an `nn.Module` with real, initialised parameters")
    tensors = "a real tensor, or a tuple or dictionary of them"
    inputs = part("inputs", _as_part, tensors)
    targets = None if is_loader(given["inputs"]) else part("targets", _as_part, tensors)
    loss = part("loss", _as_loss, "a function of outputs and targets")
    optimizer, evaluation = given.get("optimizer"), given.get("evaluation")
    settings = {} if optimizer is None else part("optimizer", _as_settings, "a `torch.optim` instance")
    pair = None if evaluation is None else part("evaluation", _as_pair, "a pair of inputs and targets")
    schedule = {} if given.get("scheduler") is None else part("scheduler", _as_schedule, "a learning-rate scheduler")
    training = None if given.get("linearize") is None else part("linearize", _as_training, "a dictionary of settings")
    if wrong:
        raise CompileError(*wrong)
    batch = Batch.of(model, inputs, targets)
    held_out = None if pair is None else Batch.of(model, *pair)
    if wrong := _not_finite(model, batch, held_out, places):
        raise CompileError(*wrong)
    return TracedModel(model, batch, loss, settings, held_out, schedule, training, places)


def _as_model(value: Any) -> torch.nn.Module | None:
    if not isinstance(value, torch.nn.Module):
        return None
    unfit = any(isinstance(p, UninitializedParameter) or p.is_complex() for p in value.parameters())
    return None if unfit else value


def _as_loss(value: Any) -> Any:
    return value if callable(value) and not isinstance(value, type) else None


def _as_part(value: Any) -> Any:
    return value if is_structure(value) else None


def _as_settings(value: Any) -> dict[str, Any] | None:
    if not isinstance(value, torch.optim.Optimizer):
        return None
    group = {key: setting for key, setting in value.param_groups[0].items() if key != "params"}
    return {"kind": type(value).__name__, **dict(sorted(group.items()))}


def _as_schedule(value: Any) -> dict[str, Any] | None:
    if not isinstance(value, torch.optim.lr_scheduler.LRScheduler):
        return None
    numbers = {key: setting for key, setting in vars(value).items() if key in ("step_size", "gamma")}
    return {"kind": type(value).__name__, **numbers}


def _as_training(value: Any) -> dict[str, Any] | None:
    return dict(value) if isinstance(value, Mapping) else None


def _as_pair(value: Any) -> tuple[Any, Any] | None:
    fits = isinstance(value, (tuple, list)) and len(value) == 2 and all(map(is_structure, value))
    return (value[0], value[1]) if fits else None


def is_loader(value: Any) -> bool:
    """Whether a value is a data loader or a data set of torch: many batches, where one is wanted."""
    return isinstance(value, (DataLoader, Dataset))


def _kind(value: Any) -> str:
    if value is None:
        return "missing"
    name = type(value).__name__
    if type(value).__module__ == "numpy":
        return f"of NumPy's type `{name}`; `torch.as_tensor` makes a tensor of it"
    if isinstance(value, DataLoader):
        return f"of type `{name}`; `inputs, targets = next(iter(loader))` takes one batch"
    if isinstance(value, Dataset):
        return f"of type `{name}`; `inputs, targets = next(iter(DataLoader(dataset, len(dataset))))` takes all of it"
    if isinstance(value, (tuple, list)) and value and all(isinstance(part, (int, float)) for part in value):
        return f"a {name} of numbers; `torch.tensor` makes a tensor of it"
    return f"the class `{value.__name__}`" if isinstance(value, type) else f"of type `{name}`"


def _not_finite(model: torch.nn.Module, batch: Batch, held_out: Batch | None, places: Places) -> list[Diagnostic]:
    named: list[tuple[str, str, Tensor]] = [("model", name, p) for name, p in model.named_parameters()]
    named += [(symbol.partition(".")[0], symbol, part) for symbol, part in batch.named.items()]
    if held_out is not None:
        named += [("evaluation", f"evaluation.{symbol}", part) for symbol, part in held_out.named.items()]
    found: list[Diagnostic] = []
    for part, symbol, tensor in named:
        bad = ~torch.isfinite(tensor.detach())
        if bool(bad.any()):
            position = f"[{', '.join(str(int(i)) for i in bad.nonzero()[0])}]"
            span = places.top_level(part)
            found.append(NonFiniteTensor(span, symbol, int(bad.sum()), tensor.numel(), position))
    return found
