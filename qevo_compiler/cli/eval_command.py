"""Evaluate a .qir module numerically: tensor and polynomial funcs at given values of their variables."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", help=".qir module")
    parser.add_argument("--inputs", metavar="FILE", help="JSON object from symbol to value (nested lists)")
    parser.add_argument("--func", default="main", help="the func to evaluate (default main)")


def run(args: argparse.Namespace) -> int:
    import qevo_compiler.dialects  # noqa: F401  declares every op before the text is read
    from qevo_compiler.evaluator.reference import evaluate_func
    from qevo_compiler.frontend.load import read_source
    from qevo_compiler.ir import parse_module

    file = read_source(Path(args.source))
    args.sources.add(file)
    module = parse_module(file)
    values = _inputs(args)
    found = evaluate_func(module.func(args.func), variables=values, parameters=values)
    result: dict[str, Any] = {"objective": found.objective}
    result["constraints"] = {name: body.tolist() for name, body in found.constraints.items()}
    result["outputs"] = [output.tolist() for output in (*found.outputs, *found.returns)]
    print(json.dumps(result))
    return 0


def _inputs(args: argparse.Namespace) -> dict[str, Any]:
    import numpy as np

    from qevo_compiler.diagnostics import CompileError
    from qevo_compiler.diagnostics.sources import BadArgument
    from qevo_compiler.frontend.load import read_source

    if args.inputs is None:
        return {}
    file = read_source(Path(args.inputs))
    try:
        return {name: np.asarray(value, np.float64) for name, value in json.loads(file.text).items()}
    except (ValueError, AttributeError):
        raise CompileError(BadArgument(None, file.name, 'a JSON object such as {"x": [0, 1]}')) from None
