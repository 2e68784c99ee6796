"""The cases below `cases/`: one folder, one bad input, one diagnostic.

A folder is named after the code that its input reaches, `QNNNN-what-is-wrong`, and holds

    cmd             the arguments of `qevoc`, one line
    case.py         instead of it, `run()`: what is wrong with calls from Python; or beside it, or both,
                    `prepare(monkeypatch)`: makes inputs that are no text and takes things away
    anything else   input files
    expected.txt    the golden: what the user reads

The input is copied into an empty folder, which is the current one while the case runs.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from qevo_compiler.cli.main import main
from qevo_compiler.diagnostics import CompileError, render
from qevo_compiler.source import SourceFile, SourceMap

CASES = Path(__file__).parent / "cases"
EXPECTED = "expected.txt"
_NOT_INPUT = shutil.ignore_patterns("cmd", "expected.*", "__pycache__")
_SHOWN = re.compile(r"^(?:error|warning)\[(Q\d{4})\]: ", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """What a case did: exit code, both streams, and the files that were not there before."""

    exit_code: int
    out: str
    err: str
    left_behind: tuple[str, ...]


def case_names() -> list[str]:
    """Every case, in order of code."""
    return sorted(path.name for path in CASES.iterdir())


def code_of(name: str) -> str:
    """The code that a case is there for."""
    return name.partition("-")[0]


def shown_codes(text: str) -> set[str]:
    """The codes of the diagnostics in a rendered text."""
    return set(_SHOWN.findall(text))


def run_case(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Outcome:
    """Run a case in `folder`, which is to be made."""
    shutil.copytree(CASES / name, folder, ignore=_NOT_INPUT)
    monkeypatch.chdir(folder)
    for variable in ("QUANTUM_BACKEND", "QUANTUM_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    command = CASES / name / "cmd"
    functions = _functions(folder / "case.py")
    assert command.exists() != ("run" in functions), "a case has either `cmd` or `run` in `case.py`"
    if "prepare" in functions:
        functions["prepare"](monkeypatch)
    before = set(_files(folder))
    capsys.readouterr()
    if command.exists():
        code, called = main(shlex.split(command.read_text(encoding="utf-8"))), ""
    else:
        code, called = _called(functions["run"], folder)
    out, err = capsys.readouterr()
    return Outcome(code, out, err + called, tuple(sorted(set(_files(folder)) - before)))


def _files(folder: Path) -> Iterable[str]:
    return (str(path.relative_to(folder)) for path in folder.rglob("*") if path.name != "__pycache__")


def _functions(script: Path) -> dict[str, Any]:
    """What `case.py` defines; run under its base name, as a user's file shows in messages."""
    names: dict[str, Any] = {"__name__": "case", "__file__": script.name}
    if script.exists():
        exec(compile(script.read_text(encoding="utf-8"), script.name, "exec"), names)
    return {name: value for name, value in names.items() if name in ("run", "prepare")}


def _called(run: Callable[[], object], folder: Path) -> tuple[int, str]:
    """The exit code that the command line would give for what `run` raises, and the rendered diagnostics."""
    texts = (path for path in sorted(folder.iterdir()) if path.suffix in (".py", ".qevo"))
    sources = SourceMap(*(SourceFile(path.name, path.read_text(encoding="utf-8")) for path in texts))
    try:
        run()
    except CompileError as error:
        return 1, render(error.diagnostics, sources)
    return 0, ""
