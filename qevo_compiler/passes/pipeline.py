"""Pipelines: ordered passes with a text form, run with checks between the passes."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from threadpoolctl import ThreadpoolController

from qevo_compiler.diagnostics import CompileError, InternalError
from qevo_compiler.diagnostics.ir import IllegalOp
from qevo_compiler.ir import Invalid, Legal, Module, first_illegal, verify
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.options import parse_passes, print_option

# Packages that load no library for linear algebra themselves.
_WITHOUT_POOLS = {*sys.stdlib_module_names, "qevo_compiler", "llvmlite"}

AfterPass = Callable[[Pass, Module, Module], None]


@dataclass(frozen=True)
class Pipeline:
    """Passes in order. `str()` prints the text that `Pipeline.parse` reads."""

    passes: tuple[Pass, ...]

    @staticmethod
    def parse(text: str, options: Mapping[str, Mapping[str, Any]] | None = None) -> Pipeline:
        """A pipeline from text such as `quadratize,scale-coefficients{bits=5}`.

        `options` gives further option values by pass name; those in the text win. Raises
        `CompileError` for an unknown pass or option or a value of the wrong type.
        """
        return Pipeline(parse_passes(text, options or {}))

    def run(
        self, module: Module, context: Context = SILENT, after: AfterPass | None = None, check: bool = True
    ) -> Module:
        """Run every pass; `after(pass, before, result)` is called between passes.

        With `check`, the module is verified and its ops held against the legal sets around each pass:
        an illegal input is the user's pipeline, a bad output is a bug and raises `InternalError`.
        Linear algebra runs on one thread: its sums, and so the emitted bytes, depend on the thread count.
        A module that nobody else holds is let go of as soon as the next one is there.
        """
        with _thread_pools(_foreign(len(sys.modules))).limit(limits=1):
            for step in self.passes:
                if check:
                    _check_input(module, step)
                result = step.run(module, context)
                if check and result is not module:
                    _check_output(result, step)
                if after is not None:
                    after(step, module, result)
                module = result
            return module

    def __str__(self) -> str:
        return ",".join(map(_pass_text, self.passes))


@lru_cache(1)
def _thread_pools(modules: int) -> ThreadpoolController:
    """The thread pools of the loaded libraries; looked for again when more `_foreign` modules are loaded."""
    return ThreadpoolController()


@lru_cache(1)
def _foreign(modules: int) -> int:
    """How many of the loaded modules may have brought a thread pool; counted again when more than `modules` are."""
    return sum(map(_is_foreign, list(sys.modules)))


@cache
def _is_foreign(name: str) -> bool:
    return name.partition(".")[0] not in _WITHOUT_POOLS


def _pass_text(step: Pass) -> str:
    changed = [f for f in dataclasses.fields(step) if getattr(step, f.name) != f.default]
    options = ",".join(f"{f.name.replace('_', '-')}={print_option(getattr(step, f.name))}" for f in changed)
    return f"{step.name}{{{options}}}" if options else step.name


def _check_input(module: Module, step: Pass) -> None:
    op = first_illegal(module, step.takes)
    if op is not None:
        hint = f"`{step.name}` takes the stage `{step.takes.name}`; `qevoc passes` shows which pass leaves it"
        raise CompileError(IllegalOp(op.span, op.name, f"for `{step.name}`", hint))


def _check_output(module: Module, step: Pass) -> None:
    try:
        verify(module)
    except Invalid as error:
        raise InternalError(f"after `{step.name}`: {error}") from error
    op = first_illegal(module, step.leaves)
    if op is not None:
        raise InternalError(f"after `{step.name}`: {op.name} is not legal at the stage `{step.leaves.name}`")


def stage_of(module: Module, stages: tuple[Legal, ...]) -> Legal | None:
    """The smallest of `stages` whose legal set holds all of `@main` (the first of equal ones), or None."""
    fitting = [stage for stage in stages if first_illegal(module, stage) is None]
    return min(fitting, key=lambda stage: len(stage.ops), default=None)
