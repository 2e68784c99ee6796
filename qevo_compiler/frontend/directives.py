"""`anneal`, `sample`, `train`, `linearize` and `approximate`: options checked against tables, then ops."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from math import inf
from typing import Any, TypeAlias

import numpy as np

from qevo_compiler.diagnostics import CompileError, Diagnostics, did_you_mean
from qevo_compiler.diagnostics.language.statements import BadArgument, MissingArgument, UnknownArgument, UnknownMethod
from qevo_compiler.dialects import anneal, nn, problem
from qevo_compiler.frontend.tensors import FUNCTIONS
from qevo_compiler.ir import Array, Op
from qevo_compiler.source import Span


class Kind(Enum):
    """What an option's value is, in words for a message."""

    NUMBER = "a number"
    WHOLE = "a whole number"
    TRUTH = "true or false"
    WORD = "a word"
    POINTS = "a list of (time, fraction) pairs with rising times and fractions from 0 to 1"


@dataclass(frozen=True)
class Option:
    """An option; a number has to be at least `low`, or above it when `open`."""

    name: str
    kind: Kind
    required: bool = False
    low: float = -inf
    open: bool = False
    words: tuple[str, ...] = ()

    @property
    def expected(self) -> str:
        if self.words:
            return ", ".join(f"`{word}`" for word in self.words)
        limit = "" if self.low == -inf else f" {'above' if self.open else 'of at least'} {self.low:g}"
        return self.kind.value + limit


@dataclass(frozen=True)
class Given:
    """An option as written: its name (None when given by position) and whatever `read` can evaluate."""

    name: str | None
    value: Any
    span: Span | None
    name_span: Span | None = None


Reader: TypeAlias = Callable[[Any, Kind], Any]
"""Evaluates a written value as a kind: a float, int, bool, str or array; None when it is of another kind."""

_WHOLE, _NUMBER, _TRUTH = Kind.WHOLE, Kind.NUMBER, Kind.TRUTH
_TIME = Option("time", _NUMBER, low=0, open=True)

SAMPLE = (
    Option("reads", _WHOLE, low=1),
    Option("seed", _WHOLE, low=0),
    Option("sweeps", _WHOLE, low=1),
)
TRAIN = {
    "sgd": (
        Option("rate", _NUMBER, True, low=0, open=True),
        Option("steps", _WHOLE, True, low=1),
        Option("momentum", _NUMBER, low=0),
        Option("nesterov", _TRUTH),
        Option("dampening", _NUMBER, low=0),
        Option("weight_decay", _NUMBER, low=0),
        Option("batch", _WHOLE, low=0),
        Option("seed", _WHOLE, low=0),
    )
}
ANNEAL = {
    "linear": (_TIME,),
    "exponential": (_TIME, Option("rate", _NUMBER)),
    "adaptive": (
        Option("fast", _NUMBER, low=0, open=True),
        Option("slow", _NUMBER, low=0, open=True),
        _TIME,
    ),
    "points": (Option("points", Kind.POINTS, True),),
}
LINEARIZE = {
    "carleman": (
        Option("order", _WHOLE, low=1),
        Option("tolerance", _NUMBER, low=0, open=True),
        Option("pivot", Kind.WORD, words=tuple(p.value for p in problem.Pivot)),
        Option("reupload", _WHOLE, low=1),
        Option("activations", Kind.WORD, words=tuple(a.value for a in problem.Activations)),
    )
}


def sample(given: Sequence[Given], read: Reader, span: Span | None) -> Op:
    """`anneal.sample`."""
    return anneal.SampleOp(**_options("sample", SAMPLE, given, read, span), span=span)


def train(method: str, given: Sequence[Given], read: Reader, span: Span | None, place: Span | None) -> Op:
    """`problem.train`."""
    options = _options(f"train {method}", _method("train", TRAIN, method, place), given, read, span)
    return problem.TrainOp(**options, span=span)


def linearize(method: str, given: Sequence[Given], read: Reader, span: Span | None, place: Span | None) -> Op:
    """`problem.linearize`, by order or by tolerance."""
    directive = f"linearize {method}"
    found = _options(directive, _method("linearize", LINEARIZE, method, place), given, read, span)
    if ("order" in found) == ("tolerance" in found):
        raise CompileError(MissingArgument(span, directive, "either `order` or `tolerance`"))
    pivot = problem.Pivot(found.get("pivot", "origin"))
    activations = problem.Activations(found.get("activations", "auto"))
    chosen = found.get("order"), found.get("tolerance"), pivot, found.get("reupload"), activations
    return problem.LinearizeOp(*chosen, span=span)


