"""From a source to a compiled program: import, run the pipeline that the target names, check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import PurePath
from typing import Any

from qevo_compiler.diagnostics import CompileError, Diagnostics, did_you_mean, showing
from qevo_compiler.diagnostics.pipeline import BadOption, OptionsUnused
from qevo_compiler.diagnostics.resources import OnlyACost
from qevo_compiler.diagnostics.sources import BadName, UnknownTarget, WrongTask
from qevo_compiler.dialects import linear as linear_ops
from qevo_compiler.dialects import problem
from qevo_compiler.dialects.linear import DeclaredOp
from qevo_compiler.frontend.load import Imported, ModelData, Task, import_source
from qevo_compiler.ir import Module
from qevo_compiler.passes.base import Context
from qevo_compiler.passes.options import make_pass, option_values
from qevo_compiler.passes.pipeline import AfterPass, Pipeline
from qevo_compiler.passes.pipelines import LINEAR_OPTIONS, OPTIMIZATION, pipeline_text
from qevo_compiler.passes.running import resume, run_guarded
from qevo_compiler.program import CompiledProgram
from qevo_compiler.source import SourceMap
from qevo_compiler.targets import TARGETS, Target, load_target

__all__ = [
    "CompiledProgram",
    "Options",
    "announce",
    "compile",
    "is_linear",
    "lower",
    "lower_history",
    "lower_linear",
    "make_target",
    "plan",
]

TUNE = "tune"
# Targets that take a linear system alone.
COST_TARGETS = frozenset({"resources"})
Settings = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Options:
    """How to compile.

    `passes` are option values by pass name, `target_options` the target's own. `pipeline` replaces
    the whole pipeline by a text. `level` is 0, 1 or 2: how much effort goes into a small program.
    """

    target: str = "dwave"
    task: Task | None = None
    name: str | None = None
    level: int = 1
    pipeline: str | None = None
    passes: Settings = field(default_factory=dict)
    target_options: Mapping[str, Any] = field(default_factory=dict)
    check: bool = True

    @property
    def source_task(self) -> Task | None:
        """What to import a model for: its training as a linear system where the target asks for one."""
        return Task.LINEARIZE if self.task is None and self.target in COST_TARGETS else self.task


def compile(
    source: Any,
    inputs: Any = None,
    targets: Any = None,
    loss: Any = None,
    *,
    optimizer: Any = None,
    scheduler: Any = None,
    linearize: Mapping[str, Any] | None = None,
    target: str = "dwave",
    task: str | None = None,
    name: str | None = None,
    level: int = 1,
    data: Mapping[str, Any] | None = None,
    passes: Settings | None = None,
    penalties: str = "auto",
    context: Context | None = None,
    **target_options: Any,
) -> CompiledProgram:
    """Compile a model or a problem for a target.

    `source` is a path (`.qevo`, `.py`, `.qir`), program text, a `Problem`, a model of another library (dimod's and
    OMMX's, a QUBO matrix or dictionary; docs/interchange.md), or an `nn.Module` with its `inputs`, `targets` and `loss`
    (a callable of outputs and targets), perhaps `optimizer`, `scheduler` and the
    settings `linearize` of its training as a linear system. `task` is `train`, `round` or `linearize` for models.
    `data` overrides a program's data by name; `passes` sets pass options, for example
    `{"local-quadratic-model": {"bits": 2}}`; further keywords are the target's options. `level` is the effort, as
    `-O0` to `-O2` (1: presolve; 2: stronger rules; 0: neither). `penalties` is
    `auto` (proved weights), `tune` (sample, check, rescale; see `qevo_compiler.tuning`) or a method of
    `penalize-constraints`.
    Raises `CompileError` with every diagnostic where the program is wrong.
    """
    if level not in OPTIMIZATION:
        raise CompileError(BadOption(None, "compile", "level", str(level), "one of 0, 1, 2"))
    chosen = Options(target, _task(task), name, level, passes=passes or {}, target_options=target_options)
    given = ModelData(inputs, targets, loss, optimizer, scheduler, linearize)
    if penalties not in ("auto", TUNE):
        _check_method(penalties)
        merged = _merged({"penalize-constraints": {"method": penalties}}, chosen.passes)
        chosen = replace(chosen, passes=merged)
    sources = SourceMap()
    with showing(sources):
        # Nobody keeps the imported module: the passes let go of what they replace.
        program = lower(import_source(source, given, data, chosen.source_task, sources), chosen, context)
    return _tuned(program, context) if penalties == TUNE else program


def _check_method(penalties: str) -> None:
    from qevo_compiler.passes.penalty.methods import Method

    ways = [TUNE, *(method.value for method in Method)]
    if penalties not in ways:
        raise CompileError(BadOption(None, "compile", "penalties", penalties, f"one of {', '.join(ways)}"))


def _tuned(program: CompiledProgram, context: Context | None) -> CompiledProgram:
    from qevo_compiler.tuning import tuned

    return tuned(program, None, context.progress if context else None).program


def lower(
    imported: Imported, options: Options, context: Context | None = None, after: AfterPass | None = None
) -> CompiledProgram:
    """Run the pipeline on an imported source and check the result against the target.

    Where the caller does not keep `imported`, its data go as soon as they are used up.
    """
    target = make_target(options.target, options.target_options)
    warnings = Diagnostics()
    context = context or Context(warn=warnings.add)
    module = imported.module if options.name is None else replace(imported.module, name=options.name)
    _check_name(module.name)
    pipeline, sources = plan(imported, options, target), imported.sources
    announce(imported, context)
    for name in sorted(options.passes.keys() - {step.name for step in pipeline.passes}):
        context.warn(OptionsUnused(None, name))
    given = [module]
    del imported, module
    final = run_guarded(pipeline, given.pop(), context, after, options.check)
    target.check(final)
    final = final.record(*target.ledger(final))
    return CompiledProgram(final, target, sources, _recorded(pipeline, options, target), warnings.warnings)


def announce(imported: Imported, context: Context) -> None:
    """Hand over what the user should know about a source that is right as it is."""
    for warning in imported.warnings:
        context.warn(warning)


def plan(imported: Imported, options: Options, target: Target) -> Pipeline:
    """The pipeline for a source and a target: the whole one, or what is left of it for a `.qir` at a later stage."""
    task = imported.task
    if options.target not in COST_TARGETS and imported.module.main.first(DeclaredOp) is not None:
        raise CompileError(OnlyACost(None, options.target))
    if task is not Task.PROBLEM and imported.traced is None:
        raise CompileError(WrongTask(None, task.value))
    if options.task not in (None, task):
        raise CompileError(WrongTask(None, (options.task or task).value))
    for name, values in options.passes.items():
        make_pass(name, values)  # a misspelt name or value is reported also where the pass does not run
    linear = is_linear(imported.module)
    kind = "linearize" if linear else task.value
    text = options.pipeline if options.pipeline is not None else pipeline_text(kind, target.pipeline)
    defaults = LINEAR_OPTIONS if linear and options.target not in COST_TARGETS else {}
    settings = _connected(_merged(OPTIMIZATION[options.level], defaults, target.pass_options(), options.passes))
    pipeline = Pipeline.parse(text, settings)
    return pipeline if options.pipeline is not None else resume(pipeline, imported.module)


def is_linear(module: Module) -> bool:
    """Whether a source asks for the linear system of its training dynamics, or is one already."""
    return any(isinstance(op, (problem.LinearizeOp, linear_ops.MapOp)) for op in module.main.ops)


def lower_linear(
    source: Any,
    inputs: Any = None,
    targets: Any = None,
    loss: Any = None,
    *,
    optimizer: Any = None,
    scheduler: Any = None,
    linearize: Mapping[str, Any] | None = None,
    until: str | None = None,
    data: Mapping[str, Any] | None = None,
    passes: Settings | None = None,
    context: Context | None = None,
) -> Module:
    """The module of a source with `train` and `linearize` at a stage of the linear pipeline.

    `source` is what `compile` takes. `until` names the last pass to run (default: all of them, to the history
    system); `passes` sets pass options, for example `{"carleman-truncation": {"order": 5}}`.
    """
    given = ModelData(inputs, targets, loss, optimizer, scheduler, linearize)
    sources = SourceMap()
    with showing(sources):
        imported = import_source(source, given, data, Task.LINEARIZE, sources)
        context = context or Context()
        announce(imported, context)
        return _linear_until(imported, until, passes or {}, context)


def _linear_until(imported: Imported, until: str | None, passes: Settings, context: Context) -> Module:
    whole = Pipeline.parse(pipeline_text(imported.task.value, "linear"), passes)
    names = [step.name for step in whole.passes]
    wanted = names if until is None else names[: names.index(until) + 1]
    # What a module at a later stage has behind it is not run again.
    kept = tuple(step for step in resume(whole, imported.module).passes if step.name in wanted)
    return run_guarded(Pipeline(kept), imported.module, context)


def lower_history(
    imported: Imported, options: Options, context: Context | None = None, after: AfterPass | None = None
) -> Module:
    """The history system of an imported linear program, as `lower` would make it on the way to any target."""
    module = imported.module if options.name is None else replace(imported.module, name=options.name)
    _check_name(module.name)
    pipeline, context = _history_pipeline(imported, options.passes), context or Context()
    announce(imported, context)
    return run_guarded(pipeline, module, context, after, options.check)


def _history_pipeline(imported: Imported, passes: Settings) -> Pipeline:
    return resume(Pipeline.parse(pipeline_text(imported.task.value, "linear"), passes), imported.module)


def make_target(name: str, options: Mapping[str, Any]) -> Target:
    """A target by name with its options. Raises `CompileError` for an unknown name or option."""
    if name not in TARGETS:
        raise CompileError(UnknownTarget(None, name, did_you_mean(name, TARGETS)))
    cls = load_target(name)
    return cls(**option_values(cls, name, options))


def _check_name(name: str) -> None:
    """The emitted files are `NAME.suffix`, so the name must not lead to another folder."""
    if name != PurePath(name).name or "\\" in name or not name.isprintable():
        raise CompileError(BadName(None, name))


def _task(name: str | None) -> Task | None:
    if name is None:
        return None
    try:
        return Task(name)
    except ValueError:
        raise CompileError(WrongTask(None, name)) from None


def _merged(*settings: Settings) -> dict[str, dict[str, Any]]:
    merged: dict[str, dict[str, Any]] = {}
    for part in settings:
        for owner, values in part.items():
            merged.setdefault(owner, {}).update(values)
    return merged


def _connected(settings: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What is known of the device for routing is known where products of bits are kept or split, too."""
    routing, splitting = settings.get("route-qubits", {}), settings.get("quadratize", {})
    if splitting.get("keep", 0) is not None:
        return settings
    known = {name: value for name, value in routing.items() if name in ("coupling", "qubits")}
    return _merged({"quadratize": known}, settings)


def _recorded(pipeline: Pipeline, options: Options, target: Target) -> dict[str, Any]:
    """What the manifest says about how the program was made."""
    chosen = {field.name: getattr(target, field.name) for field in fields(target)}
    return {"level": options.level, "pipeline": str(pipeline), "target": chosen}
