"""QUBO and Ising models as coordinates `i j value`, also with the `p qubo` head of `.qubo` files.

before: # vartype=BINARY / # variables=2 / # offset=1.0 / 0 0 -1.0 / 0 1 2.0
after:  minimise 1 - x0 + 2 x0 x1 over bits x[2]

Indices start at 0, equal indices are a linear term, repeated entries add up, and every product stands once:
nothing counts twice. The size and the offset stand in comments, which dimod and other readers pass over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

import numpy as np

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.interchange.files import BadHead, NotFiniteNumber, UnknownKeyword, WrongCount
from qevo_compiler.dialects import ising
from qevo_compiler.dialects.problem import Domain
from qevo_compiler.interchange.columns import float_text, table
from qevo_compiler.interchange.inputs import Cursor, InputFile, Ints, Numbers, checked_count
from qevo_compiler.interchange.problems import Model, StatedProblem, arrays, plain_variable, quadratic
from qevo_compiler.ir import Module

_COMMENT = rb"(?m)^[ \t]*(?:#|%|c(?=[ \t\r\n]|$))[^\n]*"
_FIELD = r"^[ \t]*(?:#|c[ \t]).*?\b{}[ \t]*[=:][ \t]*(\S+)"
_HEAD = "p qubo 0 VARIABLES DIAGONALS PRODUCTS"
_DOMAINS = {"binary": Domain.BINARY, "spin": Domain.SPIN}


def read(file: InputFile) -> Module:
    """The module that a file states. Raises `CompileError`, with the line, where the file is wrong."""
    cursor = Cursor(file, "coo", _COMMENT)
    head = _head(cursor) if re.match(r"p\s", cursor.peek()) else None
    entries = cursor.table(None, 3, "entries", "`i j value`")
    domain = _domain(file)
    size = _size(file, entries, head)
    rows, columns = (entries.indices(slice(part, None, 3), "variable", size, 0) for part in (0, 1))
    values = entries.finite(slice(2, None, 3))
    if head is not None:
        single = int((rows == columns).sum())
        for what, expected, found in (("diagonals", head[1], single), ("products", head[2], len(rows) - single)):
            if expected != found:
                raise CompileError(WrongCount(cursor.last_span, what, int(expected), found))
    variable = plain_variable("x" if domain is Domain.BINARY else "s", domain, (size,))
    objective = quadratic(_offset(file), rows, columns, values, domain)
    return StatedProblem((variable,) if size else (), objective).module(file)


def chunks(model: Model) -> Iterator[bytes]:
    """The model with its size and offset in comments; bits or spins as the model has them."""
    kind = "BINARY" if isinstance(model, ising.QuboOp) else "SPIN"
    yield f"# vartype={kind}\n# variables={model.size}\n# offset={float_text(model.offset)}\n".encode()
    yield from _entries(model)


def qubo_chunks(model: ising.QuboOp) -> Iterator[bytes]:
    """The model with a `p qubo` head, the diagonals before the products; the offset stands in a comment."""
    values = arrays(model)[3]
    diagonals = len(_shown(model))
    yield f"c offset={float_text(model.offset)}\np qubo 0 {model.size} {diagonals} {len(values)}\n".encode()
    yield from _entries(model)


def _entries(model: Model) -> Iterator[bytes]:
    linear, rows, columns, values = arrays(model)
    shown = _shown(model)
    diagonals = table([shown, b" ", shown, b" ", linear[shown], b"\n"], positional=True)
    return chain(diagonals, table([rows, b" ", columns, b" ", values, b"\n"], positional=True))


def _shown(model: Model) -> Ints:
    """Variables with a diagonal entry: those with a linear term, and those that would not be named otherwise."""
    linear, rows, columns, _ = arrays(model)
    used = np.zeros(model.size, bool)
    used[rows] = used[columns] = True
    return np.flatnonzero((linear != 0) | ~used)


def _head(cursor: Cursor) -> Ints:
    """Variables, diagonals and products that the `p qubo` line announces."""
    words = cursor.line("the head").split()
    if len(words) != 6 or words[1] != "qubo" or not all(word.isdigit() for word in words[3:]):
        raise CompileError(BadHead(cursor.last_span, "qubo", _HEAD))
    counts = [checked_count(word, "variables", cursor.last_span) for word in words[3:]]
    return np.array(counts, np.int64)


def _domain(file: InputFile) -> Domain:
    found = re.search(_FIELD.format("vartype"), file.text, re.MULTILINE)
    if found is None:
        return Domain.BINARY
    if found[1].lower() not in _DOMAINS:
        span = file.span_of_text(found.start(1), found.end(1))
        raise CompileError(UnknownKeyword(span, found[1], "vartype", "coo", "`BINARY` and `SPIN`", ""))
    return _DOMAINS[found[1].lower()]


def _size(file: InputFile, entries: Numbers, head: Ints | None) -> int:
    if head is not None:
        return int(head[0])
    found = re.search(_FIELD.format("variables"), file.text, re.MULTILINE)
    if found is not None and found[1].isdigit():
        return checked_count(found[1], "variables", file.span_of_text(found.start(1), found.end(1)))
    both = [entries.whole(slice(part, None, 3), "a variable") for part in (0, 1)]
    size = max(int(part.max(initial=-1)) for part in both) + 1
    return checked_count(str(size), "variables", file.span_of_line(1))


def _offset(file: InputFile) -> float:
    found = re.search(_FIELD.format("offset"), file.text, re.MULTILINE)
    if found is None:
        return 0.0
    try:
        value = float(found[1])
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise CompileError(NotFiniteNumber(file.span_of_text(found.start(1), found.end(1)), found[1]))
    return value
