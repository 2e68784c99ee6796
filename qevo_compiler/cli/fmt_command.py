"""Rewrite .qevo programs in the canonical layout; comments stay. With `-`, standard input to standard output."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", help=".qevo programs, or - for standard input")
    parser.add_argument("--check", action="store_true", help="change nothing; exit code 1 where the layout differs")


def run(args: argparse.Namespace) -> int:
    from qevo_compiler.frontend.load import read_source
    from qevo_compiler.grammar import format_program
    from qevo_compiler.source import SourceFile

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
                _replace(Path(name), text)
    return int(args.check and differs)


def _replace(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)
