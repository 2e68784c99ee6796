"""The anneal schedule as a curve."""

from __future__ import annotations

import numpy as np

from qevo_compiler.dialects.anneal import ScheduleOp
from qevo_compiler.report.markup import Markup, element, join, label, line, number, picture

WIDTH, HEIGHT = 760, 220
LEFT, RIGHT, TOP, BOTTOM = 46, 20, 16, 42


def schedule_section(op: ScheduleOp) -> Markup:
    """s over time with every point that is programmed."""
    t, s = op.times.values, op.fractions.values
    x = LEFT + t / t[-1] * (WIDTH - LEFT - RIGHT)
    y = HEIGHT - BOTTOM - s * (HEIGHT - TOP - BOTTOM)
    points = np.round(np.stack([x, y], axis=1), 2).tolist()
    parts: list[Markup] = []
    for share in (0.0, 0.5, 1.0):
        at = HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
        parts += [line(LEFT, at, WIDTH - RIGHT, at, "grid"), label(LEFT - 8, at + 4, f"{share:g}", "axis", "end")]
        along = LEFT + share * (WIDTH - LEFT - RIGHT)
        parts.append(label(along, HEIGHT - BOTTOM + 16, number(share * float(t[-1])), "axis", "middle"))
    parts.append(label((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, "microseconds", "axis", "middle"))
    parts.append(element("polyline", points=" ".join(f"{a:g},{b:g}" for a, b in points), class_="curve"))
    for (a, b), time, fraction in zip(points, t.tolist(), s.tolist(), strict=True):
        tip = element("title", f"s = {number(fraction)} at {number(time)} microseconds")
        parts.append(element("circle", tip, cx=f"{a:g}", cy=f"{b:g}", r=4, class_="point"))
    said = f"{len(t)} points over {number(float(t[-1]))} microseconds; s goes from the driver (0) to the model (1)."
    return join([element("p", said), picture(WIDTH, HEIGHT, "Anneal fraction over time", *parts)])
