"""Report every error of .qevo programs, sorted by position, and every warning. Exit code 1 when there is an error.

Files that `qevoc import` reads are read as it reads them. A program without errors of its own is lowered up to its
penalties, which finds constraints that no values satisfy and codes of too many bits; what a target cannot take,
`qevoc compile` reports. Programs with `linearize` are not lowered.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from qevo_compiler.cli.common import report
from qevo_compiler.source import SourceMap

if TYPE_CHECKING:
    from qevo_compiler.diagnostics import Diagnostic
    from qevo_compiler.ir import Module

# Never guessed to be another tool's file.
OWN = (".qevo", ".qir", ".py")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", help=".qevo programs, or files that `qevoc import` reads")


def run(args: argparse.Namespace) -> int:
    from qevo_compiler.diagnostics import CompileError

    failed = False
    for name in args.files:
        try:
            report(_check(Path(name), args.sources), args)
        except CompileError as error:
            failed = True
            report(error.diagnostics, args)
    return int(failed)


def _check(path: Path, sources: SourceMap) -> tuple[Diagnostic, ...]:
    from qevo_compiler.checking import check
    from qevo_compiler.frontend.load import Imported, Task

    return check(Imported(_module(path, sources), sources, Task.PROBLEM))


def _module(path: Path, sources: SourceMap) -> Module:
    if path.suffix not in OWN:
        from qevo_compiler.interchange import InputFile, guess, read_problem

        other = InputFile.open(path)
        if guess(other) is not None:
            return read_problem(other, None, sources)
    from qevo_compiler.frontend.dsl import import_program
    from qevo_compiler.frontend.load import read_source

    file = read_source(path)
    sources.add(file)
    return import_program(file, path.parent)
