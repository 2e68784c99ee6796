"""The part of `qevoc run` that is about linear programs: options, tables, JSON and the files of the trajectory."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from qevo_compiler.cli.common import console, print_ledger
from qevo_compiler.ir import Module

if TYPE_CHECKING:
    from qevo_compiler.runtime.linear_report import LinearReport


def run_lifted(module: Module, args: argparse.Namespace) -> int:
    """Run a lowered linear program, print what was found, and write the files where `-o` names a folder."""
    from qevo_compiler.runtime.linear_run import LinearOptions, run_linear

    names = ("shots", "seed", "rounds", "reads", "sweeps", "backend")
    given = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    report = run_linear(module, LinearOptions(**given))
    files = _write(report, Path(args.output)) if args.output else ()
    if args.json:
        print(json.dumps(report.to_json(), indent=1))
        return 0
    out = console(args)
    report.print(out)
    print_ledger(report.ledger, out)
    for path in files:
        out.print(f"written: {path}", markup=False)
    return 0


def _write(report: LinearReport, folder: Path) -> tuple[Path, ...]:
    from qevo_compiler.writing import all_or_none

    text = json.dumps(report.to_json(), indent=1) + "\n"
    drawn, stated = (folder / f"{report.name}.{ending}" for ending in ("trajectory.svg", "report.json"))
    with all_or_none(folder) as part:
        part(drawn).write_bytes(picture(report))
        part(stated).write_bytes(text.encode())
    return drawn, stated


def picture(report: LinearReport) -> bytes:
    """The trajectory's plot."""
    import numpy as np

    from qevo_compiler.report.trajectory import trajectory_svg

    found, others = report.found, {}
    if report.circuit is not None:
        others["circuit"] = report.reader.states(report.circuit.history)
    if report.annealed is not None:
        others["annealed"] = report.reader.states(report.annealed.history)
    limit = found.run.certificate.bound if found.run.loop is None else found.run.loop
    step = len(found.exact) - 1
    bound = (step, limit) if np.isfinite(limit) and limit > 0 else None
    errors = {run.order: run.errors for run in found.runs}
    return trajectory_svg(report.name, found.names, found.exact, found.run.states, others, errors, bound)
