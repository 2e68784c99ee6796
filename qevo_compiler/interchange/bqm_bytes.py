"""dimod's binary `.bqm` files, versions 1 and 2, by their documented layout.

dimod's own reader trusts the counts in a file and ends the process on a damaged one; here every count is
checked before an array is made.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.interchange.files import Unreadable

MAGIC = b"DIMODBQM"
_HEAD = struct.Struct("<8sBBI")
_FLOATS = ("float32", "float64")
_INTS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


@dataclass(frozen=True)
class BqmArrays:
    """A model's arrays: linear biases [n], each pair once, offset, and a label a variable."""

    spin: bool
    linear: NDArray[np.float64]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    values: NDArray[np.float64]
    offset: float
    labels: list[Any]


def parse_bqm(content: bytes) -> BqmArrays:
    """The arrays of a file. Raises `CompileError` where it is cut short or its counts do not fit."""
    try:
        return _parse(content)
    except (ValueError, KeyError, TypeError, struct.error, OverflowError, RecursionError) as error:
        reason = str(error) if isinstance(error, _Fault) else "its head is damaged"
        raise CompileError(Unreadable(None, "bqm", reason)) from None


class _Fault(ValueError):
    """A count or an index of the file is wrong."""


def _parse(content: bytes) -> BqmArrays:
    magic, major, _, length = _HEAD.unpack_from(content)
    if magic != MAGIC or major not in (1, 2):
        raise _Fault("it is of no known version" if magic == MAGIC else "it does not start with `DIMODBQM`")
    head = json.loads(content[_HEAD.size : _HEAD.size + length])
    size, count = (int(number) for number in head["shape"])
    kind, index, start = (_dtype(head[key], known) for key, known in
                          (("dtype", _FLOATS), ("itype", _INTS), ("ntype", _INTS)))  # fmt: skip
    if head["vartype"] not in ("BINARY", "SPIN") or size < 0 or count < 0:
        raise _Fault("its head is damaged")
    at = _HEAD.size + length
    offset, at = _take(content, at, np.dtype([("bias", kind)]), 1)
    singles, at = _take(content, at, np.dtype([("start", start), ("bias", kind)]), size)
    pairs, at = _take(content, at, np.dtype([("other", index), ("bias", kind)]), 2 * count)
    starts = np.append(singles["start"].astype(np.int64), 2 * count)
    here, other = _interactions(starts, pairs["other"].astype(np.int64))
    once = here < other
    if int(once.sum()) != count:
        raise _Fault("its interactions are not listed from both ends")
    biases = singles["bias"].astype(np.float64), pairs["bias"][once].astype(np.float64)
    labels = _labels(content, at, head["variables"], size)
    return BqmArrays(
        head["vartype"] == "SPIN", biases[0], here[once], other[once], biases[1], float(offset["bias"][0]), labels
    )


def _interactions(starts: NDArray[np.int64], other: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Both ends of every entry, whose neighbourhoods lie at `starts`; each interaction stands at both."""
    size = len(starts) - 1
    if (size and starts[0] != 0) or (np.diff(starts) < 0).any():
        raise _Fault("its neighbourhoods are out of order")
    here = np.repeat(np.arange(size), np.diff(starts)) if size else np.zeros(0, np.int64)
    if len(here) != len(other) or (other < 0).any() or (other >= size).any() or (other == here).any():
        raise _Fault("an interaction names a variable that is not there")
    return here, other


def _dtype(name: Any, known: tuple[str, ...]) -> np.dtype[Any]:
    if name not in known:
        raise _Fault("its head is damaged")
    kind: np.dtype[Any] = np.dtype(name).newbyteorder("<")
    return kind


def _take(content: bytes, at: int, kind: np.dtype[Any], count: int) -> tuple[NDArray[Any], int]:
    if at + count * kind.itemsize > len(content):
        raise _Fault("it is cut short")
    return np.frombuffer(content, kind, count, at), at + count * kind.itemsize


def _labels(content: bytes, at: int, stated: Any, size: int) -> list[Any]:
    """The labels: a list in the head (version 1), a section of JSON after the arrays, or the numbers from 0 on."""
    found = stated
    if stated is True:
        magic, length = struct.unpack_from("<4sI", content, at)
        if magic != b"VARS":
            raise _Fault("its labels are missing")
        found = json.loads(content[at + 8 : at + 8 + length])
    elif stated is False:
        found = list(range(size))
    if not isinstance(found, list) or len(found) != size:
        raise _Fault("it does not have a label for each variable")
    return found
