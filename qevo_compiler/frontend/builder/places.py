"""Where in the user's Python file a statement stands."""

from __future__ import annotations

import linecache
import os
import sys
from itertools import islice
from pathlib import Path
from types import CodeType, FrameType

from qevo_compiler.source import SourceFile, Span

_PACKAGE = f"{Path(__file__).resolve().parents[2]}{os.sep}"

# Where the files that spans name are, for the lines that diagnostics show.
_paths: dict[str, str] = {}

# Places that statements in loops come back to, by the identity of the code: code of two files may compare equal.
_known: dict[tuple[int, int], tuple[CodeType, Span]] = {}
_MOST_KNOWN = 1 << 12


def files() -> list[SourceFile]:
    """The files that statements stood in so far, notebook cells too; one whose text is gone is empty."""
    return [SourceFile(name, "".join(linecache.getlines(path))) for name, path in _paths.items()]


def here() -> Span | None:
    """The expression outside this package that is being evaluated, by the file's base name."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    if frame is None:
        return None
    code = frame.f_code
    known = _known.get((id(code), frame.f_lasti))
    if known is not None and known[0] is code:
        span = known[1]
    else:
        span = _span(frame)
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        _known[id(code), frame.f_lasti] = (code, span)
    _paths[span.file] = code.co_filename
    return span


def _span(frame: FrameType) -> Span:
    # co_positions is the compiler's own table: two bytes an instruction, columns counted from 0.
    position = next(islice(frame.f_code.co_positions(), frame.f_lasti // 2, None), (None, None, None, None))
    line, end_line, column, end_column = position
    start = line or frame.f_lineno
    name = Path(frame.f_code.co_filename).name
    return Span(
        name,
        start,
        (column or 0) + 1,
        end_line or start,
        (column or 0) + 2 if end_column is None else end_column + 1,
    )
