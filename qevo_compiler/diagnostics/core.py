"""The base classes of all diagnostics and the exception that carries them.

A diagnostic is an immutable record. Its wording is class-level templates that its own fields fill,
so a raise site is one line without prose and the wording of a topic can be reviewed in one file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import ClassVar, Self

from qevo_compiler.diagnostics.record import Record
from qevo_compiler.source import SourceMap, Span


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 spin`, `2 spins`; `plural` where an s does not make it."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


class Severity(Enum):
    ERROR = "error"
    WARNING = "warning"


class Diagnostic(Record):
    """One message about a program.

    Subclasses set `code` and `title`, and may set `label` (written under the underlined source),
    `note` and `help`; all are `str.format` templates over the subclass's fields and properties.
    The subclass's docstring is the long text that `qevoc explain CODE` prints.
    A template that comes out empty is left out.
    """

    code: ClassVar[str] = ""
    severity: ClassVar[Severity] = Severity.ERROR
    title: ClassVar[str] = ""
    label: ClassVar[str] = ""
    note: ClassVar[str] = ""
    help: ClassVar[str] = ""

    span: Span | None

    def fill(self, template: str) -> str:
        """`template` filled with this diagnostic's fields and properties."""
        return template.format_map(_Fields(self))

    def at(self, span: Span | None) -> Self:
        """The same message about another place."""
        return type(self)(**{name: getattr(self, name) for name in self.fields} | {"span": span})

    @property
    def message(self) -> str:
        return self.fill(self.title)

    def related(self) -> Iterable[tuple[Span, str]]:
        """Further places worth showing, each with its label."""
        return ()

    @property
    def sort_key(self) -> tuple[object, ...]:
        if self.span is None:
            return (0, "", 0, 0, self.code, self.message)
        return (1, self.span.file, self.span.line, self.span.column, self.code, self.message)


class _Fields(dict[str, object]):
    def __init__(self, diagnostic: Diagnostic) -> None:
        self._diagnostic = diagnostic

    def __missing__(self, name: str) -> object:
        return getattr(self._diagnostic, name)


class Error(Diagnostic):
    severity: ClassVar[Severity] = Severity.ERROR


class Warn(Diagnostic):
    severity: ClassVar[Severity] = Severity.WARNING


class CompileError(Exception):
    """The program is wrong: one or more diagnostics, sorted by position."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        self.diagnostics = tuple(sorted(diagnostics, key=lambda d: d.sort_key))
        self.sources = SourceMap()
        super().__init__(*self.diagnostics)

    def __str__(self) -> str:
        """Each diagnostic with its place, note and help, as a traceback shows them."""
        # `render` needs the classes above.
        from qevo_compiler.diagnostics.render import outline

        return "\n".join(outline(diagnostic, self.sources) for diagnostic in self.diagnostics)


@contextmanager
def showing(sources: SourceMap) -> Iterator[None]:
    """What goes wrong inside shows the lines of these sources."""
    try:
        yield
    except CompileError as error:
        error.sources = error.sources or sources
        raise


class InternalError(Exception):
    """The compiler is wrong: an invariant of its own does not hold."""


class Diagnostics:
    """Collects diagnostics so that all errors of a file are reported together."""

    def __init__(self) -> None:
        self._found: list[Diagnostic] = []

    def add(self, diagnostic: Diagnostic) -> None:
        if diagnostic not in self._found:
            self._found.append(diagnostic)

    def extend(self, error: CompileError) -> None:
        for diagnostic in error.diagnostics:
            self.add(diagnostic)

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        return tuple(d for d in self._found if d.severity is Severity.WARNING)

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        return tuple(d for d in self._found if d.severity is Severity.ERROR)

    def raise_if_any(self) -> None:
        """Raise `CompileError` with every error collected so far, if there is one."""
        if self.errors:
            raise CompileError(*self.errors)


def concrete_diagnostics() -> dict[str, type[Diagnostic]]:
    """Every diagnostic class imported so far that has a code, by code."""
    found: dict[str, type[Diagnostic]] = {}
    stack: list[type[Diagnostic]] = [Diagnostic]
    while stack:
        cls = stack.pop()
        stack.extend(cls.__subclasses__())
        if "code" in cls.__dict__ and cls.code and found.setdefault(cls.code, cls) is not cls:
            raise InternalError(f"{cls.__name__} and {found[cls.code].__name__} share a code")
    return dict(sorted(found.items()))
