"""Where in the user's files a captured operation comes from.

A node of an exported program records the `forward` methods that led to it; its place is the innermost
such line in the user's own files. A layer of `nn.Sequential` or a torch loss is called by torch itself, without
such a line: then the place is where the file builds it, `model = nn.Sequential(nn.Linear(4, 2), ...)`.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property

import torch

from qevo_compiler.frontend.torch.userfile import innermost_of_text, line_span
from qevo_compiler.source import SourceMap, Span


@dataclass(frozen=True, eq=False)
class Places:
    """The user's files read so far, and the display name of the model file if there is one."""

    sources: SourceMap
    file: str | None = None

    def of_node(self, node: torch.fx.Node) -> Span | None:
        """The span of a node of an exported program, if one can be told."""
        span = innermost_of_text(node.meta.get("stack_trace") or "", self.sources)
        return span or self._built(_module_path(node))

    def top_level(self, name: str) -> Span | None:
        """The last top-level assignment to `name` in the model file."""
        statement = self._assignment(name)
        return None if statement is None else self._span(statement)

    def _built(self, path: list[str]) -> Span | None:
        """Where the module at `path` is built, as far as nested `Sequential(...)` calls tell."""
        # A node that torch made outside of any submodule stems from a bare function used as the loss.
        expression: ast.expr | None = self._assignment(path[0] if path else "loss")
        for step in path[1:]:
            inner = _sequential_item(expression, step)
            if inner is None:
                break
            expression = inner
        return None if expression is None else self._span(expression)

    @cached_property
    def _statements(self) -> list[ast.stmt]:
        return [] if self.file is None else ast.parse(self.sources[self.file].text).body

    def _assignment(self, name: str) -> ast.expr | None:
        found: ast.expr | None = None
        for statement in self._statements:
            if isinstance(statement, ast.Assign) and any(_names(t, name) for t in statement.targets):
                found = statement.value
            if isinstance(statement, ast.AnnAssign) and _names(statement.target, name) and statement.value:
                found = statement.value
            if isinstance(statement, ast.FunctionDef) and statement.name == name:
                found = ast.Name(name, lineno=statement.lineno)
        return found

    def _span(self, node: ast.expr) -> Span:
        assert self.file is not None
        return line_span(self.file, node.lineno, self.sources)


def _names(target: ast.expr, name: str) -> bool:
    if isinstance(target, (ast.Tuple, ast.List)):
        return any(_names(item, name) for item in target.elts)
    return isinstance(target, ast.Name) and target.id == name


def _sequential_item(expression: ast.expr | None, step: str) -> ast.expr | None:
    if not isinstance(expression, ast.Call) or not step.isdigit():
        return None
    callee = expression.func
    called = callee.attr if isinstance(callee, ast.Attribute) else callee.id if isinstance(callee, ast.Name) else ""
    plain = not any(isinstance(argument, ast.Starred) for argument in expression.args)
    if called != "Sequential" or not plain or int(step) >= len(expression.args):
        return None
    return expression.args[int(step)]


def _module_path(node: torch.fx.Node) -> list[str]:
    stack = node.meta.get("nn_module_stack") or {}
    path = next((path for path, _ in reversed(list(stack.values())) if path), "")
    return str(path).split(".") if path else []
