"""Comprehensions: the rows of their `for` and `if` parts, and the reduction over them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.language.names import DuplicateName
from qevo_compiler.diagnostics.language.shapes import NotIterable
from qevo_compiler.frontend import tensors
from qevo_compiler.frontend.dsl.calls import unknown_function
from qevo_compiler.frontend.dsl.conditions import Condition, Extent
from qevo_compiler.frontend.dsl.frames import Frame, Run, array_run, range_run
from qevo_compiler.frontend.tensors import Choice, Labels, Rows, Tensor, constant
from qevo_compiler.grammar import ast
from qevo_compiler.source import Span

if TYPE_CHECKING:
    from qevo_compiler.frontend.dsl.expressions import Expressions

_REDUCTIONS: dict[str, Callable[[Tensor, Rows, Span | None], Tensor]] = {
    "sum": tensors.sum_rows,
    "prod": tensors.product_rows,
    "mean": tensors.mean_rows,
    "max": partial(tensors.extreme_rows, "max"),
    "min": partial(tensors.extreme_rows, "min"),
}


def reduce_comprehension(expressions: Expressions, node: ast.Comprehension, frame: Frame) -> Tensor:
    """`sum`, `prod`, `mean`, `max` or `min` of the body over all values of the index variables."""
    reduction = _REDUCTIONS.get(node.function.text)
    if reduction is None:
        advice = "no reduction over `for`; there are `sum`, `prod`, `mean`, `max` and `min`"
        raise CompileError(unknown_function(node.function, tuple(_REDUCTIONS), advice))
    inner = build_frame(expressions, node.generators, node.condition, frame)
    body = expressions.tensor(node.body, inner)
    assert inner.rows is not None
    return reduction(body, inner.rows, node.span)


def build_frame(
    expressions: Expressions, generators: Sequence[ast.Generator], condition: ast.Expr | None, outer: Frame
) -> Frame:
    """`outer` with the index variables of `generators`, filtered by `condition`."""
    names: dict[str, Span | None] = {}
    for index in (generator.index for generator in generators):
        if index.text in names:
            raise CompileError(DuplicateName(index.span, index.text, names[index.text]))
        names[index.text] = index.span
    parts = Condition(expressions, condition, list(names), outer)
    grid = parts.inside(outer)
    for generator in generators:
        run = _run(expressions, generator.domain, grid.frame())
        grid = parts.extended(grid, Extent(generator.index.text, run, generator.span))
    return parts.insisted(grid).frame()


def _run(expressions: Expressions, domain: ast.Range | ast.SetLiteral | ast.Expr, frame: Frame) -> Run:
    match domain:
        case ast.Range():
            start, stop = expressions.every(
                lambda: expressions.wholes(domain.start, "the start of a range", frame),
                lambda: expressions.wholes(domain.stop, "the end of a range", frame),
            )
            return range_run(start, stop, frame.rows)
        case ast.SetLiteral():
            return _set_run(expressions, domain, frame)
    return _array_run(expressions, domain, frame)


def _set_run(expressions: Expressions, domain: ast.SetLiteral, frame: Frame) -> Run:
    names = [item for item in domain.items if isinstance(item, ast.Name) and _is_label(expressions, item, frame)]
    if names and len(names) == len(domain.items):
        labels = tuple(name.text for name in names)
        return array_run(constant(np.arange(len(labels))), frame.rows, labels)
    if not domain.items:
        return array_run(constant(np.zeros(0, np.int64)), frame.rows)
    items = expressions.every(*(partial(expressions.constants, i, "an item of a set", frame) for i in domain.items))
    return array_run(tensors.stack(items, domain.span), frame.rows)


def _is_label(expressions: Expressions, name: ast.Name, frame: Frame) -> bool:
    return name.text in expressions.labels and not expressions.is_known(name, frame)


def _array_run(expressions: Expressions, domain: ast.Expr, frame: Frame) -> Run:
    value = expressions.value(domain, frame)
    if isinstance(value, Choice | Labels):
        raise CompileError(NotIterable(domain.span, "a choice"))
    if not value.is_constant:
        raise CompileError(NotIterable(domain.span, "an expression of decisions"))
    if not value.shape:
        raise CompileError(NotIterable(domain.span, "one number"))
    return array_run(value, frame.rows)
