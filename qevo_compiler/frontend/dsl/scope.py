"""Names of a program: what they stand for, in an order that definitions allow.

Declarations may use one another in any order. A definition is evaluated once, after everything that it
uses; a circle of definitions is reported where it closes. A name whose definition is wrong is reported
there and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from qevo_compiler.diagnostics import CompileError, Diagnostics
from qevo_compiler.diagnostics.language.names import CircularDefinition, DuplicateName
from qevo_compiler.frontend.tensors import Value
from qevo_compiler.grammar import ast
from qevo_compiler.light import light
from qevo_compiler.source import Span


class Poisoned(Exception):
    """What is needed here is wrong and has been reported; nothing more is to be said."""


@light(eq=False)
class Definition:
    """How a name gets its value, and the names that this uses."""

    span: Span
    make: Callable[[], Value]
    uses: tuple[str, ...] = ()


class Scope:
    """The declared names of one program."""

    def __init__(self, found: Diagnostics) -> None:
        self._found = found
        self._definitions: dict[str, Definition] = {}
        self._values: dict[str, Value | None] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._definitions

    @property
    def names(self) -> Iterable[str]:
        return self._definitions

    def declare(self, name: ast.Identifier, make: Callable[[], Value], *used: ast.Node | None) -> None:
        """Add a name; a second declaration of it is reported and left out."""
        if name.text in self._definitions:
            self._found.add(DuplicateName(name.span, name.text, self._definitions[name.text].span))
            return
        uses = (n.text for node in used if node is not None for n in ast.walk(node) if isinstance(n, ast.Name))
        self._definitions[name.text] = Definition(name.span, make, tuple(dict.fromkeys(uses)))

    def value(self, name: str) -> Value:
        """What a declared name stands for. Raises `Poisoned` when its definition is wrong."""
        if name not in self._values:
            self._evaluate(name)
        value = self._values[name]
        if value is None:
            raise Poisoned
        return value

    def forget(self) -> None:
        """Let go of all values: definitions hold the scope that holds them, which would keep large data alive."""
        self._definitions.clear()
        self._values.clear()

    def _evaluate(self, name: str) -> None:
        """Evaluate what `name` uses before `name`, without recursion: chains may be long."""
        path = [name]
        while path:
            top = path[-1]
            definition = self._definitions[top]
            open_uses = [u for u in definition.uses if u in self._definitions and u not in self._values]
            if circular := [u for u in open_uses if u in path]:
                self._break(path[path.index(circular[0]) :])
                del path[path.index(circular[0]) :]
            elif open_uses:
                path.append(open_uses[0])
            else:
                self._values[path.pop()] = self._made(definition)

    def _break(self, circle: list[str]) -> None:
        """Report a circle of definitions, at the one that stands first."""
        first = min(circle, key=lambda name: self._definitions[name].span)
        self._found.add(CircularDefinition(self._definitions[first].span, first))
        self._values.update(dict.fromkeys(circle))

    def _made(self, definition: Definition) -> Value | None:
        try:
            return definition.make()
        except CompileError as error:
            self._found.extend(error)
        except Poisoned:
            pass  # reported where it went wrong
        return None
