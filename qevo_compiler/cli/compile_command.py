"""Compile a .qevo program, a .py model or a .qir module and write the target's files."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from qevo_compiler.cli.common import (
    Watcher,
    add_compilation,
    add_source,
    all_of,
    check_model_options,
    check_runs,
    console,
    data_from,
    make_context,
    options_from,
    print_ledger,
    print_verified,
    tuned_if_asked,
)
from qevo_compiler.ir import Module, module_chunks

if TYPE_CHECKING:
    from qevo_compiler.analyses.structure import Structure
    from qevo_compiler.driver import CompiledProgram
    from qevo_compiler.frontend.load import Imported
    from qevo_compiler.passes.base import Pass
    from qevo_compiler.report import SizeLog, StructureLog


def configure(parser: argparse.ArgumentParser) -> None:
    add_source(parser)
    add_compilation(parser)
    parser.add_argument("-o", "--output", default="out", metavar="DIR", help="folder for the files (default out)")
    parser.add_argument(
        "--emit",
        choices=("ast", "hubo", "ir", "latex", "target"),
        default="target",
        help="what to make (default target); all but target go to stdout",
    )
    parser.add_argument(
        "--report", metavar="FILE", help="also write a page about the compilation (HTML, self-contained)"
    )
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="also say what the constraints are and how precise control must be"
    )


def run(args: argparse.Namespace) -> int:
    _check_report(args)
    if args.emit == "ast":
        return _emit_ast(args)
    from qevo_compiler.driver import lower, make_target, plan
    from qevo_compiler.frontend.load import import_source

    options = options_from(args)
    imported = import_source(args.source, data=data_from(args), task=options.source_task, sources=args.sources)
    check_model_options(args, imported)
    pipeline = plan(imported, options, make_target(options.target, options.target_options))
    if args.dump_pipeline:
        print(pipeline)
        return 0
    watch = Watcher(args, pipeline.passes)
    if args.stop_after or args.emit != "target":
        return _print_partly_lowered(imported, args, pipeline.passes, watch)
    logs = _logs() if args.report or args.verbose else None
    program = lower(
        imported, replace(options, pipeline=str(pipeline)), make_context(args), all_of([watch, *(logs or ())])
    )
    watch.finish()
    program = tuned_if_asked(program, args)
    if args.verify:
        print_verified(program)
    written = _write(program, args.output)
    for path in written:
        print(path)
    if program.target.name == "resources":
        _print_cost(program)
    if logs is not None:
        _print_details(program, logs, written, args)
    print_ledger(program.ledger, console(args, stderr=True))
    return 0


def _logs() -> tuple[SizeLog, StructureLog]:
    """What listens between passes for the report and for `--verbose`."""
    from qevo_compiler.report import SizeLog, StructureLog

    return SizeLog(), StructureLog()


def _print_cost(program: CompiledProgram) -> None:
    from qevo_compiler.targets.resources import all_figures, resource_table

    sys.stdout.write(resource_table(*all_figures(program.module)))


def _write(program: CompiledProgram, output: str) -> tuple[Path, ...]:
    """All files into a folder; for a cost record and an output `FILE.json`, the record alone into that file."""
    if program.target.name != "resources" or not output.endswith(".json"):
        return program.write(output)
    from qevo_compiler.writing import write_file

    return (write_file(Path(output), program.files[f"{program.name}.resources.json"]),)


def _print_details(
    program: CompiledProgram, logs: tuple[SizeLog, StructureLog], written: tuple[Path, ...], args: argparse.Namespace
) -> None:
    """The page where it is asked for; what recognition saw and how precise control must be, on stderr, with `-v`."""
    sizes, structure = logs[0], logs[1].structure
    if args.report:
        from hashlib import sha256

        from qevo_compiler.report import report_page
        from qevo_compiler.writing import write_file

        # The manifest is the last file, and its digest stands for all others'.
        digest = sha256(written[-1].read_bytes()).hexdigest()
        print(write_file(Path(args.report), report_page(program, sizes, digest, structure)))
    if args.verbose:
        _print_lines(program, structure)


def _print_lines(program: CompiledProgram, structure: Structure | None) -> None:
    from qevo_compiler.report import precision_lines

    groups = {"structure": list(structure.lines()) if structure else [], "precision": list(precision_lines(program))}
    for name, lines in groups.items():
        for line in lines:
            print(f"{name}: {line}", file=sys.stderr)


def _check_report(args: argparse.Namespace) -> None:
    """A page needs a whole compilation."""
    from qevo_compiler.diagnostics import CompileError
    from qevo_compiler.diagnostics.sources import BadArgument

    if args.report and getattr(args, "target", None) == "resources":
        raise CompileError(
            BadArgument(
                None,
                f"--report {args.report}",
                "--report FILE for a target that writes a program; a cost record is a table already",
            )
        )
    if args.report and (args.emit != "target" or args.stop_after or args.dump_pipeline):
        form = "--report FILE without --stop-after, --dump-pipeline and --emit of anything but target"
        raise CompileError(BadArgument(None, f"--report {args.report}", form))


def _print_partly_lowered(
    imported: Imported, args: argparse.Namespace, passes: tuple[Pass, ...], watch: Watcher
) -> int:
    """What `--stop-after` and every `--emit` but that of the target ask for, on stdout."""
    if args.emit == "hubo":
        return _print_hubo(_module_after(_before_quadratization(args, passes), imported, args, watch))
    return _print_module(_module_after(_until(passes, _stop(args, passes)), imported, args, watch), args.emit)


def _stop(args: argparse.Namespace, passes: tuple[Pass, ...]) -> str | None:
    """The last pass to run; formulas are written from the problem's polynomials."""
    from qevo_compiler.diagnostics import CompileError
    from qevo_compiler.diagnostics.sources import BadArgument

    if args.stop_after or args.emit != "latex":
        return str(args.stop_after) if args.stop_after else None
    if all(step.name != "expand-polynomials" for step in passes):
        raise CompileError(BadArgument(None, "--emit latex", "--emit latex for a problem of decision variables"))
    return "expand-polynomials"


