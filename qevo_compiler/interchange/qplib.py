"""QPLIB files: minimise or maximise 1/2 x'Qx + b'x + q under linear and quadratic constraints.

before: NAME / QBN / minimize / 2 / 1 / 2 1 3.0 / 0.0 / 1 / 1 -1.0 / 0.0 / ...
after:  minimise -x0 + 3 x0 x1 over bits x[2]

A file lists the lower triangle of the Hessian Q, so that an entry off the diagonal is the coefficient of its
product and one on the diagonal is halved (Furini et al., "QPLIB: a library of quadratic programming
instances", 2019, appendix). A row with two finite sides becomes two constraints.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.interchange.files import BadHead, UnknownKeyword
from qevo_compiler.diagnostics.interchange.models import ContinuousVariable
from qevo_compiler.dialects import ising, poly
from qevo_compiler.dialects.poly import arithmetic
from qevo_compiler.dialects.problem import Domain, Relation, Sense, VariableOp
from qevo_compiler.interchange.columns import float_text, table
from qevo_compiler.interchange.inputs import Cursor, Floats, InputFile, Ints, checked_count
from qevo_compiler.interchange.problems import (
    StatedProblem,
    arrays,
    assemble,
    bounded_integer,
    plain_variable,
    split_rows,
)
from qevo_compiler.ir import Array, Module

FORMAT = "qplib"
_COMMENT = rb"[#!%][^\n]*"
_LETTERS = ("LDCQ", "CBMIG", "NBLDCQ")
_TYPES = {0: "C", 1: "I", 2: "B"}
_EMPTY = np.zeros(0, np.int64)
Entries = tuple[list[Ints], Floats]
NONE: Entries = ([_EMPTY, _EMPTY, _EMPTY], np.zeros(0))


@dataclass
class _Program:
    """What the sections of a file say; indices from 0."""

    sense: Sense
    size: int
    rows: int
    constant: float = 0.0
    linear: Floats = field(default_factory=lambda: np.zeros(0))
    quadratic: Entries = NONE
    row_quadratic: Entries = NONE
    row_linear: Entries = NONE
    infinity: float = np.inf
    sides: list[Floats] = field(default_factory=list)
    bounds: list[Floats] = field(default_factory=list)
    kinds: Floats = field(default_factory=lambda: np.zeros(0))
    names: dict[int, str] = field(default_factory=dict)
    row_names: dict[int, str] = field(default_factory=dict)


def read(file: InputFile) -> Module:
    """The module that a file states. Raises `CompileError`, with the line, where the file is wrong."""
    return _problem(_sections(Cursor(file, FORMAT, _COMMENT)), file).module(file)


def chunks(model: ising.QuboOp) -> Iterator[bytes]:
    """The model as type QBN (or LBN without products); the offset is the objective's constant."""
    linear, rows, columns, values = arrays(model)
    used = np.flatnonzero(linear)
    yield f"QUBO # problem\n{'Q' if len(values) else 'L'}BN # problem type\nminimize # sense\n".encode()
    yield f"{model.size} # variables\n".encode()
    if len(values):
        yield f"{len(values)} # quadratic terms in the objective\n".encode()
        yield from table([columns + 1, b" ", rows + 1, b" ", values, b"\n"])
    yield f"0.0 # default linear coefficient\n{len(used)} # other linear coefficients\n".encode()
    yield from table([used + 1, b" ", linear[used], b"\n"])
    yield f"{float_text(model.offset)} # objective constant\n1e+30 # infinity\n".encode()
    for what in ("value of a variable at the start", "dual value of a bound at the start"):
        yield f"0.0 # default {what}\n0 # others\n".encode()
    yield b"0 # variable names\n0 # constraint names\n"


def _sections(cursor: Cursor) -> _Program:
    cursor.line("the name")
    kind = cursor.line("the problem type").strip()
    if len(kind) != 3 or any(letter not in known for letter, known in zip(kind, _LETTERS, strict=True)):
        raise CompileError(BadHead(cursor.last_span, FORMAT, "NAME`, the second a type such as `QBL"))
    goal, variables, constraints = tuple(kind)
    constrained = constraints not in "NB"
    sense = _sense(cursor)
    size = _count(cursor, "variables")
    found = _Program(sense, size, _count(cursor, "constraints") if constrained else 0)
    variable, row = ("variable", size), ("constraint", found.rows)
    if goal != "L":
        found.quadratic = _entries(cursor, "quadratic terms", "`i j value`", variable, variable)
    found.linear = _filled(cursor, size, "variable", "linear coefficients")
    found.constant = _number(cursor, "the objective's constant")
    if constrained:
        if constraints != "L":
            form = "`row i j value`"
            found.row_quadratic = _entries(cursor, "quadratic constraint terms", form, row, variable, variable)
        found.row_linear = _entries(cursor, "linear constraint terms", "`row i value`", row, variable)
    found.infinity = _number(cursor, "the value for infinity")
    if constrained:
        found.sides = [_filled(cursor, found.rows, "constraint", f"{side} sides") for side in ("left", "right")]
    if variables != "B":
        found.bounds = [_filled(cursor, size, "variable", f"{end} bounds") for end in ("lower", "upper")]
    found.kinds = np.full(size, {"C": 0.0, "I": 1.0}.get(variables, 2.0))
    if variables in "MG":
        found.kinds = _filled(cursor, size, "variable", "variable types")
    _filled(cursor, size, "variable", "start values")
    if constrained:
        _filled(cursor, found.rows, "constraint", "dual start values of constraints")
    _filled(cursor, size, "variable", "dual start values of bounds")
    found.names = _names(cursor, "variable names")
    found.row_names = _names(cursor, "constraint names")
    return found


