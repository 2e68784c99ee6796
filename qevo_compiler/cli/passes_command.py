"""List the passes with the stages that they take and leave, or the options of one."""

from __future__ import annotations

import argparse

from qevo_compiler.cli.common import console, print_options


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", help="a pass")


def run(args: argparse.Namespace) -> int:
    from rich.table import Table

    from qevo_compiler.diagnostics import CompileError, did_you_mean
    from qevo_compiler.diagnostics.pipeline import UnknownPass
    from qevo_compiler.passes.registry import PASSES, load_pass

    out = console(args)
    if args.name is None:
        table = Table("pass", "takes", "leaves", "what it does", box=None)
        for name in PASSES:
            cls = load_pass(name)
            table.add_row(name, cls.takes.name, cls.leaves.name, cls.summary())
        out.print(table)
        return 0
    if args.name not in PASSES:
        raise CompileError(UnknownPass(None, args.name, did_you_mean(args.name, PASSES)))
    cls = load_pass(args.name)
    out.print(f"{args.name}: {cls.summary()}\ntakes {cls.takes.name}, leaves {cls.leaves.name}", markup=False)
    print_options(cls, out)
    return 0
