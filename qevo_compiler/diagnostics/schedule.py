"""Wording for coefficient scaling and anneal schedules (Q066x)."""

from __future__ import annotations

import math
from typing import ClassVar

from qevo_compiler.diagnostics.core import Error, Warn


class ScheduleBreaksLimit(Error):
    """The schedule asked for is outside what the annealer can do.

    A schedule starts at (0, 0), ends with s = 1, rises strictly in time, and keeps the annealer's
    limits on total time, number of points and slope:

        anneal points([(0, 0), (1, 1)])                    # 1 per microsecond: fine at a limit of 2
        anneal points([(0, 0), (0.1, 1)])                  # 10 per microsecond: too steep
    """

    code: ClassVar[str] = "Q0660"
    title: ClassVar[str] = "the anneal schedule breaks the limit on {limit}"
    label: ClassVar[str] = "{found}, but {allowed}"
    help: ClassVar[str] = "change the `anneal` line, or the target's limits if its annealer allows more"

    limit: str
    found: str
    allowed: str


class BadScheduleOption(Error):
    """An `anneal` directive has a number that makes no sense, or a name that its kind does not have.

    linear(time), exponential(time, rate), adaptive(fast, slow, time), points([(t, s), ...]); times are
    in microseconds, the slopes `fast` and `slow` in anneal fractions a microsecond.
    """

    code: ClassVar[str] = "Q0661"
    title: ClassVar[str] = "`anneal {kind}`: {problem}"
    label: ClassVar[str] = "in this directive"
    help: ClassVar[str] = "`{kind}` takes {expected}"

    kind: str
    problem: str
    expected: str


class TooFewBits(Warn):
    """The coefficients span a wider range than the target's control can resolve.

    Small coefficients then drown in control noise. Smaller penalties, coarser grids, or a rescaled
    objective bring the range down; `qevoc compile -v` says what makes it wide and what helps.
    """

    code: ClassVar[str] = "Q0662"
    title: ClassVar[str] = "the coefficients need {needed:.1f} bits of precision, the target has {bits}"
    help: ClassVar[str] = "the smallest coefficients are lost in its noise; `qevoc compile -v` says what helps"

    needed: float
    bits: int


class BadLimit(Error):
    """A number given to a pass or target must be finite, and not too small."""

    code: ClassVar[str] = "Q0663"
    title: ClassVar[str] = "`{owner}`: `{option}` cannot be {value}"
    help: ClassVar[str] = "give a finite number {range}"

    owner: str
    option: str
    value: str
    least: float | None = None
    most: float = math.inf

    @property
    def range(self) -> str:
        if self.least is None:
            return "above 0"
        return f"from {self.least:g} " + ("on" if math.isinf(self.most) else f"to {self.most:g}")
