"""From the expression rules of `qevo.lark` to nodes; see `builder.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.syntax.statements import ChainedComparison
from qevo_compiler.grammar import ast
from qevo_compiler.grammar.literals import read_array, read_number
from qevo_compiler.light import light
from qevo_compiler.source import Span

T = TypeVar("T", bound=ast.Node)
Items = list[Any]


@light()
class Condition(ast.Node):
    """`if value`, on its way into a comprehension or a constraint."""

    value: ast.Expr


@light()
class Chain(ast.Expr):
    """`left op middle op right`, on its way into a constraint; `second` stands where the second comparison does."""

    op: ast.Comparison
    left: ast.Expr
    middle: ast.Expr
    right: ast.Expr
    second: ast.Identifier


def refuse_chains(root: ast.Node) -> None:
    """Raise for a chain of comparisons below `root`: only a whole constraint may be one."""
    for node in ast.walk(root):
        if isinstance(node, Chain):
            raise CompileError(ChainedComparison(node.second.span))


def span_of(items: Items) -> Span:
    span: Span = items[0].span
    return span if len(items) == 1 else span.to(items[-1].span)


def all_of(items: Items, kind: type[T]) -> tuple[T, ...]:
    """The items of a kind, in order."""
    return tuple([item for item in items if isinstance(item, kind)])


def first_of(items: Items, kind: type[T]) -> T | None:
    """The first item of a kind, or None."""
    for item in items:
        if isinstance(item, kind):
            return item
    return None


def condition_of(items: Items) -> ast.Expr | None:
    condition = first_of(items, Condition)
    return None if condition is None else condition.value


def _is_constant(item: ast.Expr) -> bool:
    if isinstance(item, ast.Negate):
        return isinstance(item.operand, ast.Literal) and not isinstance(item.operand.value, bool)
    return isinstance(item, ast.Literal | ast.LiteralArray)


def _entry(item: ast.Expr) -> ast.Number | ast.Entries:
    if isinstance(item, ast.LiteralArray):
        return item.entries
    if isinstance(item, ast.Negate):
        return -_entry(item.operand)  # type: ignore[operator]
    assert isinstance(item, ast.Literal)
    return item.value


def array_of(items: Sequence[ast.Expr], span: Span) -> ast.Array | ast.LiteralArray:
    """The array of `items`; one of constants is always a `LiteralArray`."""
    if all(_is_constant(item) for item in items):
        return ast.LiteralArray(tuple(_entry(item) for item in items), span=span)
    return ast.Array(tuple(items), span=span)


class ExpressionBuilder:
    """A method a rule of the grammar: from the items of an expression to its node."""

    def identifier(self, items: Items) -> ast.Identifier:
        _, text, span = items[0]
        return ast.Identifier(text, span=span)

    def name(self, items: Items) -> ast.Name:
        _, text, span = items[0]
        return ast.Name(text, span=span)

    def number(self, items: Items) -> ast.Literal:
        _, text, span = items[0]
        return ast.Literal(read_number(text, span), span=span)

    def true(self, items: Items) -> ast.Literal:
        return ast.Literal(True, span=span_of(items))

    def false(self, items: Items) -> ast.Literal:
        return ast.Literal(False, span=span_of(items))

    def literal_array(self, items: Items) -> ast.LiteralArray:
        return ast.LiteralArray(read_array(items[0].text, items[0].span), span=items[0].span)

    def array(self, items: Items) -> ast.Expr:
        return array_of(all_of(items, ast.Expr), span_of(items))

    def group(self, items: Items) -> ast.Expr:
        inner: ast.Expr = items[1]
        return replace(inner, span=span_of(items))

    def sum(self, items: Items) -> ast.Expr:
        first = items[0]
        terms = list(first.terms) if isinstance(first, ast.Sum) else [first]
        for sign, term in zip(items[1::2], items[2::2], strict=True):
            terms.append(term if sign.text == "+" else ast.Negate(term, span=sign.span.to(term.span)))
        return ast.Sum(tuple(terms), span=span_of(items))

    def term(self, items: Items) -> ast.Expr:
        result = items[0]
        pending = list(result.factors) if isinstance(result, ast.Product) else [result]
        for operator, factor in zip(items[1::2], items[2::2], strict=True):
            if operator.text == "*":
                pending.append(factor)
                continue
            left = self._product(pending, items[0].span)
            op = ast.BinaryOperator(operator.text)
            pending = [ast.BinaryOp(op, left, factor, span=items[0].span.to(factor.span))]
        return self._product(pending, items[0].span)

    @staticmethod
    def _product(factors: list[ast.Expr], start: Span) -> ast.Expr:
        if len(factors) == 1:
            return factors[0]
        return ast.Product(tuple(factors), span=start.to(factors[-1].span))

    def negate(self, items: Items) -> ast.Negate:
        return ast.Negate(items[1], span=span_of(items))

    def logical_not(self, items: Items) -> ast.Not:
        return ast.Not(items[1], span=span_of(items))

    def _binary(self, items: Items) -> ast.BinaryOp:
        left, operator, right = items
        return ast.BinaryOp(ast.BinaryOperator(operator.text), left, right, span=span_of(items))

    power = _binary
    implication = _binary

    def _logical(self, items: Items) -> ast.Logical:
        op = ast.LogicalOperator(items[1].text)
        first = items[0]
        joined = isinstance(first, ast.Logical) and first.op is op
        operands = (*(first.operands if joined else (first,)), *items[2::2])
        return ast.Logical(op, operands, span=span_of(items))

    disjunction = exclusion = conjunction = _logical

    def comparison(self, items: Items) -> ast.Expr:
        left, operator, right, *more = items
        if more:
            second = ast.Identifier(more[0].text, span=more[0].span)
            if len(more) > 2 or second.text != operator.text or second.text not in ("<=", ">="):
                raise CompileError(ChainedComparison(second.span))
            return Chain(ast.Comparison(operator.text), left, right, more[1], second, span=span_of(items))
        return ast.Compare(ast.Comparison(operator.text), left, right, span=span_of(items))

    def transpose(self, items: Items) -> ast.Transpose:
        return ast.Transpose(items[0], span=span_of(items))

    def index(self, items: Items) -> ast.Index:
        subscripts = tuple([item for item in items[1:] if isinstance(item, ast.Node)])
        return ast.Index(items[0], subscripts, span=span_of(items))  # type: ignore[arg-type]

    def slice(self, items: Items) -> ast.Slice:
        parts: list[ast.Expr | None] = [None, None, None]
        place = 0
        for item in items:
            if isinstance(item, ast.Expr):
                parts[place] = item
            else:
                place += 1
        return ast.Slice(*parts, span=span_of(items))

    def call(self, items: Items) -> ast.Call:
        return ast.Call(self.identifier(items), all_of(items, ast.Expr), span=span_of(items))

    def comprehension(self, items: Items) -> ast.Comprehension:
        generators = all_of(items, ast.Generator)
        return ast.Comprehension(self.identifier(items), items[2], generators, condition_of(items), span=span_of(items))

    def generator(self, items: Items) -> ast.Generator:
        _, index, _, domain = items
        return ast.Generator(index, domain, span=span_of(items))

    def range(self, items: Items) -> ast.Range:
        return ast.Range(items[0], items[2], span=span_of(items))

    def set(self, items: Items) -> ast.SetLiteral:
        return ast.SetLiteral(all_of(items, ast.Expr), span=span_of(items))

    def condition(self, items: Items) -> Condition:
        return Condition(items[1], span=span_of(items))
