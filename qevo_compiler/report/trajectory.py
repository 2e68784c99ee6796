"""The trajectory of a linear program as one self-contained SVG: states above, errors of every order below.

No script and nothing fetched; light and dark by the viewer's preference; the same bytes for the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.report.markup import Markup, element, label, line, number

Floats = NDArray[np.float64]

WIDTH, LEFT, RIGHT = 860, 70, 190
TOP, UPPER, GAP, LOWER, BOTTOM = 46, 260, 56, 220, 44
HEIGHT = TOP + UPPER + GAP + LOWER + BOTTOM
DRAWN = 6
_FLOOR = 1e-14

_STYLE = (
    """
svg{color-scheme:light dark;--page:#fff;--ink:#1b2430;--soft:#566274;--rule:#d9dfe7;--limit:#b3261e;
--s0:#1f6fb2;--s1:#c2570c;--s2:#6b4bb0;--s3:#11806a;--s4:#a3336b;--s5:#7a6a00;
--o0:#8fbde3;--o1:#5a9ad1;--o2:#2a74b5;--o3:#0d4a86}
@media (prefers-color-scheme:dark){svg{--page:#12161c;--ink:#e4e9f0;--soft:#9aa7b8;--rule:#323c49;--limit:#ff8a80;
--s0:#6cb2ee;--s1:#f2994a;--s2:#b39bf0;--s3:#4cc4a8;--s4:#ef8fc0;--s5:#d9c65a;
--o0:#2f6ea6;--o1:#4a8fcb;--o2:#7db5e6;--o3:#bfe0ff}}
.page{fill:var(--page)}text{fill:var(--ink);font:12px system-ui,-apple-system,"Segoe UI",sans-serif}
.axis{fill:var(--soft)}.title{font-size:15px;font-weight:600}.grid{stroke:var(--rule)}
.curve{fill:none;stroke-width:2}.exact{stroke-width:5;stroke-opacity:.35}.limit{stroke:var(--limit);stroke-width:1.5;
stroke-dasharray:5 3}.own{stroke:var(--ink);stroke-width:2.6}
"""
    + "".join(
        f".s{i}{{stroke:var(--s{i})}}.f{i}{{stroke:var(--s{i});fill:var(--page);stroke-width:1.5}}"
        for i in range(DRAWN)
    )
    + "".join(f".o{i}{{stroke:var(--o{i})}}" for i in range(4))
)


@dataclass(frozen=True)
class Panel:
    """A rectangle with a linear horizontal axis of steps and a vertical one, already in the plotted unit."""

    name: str
    top: float
    height: float
    steps: int
    low: float
    high: float

    def x(self, step: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * step / self.steps

    def y(self, value: float) -> float:
        return self.top + self.height * (self.high - value) / (self.high - self.low)

    def curve(self, values: Floats, class_: str) -> Markup:
        """A polyline through the finite values, cut off at the panel's edge."""
        far = 4 * (self.high - self.low)
        near = [
            (t, min(max(float(v), self.low - far), self.high + far)) for t, v in enumerate(values) if np.isfinite(v)
        ]
        points = " ".join(f"{self.x(t):.2f},{self.y(v):.2f}" for t, v in near)
        return element("polyline", points=points, class_=f"curve {class_}", clip_path=f"url(#{self.name})")

    @property
    def edge(self) -> Markup:
        """What curves are cut off at."""
        box = element(
            "rect", x=f"{LEFT}", y=f"{self.top:g}", width=f"{WIDTH - LEFT - RIGHT}", height=f"{self.height:g}"
        )
        return element("clipPath", box, id=self.name)


def trajectory_svg(
    title: str,
    names: Sequence[str],
    exact: Floats,
    lifted: Floats,
    others: Mapping[str, Floats],
    errors: Mapping[int, Floats],
    bound: tuple[int, float] | None,
) -> bytes:
    """The picture of states x [T + 1, n] and of ||error|| [T + 1] by order, in ascending order.

    `others` are further histories [<= T + 1, n], drawn as points. `bound` is a proved bound at a step. At most six
    coordinates are drawn.
    """
    parts = [
        element("title", f"Trajectory of {title}"),
        element("style", Markup(_STYLE)),
        element("rect", width=str(WIDTH), height=str(HEIGHT), class_="page"),
        label(LEFT, 24, title, "title"),
        *_states(names, exact, lifted, others),
        *_errors(errors, bound),
    ]
    drawn = element("svg", *parts, xmlns="http://www.w3.org/2000/svg", view_box=f"0 0 {WIDTH} {HEIGHT}", role="img")
    return (drawn.text + "\n").encode()


def _states(names: Sequence[str], exact: Floats, lifted: Floats, others: Mapping[str, Floats]) -> list[Markup]:
    shown = exact[:, :DRAWN]
    # A lift that diverges must not squeeze the optimizer's own path into a line.
    room = float(np.ptp(shown)) or max(abs(float(shown.max())), 1.0)
    near = [a[:, :DRAWN] for a in (lifted, *others.values())]
    values = np.concatenate(
        [shown.reshape(-1), *(np.clip(a, shown.min() - room, shown.max() + room).ravel() for a in near)]
    )
    values = values[np.isfinite(values)]
    margin = 0.06 * (float(np.ptp(values)) or 1.0)
    panel = Panel("states", TOP, UPPER, len(exact) - 1, float(values.min()) - margin, float(values.max()) + margin)
    parts = [*_frame(panel, [(v, number(v)) for v in _ticks(panel.low, panel.high)])]
    for i in range(shown.shape[1]):
        parts += [panel.curve(exact[:, i], f"exact s{i}"), panel.curve(lifted[:, i], f"s{i}")]
        for states in others.values():
            parts += [_point(panel, t, float(v), i) for t, v in enumerate(states[:, i]) if np.isfinite(v)]
    at = WIDTH - RIGHT + 18
    for i, name in enumerate(names[:DRAWN]):
        y = TOP + 10 + 20 * i
        parts += [line(at, y - 4, at + 22, y - 4, f"curve s{i}"), label(at + 28, y, name)]
    notes = ["broad: optimizer", "line: lift", *(f"circles: {name}" for name in others)]
    if len(names) > DRAWN:
        notes.append(f"{len(names) - DRAWN} more not drawn")
    first = TOP + 24 + 20 * min(len(names), DRAWN)
    return parts + [label(at, first + 18 * k, note, "axis") for k, note in enumerate(notes)]


def _shade(place: int, count: int) -> str:
    """The class of a curve: the last order is the program's own, lower ones fade."""
    return "own" if place == count - 1 else f"o{min(3, place * 4 // max(count - 1, 1))}"


def _errors(errors: Mapping[int, Floats], bound: tuple[int, float] | None) -> list[Markup]:
    # What is zero or only rounding has no place on a logarithmic axis.
    floored = {order: np.log10(np.where(values > _FLOOR, values, np.nan)) for order, values in errors.items()}
    values = np.concatenate(list(floored.values()))
    values = values[np.isfinite(values)]
    limit = math.log10(bound[1]) if bound is not None and bound[1] > 0 else None
    ends = [*values.tolist(), *([] if limit is None else [limit])] or [math.log10(_FLOOR), 0.0]
    top = TOP + UPPER + GAP
    steps = len(next(iter(errors.values()))) - 1
    panel = Panel(
        "errors", top, LOWER, steps, math.floor(min(ends)), max(math.ceil(max(ends)), math.floor(min(ends)) + 1)
    )
    stride = max(1, math.ceil((panel.high - panel.low) / 8))
    ticks = [(float(e), f"1e{e:+03d}") for e in range(int(panel.low), int(panel.high) + 1, stride)]
    parts = [*_frame(panel, ticks), label(LEFT, top - 10, "distance from the optimizer, by order", "axis")]
    at = WIDTH - RIGHT + 18
    for place, (order, logs) in enumerate(floored.items()):
        class_ = _shade(place, len(floored))
        parts.append(panel.curve(logs, class_))
        y = top + 10 + 16 * place
        parts += [line(at, y - 4, at + 22, y - 4, f"curve {class_}"), label(at + 28, y, f"order {order}")]
    if limit is not None and bound is not None:
        level, end = panel.y(limit), panel.x(bound[0])
        parts += [line(max(end - 60, LEFT), level, end, level, "limit")]
        y = top + 10 + 16 * len(floored)
        parts += [line(at, y - 4, at + 22, y - 4, "limit"), label(at + 28, y, f"proved at step {bound[0]}")]
    return [*parts, label((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, "step", "axis", "middle")]


def _frame(panel: Panel, ticks: Sequence[tuple[float, str]]) -> list[Markup]:
    parts = [panel.edge]
    for value, text in ticks:
        y = panel.y(value)
        parts += [line(LEFT, y, WIDTH - RIGHT, y, "grid"), label(LEFT - 8, y + 4, text, "axis", "end")]
    for step in _steps(panel.steps):
        parts.append(label(panel.x(step), panel.top + panel.height + 18, str(step), "axis", "middle"))
    return parts


def _point(panel: Panel, step: int, value: float, coordinate: int) -> Markup:
    y = min(max(panel.y(value), panel.top), panel.top + panel.height)
    return element("circle", cx=f"{panel.x(step):.2f}", cy=f"{y:.2f}", r="3.5", class_=f"f{coordinate}")


def _ticks(low: float, high: float) -> list[float]:
    """About five round numbers inside a range."""
    raw = (high - low) / 5
    power = float(10.0 ** math.floor(math.log10(raw)))
    step = next(power * k for k in (1.0, 2.0, 5.0, 10.0) if power * k >= raw)
    first = math.ceil(low / step)
    return [round(k * step, 12) for k in range(first, math.floor(high / step) + 1)]


def _steps(count: int) -> list[int]:
    """At most about ten whole steps, the last among them."""
    stride = next(k * 10**p for p in range(12) for k in (1, 2, 5) if k * 10**p * 10 >= count)
    found = [step for step in range(0, count + 1, stride) if count - step >= stride / 2 or step == count]
    return found if found[-1] == count else [*found, count]
