"""dimod's binary quadratic models: its binary `.bqm` files and its JSON. Both are read by dimod itself.

Labels that are the numbers 0 .. n-1 become one array; names are kept as symbols.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.interchange import Unreadable
from qevo_compiler.dialects import ising
from qevo_compiler.dialects.problem import Domain
from qevo_compiler.interchange.inputs import InputFile
from qevo_compiler.interchange.json_text import parsed_json
from qevo_compiler.interchange.packages import need
from qevo_compiler.interchange.problems import Model, StatedProblem, arrays, labelled, quadratic
from qevo_compiler.ir import Module

# What dimod and the archive readers under it raise for a damaged file.
_FAULTS = (
    struct.error,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    OverflowError,
    AttributeError,
    OSError,
    RuntimeError,
)


def read(file: InputFile) -> Module:
    """The module of a binary `.bqm` file. Raises `CompileError` for a damaged file or a missing dimod."""
    dimod = _dimod()
    try:
        model = dimod.BinaryQuadraticModel.from_file(file.content)
    except _FAULTS as error:
        raise CompileError(Unreadable(None, "bqm", _reason(error))) from None
    return _module(model, file, "bqm")


def read_json(file: InputFile) -> Module:
    """The module of dimod's JSON form."""
    record = parsed_json(file, "bqm-json")
    dimod = _dimod()
    try:
        model = dimod.BinaryQuadraticModel.from_serializable(record)
    except _FAULTS as error:
        raise CompileError(Unreadable(file.span_of_line(1), "bqm-json", _reason(error))) from None
    return _module(model, file, "bqm-json")


def chunks(model: Model) -> Iterator[bytes]:
    """dimod's binary form, variables labelled 0 .. n-1."""
    linear, rows, columns, values = arrays(model)
    kind = "BINARY" if isinstance(model, ising.QuboOp) else "SPIN"
    made = _dimod().BinaryQuadraticModel.from_numpy_vectors(linear, (rows, columns, values), model.offset, kind)
    with made.to_file() as content:
        while piece := content.read(1 << 20):
            yield piece


def json_chunks(model: Model) -> Iterator[bytes]:
    """dimod's JSON form, as `json.dumps` writes its `to_serializable()` with sorted keys."""
    linear, rows, columns, values = arrays(model)
    kind = "BINARY" if isinstance(model, ising.QuboOp) else "SPIN"
    made = _dimod().BinaryQuadraticModel.from_numpy_vectors(linear, (rows, columns, values), model.offset, kind)
    yield (json.dumps(made.to_serializable(), sort_keys=True) + "\n").encode()


def _module(model: Any, file: InputFile, format: str) -> Module:
    linear, (rows, columns, values), offset, labels = model.to_numpy_vectors(sort_labels=False, return_labels=True)
    coefficients = np.concatenate([linear, values, [float(offset)]])
    if not np.isfinite(coefficients).all():
        raise CompileError(Unreadable(None, format, "a bias is not finite"))
    domain = Domain.SPIN if model.vartype.name == "SPIN" else Domain.BINARY
    variables, order = labelled(domain, list(labels), "s" if domain is Domain.SPIN else "x")
    single = np.arange(len(linear))
    every = [np.concatenate([single, part]) for part in (rows, columns)]
    first, second = every if order is None else (order[part] for part in every)
    objective = quadratic(float(offset), first, second, np.concatenate([linear, values]).astype(np.float64), domain)
    return StatedProblem(variables, objective).module(file)


def _dimod() -> Any:
    return need("dimod", "a binary quadratic model", "dwave")


def _reason(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:80].rstrip(" .") or type(error).__name__
