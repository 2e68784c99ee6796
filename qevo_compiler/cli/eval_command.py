"""Evaluate a .qir module numerically, at any stage.

Tensors and polynomials at given values of their variables, models at given states, circuits by the
probabilities of their outcomes, linear systems by their trajectory.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", help=".qir module")
    parser.add_argument(
        "--inputs",
        metavar="FILE",
        help="JSON object from symbol to value (nested lists); for models `spins` or `bits`, a state or a list of them",
    )
    parser.add_argument("--func", default="main", help="the func to evaluate (default main)")


def run(args: argparse.Namespace) -> int:
    from qevo_compiler.evaluation import evaluate_module
    from qevo_compiler.frontend.ir_files import read_module
    from qevo_compiler.frontend.source_files import read_source

    file = read_source(Path(args.source))
    args.sources.add(file)
    module = read_module(file)
    print(json.dumps(evaluate_module(module, _inputs(args), args.func)))
    return 0


def _inputs(args: argparse.Namespace) -> dict[str, Any]:
    import numpy as np

    from qevo_compiler.diagnostics import CompileError
    from qevo_compiler.diagnostics.sources import BadArgument
    from qevo_compiler.frontend.source_files import read_source

    if args.inputs is None:
        return {}
    file = read_source(Path(args.inputs))
    try:
        found = {name: np.asarray(value, np.float64) for name, value in json.loads(file.text).items()}
    except (ValueError, TypeError, AttributeError, RecursionError):
        found = None
    if found is None or not all(np.isfinite(values).all() for values in found.values()):
        raise CompileError(BadArgument(None, file.name, '{"x": [0, 1]}: an object of finite numbers'))
    return found
