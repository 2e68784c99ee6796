"""From rules of `qevo.lark` to nodes of the syntax tree.

The automaton calls the method named like a rule as soon as the rule is complete, with every token and node
of it. Nothing is kept between calls.
"""

from __future__ import annotations

from typing import NamedTuple

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.syntax.statements import NotAComparison, NotARelation
from qevo_compiler.grammar import ast
from qevo_compiler.grammar.expressions import (
    Chain,
    ExpressionBuilder,
    Items,
    all_of,
    condition_of,
    first_of,
    refuse_chains,
    span_of,
)
from qevo_compiler.light import light
from qevo_compiler.source import Span

RELATIONS = frozenset({ast.Comparison.EQ, ast.Comparison.NE, ast.Comparison.LE, ast.Comparison.GE})


@light()
class SubjectTo(ast.Statement):
    """The line `subject to`; `parse` places constraints by it and then drops it."""


@light()
class _Shape(ast.Node):
    sizes: tuple[ast.Expr, ...]


@light()
class _Indices(ast.Node):
    names: tuple[ast.Identifier, ...]


@light()
class _Weight(ast.Node):
    value: ast.Expr


class _Shaped(NamedTuple):
    domain: ast.Domain
    shape: tuple[ast.Expr, ...]
    span: Span


def _shape(items: Items) -> tuple[ast.Expr, ...]:
    shape = first_of(items, _Shape)
    return () if shape is None else shape.sizes


class AstBuilder(ExpressionBuilder):
    """Callbacks for the whole grammar. A statement comes back as a tuple: its `where`s follow it."""

    def header(self, items: Items) -> ast.Identifier:
        identifier: ast.Identifier = items[1]
        return identifier

    def statement(self, items: Items) -> tuple[ast.Statement, ...]:
        return all_of(items, ast.Statement)

    def subject_to(self, items: Items) -> SubjectTo:
        return SubjectTo(span=span_of(items))

    def data(self, items: Items) -> ast.Data:
        value = items[-1] if isinstance(items[-1], ast.Expr | ast.File) else None
        dtype = ast.DataType(items[3].text)
        return ast.Data(items[1], dtype, _shape(items), value, span=span_of(items))

    def file(self, items: Items) -> ast.File:
        return ast.File(items[1].text[1:-1], span=span_of(items))

    def var(self, items: Items) -> ast.Var:
        _, name, _, (domain, shape, _) = items
        return ast.Var(name, domain, shape, span=span_of(items))

    def binary(self, items: Items) -> _Shaped:
        span = span_of(items)
        return _Shaped(ast.BinaryDomain(span=span), _shape(items), span)

    def spin(self, items: Items) -> _Shaped:
        span = span_of(items)
        return _Shaped(ast.SpinDomain(span=span), _shape(items), span)

    def int(self, items: Items) -> _Shaped:
        span = span_of(items)
        interval = first_of(items, ast.Interval)
        assert interval is not None
        encoding = None if items[-1] is interval else ast.Encoding(items[-1].text)
        return _Shaped(ast.IntDomain(interval, encoding, span=span), _shape(items), span)

    def real(self, items: Items) -> _Shaped:
        span = span_of(items)
        return _Shaped(ast.RealDomain(items[-1], span=span), _shape(items), span)

    def choice(self, items: Items) -> _Shaped:
        span = span_of(items)
        labels = all_of(items, ast.Identifier)
        return _Shaped(ast.ChoiceDomain(labels, span=span), _shape(items), span)

    def shape(self, items: Items) -> _Shape:
        return _Shape(all_of(items, ast.Expr), span=span_of(items))

    def grid(self, items: Items) -> ast.Grid:
        return ast.Grid(items[1], items[3], span=span_of(items))

    def interval(self, items: Items) -> ast.Interval:
        return ast.Interval(items[1], items[3], span=span_of(items))

    def param(self, items: Items) -> ast.Param:
        start = next(item for item in items if isinstance(item, ast.Expr | ast.File))
        grid = first_of(items, ast.Grid)
        return ast.Param(items[1], _shape(items), start, grid, span=span_of(items))

    def let(self, items: Items) -> ast.Let:
        return ast.Let(items[1], items[3], span=span_of(items))

    def size(self, items: Items) -> ast.Where:
        return ast.Where(items[0], items[2], span=span_of(items))

    def objective(self, items: Items) -> ast.Objective:
        return ast.Objective(ast.Sense(items[0].text), items[1], span=span_of(items))

    def constraint(self, items: Items) -> ast.Constraint:
        body = first_of(items, ast.Expr)
        assert body is not None
        left, op, right, last = _relation(body)
        indices = first_of(items, _Indices)
        weight = first_of(items, _Weight)
        return ast.Constraint(
            name=items[0],
            indices=() if indices is None else indices.names,
            left=left,
            op=op,
            right=right,
            last=last,
            generators=all_of(items, ast.Generator),
            condition=condition_of(items),
            weight=None if weight is None else weight.value,
            span=span_of(items),
        )

    def indices(self, items: Items) -> _Indices:
        return _Indices(all_of(items, ast.Identifier), span=span_of(items))

    def weight(self, items: Items) -> _Weight:
        return _Weight(items[1], span=span_of(items))

    def anneal(self, items: Items) -> ast.Anneal:
        return ast.Anneal(items[1], all_of(items, ast.Argument), span=span_of(items))

    def train(self, items: Items) -> ast.Train:
        return ast.Train(items[1], all_of(items, ast.Argument), span=span_of(items))

    def linearize(self, items: Items) -> ast.Linearize:
        return ast.Linearize(items[1], all_of(items, ast.Argument), span=span_of(items))

    def sample(self, items: Items) -> ast.Sample:
        return ast.Sample(all_of(items, ast.Argument), span=span_of(items))

    def approximate(self, items: Items) -> ast.Approximate:
        interval = first_of(items, ast.Interval)
        return ast.Approximate(items[1], items[4], interval, span=span_of(items))

    def argument(self, items: Items) -> ast.Argument:
        return ast.Argument(first_of(items, ast.Identifier), items[-1], span=span_of(items))