def _until(passes: tuple[Pass, ...], stop: str | None) -> tuple[Pass, ...]:
    if stop is None:
        return passes
    check_runs(stop, passes)
    return passes[: [step.name for step in passes].index(stop) + 1]


def _module_after(passes: tuple[Pass, ...], imported: Imported, args: argparse.Namespace, watch: Watcher) -> Module:
    from qevo_compiler.driver import announce
    from qevo_compiler.passes.pipeline import Pipeline

    context = make_context(args)
    announce(imported, context)
    module = Pipeline(passes).run(imported.module, context, watch, not args.no_verify_ir)
    watch.finish()
    return module


def _before_quadratization(args: argparse.Namespace, passes: tuple[Pass, ...]) -> tuple[Pass, ...]:
    from qevo_compiler.diagnostics import CompileError
    from qevo_compiler.diagnostics.sources import BadArgument

    names = [step.name for step in passes]
    if args.stop_after or "quadratize" not in names:
        form = "--emit hubo without --stop-after, for a problem that `quadratize` lowers"
        raise CompileError(BadArgument(None, "--emit hubo", form))
    # The polynomial of all bits, as `CompiledProgram.hubo` has it: a presolve may come before the reduction.
    return passes[: min(names.index(name) for name in ("presolve", "quadratize") if name in names)]


def _print_hubo(module: Module) -> int:
    from qevo_compiler.decode.hubo import hubo_of

    for chunk in hubo_of(module).chunks():
        sys.stdout.write(chunk.decode())
    return 0


def _print_module(module: Module, emit: str) -> int:
    if emit == "latex":
        from qevo_compiler.analyses.symbolic import to_latex

        print(to_latex(module))
        return 0
    for chunk in module_chunks(module):
        sys.stdout.write(chunk)
    return 0


def _emit_ast(args: argparse.Namespace) -> int:
    from pprint import pprint

    from qevo_compiler.frontend.source_files import read_source
    from qevo_compiler.grammar import parse

    file = read_source(Path(args.source))
    args.sources.add(file)
    pprint(parse(file), width=120)
    return 0
