"""Rewrite .qevo programs in the canonical layout; comments stay. With `-`, standard input to standard output."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", help=".qevo programs, or - for standard input")
    parser.add_argument("--check", action="store_true", help="change nothing; exit code 1 where the layout differs")


def run(args: argparse.Namespace) -> int:
    from qevo_compiler.frontend.source_files import read_source
    from qevo_compiler.grammar import format_program
    from qevo_compiler.source import SourceFile
    from qevo_compiler.writing import write_file

    differs = False
    for name in args.files:
        file = SourceFile("stdin", sys.stdin.read()) if name == "-" else read_source(Path(name))
        args.sources.add(file)
        text = format_program(file)
        if name == "-":
            sys.stdout.write(text)
        elif text != file.text:
            differs = True
            print(name)
            if not args.check:
                write_file(Path(name), text.encode())
    return int(args.check and differs)
