"""Compare ways of doing one job: in turn, in one process, medians and ratios, values checked in the same run.

A comparison is a list of contenders, each a function that does the job once and returns its result. They are
run in rounds, every contender once a round, so that a change in the machine's load meets all of them alike.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

Check = Callable[[Any], str]


@dataclass(frozen=True)
class Contender:
    """One way to do the job; `ours` marks what is measured against the rest. `work` counts units done in a call."""

    name: str
    run: Callable[[], Any]
    ours: bool = False
    work: float = 1.0
    precision: str = "f64"


@dataclass
class Measured:
    """Seconds of each round for one contender, and what the check said of its value."""

    contender: Contender
    seconds: list[float] = field(default_factory=list)
    checked: str = ""

    @property
    def rate(self) -> float:
        """Units of work a second, at the median."""
        return self.contender.work / statistics.median(self.seconds)


@dataclass(frozen=True)
class Row:
    """A job's outcome: our rate over the best peer's, with the floor and the aim of the specification."""

    job: str
    unit: str
    ours: Measured
    peers: tuple[Measured, ...]
    floor: float | None
    aim: float | None

    @property
    def best(self) -> Measured | None:
        return max(self.peers, key=lambda m: m.rate, default=None)

    @property
    def ratio(self) -> float | None:
        return self.ours.rate / self.best.rate if self.best else None

    def lines(self) -> list[str]:
        verdict = ""
        if self.ratio is not None and self.best is not None:
            verdict = f"{self.ratio:.2f}x {self.best.contender.name}"
            for word, goal in (("floor", self.floor), ("aim", self.aim)):
                if goal is not None:
                    verdict += f", {word} {goal:g} {'reached' if self.ratio >= goal else 'MISSED'}"
        lines = [f"{self.job}: {verdict}"]
        for m in (self.ours, *self.peers):
            spread = f"median {statistics.median(m.seconds):.4g} s, best {min(m.seconds):.4g} s"
            name = f"{m.contender.name} ({m.contender.precision})"
            lines.append(f"    {name:32s} {m.rate:10.4g} {self.unit}  {spread}  {m.checked}")
        return lines

    def record(self) -> dict[str, Any]:
        """The row for a JSON file."""
        sides = {m.contender.name: {"rate": m.rate, "seconds": m.seconds} for m in (self.ours, *self.peers)}
        return {"job": self.job, "unit": self.unit, "ratio": self.ratio, "floor": self.floor, "sides": sides}


def compare(
    job: str,
    unit: str,
    contenders: Sequence[Contender],
    *,
    rounds: int = 5,
    floor: float | None = None,
    aim: float | None = None,
    check: Check | None = None,
    clock: Callable[[], float] = time.process_time,
    least: float = 0.02,
) -> Row:
    """Run every contender once for warming and checking, then `rounds` rounds in turn, and print the row.

    `clock` is CPU seconds of the process for one thread; pass `time.perf_counter` for jobs on several threads.
    A call that is quicker than `least` seconds is repeated until that much time has passed.
    """
    sides = [Measured(c) for c in contenders]
    repeats = []
    for side in sides:
        value = side.contender.run()
        side.checked = check(value) if check else ""
        start = clock()
        side.contender.run()
        repeats.append(max(1, int(least / max(clock() - start, 1e-7))))
    for _ in range(rounds):
        for side, count in zip(sides, repeats, strict=True):
            start = clock()
            for _ in range(count):
                side.contender.run()
            side.seconds.append((clock() - start) / count)
    ours = next(s for s in sides if s.contender.ours)
    row = Row(job, unit, ours, tuple(s for s in sides if s is not ours), floor, aim)
    print("\n".join(row.lines()), flush=True)
    return row


def write_rows(path: str, rows: Sequence[Row]) -> None:
    """Keep the rows as JSON."""
    with open(path, "w", encoding="utf-8") as file:
        json.dump([row.record() for row in rows], file, indent=1)
        file.write("\n")
