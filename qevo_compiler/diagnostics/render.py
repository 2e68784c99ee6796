"""Diagnostics as text: the source line, the underlined place, notes and help."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator

from qevo_compiler.diagnostics.core import Diagnostic
from qevo_compiler.source import SourceMap, Span

WIDTH = 100
# Longer source lines (a table of data in one line) are shown in part.
LONGEST_LINE = 120
_DOTS = "..."
_CODE = re.compile(r"`[^`]*`")
_GLUE = "\0"


def render(diagnostics: Iterable[Diagnostic], sources: SourceMap) -> str:
    """All `diagnostics` as plain text, each followed by a blank line."""
    return "".join("\n".join(_lines(d, sources)) + "\n\n" for d in diagnostics)


def outline(diagnostic: Diagnostic, sources: SourceMap) -> str:
    """The same for a traceback, which names the kind of error itself: `CODE: message`, then the details."""
    return "\n".join([f"{diagnostic.code}: {diagnostic.message}", *_details(diagnostic, sources)])


def _lines(diagnostic: Diagnostic, sources: SourceMap) -> Iterator[str]:
    yield f"{diagnostic.severity.value}[{diagnostic.code}]: {diagnostic.message}"
    yield from _details(diagnostic, sources)


def _details(diagnostic: Diagnostic, sources: SourceMap) -> Iterator[str]:
    places = [] if diagnostic.span is None else [(diagnostic.span, diagnostic.fill(diagnostic.label), "^")]
    places += [(span, label, "-") for span, label in diagnostic.related()]
    gutter = max((len(str(span.line)) for span, _, _ in places), default=0)
    for span, label, mark in places:
        yield from _place(span, label, mark, gutter, sources)
    for kind, template in (("note", diagnostic.note), ("help", diagnostic.help)):
        if text := diagnostic.fill(template):
            yield from _wrapped(f"{' ' * gutter} = {kind}: ", text)


def _place(span: Span, label: str, mark: str, gutter: int, sources: SourceMap) -> Iterator[str]:
    """The line of `span` with its part of the span underlined; of several lines the first is shown."""
    yield f"{' ' * gutter}--> {span}"
    source = sources.get(span.file)
    if source is None or not source.line(span.line):
        if label:
            yield f"{' ' * gutter} = {label}"
        return
    # One column a character; what does not print (a tab, an escape sequence) is a space.
    line = "".join(c if c.isprintable() else " " for c in source.line(span.line)).rstrip()
    end = span.end_column if span.end_line == span.line else len(line) + 1
    start, width = span.column - 1, max(1, min(end, len(line) + 1) - span.column)
    line, start, width = _window(line, start, width)
    yield f"{' ' * gutter} |"
    yield f"{span.line:>{gutter}} | {line}"
    yield f"{' ' * gutter} | {' ' * start}{mark * width} {label}".rstrip()


def _window(line: str, start: int, width: int) -> tuple[str, int, int]:
    """The part of a long line around the underlined place, and where that place is in it."""
    if len(line) <= LONGEST_LINE:
        return line, start, width
    first = min(max(0, start - LONGEST_LINE // 2), len(line) - LONGEST_LINE)
    if start + width <= LONGEST_LINE:
        first = 0
    shown = line[first : first + LONGEST_LINE]
    before, after = (_DOTS if first else ""), (_DOTS if first + LONGEST_LINE < len(line) else "")
    start -= first
    return f"{before}{shown}{after}", start + len(before), min(width, LONGEST_LINE - start)


def _wrapped(head: str, text: str) -> Iterator[str]:
    """`text` in lines behind `head`; what stands in backticks stays in one line."""
    glued = _CODE.sub(lambda code: code[0].replace(" ", _GLUE), text)
    lines = textwrap.wrap(glued, max(40, WIDTH - len(head)), break_long_words=False, break_on_hyphens=False)
    for index, line in enumerate(lines):
        yield (" " * len(head) if index else head) + line.replace(_GLUE, " ")
