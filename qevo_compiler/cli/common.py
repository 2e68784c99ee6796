"""What several subcommands share: options, diagnostics on stderr, progress, tables."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from qevo_compiler.diagnostics import CompileError, Diagnostic, did_you_mean, render
from qevo_compiler.diagnostics.pipeline import PassDoesNotRun, UnknownPass
from qevo_compiler.diagnostics.qlsa import NotLinear
from qevo_compiler.diagnostics.sources import BadArgument, CompiledAlready, ModelOption
from qevo_compiler.ir import LedgerEntry, Module, format_float, print_module

if TYPE_CHECKING:
    from rich.console import Console

    from qevo_compiler.driver import CompiledProgram, Options
    from qevo_compiler.frontend.load import Imported
    from qevo_compiler.passes.base import Context, Pass
    from qevo_compiler.passes.pipeline import AfterPass

# Names of `penalize-constraints`' methods beside tuning; a test holds them to the pass.
PENALTIES = ("auto", "tune", "range", "vlm", "momc", "unbalanced", "lagrangian")


def console(args: argparse.Namespace, stderr: bool = False) -> Console:
    """A rich console that follows `--color`."""
    from rich.console import Console

    force = {"always": True, "never": False, "auto": None}[args.color]
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else 120
    # Names may have brackets, which are no markup.
    return Console(
        file=stream, force_terminal=force, no_color=force is False, highlight=False, markup=False, width=width
    )


def report(diagnostics: Iterable[Diagnostic], args: argparse.Namespace) -> None:
    """Diagnostics on stderr, with the source lines that they point at."""
    text = render(diagnostics, args.sources)
    if not (sys.stderr.isatty() or args.color == "always") or args.color == "never":
        sys.stderr.write(text)
        return
    out = console(args, stderr=True)
    for line in text.splitlines():
        out.print(line, style=_style(line), markup=False, soft_wrap=True)


def _style(line: str) -> str:
    if line.startswith("error["):
        return "bold red"
    if line.startswith("warning["):
        return "bold yellow"
    return "red" if "^" in line and line.lstrip().startswith("|") else ""


def add_source(parser: argparse.ArgumentParser) -> None:
    """The source argument and the options about importing it."""
    parser.add_argument(
        "source", help=".qevo program, .py model (this runs the file), .qir module, or a file that `qevoc import` reads"
    )
    add_data(parser)
    parser.add_argument(
        "--task",
        choices=("train", "round", "linearize"),
        help="for a model: training rounds, weight rounding or a linear system",
    )
    parser.add_argument("--bits", type=int, help="bits a weight (with --task)")


def add_data(parser: argparse.ArgumentParser) -> None:
    """The option that gives a program other data."""
    parser.add_argument("--data", action="append", default=[], metavar="NAME=FILE", help="override a program's data")


def add_compilation(parser: argparse.ArgumentParser, target_default: str | None = "dwave") -> None:
    """The options about lowering and the target."""
    parser.add_argument(
        "--target",
        default=target_default,
        metavar="T",
        help="dwave, openqasm3, cirq, qubo or resources (default dwave)",
    )
    parser.add_argument("--embed", choices=("pegasus", "zephyr"), help="dwave: also embed into this topology")
    parser.add_argument("--device", help="cirq: a device such as willow_pink, or sycamore")
    parser.add_argument("--format", metavar="F", help="qubo: format of the file, such as bqpjson or lp (default coo)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="PASS.OPTION=VALUE", help="an option of a pass, or of the target"
    )
    parser.add_argument(
        "--penalties",
        choices=PENALTIES,
        default="auto",
        metavar="HOW",
        help="auto (proved weights, default), tune (sample, check, rescale), or a rule: range, vlm, momc, unbalanced, "
        "lagrangian",
    )
    parser.add_argument("--passes", metavar="PIPELINE", help="run this pipeline instead of the usual one")
    parser.add_argument("-O", dest="level", type=int, choices=(0, 1, 2), default=1, help="effort (default 1)")
    parser.add_argument("--name", help="name of the emitted program (default: the program's own)")
    parser.add_argument(
        "--verify", action="store_true", help="check the lowering on this instance (exit 70 if it fails)"
    )
    parser.add_argument(
        "--force", action="store_true", help="programs with `linearize`: lift also what diverges (the ledger says so)"
    )
    parser.add_argument("--no-verify-ir", action="store_true", help="do not check the IR between passes")
    parser.add_argument("--print-ir-after", metavar="PASS|changed|all", help="print IR to stderr after passes")
    parser.add_argument("--time-passes", action="store_true", help="print seconds a pass to stderr")
    parser.add_argument("--stop-after", metavar="PASS", help="stop after this pass and print the IR")
    parser.add_argument("--dump-pipeline", action="store_true", help="print the pipeline and stop")


def options_from(args: argparse.Namespace) -> Options:
    """The driver's options from parsed arguments."""
    from qevo_compiler.driver import Options
    from qevo_compiler.frontend.load import Task

    task = Task(args.task) if args.task else None
    settings = _settings(args.set)
    if args.penalties not in ("auto", "tune"):
        settings.setdefault("penalize-constraints", {})["method"] = args.penalties
    if args.bits is not None:
        owner = "rounding-model" if task is Task.ROUND else "local-quadratic-model"
        settings.setdefault(owner, {})["bits"] = str(args.bits)
    if getattr(args, "force", False):
        settings.setdefault("carleman-truncation", {})["force"] = True
    target = args.target or "dwave"
    target_options = {key: getattr(args, key) for key in ("embed", "device", "format") if getattr(args, key)}
    target_options |= settings.pop(target, {})
    return Options(
        target,
        task,
        args.name,
        args.level,
        args.passes,
        settings,
        target_options,
        not args.no_verify_ir,
    )


