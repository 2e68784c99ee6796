"""What the compiler says about a program: messages with codes, spans and hints."""

from qevo_compiler.diagnostics.core import (
    CompileError,
    Diagnostic,
    Diagnostics,
    Error,
    InternalError,
    Severity,
    Warn,
    showing,
)
from qevo_compiler.diagnostics.render import render
from qevo_compiler.diagnostics.suggest import did_you_mean

__all__ = [
    "CompileError",
    "Diagnostic",
    "Diagnostics",
    "Error",
    "InternalError",
    "Severity",
    "Warn",
    "did_you_mean",
    "render",
    "showing",
]
