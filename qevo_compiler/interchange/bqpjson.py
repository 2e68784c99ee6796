"""BQPJSON 1.0.0: `scale * (offset + sum of terms)` over boolean or spin variables with ids of their own.

before: {"variable_ids": [0, 3], "variable_domain": "boolean", "scale": 2.0, "offset": 1.0, ...}
after:  the objective multiplied out by the scale, over x[0] and x[3]

An entry of `quadratic_terms` is the whole product: it counts once. Ids that are not 0 .. n-1 become the
elements of a larger array, so that answers are named by the file's ids. Written files have scale 1.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from operator import itemgetter
from typing import Any

import numpy as np

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.interchange.files import IndexOutOfRange, NotSupported, UnknownKeyword, Unreadable
from qevo_compiler.diagnostics.interchange.models import RepeatedName
from qevo_compiler.dialects import ising
from qevo_compiler.dialects.problem import Domain
from qevo_compiler.interchange.columns import Column, float_text, separated, table
from qevo_compiler.interchange.inputs import Floats, InputFile, Ints
from qevo_compiler.interchange.json_text import member, parsed_json, span_of_key
from qevo_compiler.interchange.problems import Model, StatedProblem, arrays, labelled, quadratic
from qevo_compiler.ir import Module

FORMAT = "bqpjson"
VERSION = "1.0.0"
_DOMAINS = {"boolean": Domain.BINARY, "spin": Domain.SPIN}


def read(file: InputFile) -> Module:
    """The module that a file states. Raises `CompileError`, with the place, where the file is wrong."""
    record = parsed_json(file, FORMAT)
    version = member(record, "version", str, file, FORMAT)
    if version != VERSION:
        raise CompileError(
            NotSupported(span_of_key(file, "version"), f"version {version}", FORMAT, f"write version {VERSION}")
        )
    word = member(record, "variable_domain", str, file, FORMAT)
    if word not in _DOMAINS:
        span = span_of_key(file, "variable_domain")
        raise CompileError(UnknownKeyword(span, word, "domain", FORMAT, "`boolean` and `spin`", ""))
    ids = _ids(record, file)
    scale, offset = (float(member(record, key, (int, float), file, FORMAT)) for key in ("scale", "offset"))
    variables, _ = labelled(_DOMAINS[word], ids.tolist(), "x" if word == "boolean" else "s")
    single, linear = _terms(record, "linear_terms", ("id",), ids, file)
    pairs, values = _terms(record, "quadratic_terms", ("id_tail", "id_head"), ids, file)
    rows, columns = (np.concatenate([single[0], part]) for part in pairs)
    with np.errstate(all="ignore"):
        coefficients = np.concatenate([linear, values]) * scale
    objective = quadratic(offset * scale, rows, columns, coefficients, _DOMAINS[word])
    return StatedProblem(variables if len(ids) else (), objective).module(file)


def chunks(model: Model) -> Iterator[bytes]:
    """The model with ids 0 .. n-1, in the keys' alphabetic order. A scaled model keeps its scale."""
    linear, rows, columns, values = arrays(model)
    used = np.flatnonzero(linear)
    scale = 1.0 if isinstance(model, ising.QuboOp) else 1.0 / model.scale
    domain = "boolean" if isinstance(model, ising.QuboOp) else "spin"
    yield b'{\n "id": 0,\n "linear_terms": ['
    yield from separated(table([b'\n  {"id": ', used, b', "coeff": ', linear[used], b"},"]), b",")
    yield f'],\n "metadata": {{}},\n "offset": {float_text(model.offset)},\n "quadratic_terms": ['.encode()
    terms: list[Column] = [b'\n  {"id_tail": ', rows, b', "id_head": ', columns, b', "coeff": ', values, b"},"]
    yield from separated(table(terms), b",")
    yield f'],\n "scale": {float_text(scale)},\n "variable_domain": {json.dumps(domain)},'.encode()
    yield b'\n "variable_ids": ['
    yield from separated(table([np.arange(model.size), b","]), b",")
    yield f'],\n "version": "{VERSION}"\n}}\n'.encode()


def _ids(record: dict[str, Any], file: InputFile) -> Ints:
    found = member(record, "variable_ids", list, file, FORMAT)
    if not all(type(item) is int and 0 <= item < 2**31 for item in found):
        reason = "`variable_ids` holds something else than whole numbers from 0 on"
        raise CompileError(Unreadable(span_of_key(file, "variable_ids"), FORMAT, reason))
    ids = np.array(found, np.int64)
    ordered, counts = np.unique(ids, return_counts=True)
    if len(ordered) < len(ids):
        raise CompileError(RepeatedName(span_of_key(file, "variable_ids"), str(ordered[counts > 1][0]), "variables"))
    return ordered


def _terms(
    record: dict[str, Any], key: str, names: tuple[str, ...], ids: Ints, file: InputFile
) -> tuple[list[Ints], Floats]:
    """The variables of each term, as places among the sorted ids, and the coefficients."""
    terms = member(record, key, list, file, FORMAT)
    try:
        columns = [list(map(itemgetter(name), terms)) for name in names]
        values = np.array(list(map(itemgetter("coeff"), terms)), np.float64)
        numbers = [_whole(column) for column in columns]
    except KeyError as error:
        span = span_of_key(file, key)
        raise CompileError(Unreadable(span, FORMAT, f"an entry of `{key}` lacks `{error.args[0]}`")) from None
    except (TypeError, ValueError, OverflowError):
        reason = f"an entry of `{key}` holds something else than numbers"
        raise CompileError(Unreadable(span_of_key(file, key), FORMAT, reason)) from None
    return [_places(column, name, ids, file) for column, name in zip(numbers, names, strict=True)], values


def _whole(column: list[Any]) -> Ints:
    numbers = np.array(column)
    if len(column) and numbers.dtype.kind not in "iu":
        raise TypeError
    return numbers.astype(np.int64)


def _places(numbers: Ints, name: str, ids: Ints, file: InputFile) -> Ints:
    places = np.searchsorted(ids, numbers)
    known = ids[np.minimum(places, len(ids) - 1)] == numbers if len(ids) else np.zeros(len(numbers), bool)
    if not known.all():
        wrong = int(np.flatnonzero(~known)[0])
        hint = "`variable_ids` lists the variables that there are"
        raise CompileError(IndexOutOfRange(span_of_key(file, name, wrong), "variable", str(numbers[wrong]), hint))
    return places.astype(np.int64)
