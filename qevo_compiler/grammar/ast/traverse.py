"""Going through a tree."""

from __future__ import annotations

from collections.abc import Iterator

from qevo_compiler.grammar.ast.expr import LiteralArray, Node


def children(node: Node) -> list[Node]:
    """The nodes directly below `node`, in the order of its fields."""
    found: list[Node] = []
    if isinstance(node, LiteralArray):
        return found
    names: tuple[str, ...] = node.__match_args__  # all fields but the span
    for name in names:
        value = getattr(node, name)
        if isinstance(value, Node):
            found.append(value)
        elif isinstance(value, tuple):
            found += value
    return found


def walk(node: Node) -> Iterator[Node]:
    """`node` and every node below it, parents first, without recursion."""
    stack = [node]
    while stack:
        node = stack.pop()
        yield node
        stack += reversed(children(node))
