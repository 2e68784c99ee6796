"""The `.qevo` language: from text to a checked module at stage TENSOR."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.frontend.dsl.data import DataSource, read_file
from qevo_compiler.frontend.dsl.statements import state
from qevo_compiler.grammar import ast
from qevo_compiler.grammar.parser import parse
from qevo_compiler.ir import Module
from qevo_compiler.source import SourceFile, Span


def import_program(source: SourceFile, folder: Path | None, data: DataSource | None = None) -> Module:
    """The program in `source` as a module whose `@main` is at stage TENSOR.

    Data files are read below `folder` (None: the program has no folder); `data` gives arrays by name,
    which override the program's own. Raises `CompileError` with every error of the file. Cost: linear in
    the text and in the number of elements of all index expressions.
    """
    program = parse(source)
    return state(program, folder, data or {}).module(program.name.span)


def load_data_file(text: str) -> Any:
    """What a data file named by the caller holds: `FILE`, or `FILE.npz:key`, from any folder.

    Raises `CompileError` when the file is missing, unreadable or of an unknown kind.
    """
    nowhere = Span("", 0, 0, 0, 0)
    named = ast.File(text, span=nowhere)
    path = Path(named.path)
    key = f":{named.key}" if named.key else ""
    try:
        return read_file(ast.File(f"{path.name}{key}", span=nowhere), path.parent)
    except CompileError as error:
        raise CompileError(*(found.at(None) for found in error.diagnostics)) from None


__all__ = ["check_program", "import_program", "load_data_file"]
