"""Compile if needed, sample, decode, check the constraints and print the answer in the source's own names.

A folder made by `qevoc compile` is run as it is. A .py model is trained by rounds of map, sample,
decode and accept (`--task=train`, the default) or has its weights rounded (`--task=round`). A program with
`train` and `linearize` propagates its lifted system beside the optimizer; with `--target` the circuit is simulated
or the spin model annealed as well.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qevo_compiler.cli.common import (
    Watcher,
    add_compilation,
    add_source,
    check_compiled_options,
    check_linear_options,
    check_model_options,
    console,
    data_from,
    make_context,
    options_from,
    print_ledger,
    print_verified,
    report,
    show_progress,
    tuned_if_asked,
)
from qevo_compiler.cli.linear_command import run_lifted
from qevo_compiler.diagnostics.core import counted
from qevo_compiler.ir import Module

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from qevo_compiler.decode import Solution
    from qevo_compiler.frontend.load import Imported
    from qevo_compiler.program import CompiledProgram
    from qevo_compiler.results import RunResult

LISTED = 12


def configure(parser: argparse.ArgumentParser) -> None:
    add_source(parser)
    add_compilation(parser, None)
    parser.add_argument(
        "--backend", choices=("local", "dwave", "ibm", "google"), help="default $QUANTUM_BACKEND or local"
    )
    parser.add_argument("--reads", type=int, help="samples to take")
    parser.add_argument("--sweeps", type=int, help="sweeps of the classical annealer")
    parser.add_argument("--seed", type=int, help="seed of the sampler")
    parser.add_argument("--rounds", type=int, help="rounds of training (models), tuning, or shrinking boxes (linear)")
    parser.add_argument("--shots", type=int, help="linear programs: simulate the read-out with this many shots")
    parser.add_argument(
        "-o", "--output", metavar="DIR", help="folder for a model's state_dict and report, or a trajectory and report"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")


def run(args: argparse.Namespace) -> int:
    if os.path.isdir(args.source) or args.source.endswith(".manifest.json"):
        from qevo_compiler.loading import load

        check_compiled_options(args)
        loaded = load(args.source)
        linear = loaded.module.find("history") is not None
        check_linear_options(args, linear)
        return _run_linear(loaded, args) if linear else _run_program(tuned_if_asked(loaded, args), args)
    from qevo_compiler.frontend.load import import_source

    options = options_from(args)
    imported = import_source(args.source, data=data_from(args), task=options.task, sources=args.sources)
    check_model_options(args, imported)
    from qevo_compiler.driver import is_linear, lower, lower_history

    if imported.traced is not None and not is_linear(imported.module):
        return _run_model(imported, args)

    watch = Watcher(args)
    if is_linear(imported.module):
        chosen = lower_history if args.target is None else lower
        found = chosen(imported, options, make_context(args), watch)
        watch.finish()
        return _run_linear(found, args)
    program = lower(imported, options, make_context(args), watch)
    watch.finish()
    return _run_program(tuned_if_asked(program, args), args)


def _run_linear(lowered: CompiledProgram | Module, args: argparse.Namespace) -> int:
    """What was lowered for a target, checked if asked for, or the history system alone."""
    if isinstance(lowered, Module):
        return run_lifted(lowered, args)
    if args.verify:
        print_verified(lowered)
    return run_lifted(lowered.module, args)


def _run_program(program: CompiledProgram, args: argparse.Namespace) -> int:
    if args.verify:
        print_verified(program)
    result = program.run(args.reads, args.seed, args.sweeps, args.backend, partial(show_progress, "sampling"))
    show_progress("sampling", 1.0)
    if args.json:
        print(json.dumps(result.to_json(), indent=1))
    else:
        _print_result(result, _partly_decided(program), console(args))
    return 0


def _run_model(imported: Imported, args: argparse.Namespace) -> int:
    from qevo_compiler.frontend.load import Task
    from qevo_compiler.runtime.tasks import run_model

    given = {key: getattr(args, key) for key in ("bits", "reads", "sweeps", "seed", "rounds", "backend")}
    folder = Path(args.output) if args.output else None
    outcome = run_model(imported, {k: v for k, v in given.items() if v is not None}, folder, show_progress)
    report(outcome.warnings, args)
    if args.json:
        print(json.dumps(outcome.to_json(), indent=1))
        return 0
    out = console(args)
    outcome.print(out)
    print_ledger(outcome.ledger, out)
    for path in outcome.files:
        out.print(f"written: {path}", markup=False)
    assert imported.task in (Task.TRAIN, Task.ROUND)
    return 0


def _partly_decided(program: CompiledProgram) -> dict[str, str]:
    """For the symbols that have more elements than were decided: how many of how many."""
    return {
        register.symbol: f"{register.positions.size} of {prod(register.tensor_shape)}"
        for register in program.provenance
        if register.positions is not None and register.positions.size < prod(register.tensor_shape)
    }


def _print_result(result: RunResult, partly: Mapping[str, str], out: Console) -> None:
    from rich.table import Table

    best = result.best
    _print_status(result, out)
    table = Table("variable", "value", box=None)
    for symbol, value in best.values.items():
        table.add_row(f"{symbol} ({partly[symbol]})" if symbol in partly else symbol, _short(value))
    out.print(table)
    if best.violations:
        out.print(_residual_table(best))
    split = Table("energy from", "value", box=None)
    for source, energy in best.energy_split.items():
        split.add_row(source, f"{energy + 0.0:.12g}")
    out.print(split)
    print_ledger(result.ledger, out)


def _print_status(result: RunResult, out: Console) -> None:
    best = result.best
    soft = [family for family in best.families.values() if family.soft]
    missed = sum(float(family.costs[best.read]) for family in soft)
    paid = f", soft penalties {missed:.12g}" if soft else ""
    reads = counted(result.reads, "read")
    out.print(f"{result.program}: {result.status}, objective {best.objective + 0.0:.12g}{paid} ({reads})", markup=False)
    for line in (result.note, result.shots):
        if line:
            out.print(f"  {line}", markup=False)


def _residual_table(best: Solution) -> Table:
    from rich.table import Table

    table = Table("constraint", "residual", "", box=None)
    listed, left = _listed(best.residuals())
    wishes = set(_soft_instances(best))
    for name, residual, satisfied in listed:
        broken = "missed (soft)" if name in wishes else "VIOLATED"
        table.add_row(name, f"{residual + 0.0:.6g}", "ok" if satisfied else broken)
    if left:
        table.add_row(f"and {left} more", "", "ok")
    return table


def _soft_instances(best: Solution) -> Iterator[str]:
    from qevo_compiler.analyses.names import instance_name

    for symbol, family in best.families.items():
        if family.soft:
            yield from (instance_name(symbol, indices) for indices in family.indices)


def _listed(residuals: Iterable[tuple[str, float, bool]]) -> tuple[list[tuple[str, float, bool]], int]:
    """Every violated instance and the first few satisfied ones, then how many satisfied ones are left out."""
    rows = list(residuals)
    violated = [row for row in rows if not row[2]]
    listed = (violated + [row for row in rows if row[2]])[: max(LISTED, len(violated))]
    return listed, len(rows) - len(listed)


def _short(value: Any) -> str:
    import numpy as np

    array = np.asarray(value)
    return np.array2string(array, threshold=200, edgeitems=8, max_line_width=100, separator=", ")
