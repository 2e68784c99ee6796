"""Diagnostics as text: the source line, the underlined place, notes and help."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from qevo_compiler.diagnostics.core import Diagnostic
from qevo_compiler.source import SourceMap, Span

WIDTH = 100


def render(diagnostics: Iterable[Diagnostic], sources: SourceMap) -> str:
    """All `diagnostics` as plain text, each followed by a blank line."""
    return "".join("\n".join(_lines(d, sources)) + "\n\n" for d in diagnostics)


def _lines(diagnostic: Diagnostic, sources: SourceMap) -> Iterator[str]:
    yield f"{diagnostic.severity.value}[{diagnostic.code}]: {diagnostic.message}"
    places = [] if diagnostic.span is None else [(diagnostic.span, diagnostic.fill(diagnostic.label), "^")]
    places += [(span, label, "-") for span, label in diagnostic.related()]
    gutter = max((len(str(span.line)) for span, _, _ in places), default=0)
    for span, label, mark in places:
        yield from _place(span, label, mark, gutter, sources)
    for kind, template in (("note", diagnostic.note), ("help", diagnostic.help)):
        if text := diagnostic.fill(template):
            yield from _wrapped(f"{' ' * gutter} = {kind}: ", text)


def _place(span: Span, label: str, mark: str, gutter: int, sources: SourceMap) -> Iterator[str]:
    yield f"{' ' * gutter}--> {span}"
    source = sources.get(span.file)
    if source is None or not source.line(span.line):
        if label:
            yield f"{' ' * gutter} = {label}"
        return
    line = source.line(span.line).expandtabs(1)
    end = span.end_column if span.end_line == span.line else len(line) + 1
    underline = mark * max(1, min(end, len(line) + 1) - span.column)
    yield f"{' ' * gutter} |"
    yield f"{span.line:>{gutter}} | {line}"
    yield f"{' ' * gutter} | {' ' * (span.column - 1)}{underline} {label}".rstrip()


def _wrapped(head: str, text: str) -> Iterator[str]:
    lines = textwrap.wrap(text, max(40, WIDTH - len(head)), break_long_words=False, break_on_hyphens=False)
    yield head + lines[0]
    for line in lines[1:]:
        yield " " * len(head) + line
