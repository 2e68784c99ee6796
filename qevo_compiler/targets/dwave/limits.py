"""What D-Wave's annealers accept, and the check of models and schedules against it.

Numbers: D-Wave's QPU solver properties and parameters, as documented in November 2026 for Advantage
and Advantage2. Mock samplers accept anything, so this is the judge.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from qevo_compiler.diagnostics import Diagnostic
from qevo_compiler.diagnostics.targets import BadAnnealSchedule, OutOfRange
from qevo_compiler.dialects import anneal, ising

FIELD_LIMIT = 4.0
COUPLING_LIMIT = 1.0
# Chains use the extended negative side.
STRONGEST_COUPLING = -2.0
# Analog control errors are documented as a few percent of full range: about 5 bits.
CONTROL_BITS = 5
MAX_POINTS = 12
SHORTEST, LONGEST = 0.5, 2000.0
STEEPEST = 1 / SHORTEST
# As the vendor's own check: slopes are compared after rounding to ten decimals.
_SLOPE_DECIMALS = 10


def schedule_errors(op: anneal.ScheduleOp) -> Iterator[Diagnostic]:
    """Every rule of forward annealing that the schedule breaks."""
    t, s = op.times.values, op.fractions.values
    span = op.span
    if len(t) > MAX_POINTS:
        yield BadAnnealSchedule(span, f"it has {len(t)} points", f"use at most {MAX_POINTS} points")
    if t[0] != 0 or s[0] != 0:
        start = f"it starts at ({float(t[0])!r}, {float(s[0])!r})"
        yield BadAnnealSchedule(span, start, "start it at (0, 0); reverse annealing is not supported")
    if s[-1] != 1:
        yield BadAnnealSchedule(span, f"it ends at s = {float(s[-1])!r}", "end it at s = 1")
    if (np.diff(s) < 0).any():
        when = float(t[1:][np.diff(s) < 0][0])
        yield BadAnnealSchedule(span, f"s falls before t = {when!r}", "let s rise or pause")
    if not SHORTEST <= t[-1] <= LONGEST:
        reason = f"it lasts {float(t[-1])!r} microseconds"
        yield BadAnnealSchedule(span, reason, f"let it last between {SHORTEST} and {LONGEST} microseconds")
    slopes = np.round(np.abs(np.diff(s) / np.diff(t)), _SLOPE_DECIMALS)
    if slopes.max() > STEEPEST:
        reason = f"s changes by {float(slopes.max())!r} a microsecond"
        yield BadAnnealSchedule(span, reason, f"let it change by at most {STEEPEST} a microsecond")


def range_errors(model: ising.ModelOp) -> Iterator[Diagnostic]:
    """The largest field and the largest coupling, where they lie outside their range."""
    for what, values, limit in (
        ("field", model.fields.values, FIELD_LIMIT),
        ("coupling", model.couplings.values, COUPLING_LIMIT),
    ):
        if values.size and np.abs(values).max() > limit:
            yield OutOfRange(model.span, what, float(values[np.argmax(np.abs(values))]), limit)
