"""Elements of HTML and SVG as text, with everything escaped that comes from a program."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Markup:
    """Text that is already markup; plain strings are escaped where they are used."""

    text: str


Content = Markup | str


def element(tag: str, *content: Content, **attributes: object) -> Markup:
    """`<tag attributes>content</tag>`; `class_` is written `class`, `view_box` `viewBox`, and `a_b` `a-b`."""
    named = ((_RENAMED.get(name, name.replace("_", "-")), value) for name, value in attributes.items())
    written = "".join(f' {name}="{escape(str(value))}"' for name, value in named if value is not None)
    inside = "".join(_text(part) for part in content)
    return Markup(f"<{tag}{written}>{inside}</{tag}>" if inside or tag not in _VOID else f"<{tag}{written}/>")


def join(parts: Iterable[Content]) -> Markup:
    """The parts in turn."""
    return Markup("".join(_text(part) for part in parts))


def number(value: float, digits: int = 4) -> str:
    """A number for reading: whole ones with thousands separated, others with `digits` significant digits."""
    whole = abs(value) < 1e15 and value == int(value)
    return f"{int(value):,}" if whole else f"{value:.{digits}g}"


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[Content]], numeric: Sequence[int] = ()) -> Markup:
    """A table in a frame that scrolls by itself; columns in `numeric` align right; the first cell heads its row.

    Columns without any content are left out.
    """
    rows = list(rows)
    shown = [i for i in range(len(head)) if i == 0 or any(_text(row[i]) for row in rows)]
    right = [place for place, i in enumerate(shown) if i in numeric]
    headings = [
        element("th", head[i], scope="col", class_="n" if place in right else None) for place, i in enumerate(shown)
    ]
    lines = [element("tr", *_cells([row[i] for i in shown], right)) for row in rows]
    body = (
        element("caption", caption),
        element("thead", element("tr", *headings)),
        element("tbody", *lines),
    )
    return element("div", element("table", *body), class_="scroll", tabindex="0", role="region", aria_label=caption)


def picture(width: float, height: float, title: str, *content: Content, class_: str | None = None) -> Markup:
    """An SVG picture that shrinks with the page as far as its text can be read; `title` is for screen readers."""
    drawn = element(
        "svg",
        element("title", title),
        *content,
        view_box=f"0 0 {width:g} {height:g}",
        role="img",
        class_=class_,
        style=f"max-width:{width:g}px",
    )
    return element("div", drawn, class_="scroll")


def label(x: float, y: float, text: str, class_: str | None = None, anchor: str = "start") -> Markup:
    """Text in a picture."""
    return element(
        "text", text, x=f"{x:g}", y=f"{y:g}", class_=class_, text_anchor=None if anchor == "start" else anchor
    )


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    return element("line", x1=f"{x1:g}", y1=f"{y1:g}", x2=f"{x2:g}", y2=f"{y2:g}", class_=class_)


def rectangle(x: float, y: float, width: float, height: float, class_: str, title: str | None = None) -> Markup:
    named = () if title is None else (element("title", title),)
    size = {"width": f"{width:g}", "height": f"{height:g}"}
    return element("rect", *named, x=f"{x:g}", y=f"{y:g}", class_=class_, **size)


def _cells(row: Sequence[Content], numeric: Sequence[int]) -> list[Markup]:
    first, *rest = row
    cells = [element("th", first, scope="row")]
    return cells + [element("td", part, class_="n" if i in numeric else None) for i, part in enumerate(rest, 1)]


def _text(part: Content) -> str:
    return part.text if isinstance(part, Markup) else escape(part, quote=False)


_RENAMED = {"class_": "class", "view_box": "viewBox"}
_VOID = frozenset({"line", "rect", "circle", "path", "polyline", "meta"})
