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

import numpy as np

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.interchange.files import BadHead, EndsEarly, NotFiniteNumber, Unreadable
from qevo_compiler.dialects import ising
from qevo_compiler.dialects.problem import Relation, Sense
from qevo_compiler.interchange.columns import Column, float_text, table
from qevo_compiler.interchange.cqm import stated_problem
from qevo_compiler.interchange.inputs import Floats, InputFile
from qevo_compiler.interchange.problems import (
    arrays,
)
from qevo_compiler.ir import Module
from qevo_compiler.packages import need
from qevo_compiler.source import Span

FORMAT = "lp"
_COMMENT = re.compile(r"\\[^\n]*")
# dimod leaves an objective without terms out.
_HEAD = re.compile(r"\s*((min|max)(imi[sz]e|imum)?\b|(?=subject\s+to\b|such\s+that\b|st\b|s\.t\.))", re.IGNORECASE)
_END = re.compile(r"^[ \t]*end\s*$", re.IGNORECASE | re.MULTILINE)
_NOT_FINITE = re.compile(r"(?<![\w.])[+-]?(nan|inf|infinity)(?=[ \t]+[A-Za-z_\[])", re.IGNORECASE)
# dimod's reader never comes back from a character of the value 0.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NUMBERED = re.compile(r"([A-Za-z_]+)(0|[1-9]\d*)")
# All of these are `<=`, `>=` and `=` in LP files; dimod's reader knows one of each.
_RELATION = re.compile(r"=<|=>|<=|>=|<|>|==?")
_SIGNS = {"<": "<=", "=<": "<=", "<=": "<=", ">": ">=", "=>": ">=", ">=": ">=", "=": "=", "==": "="}
_BOUNDS = re.compile(r"^[ \t]*bounds?\s*$", re.IGNORECASE | re.MULTILINE)
_MISTAKES = (
    (re.compile(r"[<>=]+[^<>=]*[<>][<>=]*"), "a row has two sides; write a row for each"),
    (re.compile(r"(<=?|>=?|=)\s*$|[+*]\s*$"), "a side is missing"),
    (re.compile(r"^\s*\S+\s+[^:]+:"), "a label has a space"),
)
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
        model = dimod.lp.loads(_RELATION.sub(lambda sign: _SIGNS[sign[0]], plain))
    except (ValueError, RuntimeError, IndexError, KeyError, OverflowError, TypeError):
        raise CompileError(Unreadable(*_suspect(file, plain))) from None
    sense = Sense.MAXIMIZE if (head[2] or "").lower() == "max" else Sense.MINIMIZE
    return stated_problem(model, sense, _Places(file, plain).span).module(file)


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


def _suspect(file: InputFile, plain: str) -> tuple[Span | None, str, str]:
    """The first line that has one of the usual mistakes, the format, and what is wrong."""
    rows = plain[: found.start()] if (found := _BOUNDS.search(plain)) else plain
    for number, line in enumerate(rows.split("\n"), 1):
        for pattern, reason in _MISTAKES:
            if pattern.search(line):
                return file.span_of_line(number), FORMAT, reason
    return None, FORMAT, "the reader of dimod does not accept it"