def check_model_options(args: argparse.Namespace, imported: Imported) -> None:
    """Refuse options that only a model, or only a program with `linearize`, understands when the source is none."""
    from qevo_compiler.driver import is_linear

    linear = is_linear(imported.module)
    check_linear_options(args, linear)
    for_models = ("bits",) if linear or getattr(args, "penalties", None) == "tune" else ("bits", "rounds")
    given = [f"--{name}" for name in for_models if getattr(args, name, None) is not None]
    if given and imported.traced is None:
        raise CompileError(*(ModelOption(None, option) for option in given))


def check_linear_options(args: argparse.Namespace, linear: bool) -> None:
    """Refuse `--force` and `--shots` for what is no linear program."""
    given = [f"--{name}" for name in ("force", "shots") if getattr(args, name, None)]
    if given and not linear:
        raise CompileError(*(NotLinear(None, option) for option in given))


def check_compiled_options(args: argparse.Namespace) -> None:
    """Refuse options about compiling beside a compiled program's folder, which they could not change."""
    named = ("target", "embed", "device", "format", "set", "passes", "name", "data", "task", "bits", "print_ir_after")
    flags = ("time_passes", "stop_after", "dump_pipeline", "no_verify_ir")
    given = [f"--{name.replace('_', '-')}" for name in (*named, *flags) if getattr(args, name, None)]
    if args.penalties not in ("auto", "tune"):
        given.append(f"--penalties={args.penalties}")
    if getattr(args, "level", 1) != 1:
        given.append(f"-O{args.level}")
    if given:
        raise CompileError(*(CompiledAlready(None, option, args.source) for option in given))


def tuned_if_asked(program: CompiledProgram, args: argparse.Namespace) -> CompiledProgram:
    """The program with tuned penalties under `--penalties=tune`; the rounds are printed to stderr."""
    if args.penalties != "tune":
        return program
    from qevo_compiler.tuning import TuneOptions, tuned

    given = {key: getattr(args, key, None) for key in ("rounds", "reads", "sweeps", "seed", "backend")}
    found = tuned(program, TuneOptions(**{k: v for k, v in given.items() if v is not None}), show_progress)
    show_progress("tuning penalties", 1.0)
    out = console(args, stderr=True)
    for line in found.lines():
        out.print(line, markup=False)
    return found.program


def _settings(items: list[str]) -> dict[str, dict[str, Any]]:
    settings: dict[str, dict[str, Any]] = {}
    for item in items:
        path, equals, value = item.partition("=")
        owner, dot, option = path.partition(".")
        if not (equals and dot):
            raise CompileError(BadArgument(None, item, "PASS.OPTION=VALUE"))
        settings.setdefault(owner, {})[option] = value
    return settings


