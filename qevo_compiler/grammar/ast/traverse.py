"""Going through a tree."""

from __future__ import annotations

from collections.abc import Iterator

from qevo_compiler.grammar.ast.expr import LiteralArray, Node


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below `node`, in the order of its fields."""
    if isinstance(node, LiteralArray):
        return
    for name, value in vars(node).items():
        if isinstance(value, Node):
            yield value
        elif isinstance(value, tuple) and name != "span":
            yield from value


def walk(node: Node) -> Iterator[Node]:
    """`node` and every node below it, parents first, without recursion."""
    stack = [node]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(tuple(children(node))))
