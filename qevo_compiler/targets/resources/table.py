"""The cost record for reading: one line a figure, groups under headings."""

from __future__ import annotations

from collections.abc import Iterable

from qevo_compiler.dialects.linear import Figure

TITLES = {
    "sizes": "sizes",
    "system": "linear system",
    "registers": "registers",
    "preparation": "state preparation, for one right-hand side",
    "query": "one query",
    "solver": "queries of a solver, for one run",
    "readout": "read-out, over all shots",
    "classical": "the same on a classical computer",
    "budget": "precision budget",
    "physical": "physical layer",
}


def resource_table(figures: Iterable[Figure], notes: Iterable[str] = ()) -> str:
    """The table as text, each figure with its value, how it is known and a note."""
    listed = tuple(figures)
    width = max((len(figure.quantity) for figure in listed), default=0)
    lines = []
    for group, title in TITLES.items():
        members = [figure for figure in listed if figure.group == group]
        if members:
            lines.append(f"{title}:")
            lines += [_line(figure, width) for figure in members]
    return "\n".join([*lines, *notes]) + "\n"


def _line(figure: Figure, width: int) -> str:
    value = f"{figure.value:,.0f}" if _whole(figure.value) else f"{figure.value:.6g}"
    text = f"{value} {figure.unit}".strip()
    return f"  {figure.quantity:<{width}}  {text:>16}  {figure.known.value:<9}  {figure.note}".rstrip()


def _whole(value: float) -> bool:
    return abs(value) < 1e9 and value == int(value)
