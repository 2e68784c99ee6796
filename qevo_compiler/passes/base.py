"""What a pass is."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from qevo_compiler.diagnostics import Diagnostic
from qevo_compiler.ir import Legal, Module

Progress = Callable[[str, float], None]
"""Hears the name of a work and the part of it that is done, from 0 to 1."""


def _ignore_warning(diagnostic: Diagnostic) -> None:
    pass


def ignore_progress(what: str, done: float) -> None:
    """Where nobody asks how far a work is."""


@dataclass(frozen=True)
class Context:
    """Where a pass reports to: warnings, and progress as a share between 0 and 1 of long work."""

    warn: Callable[[Diagnostic], None] = field(default=_ignore_warning)
    progress: Progress = field(default=ignore_progress)


SILENT = Context()


@dataclass(frozen=True)
class Pass(ABC):
    """A named `Module -> Module` step whose dataclass fields are its options.

    A pass may assume that its input verifies and that `@main` holds only ops of `takes`; it owes a
    module that verifies with only ops of `leaves`. On input where there is nothing to do it returns
    the same object. The first paragraph of its module's docstring is its description.
    """

    name: ClassVar[str]
    takes: ClassVar[Legal]
    leaves: ClassVar[Legal]

    @abstractmethod
    def run(self, module: Module, context: Context = SILENT) -> Module:
        """The lowered module. Raises `CompileError` where the program is wrong."""

    @classmethod
    def summary(cls) -> str:
        """The first line of the pass's documentation."""
        module = inspect.getmodule(cls)
        return inspect.cleandoc((module and module.__doc__) or "").partition("\n")[0]
