"""Run passes on a .qir file and print the resulting IR."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from qevo_compiler.cli.common import Watcher, make_context


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", help=".qir module")
    parser.add_argument("-p", "--passes", default="", metavar="PIPELINE", help="pass,pass{option=value}")
    parser.add_argument("--no-verify-ir", action="store_true", help="do not check the IR between passes")
    parser.add_argument("--print-ir-after", metavar="PASS|changed|all", help="print IR to stderr after passes")
    parser.add_argument("--time-passes", action="store_true", help="print seconds a pass to stderr")


def run(args: argparse.Namespace) -> int:
    from qevo_compiler.frontend.ir_files import read_module
    from qevo_compiler.frontend.source_files import read_source
    from qevo_compiler.ir import module_chunks
    from qevo_compiler.passes.pipeline import Pipeline
    from qevo_compiler.passes.running import run_guarded

    file = read_source(Path(args.source))
    args.sources.add(file)
    pipeline = Pipeline.parse(args.passes)
    watch = Watcher(args, pipeline.passes)
    module = read_module(file)
    result = run_guarded(pipeline, module, make_context(args), watch, not args.no_verify_ir)
    watch.finish()
    for chunk in module_chunks(result):
        sys.stdout.write(chunk)
    return 0
