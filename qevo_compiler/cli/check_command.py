"""Report every error of .qevo programs, sorted by position. Exit code 1 when there is one.

Files that `qevoc import` reads are read as it reads them. What only lowering finds, such as a constraint that no values
satisfy or a code of too many bits, `qevoc compile` reports.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from qevo_compiler.cli.common import report
from qevo_compiler.source import SourceMap

# Never guessed to be another tool's file.
OWN = (".qevo", ".qir", ".py")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", help=".qevo programs, or files that `qevoc import` reads")


def run(args: argparse.Namespace) -> int:
    from qevo_compiler.diagnostics import CompileError

    failed = False
    for name in args.files:
        try:
            _check(Path(name), args.sources)
        except CompileError as error:
            failed = True
            report(error.diagnostics, args)
    return int(failed)


def _check(path: Path, sources: SourceMap) -> None:
    if path.suffix not in OWN:
        from qevo_compiler.interchange import InputFile, guess, read_problem

        other = InputFile.open(path)
        if guess(other) is not None:
            read_problem(other, None, sources)
            return
    from qevo_compiler.frontend.dsl import import_program
    from qevo_compiler.frontend.load import read_source

    file = read_source(path)
    sources.add(file)
    import_program(file, path.parent)
