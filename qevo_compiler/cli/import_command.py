"""Read a file of another tool and write the problem that it states: a .qevo program with its data, or a .qir module.

Programs are written for max-cut graphs, QUBO matrices, tours and quadratic knapsacks; any file can become a
module. The format is told by the file's ending and first lines.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="a file that docs/interchange.md lists: graph, QUBO, tour, knapsack, LP, ...")
    parser.add_argument("--format", metavar="F", help="the file's format, where it cannot be told from the file")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="NAME.qevo or NAME.qir (default: the file's name, .qevo where the format has a program)",
    )


def run(args: argparse.Namespace) -> int:
    from qevo_compiler.diagnostics import CompileError
    from qevo_compiler.diagnostics.interchange.models import BadOutput
    from qevo_compiler.interchange import InputFile, read_problem, read_program
    from qevo_compiler.interchange.registry import chosen
    from qevo_compiler.ir import print_module
    from qevo_compiler.writing import all_or_none

    file = InputFile.open(Path(args.file))
    format = chosen(file, args.format)
    output = Path(args.output or f"{file.stem}.{'qir' if format.programmer is None else 'qevo'}")
    if output.suffix not in (".qevo", ".qir"):
        raise CompileError(BadOutput(None, output.name))
    if output.suffix == ".qevo":
        files = read_program(file, args.format, args.sources).files(output.stem)
    else:
        files = {output.name: print_module(read_problem(file, args.format, args.sources)).encode()}
    paths = [output.parent / name for name in files]
    with all_or_none(output.parent) as part:
        for path, content in zip(paths, files.values(), strict=True):
            part(path).write_bytes(content)
    for path in paths:
        print(path)
    return 0
