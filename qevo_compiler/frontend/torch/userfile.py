"""Running a user's Python file, and finding the user's own lines in stack traces.

The file runs as it would with `python FILE`, with four differences: `__name__` is not `__main__`, so
a training script below the usual guard stays unrun; what it prints goes to stderr, since stdout
belongs to the compiler's product; it runs in one thread; and the current folder, `sys.path` and the
modules imported from its folder are put back afterwards.
"""

from __future__ import annotations

import os
import re
import sys
import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from types import ModuleType, TracebackType

import torch

import qevo_compiler
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.torch.model_files import ModelFileFailed
from qevo_compiler.frontend.source_files import read_source
from qevo_compiler.frontend.torch.guard import guarded
from qevo_compiler.source import SourceFile, SourceMap, Span

_FRAME = re.compile(r'^\s*File "([^"]+)", line (\d+)', re.MULTILINE)
_NOT_THE_USERS = tuple(
    os.path.join(os.path.realpath(folder), "")
    for folder in (
        os.path.dirname(torch.__file__),
        os.path.dirname(qevo_compiler.__file__),
        sysconfig.get_path("stdlib"),
        sysconfig.get_path("purelib"),
        sysconfig.get_path("platlib"),
    )
)


def run_file(path: Path, sources: SourceMap) -> dict[str, object]:
    """The module-level names of the Python file at `path` after running it.

    The text is added to `sources`. Raises `CompileError` when the file cannot be read, is not
    Python, or raises an exception (its innermost line in the user's files is shown; the diagnostics of a
    `CompileError` are its own).
    """
    file = read_source(path)
    sources.add(file)
    full = path.resolve()
    module = ModuleType(f"_model_{path.stem}")
    module.__file__ = str(full)
    try:
        with _surroundings(full.parent, module), guarded():
            exec(compile(file.text, str(full), "exec"), module.__dict__)
    except CompileError:
        raise
    except SyntaxError as error:
        raise CompileError(_syntax(error, path, sources)) from None
    except (Exception, SystemExit) as error:
        span = innermost(error.__traceback__, sources)
        raise CompileError(ModelFileFailed(span, path.name, type(error).__name__, first_line(error))) from error
    return dict(module.__dict__)


def innermost(trace: TracebackType | None, sources: SourceMap) -> Span | None:
    """The innermost line of a traceback that lies in the user's own files."""
    frames = [(frame.filename, frame.lineno or 1) for frame in traceback.extract_tb(trace)]
    return _last_own(frames, sources)


def innermost_of_text(trace: str, sources: SourceMap) -> Span | None:
    """The same for a stack trace as text, the form in which torch.export records it."""
    return _last_own([(file, int(line)) for file, line in _FRAME.findall(trace)], sources)


def line_span(name: str, number: int, sources: SourceMap) -> Span:
    """The written part of a line."""
    line = sources[name].line(number) if name in sources else ""
    start = len(line) - len(line.lstrip()) + 1
    return Span(name, number, start, number, max(start + 1, len(line.rstrip()) + 1))


def first_line(error: BaseException) -> str:
    """The first line of an exception's message that says something."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "no message")


def _last_own(frames: list[tuple[str, int]], sources: SourceMap) -> Span | None:
    own = [(file, line) for file, line in frames if _is_own(file)]
    if not own:
        return None
    file, line = own[-1]
    name = os.path.basename(file)
    if name not in sources:
        text = Path(file).read_text(encoding="utf-8", errors="replace")
        sources.add(SourceFile(name, text))
    return line_span(name, line, sources)


@lru_cache(maxsize=1024)
def _is_own(file: str) -> bool:
    full = os.path.realpath(file)
    return os.path.isfile(full) and not full.startswith(_NOT_THE_USERS)


def _syntax(error: SyntaxError, path: Path, sources: SourceMap) -> ModelFileFailed:
    reason = error.msg or "invalid syntax"
    if error.filename is None or error.lineno is None or not _is_own(error.filename):
        return ModelFileFailed(None, path.name, type(error).__name__, reason)
    name = os.path.basename(error.filename)
    if name not in sources:
        sources.add(SourceFile(name, Path(error.filename).read_text(encoding="utf-8", errors="replace")))
    return ModelFileFailed(line_span(name, error.lineno, sources), path.name, type(error).__name__, reason)


@contextmanager
def _surroundings(folder: Path, module: ModuleType) -> Iterator[None]:
    """The current folder, `sys.path` and the module's own entry, for as long as the file runs."""
    before, paths = Path.cwd(), list(sys.path)
    loaded = set(sys.modules)
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    sys.modules[module.__name__] = module
    try:
        yield
    finally:
        os.chdir(before)
        sys.path[:] = paths
        for name in [n for n in sys.modules if n not in loaded and _lies_in(sys.modules[n], folder)]:
            del sys.modules[name]


def _lies_in(module: ModuleType, folder: Path) -> bool:
    """Whether a module was read from `folder`: another model file may have helpers of the same name."""
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and Path(file).is_relative_to(folder) and _is_own(file)
