"""Packages that are not installed with the core, imported where they are needed."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.sources import MissingExtra


def need(package: str, what: str, extra: str) -> ModuleType:
    """Import an optional package; raises `CompileError` that names the extra when it is not installed."""
    try:
        return import_module(package)
    except ModuleNotFoundError as error:
        missing = (error.name or package).partition(".")[0]
        if missing != package.partition(".")[0]:
            raise
        raise CompileError(MissingExtra(None, what, missing, extra)) from None
