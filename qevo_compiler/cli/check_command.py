"""Report every error of programs, models and other sources, sorted by position, and every warning.

Exit code 1 when there is an error. Sources are read as `qevoc compile` reads them (a .py file is run). A problem
without errors of its own is lowered up to its penalties, which finds constraints that no values satisfy and codes of
too many bits; a model is lowered up to its gradient. What a target cannot take, `qevoc compile` reports. Programs
with `linearize` are not lowered.
"""

from __future__ import annotations

import argparse

from qevo_compiler.cli.common import add_data, data_from, report


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files", nargs="+", help=".qevo programs, .py models, .qir modules, or files that `qevoc import` reads"
    )
    add_data(parser)


def run(args: argparse.Namespace) -> int:
    from qevo_compiler.checking import check
    from qevo_compiler.diagnostics import CompileError
    from qevo_compiler.frontend.load import import_source

    data = data_from(args)
    failed = False
    for name in args.files:
        try:
            report(check(import_source(name, data=data, sources=args.sources)), args)
        except CompileError as error:
            failed = True
            report(error.diagnostics, args)
    return int(failed)
