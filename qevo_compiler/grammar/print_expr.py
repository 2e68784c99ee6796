"""Syntax tree to text, with no more parentheses than the tree needs."""

from __future__ import annotations

from enum import IntEnum
from functools import singledispatchmethod

from qevo_compiler.diagnostics import InternalError
from qevo_compiler.grammar import ast
from qevo_compiler.source import Span


class Level(IntEnum):
    """How tight an expression binds, loosest first."""

    IMPLICATION = 0
    DISJUNCTION = 1
    EXCLUSION = 2
    CONJUNCTION = 3
    NEGATION = 4
    RELATION = 5
    SUM = 6
    TERM = 7
    UNARY = 8
    POWER = 9
    POSTFIX = 10


_LOGICAL = {
    ast.LogicalOperator.OR: Level.DISJUNCTION,
    ast.LogicalOperator.XOR: Level.EXCLUSION,
    ast.LogicalOperator.AND: Level.CONJUNCTION,
}
_BINARY = {  # level of the result, least levels of the operands
    ast.BinaryOperator.IMPLIES: (Level.IMPLICATION, Level.DISJUNCTION, Level.IMPLICATION),
    ast.BinaryOperator.DIVIDE: (Level.TERM, Level.TERM, Level.UNARY),
    ast.BinaryOperator.FLOOR_DIVIDE: (Level.TERM, Level.TERM, Level.UNARY),
    ast.BinaryOperator.REMAINDER: (Level.TERM, Level.TERM, Level.UNARY),
    ast.BinaryOperator.MATMUL: (Level.TERM, Level.TERM, Level.UNARY),
    ast.BinaryOperator.POWER: (Level.POWER, Level.POSTFIX, Level.UNARY),
}
_LEVELS: dict[type[ast.Expr], Level] = {
    ast.Not: Level.NEGATION,
    ast.Compare: Level.RELATION,
    ast.Sum: Level.SUM,
    ast.Product: Level.TERM,
    ast.Negate: Level.UNARY,
}


def level(node: ast.Expr) -> Level:
    """The level of the outermost operator of `node`."""
    if isinstance(node, ast.Logical):
        return _LOGICAL[node.op]
    if isinstance(node, ast.BinaryOp):
        return _BINARY[node.op][0]
    return _LEVELS.get(type(node), Level.POSTFIX)


def print_number(value: ast.Number) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _print_entries(entries: ast.Entries) -> str:
    texts = (_print_entries(e) if isinstance(e, tuple) else print_number(e) for e in entries)
    return f"[{', '.join(texts)}]"


class ExpressionPrinter:
    """Prints expressions and remembers the spans of those that it had to put in parentheses."""

    def __init__(self) -> None:
        self.wrapped: set[Span] = set()

    def expr(self, node: ast.Expr, least: Level = Level.IMPLICATION) -> str:
        """`node` as an operand of something that binds as tight as `least`."""
        if level(node) >= least:
            return self.show(node)
        return self._wrap(node)

    def exprs(self, nodes: tuple[ast.Expr, ...]) -> str:
        return ", ".join(self.expr(node) for node in nodes)

    def _wrap(self, node: ast.Expr) -> str:
        self.wrapped.add(node.span)
        return f"({self.show(node)})"

    @singledispatchmethod
    def show(self, node: ast.Node) -> str:
        """`node` without parentheses around it."""
        raise InternalError(f"no text for {type(node).__name__}")

    @show.register
    def _(self, node: ast.Identifier | ast.Name) -> str:
        return node.text

    @show.register
    def _(self, node: ast.Literal) -> str:
        return print_number(node.value)

    @show.register
    def _(self, node: ast.LiteralArray) -> str:
        return _print_entries(node.entries)

    @show.register
    def _(self, node: ast.Array) -> str:
        return f"[{self.exprs(node.items)}]"

    @show.register
    def _(self, node: ast.Sum) -> str:
        parts = [self.expr(node.terms[0], Level.TERM)]
        for term in node.terms[1:]:
            if isinstance(term, ast.Negate):
                parts.append(f"- {self.expr(term.operand, Level.TERM)}")
            else:
                parts.append(f"+ {self.expr(term, Level.TERM)}")
        return " ".join(parts)

    @show.register
    def _(self, node: ast.Product) -> str:
        first, *rest = node.factors
        return " * ".join([self.expr(first, Level.TERM), *(self.expr(factor, Level.UNARY) for factor in rest)])

    @show.register
    def _(self, node: ast.Negate) -> str:
        return f"-{self.expr(node.operand, Level.UNARY)}"

    @show.register
    def _(self, node: ast.Not) -> str:
        return f"not {self.expr(node.operand, Level.NEGATION)}"

    @show.register
    def _(self, node: ast.BinaryOp) -> str:
        _, left, right = _BINARY[node.op]
        sign = "^" if node.op is ast.BinaryOperator.POWER else f" {node.op.value} "
        return f"{self.expr(node.left, left)}{sign}{self.expr(node.right, right)}"

    @show.register
    def _(self, node: ast.Logical) -> str:
        least = Level(_LOGICAL[node.op] + 1)
        return f" {node.op.value} ".join(self.expr(operand, least) for operand in node.operands)

    @show.register
    def _(self, node: ast.Compare) -> str:
        return f"{self.expr(node.left, Level.SUM)} {node.op.value} {self.expr(node.right, Level.SUM)}"

    @show.register
    def _(self, node: ast.Transpose) -> str:
        # `2.T` reads as a number gone wrong
        if isinstance(node.operand, ast.Literal):
            return f"{self._wrap(node.operand)}.T"
        return f"{self.expr(node.operand, Level.POSTFIX)}.T"

    @show.register
    def _(self, node: ast.Index) -> str:
        items = (self.expr(i) if isinstance(i, ast.Expr) else self.show(i) for i in node.items)
        return f"{self.expr(node.base, Level.POSTFIX)}[{', '.join(items)}]"

    @show.register
    def _(self, node: ast.Slice) -> str:
        start, stop, step = ("" if part is None else self.expr(part) for part in _slice_parts(node))
        return f"{start}:{stop}" + (f":{step}" if step else "")

    @show.register
    def _(self, node: ast.Call) -> str:
        return f"{node.function.text}({self.exprs(node.arguments)})"

    @show.register
    def _(self, node: ast.Comprehension) -> str:
        clauses = self.clauses(node.generators, node.condition)
        return f"{node.function.text}({self.expr(node.body)}{clauses})"

    def clauses(self, generators: tuple[ast.Generator, ...], condition: ast.Expr | None) -> str:
        """`for .. in ..` and `if ..`, each with a space before it."""
        texts = [f" {self.show(generator)}" for generator in generators]
        if condition is not None:
            texts.append(f" if {self.expr(condition)}")
        return "".join(texts)

    @show.register
    def _(self, node: ast.Generator) -> str:
        domain = node.domain
        text = self.expr(domain) if isinstance(domain, ast.Expr) else self.show(domain)
        return f"for {node.index.text} in {text}"

    @show.register
    def _(self, node: ast.Range) -> str:
        return f"{self.expr(node.start, Level.SUM)}..{self.expr(node.stop, Level.SUM)}"

    @show.register
    def _(self, node: ast.SetLiteral) -> str:
        return f"{{{self.exprs(node.items)}}}"


def _slice_parts(node: ast.Slice) -> tuple[ast.Expr | None, ast.Expr | None, ast.Expr | None]:
    return node.start, node.stop, node.step