def _sense(cursor: Cursor) -> Sense:
    word = cursor.line("the sense").strip()
    senses = {sense.value: sense for sense in Sense}
    if word.lower() not in senses:
        known = "`minimize` and `maximize`"
        raise CompileError(UnknownKeyword(cursor.last_span, word, "sense", FORMAT, known, ""))
    return senses[word.lower()]


def _count(cursor: Cursor, what: str) -> int:
    numbers = cursor.table(1, 1, f"a number of {what}", "one number")
    count = int(numbers.whole(slice(None), f"the number of {what}")[0])
    return checked_count(str(count), what, numbers.span(0))


def _number(cursor: Cursor, what: str) -> float:
    if not cursor.left:
        cursor.line(what)
    return float(cursor.table(1, 1, what, "one number").finite()[0])


def _entries(cursor: Cursor, what: str, form: str, *kinds: tuple[str, int]) -> Entries:
    """A count and that many lines of indices from 1, of the given kinds and sizes, and a value."""
    width = len(kinds) + 1
    numbers = cursor.table(_count(cursor, what), width, what, form)
    indices = [numbers.indices(slice(part, None, width), kind, size, 1) for part, (kind, size) in enumerate(kinds)]
    return indices, numbers.finite(slice(width - 1, None, width))


def _filled(cursor: Cursor, size: int, kind: str, what: str) -> Floats:
    """A default, a count, and that many lines `i value` that differ from the default."""
    values = np.full(size, _number(cursor, f"the default of the {what}"))
    numbers = cursor.table(_count(cursor, what), 2, what, "`i value`")
    values[numbers.indices(slice(0, None, 2), kind, size, 1)] = numbers.finite(slice(1, None, 2))
    return values


def _names(cursor: Cursor, what: str) -> dict[int, str]:
    """Names by index from 0. Files may end before them."""
    if not cursor.left:
        return {}
    lines = (cursor.line(what).split(None, 1) for _ in range(_count(cursor, what)))
    return {int(words[0]) - 1: words[1].strip() for words in lines if len(words) == 2 and words[0].isdigit()}


def _problem(found: _Program, file: InputFile) -> StatedProblem:
    bits = found.kinds == 2
    (first, second), values = found.quadratic[0][:2], found.quadratic[1]
    half = np.where(first == second, 0.5, 1.0)
    zeros = np.zeros(found.size, np.int64)
    linear = zeros, np.arange(found.size), found.linear
    pairs = np.zeros(len(first), np.int64), first, second, values * half
    objective = assemble(1, np.array([found.constant]), linear, pairs, bits)
    return StatedProblem(_variables(found), objective, found.sense, tuple(_constraints(found, bits)))


def _variables(found: _Program) -> tuple[VariableOp, ...]:
    unknown = np.flatnonzero(~np.isin(found.kinds, list(_TYPES)))
    real = np.flatnonzero(found.kinds == 0)
    if len(unknown) or len(real):
        index = int(min([*unknown[:1], *real[:1]]))
        kind = "continuous" if found.kinds[index] == 0 else f"of an unknown type {found.kinds[index]:g}"
        raise CompileError(ContinuousVariable(None, found.names.get(index, f"x{index + 1}"), kind))
    if found.names:
        return tuple(_named(found, index) for index in range(found.size))
    if (found.kinds == 2).all():
        return (plain_variable("x", Domain.BINARY, (found.size,)),)
    if (found.kinds == 1).all():
        return (bounded_integer("x", (found.size,), *_ends(found, slice(None)), None),)
    return tuple(_named(found, index) for index in range(found.size))


def _named(found: _Program, index: int) -> VariableOp:
    symbol = found.names.get(index, f"x{index + 1}")
    if found.kinds[index] == 2:
        return plain_variable(symbol, Domain.BINARY, ())
    return bounded_integer(symbol, (), *_ends(found, slice(index, index + 1)), None)


def _ends(found: _Program, part: slice) -> tuple[Floats, Floats]:
    lower, upper = (end[part] for end in found.bounds)
    infinite = found.infinity
    return np.where(lower <= -infinite, -np.inf, lower), np.where(upper >= infinite, np.inf, upper)


def _constraints(found: _Program, bits: NDArray[np.bool_]) -> Iterator[poly.ConstraintOp]:
    """Every row by its sides: equal sides are an equation, two other finite ones two rows of one family."""
    if not found.rows:
        return
    (row, first, second), values = found.row_quadratic
    (linear_row, names), linear = found.row_linear[0][:2], found.row_linear[1]
    half = np.where(first == second, 0.5, 1.0)
    pairs = row, first, second, values * half
    body = assemble(found.rows, np.zeros(found.rows), (linear_row, names, linear), pairs, bits)
    left, right = found.sides
    bounded = [left > -found.infinity, right < found.infinity]
    equal = bounded[0] & bounded[1] & (left == right)
    for index, one in enumerate(split_rows(body)):
        name = found.row_names.get(index, f"c{index + 1}")
        above, below = (arithmetic.add(one, arithmetic.constants([-side[index]])) for side in (left, right))
        if equal[index]:
            yield _family(name, Relation.EQ, below)
        elif bounded[0][index] and bounded[1][index]:
            yield _family(name, Relation.LE, arithmetic.stack([arithmetic.scale(above, -1.0), below]))
        elif bounded[0][index]:
            yield _family(name, Relation.GE, above)
        elif bounded[1][index]:
            yield _family(name, Relation.LE, below)


def _family(name: str, relation: Relation, body: poly.Polynomials) -> poly.ConstraintOp:
    return poly.ConstraintOp(name, relation, body, Array(np.zeros((body.rows, 0), np.int64)))