def _relation(body: ast.Expr) -> tuple[ast.Expr, ast.Comparison, ast.Expr, ast.Expr | None]:
    """The sides of a constraint, with the third one of a chain."""
    if isinstance(body, Chain):
        return body.left, body.op, body.middle, body.right
    if not isinstance(body, ast.Compare):
        refuse_chains(body)
        raise CompileError(_no_comparison(body))
    if body.op not in RELATIONS:
        raise CompileError(_no_relation(body))
    return body.left, body.op, body.right, None


def _no_comparison(body: ast.Expr) -> NotAComparison:
    if isinstance(body, ast.Logical | ast.Not):
        word = "not" if isinstance(body, ast.Not) else body.op.value
        return NotAComparison(body.span, f"an expression with `{word}`", "write `(...) == 1`")
    if isinstance(body, ast.BinaryOp) and body.op is ast.BinaryOperator.IMPLIES:
        hint = "write `>=` for at least, or `(... => ...) == 1` for an implication"
        return NotAComparison(body.span, "an implication", hint)
    name = body.base if isinstance(body, ast.Index) else body
    if isinstance(name, ast.Name) and name.text in {"binary", "spin", "int", "real"}:
        return NotAComparison(body.span, "a type", "`var` declares a variable, as in `var x: binary`")
    return NotAComparison(body.span, "a single expression", "add the other side, as in `... <= 1`")


def _no_relation(body: ast.Compare) -> NotARelation:
    hints = {
        ast.Comparison.LT: "for whole numbers `a < b` is `a <= b - 1`",
        ast.Comparison.GT: "for whole numbers `a > b` is `a >= b + 1`",
    }
    return NotARelation(body.span, body.op.value, hints[body.op])
