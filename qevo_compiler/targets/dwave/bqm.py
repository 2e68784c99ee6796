"""The binary quadratic model as dimod's JSON, as dimod's file, and back.

Both are written from the arrays in pieces, without dimod, whose import takes a tenth of a second, and without an
object per coupling: byte for byte what `json.dumps(bqm.to_serializable(), indent=1, sort_keys=True)` and
`bqm.to_file()` give.
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
from qevo_compiler.packages import need
from qevo_compiler.targets.common import the_json

if TYPE_CHECKING:
    import dimod

SUFFIX = "bqm.json"
# From this share of all pairs on a matrix is quicker for dimod than a list (measured: they meet at 0.35).
DENSE = 0.6
_CHUNK = 1 << 15
_PIECE = 1 << 17
_SCHEMA = "3.0.0"
_MAGIC = b"DIMODBQM\x02\x00"


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


def to_dimod(model: ising.ModelOp | ising.QuboOp) -> dimod.BinaryQuadraticModel:
    """The model as a dimod object, variables labelled 0 .. n-1. Raises `CompileError` when dimod is not installed.

    Couplings are sorted by rows, which dimod takes twenty times faster than the reverse; nearly complete models go as
    a matrix, which halves the time again.
    """
    cls = need("dimod", "a binary quadratic model", "dwave").BinaryQuadraticModel
    if isinstance(model, ising.ModelOp):
        linear, couplings, vartype = model.fields.values, model.couplings.values, "SPIN"
    else:
        linear, couplings, vartype = model.linear.values, model.quadratic.values, "BINARY"
    rows, columns = model.rows.values, model.columns.values
    if len(couplings) <= DENSE * len(linear) ** 2 / 2 or not couplings.all():
        return cls.from_numpy_vectors(linear, (rows, columns, couplings), model.offset, vartype)
    matrix = np.zeros((len(linear), len(linear)))
    matrix[rows, columns] = couplings
    return cls(linear, matrix, model.offset, vartype)


def file_chunks(model: ising.ModelOp) -> Iterator[bytes]:
    """dimod's file form, version 2.0 as its `BinaryQuadraticModel.to_file` documents it."""
    yield _file_header(model.size, model.couplings.size)
    # Adding 0.0 makes -0.0 into 0.0, as summing into an empty model does.
    yield np.array([model.offset + 0.0], "<f8").tobytes()
    heads = np.concatenate([model.columns.values, model.rows.values])
    degrees = np.bincount(heads, minlength=model.size)
    linear = np.empty(model.size, [("start", "<i4"), ("bias", "<f8")])
    linear["start"], linear["bias"] = np.cumsum(degrees) - degrees, model.fields.values + 0.0
    yield linear.tobytes()
    # Couplings are sorted, so a stable sort by head leaves every neighbourhood sorted.
    order = np.argsort(heads, kind="stable")
    tails = np.concatenate([model.rows.values, model.columns.values])
    biases = model.couplings.values + 0.0
    for start in range(0, len(order), _PIECE):
        places = order[start : start + _PIECE]
        piece = np.empty(len(places), [("tail", "<i4"), ("bias", "<f8")])
        piece["tail"], piece["bias"] = tails[places], biases[places % len(biases)]
        yield piece.tobytes()


def _file_header(spins: int, couplings: int) -> bytes:
    """Magic, version, length, and a description in JSON, filled up to a multiple of 64 bytes."""
    described: dict[str, Any] = {"dtype": "float64", "itype": "int32", "ntype": "int32", "shape": [spins, couplings]}
    described |= {"type": "BinaryQuadraticModel", "variables": False, "vartype": "SPIN"}
    text = json.dumps(described, sort_keys=True).encode() + b"\n"
    head = len(_MAGIC) + 4
    text += b" " * (-(head + len(text)) % 64)
    return _MAGIC + len(text).to_bytes(4, "little") + text


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
