"""Report every error of .qevo programs, sorted by position. Exit code 1 when there is one."""

from __future__ import annotations

import argparse
from pathlib import Path

from qevo_compiler.cli.common import report


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", help=".qevo programs")


def run(args: argparse.Namespace) -> int:
    from qevo_compiler.diagnostics import CompileError
    from qevo_compiler.frontend.dsl import import_program
    from qevo_compiler.frontend.load import read_source

    failed = False
    for name in args.files:
        try:
            file = read_source(Path(name))
            args.sources.add(file)
            import_program(file, Path(name).parent)
        except CompileError as error:
            failed = True
            report(error.diagnostics, args)
    return int(failed)
