"""Source files and the spans that point into them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

# What editors count as line ends; `str.splitlines` also splits at form feeds and the like.
LINE_END = re.compile(r"\r\n?|\n")


class Span(NamedTuple):
    """A range of characters: lines and columns count from 1, the end is exclusive.

    `file` is a display name without a machine's folders, so that spans may appear in emitted files.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    def to(self, other: Span) -> Span:
        """The smallest span that starts here and ends where `other` ends."""
        # What `Span(...)` calls.
        return tuple.__new__(Span, (self.file, self.line, self.column, other.end_line, other.end_column))

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class SourceFile:
    """A text with its display name."""

    name: str
    text: str = field(repr=False)

    @cached_property
    def lines(self) -> tuple[str, ...]:
        return tuple(LINE_END.split(self.text))

    def line(self, number: int) -> str:
        """Line `number`, counted from 1; empty when the file has no such line."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""


class SourceMap(Mapping[str, SourceFile]):
    """The files that spans may refer to, by display name."""

    def __init__(self, *files: SourceFile) -> None:
        self._files = {file.name: file for file in files}

    def __getitem__(self, name: str) -> SourceFile:
        return self._files[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def add(self, file: SourceFile) -> None:
        self._files[file.name] = file
