"""LP files, read through dimod's constrained quadratic models and written from bits.

before: Minimize / obj: - x0 + [ 6 x0 * x1 ] / 2 + 1.5 / Binary / x0 x1 / End
after:  minimise 1.5 - x0 + 3 x0 x1 over bits x[2]

Products stand in brackets that are halved, so a written coefficient is twice the model's. Names are kept
as symbols; names x0 .. x(n-1) that number all variables become one array.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.interchange import (
    BadHead,
    ContinuousVariable,
    EndsEarly,
    NotFiniteNumber,
    Unreadable,
)
from qevo_compiler.dialects import ising, poly
from qevo_compiler.dialects.problem import Domain, Relation, Sense, VariableOp
from qevo_compiler.interchange.columns import Column, float_text, table
from qevo_compiler.interchange.inputs import Floats, InputFile, Ints
from qevo_compiler.interchange.packages import need
from qevo_compiler.interchange.problems import (
    StatedProblem,
    arrays,
    assemble,
    bounded_integer,
    plain_variable,
)
from qevo_compiler.ir import Array, Module
from qevo_compiler.source import Span

FORMAT = "lp"
_COMMENT = re.compile(r"\\[^\n]*")
_HEAD = re.compile(r"\s*(min|max)(imi[sz]e|imum)?\b", re.IGNORECASE)
_END = re.compile(r"^[ \t]*end\s*$", re.IGNORECASE | re.MULTILINE)
_NOT_FINITE = re.compile(r"(?<![\w.])[+-]?(nan|inf|infinity)(?=[ \t]+[A-Za-z_\[])", re.IGNORECASE)
# dimod's reader never comes back from a character of the value 0.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NUMBERED = re.compile(r"([A-Za-z_]+)(0|[1-9]\d*)")
_RELATIONS = {"==": Relation.EQ, "<=": Relation.LE, ">=": Relation.GE}
_WORD = re.compile(r"[A-Za-z_!\"#$%&(,;?@'`{}~][^\s:*^+<>=\[\]/\\-]*")


class _Places:
    """Where each name of a file stands first. The text is gone through once, when the first place is asked for."""

    def __init__(self, file: InputFile, plain: str) -> None:
        self._file, self._plain = file.name, plain
        self._first: dict[str, int] = {}
        self._lines: list[int] = []

    def span(self, name: str) -> Span | None:
        """The place of a name, None where the text does not have it."""
        if not self._lines:
            self._lines = [0, *(found.end() for found in re.finditer(r"\n", self._plain))]
            for found in _WORD.finditer(self._plain):
                self._first.setdefault(found[0], found.start())
        start = self._first.get(name)
        if start is None:
            return None
        line = bisect_right(self._lines, start)
        column = start - self._lines[line - 1] + 1
        return Span(self._file, line, column, line, column + len(name))


def read(file: InputFile) -> Module:
    """The module that a file states. Raises `CompileError` where the file is wrong or has real variables."""
    dimod = need("dimod", "an LP file", "dwave")
    plain = _COMMENT.sub("", file.text)
    head = _HEAD.match(plain)
    if head is None:
        line = plain[: len(plain) - len(plain.lstrip())].count("\n") + 1
        raise CompileError(BadHead(file.span_of_line(line), FORMAT, "Minimize` or `Maximize"))
    if not _END.search(plain):
        raise CompileError(EndsEarly(file.span_of_line(max(plain.rstrip().count("\n") + 1, 1)), "`End`"))
    infinite = _NOT_FINITE.search(plain)
    if infinite is not None:
        place = file.span_of(rf"(?<![\w.])({re.escape(infinite[1])})(?![\w.])")
        raise CompileError(NotFiniteNumber(place, infinite[1]))
    control = _CONTROL.search(plain)
    if control is not None:
        reason = f"it has the control character U+{ord(control[0]):04X}"
        raise CompileError(Unreadable(file.span_of(f"({_CONTROL.pattern})"), FORMAT, reason))
    try:
        model = dimod.lp.loads(plain)
    except (ValueError, RuntimeError, IndexError, KeyError, OverflowError, TypeError):
        reason = "the reader of dimod does not accept it"
        raise CompileError(Unreadable(_suspect(file, plain), FORMAT, reason)) from None
    sense = Sense.MAXIMIZE if head[1].lower() == "max" else Sense.MINIMIZE
    return _problem(model, sense, _Places(file, plain)).module(file)


def chunks(model: ising.QuboOp) -> Iterator[bytes]:
    """The model over bits x0 .. x(n-1); the offset is the objective's constant. Exponents are written out."""
    linear, rows, columns, values = arrays(model)
    every = np.arange(model.size)
    yield b"Minimize\n obj:\n"
    # Every bit is named, with a zero where it has no linear term, so that readers meet them in order.
    yield from _terms(linear, [b" x", every, b"\n"])
    if len(values):
        yield b" + [\n"
        with np.errstate(over="ignore"):
            yield from _terms(2 * values, [b" x", rows, b" * x", columns, b"\n"])
        yield b" ] / 2\n"
    if model.offset:
        sign = "-" if model.offset < 0 else "+"
        yield f" {sign} {float_text(abs(model.offset), positional=True)}\n".encode()
    yield b"Subject To\nBounds\nBinary\n"
    yield from table([b" x", every, b"\n"])
    yield b"End\n"


