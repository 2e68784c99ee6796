"""The binary quadratic model as dimod's JSON, as dimod's file, and back.

JSON is written from the arrays in pieces, byte for byte what `json.dumps(bqm.to_serializable(), indent=1,
sort_keys=True)` gives, without dimod and without an object per coupling.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.targets import BadEmittedFile
from qevo_compiler.dialects import ising
from qevo_compiler.ir import Array, Invalid
from qevo_compiler.targets.common import need, the_json

if TYPE_CHECKING:
    import dimod

SUFFIX = "bqm.json"
_CHUNK = 1 << 15
_SCHEMA = "3.0.0"


def json_chunks(model: ising.ModelOp) -> Iterator[bytes]:
    """The model in dimod's serialisable form, spins labelled 0 .. n-1."""
    members: dict[str, Any] = {
        "bias_type": "float64",
        "index_type": "int32",
        "info": {},
        "linear_biases": model.fields.values,
        "num_interactions": model.couplings.size,
        "num_variables": model.size,
        "offset": model.offset,
        "quadratic_biases": model.couplings.values,
        "quadratic_head": model.rows.values,
        "quadratic_tail": model.columns.values,
        "type": "BinaryQuadraticModel",
        "use_bytes": False,
        "variable_labels": np.arange(model.size),
        "variable_type": "SPIN",
        "version": {"bqm_schema": _SCHEMA},
    }
    for index, (key, value) in enumerate(members.items()):
        yield f"{',' if index else '{'}\n {json.dumps(key)}: ".encode()
        if isinstance(value, np.ndarray):
            yield from _array_chunks(value)
        else:
            yield json.dumps(value, indent=1).replace("\n", "\n ").encode()
    yield b"\n}\n"


def _array_chunks(values: NDArray[Any]) -> Iterator[bytes]:
    if not len(values):
        yield b"[]"
        return
    for start in range(0, len(values), _CHUNK):
        numbers = values[start : start + _CHUNK].tolist()
        yield (("," if start else "[") + "\n  " + ",\n  ".join(map(repr, numbers))).encode()
    yield b"\n ]"


def to_dimod(model: ising.ModelOp) -> dimod.BinaryQuadraticModel:
    """The model as a dimod object, spins labelled 0 .. n-1. Raises `CompileError` when dimod is not installed."""
    quadratic = (model.rows.values, model.columns.values, model.couplings.values)
    cls = need("dimod", "a binary quadratic model", "dwave").BinaryQuadraticModel
    return cls.from_numpy_vectors(model.fields.values, quadratic, model.offset, "SPIN")


def file_chunks(model: ising.ModelOp) -> Iterator[bytes]:
    """dimod's own file form. Raises `CompileError` when dimod is not installed."""
    with to_dimod(model).to_file() as file:
        while piece := file.read(1 << 20):
            yield piece


def read_model(files: Mapping[str, bytes]) -> ising.ModelOp:
    """The model that `bqm.json` states. The scale is not in the file: it reads as 1.

    Raises `CompileError` where the file is not such a model, has other labels than 0 .. n-1, or breaks
    an invariant of `ising.model`.
    """
    found = the_json(files, SUFFIX)
    try:
        return _model(found)
    except (Invalid, KeyError, TypeError, ValueError, OverflowError) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise CompileError(BadEmittedFile(None, SUFFIX, reason)) from None


def _model(found: dict[str, Any]) -> ising.ModelOp:
    if found["type"] != "BinaryQuadraticModel" or found["version"]["bqm_schema"] != _SCHEMA or found["use_bytes"]:
        raise Invalid("it is no binary quadratic model of schema 3.0.0 in text form")
    if found["variable_type"] != "SPIN":
        raise Invalid("its variables are not spins")
    size = int(found["num_variables"])
    if found["variable_labels"] != list(range(size)) or len(found["linear_biases"]) != size:
        raise Invalid(f"its labels are not 0 to {size - 1} with a bias each")
    model = ising.ModelOp(
        float(found["offset"]),
        Array(np.array(found["linear_biases"], np.float64)),
        Array(np.array(found["quadratic_head"], np.int32)),
        Array(np.array(found["quadratic_tail"], np.int32)),
        Array(np.array(found["quadratic_biases"], np.float64)),
    )
    model.verify()
    return model
