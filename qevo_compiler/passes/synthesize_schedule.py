"""Give the program an anneal schedule within the annealer's limits.

before: anneal.request {kind = ScheduleKind.linear, time = 20}
after:  anneal.schedule {times = [0, 20], fractions = [0, 1]}
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qevo_compiler.diagnostics import Diagnostics
from qevo_compiler.diagnostics.schedule import ScheduleBreaksLimit
from qevo_compiler.dialects import anneal
from qevo_compiler.ir import Array, Builder, Evidence, Func, LedgerEntry, Legal, Module
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.limits import check_numbers
from qevo_compiler.passes.schedules import Curve, linear, requested_curve
from qevo_compiler.passes.stages import SCHEDULED, SPIN
from qevo_compiler.source import Span

# Slopes of rounded points may exceed the exact limit by this part.
ROUNDING = 1e-9


@dataclass(frozen=True)
class SynthesizeSchedule(Pass):
    """Limits of the annealer: number of points, total time in microseconds, slope in fractions a microsecond.

    The defaults are those of current D-Wave solvers. Without a request the schedule is linear over `time`,
    moved into the limits; a request that breaks a limit is an error, never changed silently.
    """

    name: ClassVar[str] = "synthesize-schedule"
    takes: ClassVar[Legal] = SPIN
    leaves: ClassVar[Legal] = SCHEDULED

    max_points: int = 12
    min_time: float = 0.5
    max_time: float = 2000.0
    max_slope: float = 2.0
    time: float = 20.0

    def run(self, module: Module, context: Context = SILENT) -> Module:
        main = module.main
        if main.first(anneal.ScheduleOp) is not None:
            return module
        self._check_options()
        request = main.first(anneal.RequestOp)
        if request is None:
            curve, span = linear(max(min(self.time, self.max_time), self.min_time, 1 / self.max_slope)), None
        else:
            curve, span = requested_curve(request, self.time, self.max_points), request.span
        self._check_limits(curve, span)
        lowered = module.with_main(_with_schedule(main, curve, span))
        return lowered.record(_entry(self.name, curve)) if curve.error else lowered

    def _check_options(self) -> None:
        check_numbers(self, "max_points", "min_time", "max_time", "max_slope", "time")

    def _check_limits(self, curve: Curve, span: Span | None) -> None:
        """Every limit that the points break is reported."""
        found = Diagnostics()

        def broken(limit: str, what: str, allowed: str) -> None:
            found.add(ScheduleBreaksLimit(span, limit, what, allowed))

        times, fractions = curve.times, curve.fractions
        if times[0] != 0 or fractions[0] != 0:
            broken("the first point", f"it is ({times[0]:g}, {fractions[0]:g})", "it must be (0, 0)")
        if fractions[-1] != 1:
            broken("the last point", f"it ends at s = {fractions[-1]:g}", "it must end at s = 1")
        if (np.diff(times) <= 0).any():
            broken("order", "times do not rise from point to point", "each must be later than the one before")
        elif (np.diff(fractions) < 0).any() or fractions.min() < 0 or fractions.max() > 1:
            broken("order", "s falls or leaves [0, 1]", "it must rise from 0 to 1")
        else:
            slope = float((np.diff(fractions) / np.diff(times)).max())
            if slope > self.max_slope * (1 + ROUNDING):
                broken("slope", f"s rises by {slope:g} a microsecond", f"at most {self.max_slope:g} is possible")
        if len(times) > self.max_points:
            broken("points", f"there are {len(times)} points", f"at most {self.max_points} are possible")
        if not self.min_time <= times[-1] <= self.max_time * (1 + ROUNDING):
            allowed = f"{self.min_time:g} to {self.max_time:g} are possible"
            broken("time", f"it takes {times[-1]:g} microseconds", allowed)
        found.raise_if_any()


def _entry(stage: str, curve: Curve) -> LedgerEntry:
    note = f"a smooth schedule as {len(curve.times)} points joined by lines: largest difference in s"
    return LedgerEntry(stage, "schedule discretisation", curve.error, Evidence.PROVED, "", note)


def _with_schedule(main: Func, curve: Curve, span: Span | None) -> Func:
    builder = Builder()
    for op in main.ops:
        if not isinstance(op, anneal.RequestOp):
            builder.append(op)
    builder.append(anneal.ScheduleOp(Array(curve.times), Array(curve.fractions), span=span))
    return builder.finish()
