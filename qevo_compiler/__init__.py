"""Compile models into quantum programs.

Public names load on first use, so that importing the package costs nothing that is not needed.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as typing's, without importing typing: `qevoc --version` starts like Python itself
if TYPE_CHECKING:
    from typing import Any

    from qevo_compiler.diagnostics import CompileError
    from qevo_compiler.driver import CompiledProgram, compile
    from qevo_compiler.frontend.builder import Problem
    from qevo_compiler.loading import load

__version__ = "0.1.0"

_HOMES = {
    "CompileError": "qevo_compiler.diagnostics",
    "CompiledProgram": "qevo_compiler.driver",
    "Problem": "qevo_compiler.frontend.builder",
    "compile": "qevo_compiler.driver",
    "load": "qevo_compiler.loading",
}

__all__ = ["CompileError", "CompiledProgram", "Problem", "__version__", "compile", "load"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'qevo_compiler' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """The public names, for completion at a prompt; none is loaded."""
    return [*__all__]