def request(method: str, given: Sequence[Given], read: Reader, span: Span | None, place: Span | None) -> Op:
    """`anneal.request`; numbers in the order of the method's table, whatever the order written."""
    table = _method("anneal", ANNEAL, method, place)
    found = _options(f"anneal {method}", table, given, read, span)
    points = found.pop("points", None)
    names = tuple(option.name for option in table if option.name in found)
    numbers = tuple(float(found[name]) for name in names)
    return anneal.RequestOp(
        anneal.ScheduleKind(method), names, numbers, None if points is None else Array(points), span=span
    )


def approximate(
    function: str, degree: Given, ends: tuple[float, float] | None, read: Reader, span: Span | None, place: Span | None
) -> Op:
    """`problem.approximate`."""
    if function not in FUNCTIONS:
        raise CompileError(_unknown("approximate", function, tuple(FUNCTIONS), place))
    option = Option("degree", Kind.WHOLE, True, low=1)
    found = _options("approximate", (option,), (degree,), read, span)
    if ends is not None and not ends[0] < ends[1]:
        shown = f"[{ends[0]:g}, {ends[1]:g}]"
        raise CompileError(BadArgument(span, "approximate", "on", shown, "an interval with a positive length"))
    lower, upper = ends or (None, None)
    return problem.ApproximateOp(nn.Function[function.upper()], found["degree"], lower, upper, span=span)


def _method(
    directive: str, table: Mapping[str, tuple[Option, ...]], method: str, span: Span | None
) -> tuple[Option, ...]:
    if method not in table:
        raise CompileError(_unknown(directive, method, tuple(table), span))
    return table[method]


def _unknown(directive: str, method: str, known: tuple[str, ...], span: Span | None) -> UnknownMethod:
    return UnknownMethod(span, directive, method, _listed(known), did_you_mean(method, known))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _options(
    directive: str, table: Sequence[Option], given: Sequence[Given], read: Reader, span: Span | None
) -> dict[str, Any]:
    """The checked values by name; every wrong option of the directive is reported."""
    found = Diagnostics()
    values: dict[str, Any] = {}
    seen: set[str] = set()
    by_name = {option.name: option for option in table}
    for place, item in enumerate(given):
        name = item.name or (table[place].name if place < len(table) else f"argument {place + 1}")
        try:
            if name not in by_name:
                known = _listed(tuple(by_name))
                here = item.name_span or item.span
                raise CompileError(UnknownArgument(here, directive, name, known, did_you_mean(name, by_name)))
            if name in seen:
                raise CompileError(BadArgument(item.span, directive, name, "given twice", "one value"))
            seen.add(name)
            values[name] = _checked(directive, by_name[name], item, read)
        except CompileError as error:
            found.extend(error)
    for option in table:
        if option.required and option.name not in seen:
            found.add(MissingArgument(span, directive, f"`{option.name}`"))
    found.raise_if_any()
    return values


def _checked(directive: str, option: Option, item: Given, read: Reader) -> Any:
    value = read(item.value, option.kind)
    if value is None:
        raise CompileError(BadArgument(item.span, directive, option.name, "what is written here", option.expected))
    if option.kind in (Kind.NUMBER, Kind.WHOLE):
        if not (value > option.low or (value == option.low and not option.open)):
            raise CompileError(BadArgument(item.span, directive, option.name, f"{value:g}", option.expected))
    elif option.kind is Kind.WORD and value not in option.words:
        raise CompileError(BadArgument(item.span, directive, option.name, f"`{value}`", option.expected))
    elif option.kind is Kind.POINTS:
        _check_points(directive, option, value, item.span)
    return value


def _check_points(directive: str, option: Option, points: Any, span: Span | None) -> None:
    shaped = points.ndim == 2 and points.shape[0] >= 2 and points.shape[1] == 2
    if not shaped or not (np.diff(points[:, 0]) > 0).all() or points[:, 1].min() < 0 or points[:, 1].max() > 1:
        raise CompileError(BadArgument(span, directive, option.name, "these", option.expected))


def plain(values: Any, kind: Kind) -> Any:
    """Constants as a Python value of the kind, or None when they are of another."""
    array = np.asarray(values)
    if kind is Kind.POINTS:
        return array.astype(np.float64) if array.dtype.kind in "bif" else None
    if array.shape or array.dtype.kind not in "bif":
        return None
    value = array.item()
    match kind:
        case Kind.TRUTH:
            return bool(value) if value in (0, 1) else None
        case Kind.WHOLE:
            return int(value) if value == int(value) else None
        case _:
            return float(value)
