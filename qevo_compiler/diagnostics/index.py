"""The index of stable codes: `qevoc explain QNNNN` and the reference page read it."""

from __future__ import annotations

import inspect
import pkgutil
from importlib import import_module
from string import Formatter

import qevo_compiler.diagnostics as package
from qevo_compiler.diagnostics.core import Diagnostic, concrete_diagnostics


def all_diagnostics() -> dict[str, type[Diagnostic]]:
    """Every diagnostic of the compiler by code, in order of code."""
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        import_module(module.name)
    return concrete_diagnostics()


def worded(template: str) -> str:
    """A title, help or note with names where a message has what they stand for: `{limit:,}` as LIMIT."""
    parts = Formatter().parse(template)
    return "".join(literal + (field or "").upper() for literal, field, _, _ in parts)


def explanation(diagnostic: type[Diagnostic]) -> str:
    """The long text of a code: its docstring, dedented, and its help where that is the same in every message."""
    text = inspect.cleandoc(diagnostic.__doc__ or "")
    says_itself = any(literal.strip() for literal, *_ in Formatter().parse(diagnostic.help))
    return f"{text}\n\nHelp: {worded(diagnostic.help)}" if says_itself else text
