"""Any source that users hand over, as a module: `.qevo`, `.qir`, `.py`, DSL text, a Problem, a torch model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qevo_compiler.diagnostics import CompileError, Diagnostic
from qevo_compiler.diagnostics.interchange.models import BadModel
from qevo_compiler.diagnostics.sources import UnknownSource
from qevo_compiler.frontend.builder import Problem, places
from qevo_compiler.frontend.source_files import read_source
from qevo_compiler.ir import Module
from qevo_compiler.source import SourceFile, SourceMap

if TYPE_CHECKING:
    from qevo_compiler.frontend.torch.load import TracedModel


class Task(Enum):
    """What is made of a source: a stated problem, or of a model: quadratic training rounds, rounding of its weights,
    or its training as a linear system."""

    PROBLEM = "problem"
    TRAIN = "train"
    ROUND = "round"
    LINEARIZE = "linearize"


@dataclass(frozen=True)
class Imported:
    """A source as a module at its first stage, with the texts that its spans point into."""

    module: Module
    sources: SourceMap
    task: Task
    traced: TracedModel | None = None

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """What the user should know about the source, right as it is."""
        return () if self.traced is None else self.traced.warnings


@dataclass(frozen=True)
class ModelData:
    """What a bare `nn.Module` needs beside it: example inputs, targets, a loss and perhaps an optimizer with its
    scheduler and the training to `linearize`."""

    inputs: Any = None
    targets: Any = None
    loss: Any = None
    optimizer: Any = None
    scheduler: Any = None
    linearize: Any = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is given; arrays and tensors are not compared."""
        return all(part is None for part in vars(self).values())


def import_source(
    source: Any,
    model_data: ModelData | None = None,
    data: Mapping[str, Any] | None = None,
    task: Task | None = None,
    sources: SourceMap | None = None,
) -> Imported:
    """The module of `source`.

    `source` is a path, program text, a `Problem`, a model of another library (`interchange.read_object`) or a torch
    module (with `model_data`). `data`
    overrides a program's data by name. Texts read on the way are added to `sources`, so that a caller
    can render the diagnostics of the `CompileError` that a wrong source raises.
    """
    sources = SourceMap() if sources is None else sources
    if isinstance(source, Problem):
        _add_users_files(sources)
        # The user's Python file is no part of the program.
        return Imported(source.to_module(), SourceMap(), Task.PROBLEM)
    if isinstance(source, str) and "\n" in source:
        return _from_text(SourceFile("program.qevo", source), None, data, sources)
    if isinstance(source, (str, Path)):
        return _from_path(Path(source), data, task, sources)
    found = _from_library(source, sources)
    if found is not None:
        return Imported(found, SourceMap(), Task.PROBLEM)
    given = model_data or ModelData()
    if given.is_empty and not callable(source):
        kind = type(source).__name__
        raise CompileError(BadModel(places.here(), f"an object of type `{kind}`", "it is no kind of source"))
    return _from_model(source, given, task, sources)


def _from_path(path: Path, data: Mapping[str, Any] | None, task: Task | None, sources: SourceMap) -> Imported:
    if path.suffix not in (".qevo", ".qir", ".py", ".toml"):
        return _from_other_tool(path, sources)
    file = read_source(path)
    sources.add(file)
    if path.suffix == ".qevo":
        return _from_text(file, path.parent, data, sources)
    if path.suffix == ".toml":
        from qevo_compiler.frontend.declared import import_declared

        return Imported(import_declared(file, path.stem), sources, Task.PROBLEM)
    if path.suffix == ".qir":
        from qevo_compiler.frontend.ir_files import read_module

        return Imported(read_module(file), sources, Task.PROBLEM if task in (None, Task.LINEARIZE) else task)
    return _from_python(path, task, sources)


def _from_python(path: Path, task: Task | None, sources: SourceMap) -> Imported:
    """What a Python file states when it is run: its one `Problem` (of several the one called `problem`), or a model."""
    from qevo_compiler.frontend.torch.load import model_of
    from qevo_compiler.frontend.torch.userfile import run_file

    names = run_file(path, sources)
    stated = {id(value): value for value in names.values() if isinstance(value, Problem)}
    problem = names.get("problem") if len(stated) > 1 else next(iter(stated.values()), None)
    if isinstance(problem, Problem) and names.get("model") is None:
        return Imported(problem.to_module(), sources, Task.PROBLEM)
    return _traced(model_of(names, path, sources), path.stem, task, sources)


def _add_users_files(sources: SourceMap) -> None:
    for file in places.files():
        sources.add(file)


def _from_library(source: Any, sources: SourceMap) -> Module | None:
    """What a model of another library states, or None for any other object."""
    from qevo_compiler.interchange import read_object

    span = places.here()
    _add_users_files(sources)
    return read_object(source, span)


def _from_other_tool(path: Path, sources: SourceMap) -> Imported:
    from qevo_compiler.interchange import InputFile, guess, read_problem

    file = InputFile.open(path)
    format = guess(file)
    if format is None:
        raise CompileError(UnknownSource(None, path.name))
    return Imported(read_problem(file, format, sources), sources, Task.PROBLEM)


def _from_text(file: SourceFile, folder: Path | None, data: Mapping[str, Any] | None, sources: SourceMap) -> Imported:
    from qevo_compiler.frontend.dsl import import_program

    sources.add(file)
    return Imported(import_program(file, folder, data), sources, Task.PROBLEM)


def _from_model(model: Any, given: ModelData, task: Task | None, sources: SourceMap) -> Imported:
    from qevo_compiler.frontend.torch.load import TracedModel

    parts = given.inputs, given.targets, given.loss, given.optimizer
    more = {"scheduler": given.scheduler, "linearize": given.linearize}
    traced = TracedModel.from_objects(model, *parts, sources=sources, **more)
    return _traced(traced, type(model).__name__, task, sources)


def _traced(traced: TracedModel, name: str, task: Task | None, sources: SourceMap) -> Imported:
    from qevo_compiler.frontend.torch.capture import import_model

    if task is Task.LINEARIZE:
        from qevo_compiler.frontend.torch.training import linearized

        return Imported(linearized(traced, name), sources, task, traced)
    return Imported(import_model(traced, name), sources, task or Task.TRAIN, traced)