def _terms(values: Floats, names: list[Column]) -> Iterator[bytes]:
    """Terms with the sign apart from the absolute value, as LP readers want them."""
    signs = np.where(values < 0, ord("-"), ord("+")).astype(np.uint8)
    return table([b" ", signs[:, None], b" ", np.abs(values), *names], positional=True)


def _problem(model: Any, sense: Sense, places: _Places) -> StatedProblem:
    names = [str(name) for name in model.variables]
    order = _numbered(model, names)
    place = {name: int(at) for name, at in zip(model.variables, order, strict=True)}
    bits = np.ones(len(names), bool)
    if _is_array(model, names):
        stem = _NUMBERED.fullmatch(names[0])
        variables: tuple[VariableOp, ...] = (plain_variable(stem[1] if stem else "x", Domain.BINARY, (len(names),)),)
    else:
        variables = tuple(_variable(model, name, places) for name in names)
        bits = np.array([op.domain is Domain.BINARY for op in variables], bool)
    factor = -1.0 if sense is Sense.MAXIMIZE else 1.0
    objective = _polynomial(model.objective, place, bits, factor, 0.0)
    constraints = []
    for label, stated in model.constraints.items():
        body = _polynomial(stated.lhs, place, bits, 1.0, float(stated.rhs))
        indices = Array(np.zeros((1, 0), np.int64))
        name = label if isinstance(label, str) else f"c[{label}]"
        span = places.span(str(label))
        constraints.append(poly.ConstraintOp(name, _RELATIONS[stated.sense.value], body, indices, span=span))
    return StatedProblem(variables, objective, sense, tuple(constraints))


def _is_array(model: Any, names: list[str]) -> bool:
    """Whether all variables are bits whose names are one stem with the numbers 0 .. n-1."""
    found = [_NUMBERED.fullmatch(name) for name in names]
    if not names or not all(found) or len({match[1] for match in found if match}) != 1:
        return False
    numbers = sorted(int(match[2]) for match in found if match)
    return numbers == list(range(len(names))) and all(model.vartype(name).name == "BINARY" for name in model.variables)


def _numbered(model: Any, names: list[str]) -> Ints:
    """The place of each variable: its number in an array, else its turn."""
    if not _is_array(model, names):
        return np.arange(len(names))
    found = (_NUMBERED.fullmatch(name) for name in names)
    return np.array([int(match[2]) for match in found if match], np.int64)


def _variable(model: Any, name: str, places: _Places) -> VariableOp:
    kind = model.vartype(name).name
    span = places.span(name)
    if kind == "BINARY":
        return replace(plain_variable(name, Domain.BINARY, ()), span=span)
    if kind != "INTEGER":
        raise CompileError(ContinuousVariable(span, name, "continuous"))
    lower, upper = (np.array([float(end(name))]) for end in (model.lower_bound, model.upper_bound))
    return replace(bounded_integer(name, (), lower, upper, span), span=span)


def _polynomial(
    view: Any, place: dict[Any, int], bits: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], factor: float, right: float
) -> poly.Polynomials:
    """`factor` times a quadratic expression of dimod, less `right`, as one row."""
    linear = [(place[name], bias) for name, bias in view.iter_linear()]
    pairs = [(place[a], place[b], bias) for a, b, bias in view.iter_quadratic()]
    names, biases = _columns(linear, 1)
    ends, products = _columns(pairs, 2)
    zeros = np.zeros(len(biases), np.int64), np.zeros(len(products), np.int64)
    constant = np.array([factor * float(view.offset) - right])
    first = (zeros[0], names[:, 0], factor * biases)
    return assemble(1, constant, first, (zeros[1], ends[:, 0], ends[:, 1], factor * products), bits)


def _columns(entries: list[Any], width: int) -> tuple[Ints, Floats]:
    found = np.array(entries, np.float64).reshape(len(entries), width + 1)
    return found[:, :width].astype(np.int64), found[:, width]


def _suspect(file: InputFile, plain: str) -> Span:
    """A line whose comparison lacks a side, or the first line."""
    for number, line in enumerate(plain.split("\n"), 1):
        if re.search(r"(<=?|>=?|=)\s*$|[+*]\s*$", line):
            return file.span_of_line(number)
    return file.span_of_line(1)
