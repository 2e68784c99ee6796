"""Symmetric tours of TSPLIB 95 (`.tsp`): from coordinates or from a list of weights.

A tour of n cities becomes bits x[c, t], city c is visited at time t, with the families `visit` (every city
once) and `time` (one city at every time); the objective is the length of the closed tour.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from qevo_compiler.diagnostics import CompileError, did_you_mean
from qevo_compiler.diagnostics.interchange.files import (
    MissingMember,
    NotAnIndex,
    NotSupported,
    UnknownKeyword,
    Unreadable,
)
from qevo_compiler.diagnostics.interchange.models import TourTooLarge
from qevo_compiler.dialects import poly
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.dialects.problem import Domain, Relation
from qevo_compiler.interchange.inputs import Cursor, Floats, InputFile, Numbers, check_count, checked_count
from qevo_compiler.interchange.problems import StatedProblem, plain_variable
from qevo_compiler.interchange.program_text import Data, ProgramText
from qevo_compiler.interchange.tsp_distances import EXPLICIT, FROM_POINTS, FULL, LAYOUTS, from_weights, weight_count
from qevo_compiler.ir import Array, Module
from qevo_compiler.source import Span

FORMAT = "tsplib"
# n^2 (n - 1) products of 20 bytes and their sorting stay below 4 GB.
MOST_CITIES = 300
_FIELDS = (
    "NAME", "TYPE", "COMMENT", "DIMENSION", "CAPACITY", "EDGE_WEIGHT_TYPE", "EDGE_WEIGHT_FORMAT", "EDGE_DATA_FORMAT",
    "NODE_COORD_TYPE", "DISPLAY_DATA_TYPE",
)  # fmt: skip
_POINTS, _WEIGHTS, _DISPLAY = "NODE_COORD_SECTION", "EDGE_WEIGHT_SECTION", "DISPLAY_DATA_SECTION"
_SECTIONS = (_POINTS, _WEIGHTS, _DISPLAY)
_UNREAD = (
    "DEPOT_SECTION", "DEMAND_SECTION", "EDGE_DATA_SECTION", "FIXED_EDGES_SECTION", "TOUR_SECTION",
)  # fmt: skip
_LINE = re.compile(r"([A-Za-z_]\w*)\s*(?::\s*(.*))?$")


@dataclass(frozen=True)
class _Field:
    value: str
    span: Span


def read(file: InputFile) -> Module:
    """The tour as a module. Raises `CompileError`, with the line, where the file is wrong."""
    distance = parse(file)
    n = len(distance)
    first, second = np.nonzero(~np.eye(n, dtype=bool))
    times = np.arange(n)
    before = (first[:, None] * n + times).reshape(-1)
    after = (second[:, None] * n + (times + 1) % n).reshape(-1)
    names = np.stack([before, after], axis=1).astype(np.int32)
    objective = pack(1, [(np.zeros(len(names), np.int32), names, np.repeat(distance[first, second], n))])
    cells = np.arange(n * n).reshape(n, n)
    families = (_one_of("visit", cells), _one_of("time", cells.T))
    return StatedProblem((plain_variable("x", Domain.BINARY, (n, n)),), objective, constraints=families).module(file)


def program(file: InputFile) -> ProgramText:
    """The tour as a program in the language."""
    lines: list[str | Data] = [
        "# The shortest round trip: x[c, t] says that city c is visited at time t.",
        Data("d", "n, n", parse(file)),
        "var x: binary[n, n]",
        "minimize sum(d[a, b] * x[a, t] * x[b, (t + 1) % n] for a in 0..n for b in 0..n for t in 0..n if a != b)",
        "subject to",
        "  visit[c]: sum(x[c, t] for t in 0..n) == 1 for c in 0..n",
        "  time[t]: sum(x[c, t] for c in 0..n) == 1 for t in 0..n",
    ]
    return ProgramText(file.stem, lines)


def parse(file: InputFile) -> Floats:
    """The distances [n, n] between the cities of a file."""
    cursor = Cursor(file, FORMAT)
    fields: dict[str, _Field] = {}
    sections: dict[str, Numbers] = {}
    while cursor.left:
        text = cursor.line("a keyword")
        if text.strip() == "EOF":
            break
        found = _LINE.match(text)
        keyword = found[1] if found else text.split()[0]
        if keyword in _SECTIONS:
            sections[keyword] = cursor.block()
        elif found is None or keyword not in _FIELDS:
            raise CompileError(_refused(keyword, cursor.last_span))
        else:
            fields[keyword] = _Field((found[2] or "").strip(), cursor.last_span)
    kind = fields.get("TYPE")
    if kind is not None and kind.value.split()[:1] != ["TSP"]:
        raise CompileError(
            NotSupported(kind.span, f"the type `{kind.value}`", FORMAT, "only `TSP`, symmetric, is read")
        )
    return _distances(fields, sections, cursor)


def _refused(keyword: str, span: Span) -> NotSupported | UnknownKeyword:
    if keyword in _UNREAD:
        return NotSupported(span, f"`{keyword}`", FORMAT, "state what it asks for as constraints of a `.qevo` program")
    known = (*_FIELDS, *_SECTIONS)
    listed = ", ".join(f"`{word}`" for word in (_FIELDS[3], _FIELDS[5], _FIELDS[6], _POINTS, _WEIGHTS))
    return UnknownKeyword(span, keyword, "keyword", FORMAT, f"{listed} and the like", did_you_mean(keyword, known))


def _distances(fields: dict[str, _Field], sections: dict[str, Numbers], cursor: Cursor) -> Floats:
    size = _size(fields)
    kind = _needed(fields, "EDGE_WEIGHT_TYPE")
    if kind.value == EXPLICIT:
        return _explicit(fields, sections, size, cursor)
    if kind.value not in FROM_POINTS:
        kinds = ", ".join(f"`{name}`" for name in (*FROM_POINTS, EXPLICIT))
        raise CompileError(NotSupported(kind.span, f"the distance `{kind.value}`", FORMAT, f"read are {kinds}"))
    if _POINTS not in sections:
        raise CompileError(MissingMember(None, _POINTS, FORMAT))
    numbers = sections[_POINTS]
    check_count(cursor, numbers, size, "cities", 3)
    city = numbers.indices(slice(0, None, 3), "city", size, 1)
    repeated = np.flatnonzero(np.bincount(city, minlength=size)[city] > 1)
    if len(repeated):
        reason = f"the city {city[repeated[-1]] + 1} is listed twice"
        raise CompileError(Unreadable(numbers.span(3 * int(repeated[-1])), FORMAT, reason))
    points = np.empty((size, 2))
    points[city] = np.stack([numbers.finite(slice(part, None, 3)) for part in (1, 2)], axis=1)
    return FROM_POINTS[kind.value](points)


def _explicit(fields: dict[str, _Field], sections: dict[str, Numbers], size: int, cursor: Cursor) -> Floats:
    layout = _needed(fields, "EDGE_WEIGHT_FORMAT")
    if layout.value not in LAYOUTS:
        known = ", ".join(f"`{name}`" for name in LAYOUTS)
        suggestion = did_you_mean(layout.value, LAYOUTS)
        raise CompileError(UnknownKeyword(layout.span, layout.value, "list of weights", FORMAT, known, suggestion))
    if _WEIGHTS not in sections:
        raise CompileError(MissingMember(None, _WEIGHTS, FORMAT))
    numbers = sections[_WEIGHTS]
    check_count(cursor, numbers, weight_count(layout.value, size), "weights")
    matrix = from_weights(layout.value, numbers.finite(), size)
    uneven = np.argwhere(matrix != matrix.T)
    if layout.value == FULL and len(uneven):
        row, column = (int(place) for place in uneven[0])
        reason = f"the weights from {row + 1} to {column + 1} and back differ, and a tour of type TSP is symmetric"
        raise CompileError(Unreadable(numbers.span(row * size + column), FORMAT, reason))
    return matrix


def _size(fields: dict[str, _Field]) -> int:
    dimension = _needed(fields, "DIMENSION")
    if not dimension.value.isdigit():
        raise CompileError(NotAnIndex(dimension.span, dimension.value, "the number of cities"))
    size = checked_count(dimension.value, "cities", dimension.span)
    if size > MOST_CITIES:
        raise CompileError(TourTooLarge(dimension.span, size, size * size * (size - 1), MOST_CITIES))
    return size


def _needed(fields: dict[str, _Field], key: str) -> _Field:
    if key not in fields:
        raise CompileError(MissingMember(None, key, FORMAT))
    return fields[key]


def _one_of(symbol: str, groups: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> poly.ConstraintOp:
    """Exactly one bit of each row of `groups` [rows, k] is set."""
    rows, width = groups.shape
    each = np.arange(rows, dtype=np.int32)
    constant = (each, np.zeros((rows, 0), np.int32), np.full(rows, -1.0))
    bits = (np.repeat(each, width), groups.reshape(-1, 1), np.ones(rows * width))
    return poly.ConstraintOp(symbol, Relation.EQ, pack(rows, [constant, bits]), Array(np.arange(rows)[:, None]))
