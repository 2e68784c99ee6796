"""`.qevo` text to syntax tree and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qevo_compiler.grammar.ast import Program
    from qevo_compiler.grammar.format import format_program
    from qevo_compiler.grammar.parser import parse
    from qevo_compiler.grammar.printer import print_program

# Names load on first use: compiling a program neither formats nor prints one.
_HOMES = {
    "Program": "qevo_compiler.grammar.ast",
    "format_program": "qevo_compiler.grammar.format",
    "parse": "qevo_compiler.grammar.parser",
    "print_program": "qevo_compiler.grammar.printer",
}

__all__ = ["Program", "format_program", "parse", "print_program"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'qevo_compiler.grammar' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
