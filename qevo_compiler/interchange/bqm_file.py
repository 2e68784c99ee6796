"""dimod's binary quadratic models: its binary `.bqm` files and its JSON.

Labels that are the numbers 0 .. n-1 become one array; names are kept as symbols.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.interchange.files import NotSupported, UnknownKeyword, Unreadable
from qevo_compiler.dialects import ising
from qevo_compiler.dialects.problem import Domain
from qevo_compiler.interchange.bqm_bytes import BqmArrays, parse_bqm
from qevo_compiler.interchange.inputs import InputFile
from qevo_compiler.interchange.json_text import member, parsed_json, span_of_key
from qevo_compiler.interchange.problems import Model, StatedProblem, arrays, labelled, quadratic
from qevo_compiler.ir import Module
from qevo_compiler.packages import need

_JSON = "bqm-json"


def read(file: InputFile) -> Module:
    """The module of a binary `.bqm` file. Raises `CompileError` for a damaged file."""
    return _module(parse_bqm(file.content), file, "bqm")


def read_json(file: InputFile) -> Module:
    """The module of dimod's JSON form. Raises `CompileError` for a damaged record, or one of packed bytes."""
    record = parsed_json(file, _JSON)
    if record.get("use_bytes"):
        instead = "write it with `to_serializable(use_bytes=False)`"
        raise CompileError(NotSupported(span_of_key(file, "use_bytes"), "the form with packed bytes", _JSON, instead))
    kind = member(record, "variable_type", str, file, _JSON)
    if kind not in ("BINARY", "SPIN"):
        span = span_of_key(file, "variable_type")
        raise CompileError(UnknownKeyword(span, kind, "type of variables", _JSON, "`BINARY` and `SPIN`", ""))
    linear, values = (_column(record, key, np.float64, file) for key in ("linear_biases", "quadratic_biases"))
    rows, columns = (_column(record, key, np.int64, file) for key in ("quadratic_head", "quadratic_tail"))
    labels = [
        tuple(label) if isinstance(label, list) else label
        for label in member(record, "variable_labels", list, file, _JSON)
    ]
    if not (len(labels) == len(linear) and len(rows) == len(columns) == len(values)):
        raise CompileError(Unreadable(None, _JSON, "its lists do not have the same length"))
    ends = np.concatenate([rows, columns])
    if len(ends) and (ends.min() < 0 or ends.max() >= len(labels)):
        span = span_of_key(file, "quadratic_head")
        raise CompileError(Unreadable(span, _JSON, "an interaction names a variable that is not there"))
    offset = float(member(record, "offset", (int, float), file, _JSON))
    return _module(BqmArrays(kind == "SPIN", linear, rows, columns, values, offset, labels), file, _JSON)


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


def _module(model: BqmArrays, file: InputFile, format: str) -> Module:
    coefficients = np.concatenate([model.linear, model.values]).astype(np.float64)
    if not (np.isfinite(coefficients).all() and np.isfinite(model.offset)):
        raise CompileError(Unreadable(None, format, "a bias is not finite"))
    domain = Domain.SPIN if model.spin else Domain.BINARY
    variables, order = labelled(domain, model.labels, "s" if model.spin else "x")
    single = np.arange(len(model.linear))
    every = [np.concatenate([single, part]) for part in (model.rows, model.columns)]
    first, second = every if order is None else (order[part] for part in every)
    return StatedProblem(variables, quadratic(model.offset, first, second, coefficients, domain)).module(file)


def _column(record: dict[str, Any], key: str, kind: type, file: InputFile) -> NDArray[Any]:
    stated = member(record, key, list, file, _JSON)
    try:
        numbers = np.array(stated)
        if len(stated) and (numbers.ndim != 1 or numbers.dtype.kind not in ("iuf" if kind is np.float64 else "iu")):
            raise ValueError
        return numbers.astype(kind)
    except (ValueError, TypeError, OverflowError):
        reason = f"`{key}` holds something else than numbers"
        raise CompileError(Unreadable(span_of_key(file, key), _JSON, reason)) from None


def _dimod() -> Any:
    return need("dimod", "a binary quadratic model", "dwave")
