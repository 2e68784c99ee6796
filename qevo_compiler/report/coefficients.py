"""The histogram of a model's fields and couplings, with what the hardware can resolve drawn in."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.ising import ModelOp
from qevo_compiler.passes.scale_coefficients import bits_needed
from qevo_compiler.report.markup import Markup, element, join, label, line, number, picture, rectangle
from qevo_compiler.targets.dwave.limits import CONTROL_BITS

Floats = NDArray[np.float64]

WIDTH, HEIGHT = 760, 250
LEFT, RIGHT, TOP, BOTTOM = 68, 36, 28, 44
MAX_BINS = 38


def coefficients_section(model: ModelOp, hardware: bool) -> Markup:
    """What the coefficients span in words and as a picture; `hardware` draws the control's resolution."""
    fields, couplings = (np.abs(values[values != 0]) for values in (model.fields.values, model.couplings.values))
    every = np.concatenate([fields, couplings])
    if not len(every):
        return element("p", "The model has no coefficient besides its offset.")
    said = [element("p", _in_words(model, every, hardware))]
    return join([*said, _histogram(fields, couplings, hardware), _legend(model, hardware)])


def lost_share(model: ModelOp, bits: int = CONTROL_BITS) -> float:
    """The share of nonzero coefficients below one step of a control of `bits` bits."""
    sizes = np.abs(np.concatenate([model.fields.values, model.couplings.values]))
    sizes = sizes[sizes > 0]
    return float((sizes < sizes.max() / 2.0**bits).mean()) if len(sizes) else 0.0


def _in_words(model: ModelOp, every: Floats, hardware: bool) -> str:
    span = f"Nonzero coefficients reach from {number(every.min())} to {number(every.max())}"
    bits = f"{span}: {bits_needed(model):.1f} bits."
    if not hardware:
        return bits
    share = lost_share(model)
    if share == 0:
        return f"{bits} All are at least one step of a control of about {CONTROL_BITS} bits."
    what = f"{share:.0%}" if share >= 0.005 else "fewer than 1%"
    return (
        f"{bits} The annealer's control has about {CONTROL_BITS}: {what} of the coefficients are smaller than one step."
    )


def _histogram(fields: Floats, couplings: Floats, hardware: bool) -> Markup:
    edges = _edges(np.concatenate([fields, couplings]))
    counts = [np.histogram(np.log2(values), edges)[0] for values in (fields, couplings)]
    top = max(math.ceil(math.log10(max(int(c.max(initial=1)) for c in counts) + 1)), 1)
    x = _Axis(edges[0], edges[-1], LEFT, WIDTH - RIGHT)
    y = _Axis(0, top, HEIGHT - BOTTOM, TOP)
    parts = [_resolution(x, float(max(fields.max(initial=0), couplings.max(initial=0))))] if hardware else []
    parts += [*_count_axis(y, top), *_value_axis(x, edges)]
    slot = (x(edges[1]) - x(edges[0])) / 2
    for series, found in enumerate(counts):
        for low, high, count in zip(edges[:-1], edges[1:], found.tolist(), strict=True):
            if count:
                tip = f"{count} {('fields', 'couplings')[series]} from {number(2**low, 3)} to {number(2**high, 3)}"
                # One coefficient must still show: heights start at log10(2) of an empty bin's 0.
                height = y(0) - y(math.log10(count + 1))
                at = x(low) + series * slot + 0.5
                parts.append(rectangle(at, y(0) - height, max(slot - 1, 1), height, ("field", "coupling")[series], tip))
    return picture(WIDTH, HEIGHT, "Histogram of field and coupling magnitudes on logarithmic scales", *parts)


def _edges(sizes: Floats) -> Floats:
    """Bins of whole bits, at least four, at most `MAX_BINS`."""
    low, high = math.floor(math.log2(sizes.min())), math.floor(math.log2(sizes.max())) + 1
    low = min(low, high - CONTROL_BITS - 1)
    width = math.ceil((high - low) / MAX_BINS)
    return np.arange(low, high + width, width, dtype=np.float64)


def _resolution(x: _Axis, largest: float) -> Markup:
    step = math.log2(largest) - CONTROL_BITS
    end = min(max(x(step), x.start), x.end)
    note = f"one step of a {CONTROL_BITS}-bit control"
    side = "end" if end > (x.start + x.end) / 2 else "start"
    return join(
        [
            rectangle(x.start, TOP, end - x.start, HEIGHT - BOTTOM - TOP, "lost"),
            line(end, TOP - 8, end, HEIGHT - BOTTOM, "limit"),
            label(end + (-5 if side == "end" else 5), TOP - 12, note, "note", side),
        ]
    )


def _count_axis(y: _Axis, top: int) -> list[Markup]:
    parts = [label(LEFT - 8, TOP - 12, "count", "axis", "end")]
    for power in range(top + 1):
        at = y(math.log10(10**power + 1)) if power else y(math.log10(2))
        parts += [line(LEFT, at, WIDTH - RIGHT, at, "grid"), label(LEFT - 6, at + 4, f"{10**power:,}", "axis", "end")]
    return [*parts, line(LEFT, y(0), WIDTH - RIGHT, y(0), "base")]


def _value_axis(x: _Axis, edges: Floats) -> list[Markup]:
    step = max(1, math.ceil(len(edges) / 10))
    ticks = [label(x(edge), HEIGHT - BOTTOM + 16, number(2.0**edge, 3), "axis", "middle") for edge in edges[::step]]
    return [*ticks, label((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, "magnitude", "axis", "middle")]


def _legend(model: ModelOp, hardware: bool) -> Markup:
    keys = [("field", "fields h"), ("coupling", "couplings J")]
    if hardware and lost_share(model):
        keys.append(("lost", "smaller than one step: lost in control noise"))
    return legend(keys)


def legend(keys: list[tuple[str, str]]) -> Markup:
    """Colour swatches with their meaning."""
    items = [element("span", element("i", class_=f"key {name}"), text) for name, text in keys]
    return element("p", *items, class_="legend")


class _Axis:
    """A linear map from values to picture coordinates."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low, self.high, self.start, self.end = low, high, start, end

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 2)
