"""Run a pipeline on a module: what is left of it for that module, with the state of things where a pass breaks."""

from __future__ import annotations

from qevo_compiler.diagnostics import CompileError, InternalError
from qevo_compiler.ir import Module, print_module
from qevo_compiler.passes.base import Context, Pass
from qevo_compiler.passes.pipeline import AfterPass, Pipeline, stage_of
from qevo_compiler.passes.stages import PRIMITIVE, STAGES, TENSOR


def run_guarded(
    pipeline: Pipeline, module: Module, context: Context, after: AfterPass | None = None, check: bool = True
) -> Module:
    """Run a pipeline; a failure of ours carries the last good IR and the rest of the pipeline with it."""
    reached: list[Module] = [module]
    del module
    done: list[Pass] = []

    def note(step: Pass, before: Module, result: Module) -> None:
        reached[0] = result
        done.append(step)
        if after is not None:
            after(step, before, result)

    try:
        return pipeline.run(reached[0], context, note, check)
    except CompileError:
        raise
    except Exception as error:
        rest = Pipeline(pipeline.passes[len(done) :])
        raise PassFailure(str(error) or type(error).__name__, print_module(reached[0]), str(rest)) from error


class PassFailure(InternalError):
    """A pass broke: `ir` is the last module that verified, `rest` the passes that were still to run."""

    def __init__(self, message: str, ir: str, rest: str) -> None:
        super().__init__(message)
        self.ir = ir
        self.rest = rest


def resume(pipeline: Pipeline, module: Module) -> Pipeline:
    """What is left of a pipeline for a module at a later stage."""
    stage = stage_of(module, STAGES)
    if stage is None or stage in (TENSOR, PRIMITIVE):
        return pipeline
    for index, step in enumerate(pipeline.passes):
        if step.takes.name == stage.name:
            return Pipeline(pipeline.passes[index:])
    if pipeline.passes and pipeline.passes[-1].leaves.name == stage.name:
        return Pipeline(())
    wider = [index for index, step in enumerate(pipeline.passes) if stage.ops <= step.takes.ops]
    return Pipeline(pipeline.passes[wider[-1] :]) if wider else pipeline
