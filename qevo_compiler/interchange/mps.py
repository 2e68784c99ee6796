"""MPS files, fixed or free, read by the package `ommx` (the extra `ommx`) as the instance that they state.

Names are kept; a row with `RANGES` becomes a constraint and one of its own for the other side.
"""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.interchange.files import EndsEarly, Unreadable
from qevo_compiler.interchange import ommx
from qevo_compiler.interchange.inputs import InputFile
from qevo_compiler.ir import Module
from qevo_compiler.packages import need
from qevo_compiler.source import Span

FORMAT = "mps"
_END = re.compile(r"^ENDATA\s*$", re.MULTILINE)


def read(file: InputFile) -> Module:
    """The module that a file states. Raises `CompileError` where the file is wrong or has real variables."""
    reader = need("ommx.v1", "an MPS file", "ommx").Instance
    text = file.text
    if not _END.search(text):
        raise CompileError(EndsEarly(file.span_of_line(max(text.rstrip().count("\n") + 1, 1)), "`ENDATA`"))
    with TemporaryDirectory() as folder:
        # The package reads from files alone.
        path = Path(folder, "model.mps")
        path.write_bytes(file.content)
        try:
            instance = reader.load_mps(str(path))
        except (RuntimeError, ValueError) as error:
            reason = str(error).partition("\n")[0]
            raise CompileError(Unreadable(_place(file, reason), FORMAT, reason)) from None
    return ommx.read(InputFile(file.name, instance.to_bytes()))


def _place(file: InputFile, reason: str) -> Span | None:
    """The word that a message ends in, where the file has it, or the first value that is no number."""
    word = reason.rpartition(": ")[2] if ": " in reason else ""
    if word:
        return file.span_of(rf"(?<!\S)({re.escape(word)})(?!\S)")
    if "literal" in reason:
        return file.span_of(r"^[ \t]+\S+[ \t]+\S+[ \t]+((?![+-]?[\d.])(?!')\S+)")
    return None
