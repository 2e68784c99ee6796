"""Read a file of another tool and write the problem that it states: a .qevo program with its data, or a .qir module.

Programs are written for max-cut graphs, QUBO matrices, tours and quadratic knapsacks; any file can become a
module. The format is told by the file's ending and first lines.
"""

from __future__ import annotations

import argparse
import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4


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

    file = InputFile.open(Path(args.file))
    format = chosen(file, args.format)
    output = Path(args.output or f"{file.stem}.{'qir' if format.programmer is None else 'qevo'}")
    if output.suffix not in (".qevo", ".qir"):
        raise CompileError(BadOutput(None, output.name))
    if output.suffix == ".qevo":
        files = read_program(file, args.format, args.sources).files(output.stem)
    else:
        files = {output.name: print_module(read_problem(file, args.format, args.sources)).encode()}
    for path in _write(output.parent, files):
        print(path)
    return 0


def _write(folder: Path, files: dict[str, bytes]) -> list[Path]:
    """Write all files or none."""
    from qevo_compiler.diagnostics import CompileError
    from qevo_compiler.diagnostics.sources import CannotWrite

    mark = f".{uuid4().hex}.part"
    paths = [folder / name for name in files]
    try:
        for path, content in zip(paths, files.values(), strict=True):
            Path(f"{path}{mark}").write_bytes(content)
        for path in paths:
            if path.is_dir():
                raise CompileError(CannotWrite(None, str(folder), f"`{path.name}` is a folder"))
        for path in paths:
            os.replace(f"{path}{mark}", path)
    except OSError as error:
        raise CompileError(CannotWrite(None, str(folder), error.strerror or str(error))) from None
    finally:
        for path in paths:
            with suppress(OSError):
                Path(f"{path}{mark}").unlink()
    return paths
