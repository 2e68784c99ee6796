"""Anneal schedules as points (t in microseconds, s), from what an `anneal` directive asks for.

linear(time): s = t / time.
exponential(time, rate): s = (1 - e^(-rate t)) / (1 - e^(-rate time)), fast first for a positive rate per microsecond.
adaptive(fast, slow, time): the slope is `fast` (per microsecond) in the outer thirds of s and `slow` in
the middle third, where the gap of an annealer's spectrum is smallest; `time`, if given, rescales both.
points([(t, s), ...]): as given.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.schedule import BadScheduleOption
from qevo_compiler.dialects.anneal import RequestOp, ScheduleKind

Floats = NDArray[np.float64]

OPTIONS = {
    ScheduleKind.LINEAR: ("time",),
    ScheduleKind.EXPONENTIAL: ("time", "rate"),
    ScheduleKind.ADAPTIVE: ("fast", "slow", "time"),
    ScheduleKind.POINTS: (),
}
DEFAULT_RATE, DEFAULT_FAST, DEFAULT_SLOW = 0.1, 0.1, 0.01


@dataclass(frozen=True)
class Curve:
    """Points of a schedule, and how far in s the curve asked for lies from the lines between them."""

    times: Floats
    fractions: Floats
    error: float = 0.0


def requested_curve(op: RequestOp, default_time: float, max_points: int) -> Curve:
    """The points of a request. Raises `CompileError` for options that the kind does not have or cannot use."""
    _check_options(op)
    time = op.option("time", default_time)
    match op.kind:
        case ScheduleKind.LINEAR:
            return linear(time)
        case ScheduleKind.EXPONENTIAL:
            return exponential(time, op.option("rate", DEFAULT_RATE), max_points)
        case ScheduleKind.ADAPTIVE:
            given = time if "time" in op.names else None
            return adaptive(op.option("fast", DEFAULT_FAST), op.option("slow", DEFAULT_SLOW), given)
        case ScheduleKind.POINTS:
            return _given_points(op)


def linear(time: float) -> Curve:
    return Curve(np.array([0.0, time]), np.array([0.0, 1.0]))


def adaptive(fast: float, slow: float, time: float | None) -> Curve:
    """Thirds of s at the slopes fast, slow, fast."""
    fractions = np.array([0.0, 1 / 3, 2 / 3, 1.0])
    times = np.concatenate([[0.0], np.cumsum(np.diff(fractions) / np.array([fast, slow, fast]))])
    return Curve(times if time is None else times * (time / times[-1]), fractions)


def exponential(time: float, rate: float, max_points: int) -> Curve:
    """Breakpoints where the curve bends most; the error is exact, from where its slope is the chord's."""
    share = np.linspace(0.0, 1.0, max(max_points, 2))
    # Points spread as the square root of the second derivative keep the error of all segments equal.
    times = -2 / rate * np.log1p(share * math.expm1(-rate * time / 2))
    times[-1] = time
    whole = -math.expm1(-rate * time)
    fractions = -np.expm1(-rate * times) / whole
    fractions[0], fractions[-1] = 0.0, 1.0
    chord = np.diff(fractions) / np.diff(times)
    touch = -np.log(chord * whole / rate) / rate
    lines = fractions[:-1] + chord * (touch - times[:-1])
    return Curve(times, fractions, float(np.abs(-np.expm1(-rate * touch) / whole - lines).max()))


def _check_options(op: RequestOp) -> None:
    kind, known = op.kind.value, OPTIONS[op.kind]
    expected = ", ".join(known) or "a list of (t, s) pairs"
    for name, value in zip(op.names, op.numbers, strict=True):
        if name not in known:
            raise CompileError(BadScheduleOption(op.span, kind, f"it has no option `{name}`", expected))
        if not math.isfinite(value) or value == 0 or (value < 0 and name != "rate"):
            raise CompileError(BadScheduleOption(op.span, kind, f"`{name}` cannot be {value:g}", expected))


def _given_points(op: RequestOp) -> Curve:
    points = np.zeros((0, 2)) if op.points is None else op.points.values.astype(np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < 2 or not np.isfinite(points).all():
        problem = "it needs at least two points, each a finite time and fraction"
        raise CompileError(BadScheduleOption(op.span, op.kind.value, problem, "a list of (t, s) pairs"))
    return Curve(points[:, 0].copy(), points[:, 1].copy())
