"""The index of stable codes: `qevoc explain QNNNN` and the reference page read it."""

from __future__ import annotations

import inspect
import pkgutil
from importlib import import_module

import qevo_compiler.diagnostics as package
from qevo_compiler.diagnostics.core import Diagnostic, concrete_diagnostics


def all_diagnostics() -> dict[str, type[Diagnostic]]:
    """Every diagnostic of the compiler by code, in order of code."""
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        import_module(module.name)
    return concrete_diagnostics()


def explanation(diagnostic: type[Diagnostic]) -> str:
    """The long text of a code: its docstring, dedented."""
    return inspect.cleandoc(diagnostic.__doc__ or "")
