"""What is wrong with a program, without compiling it (`qevoc check`)."""

from __future__ import annotations

from qevo_compiler.diagnostics import CompileError, Diagnostic, Diagnostics
from qevo_compiler.driver import is_linear
from qevo_compiler.frontend.load import Imported, Task
from qevo_compiler.passes.base import Context
from qevo_compiler.passes.penalize_constraints import PenalizeConstraints
from qevo_compiler.passes.pipeline import Pipeline
from qevo_compiler.passes.pipelines import MODEL, pipeline_text
from qevo_compiler.passes.running import resume, run_guarded


def check(imported: Imported) -> tuple[Diagnostic, ...]:
    """What `lower` would warn of in an imported problem, up to its penalties, which are not weighed.

    Raises `CompileError` where the program is wrong, with the warnings among the errors. A model is lowered to its
    gradient; programs with `linearize` are checked as they are imported. Cost: multiplying the problem out and writing
    it over bits; no penalty is formed and no state is searched for.
    """
    warnings = Diagnostics()
    context = Context(warn=warnings.add)
    if imported.task is Task.TRAIN:
        run_guarded(Pipeline.parse(MODEL), imported.module, context)
    if imported.task is Task.PROBLEM and not is_linear(imported.module):
        passes = resume(Pipeline.parse(pipeline_text("problem", "qubo")), imported.module).passes
        try:
            for at, step in enumerate(passes):
                if isinstance(step, PenalizeConstraints):
                    encoded = run_guarded(Pipeline(passes[:at]), imported.module, context)
                    step.judge(encoded.main, context)
        except CompileError as error:
            raise CompileError(*error.diagnostics, *warnings.warnings) from None
    return warnings.warnings
