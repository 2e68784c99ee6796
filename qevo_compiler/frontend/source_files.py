"""Texts that the user names by their path."""

from __future__ import annotations

from pathlib import Path

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.sources import MissingFile, NotText
from qevo_compiler.source import SourceFile


def read_source(path: Path) -> SourceFile:
    """The text of a file, under its name without folders. Raises `CompileError` where it is missing or not UTF-8."""
    try:
        return SourceFile(path.name, path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise CompileError(NotText(None, path.name, error.start)) from None
    except OSError as error:
        raise CompileError(MissingFile(None, str(path), error.strerror or "cannot be read")) from None