def data_from(args: argparse.Namespace) -> dict[str, Any]:
    """The arrays that `--data NAME=FILE` names."""
    from qevo_compiler.frontend.dsl import load_data_file

    found = {}
    for item in args.data:
        name, equals, file = item.partition("=")
        if not equals:
            raise CompileError(BadArgument(None, item, "NAME=FILE"))
        found[name] = load_data_file(file)
    return found


def make_context(args: argparse.Namespace) -> Context:
    """Warnings go to stderr with their source line; progress to a line on a terminal's stderr."""
    from qevo_compiler.passes.base import Context

    return Context(warn=lambda diagnostic: report([diagnostic], args), progress=show_progress)


def show_progress(what: str, done: float) -> None:
    """One line that is overwritten; nothing when stderr is not a terminal."""
    if sys.stderr.isatty():
        end = "\r" if done < 1 else "\r" + " " * 60 + "\r"
        print(f"\r{what}: {done:4.0%}", end=end, file=sys.stderr, flush=True)


def print_verified(program: CompiledProgram) -> None:
    """Check the lowering and say on stderr what was compared."""
    from qevo_compiler.validation import validate

    print(f"verified: {validate(program)}", file=sys.stderr)


def check_runs(name: str, passes: Sequence[Pass] | None) -> None:
    """Raise `CompileError` for a name of no pass, or of none of `passes`, those that run where that is known."""
    from qevo_compiler.passes.registry import PASSES

    if name not in PASSES:
        raise CompileError(UnknownPass(None, name, did_you_mean(name, PASSES)))
    if passes is not None and all(step.name != name for step in passes):
        raise CompileError(PassDoesNotRun(None, name, ", ".join(f"`{step.name}`" for step in passes)))


class Watcher:
    """Serves `--print-ir-after`, `--time-passes` between passes."""

    def __init__(self, args: argparse.Namespace, passes: Sequence[Pass] | None = None) -> None:
        self._print = args.print_ir_after
        if self._print not in (None, "all", "changed"):
            check_runs(self._print, passes)
        self._times = args.time_passes
        self._last = time.perf_counter()
        self.spent: list[tuple[str, float]] = []

    def __call__(self, step: Pass, before: Module, result: Module) -> None:
        self.spent.append((step.name, time.perf_counter() - self._last))
        changed = result is not before
        if self._print in ("all", step.name) or (self._print == "changed" and changed):
            print(f"// after {step.name}\n{print_module(result)}", file=sys.stderr)
        self._last = time.perf_counter()

    def finish(self) -> None:
        if not self._times:
            return
        for name, seconds in self.spent:
            print(f"{seconds * 1e3:10.1f} ms  {name}", file=sys.stderr)
        print(f"{sum(s for _, s in self.spent) * 1e3:10.1f} ms  in all", file=sys.stderr)


def all_of(hooks: Sequence[AfterPass]) -> AfterPass:
    """One hook between passes that calls all of them in turn."""

    def call(step: Pass, before: Module, result: Module) -> None:
        for hook in hooks:
            hook(step, before, result)

    return call


def print_ledger(ledger: Iterable[LedgerEntry], out: Console) -> None:
    """The error ledger as one table."""
    from rich.table import Table

    table = Table(title="ledger: how far the program is from the model", title_justify="left", show_lines=False)
    for heading in ("stage", "quantity", "of", "value", "known how", "note"):
        table.add_column(heading, overflow="fold")
    for entry in ledger:
        value = format_float(entry.value) if abs(entry.value) >= 1e15 else f"{entry.value:.6g}"
        table.add_row(entry.stage, entry.quantity, entry.subject, value, entry.kind.value, entry.note)
    if table.row_count:
        out.print(table)
    else:
        out.print("ledger: empty, the program is exact")


def print_options(cls: type, out: Console) -> None:
    """The options of a pass or target as one table; nothing where it has none."""
    from rich.table import Table

    from qevo_compiler.passes.options import option_rows

    table = Table("option", "value", "default", box=None)
    for row in option_rows(cls):
        table.add_row(*row)
    if table.row_count:
        out.print(table)
