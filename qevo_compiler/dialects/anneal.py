"""Annealing: the schedule asked for, the schedule synthesised, and how to sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qevo_compiler.ir import Array, EnumAttribute, Invalid, Op


class ScheduleKind(EnumAttribute):
    LINEAR = "linear"
    EXPONENTIAL = "exponential"
    ADAPTIVE = "adaptive"
    POINTS = "points"


@dataclass(frozen=True)
class RequestOp(Op):
    """The schedule that the source asks for. `options` are its named numbers, times in microseconds."""

    name: ClassVar[str] = "anneal.request"
    kind: ScheduleKind
    names: tuple[str, ...] = ()
    numbers: tuple[float, ...] = ()
    points: Array | None = None

    def option(self, name: str, default: float) -> float:
        """The number given for `name`, or `default`."""
        return dict(zip(self.names, self.numbers, strict=True)).get(name, default)


@dataclass(frozen=True)
class ScheduleOp(Op):
    """Anneal fraction s as a piecewise linear function of time: `times` in microseconds, `fractions` in [0, 1]."""

    name: ClassVar[str] = "anneal.schedule"
    times: Array
    fractions: Array

    def verify(self) -> None:
        t, s = self.times.values, self.fractions.values
        if len(t) != len(s) or len(t) < 2:
            raise Invalid("a schedule needs at least two points, each with time and fraction")
        if not (np.diff(t) > 0).all():
            raise Invalid("times do not rise strictly")
        if s.min() < 0 or s.max() > 1:
            raise Invalid("a fraction lies outside [0, 1]")


@dataclass(frozen=True)
class SampleOp(Op):
    """How to sample: number of reads, seed, and sweeps of a classical annealer (None: the backend's choice)."""

    name: ClassVar[str] = "anneal.sample"
    reads: int | None = None
    seed: int | None = None
    sweeps: int | None = None
