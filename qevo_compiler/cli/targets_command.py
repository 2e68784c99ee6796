"""List the targets with what they write, or the options of one."""

from __future__ import annotations

import argparse
import inspect

from qevo_compiler.cli.common import console, print_options


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", help="a target")


def run(args: argparse.Namespace) -> int:
    from rich.table import Table

    from qevo_compiler.diagnostics import CompileError, did_you_mean
    from qevo_compiler.diagnostics.sources import UnknownTarget
    from qevo_compiler.passes.pipelines import TARGETS as LOWERINGS
    from qevo_compiler.targets import TARGETS, load_target

    out = console(args)
    if args.name is None:
        table = Table("target", "what it is", "lowered by", box=None)
        for name in TARGETS:
            cls = load_target(name)
            table.add_row(name, (cls.__doc__ or "").partition("\n")[0], LOWERINGS[cls.pipeline])
        out.print(table)
        return 0
    if args.name not in TARGETS:
        raise CompileError(UnknownTarget(None, args.name, did_you_mean(args.name, TARGETS)))
    cls = load_target(args.name)
    out.print(f"{args.name}: {inspect.getdoc(cls)}", markup=False)
    print_options(cls, out)
    return 0
