"""Whole programs as text: `parse` of it gives an equal tree."""

from __future__ import annotations

from collections.abc import Iterator
from functools import singledispatchmethod

from qevo_compiler.diagnostics import InternalError
from qevo_compiler.grammar import ast
from qevo_compiler.grammar.print_expr import ExpressionPrinter, Level


def print_program(program: ast.Program) -> str:
    """The canonical text of a tree; numbers are printed in their shortest form."""
    return ProgramPrinter().program(program)


class ProgramPrinter(ExpressionPrinter):
    """A method a kind of statement, on top of those of expressions."""

    def program(self, program: ast.Program) -> str:
        return "\n".join(self._lines(program)) + "\n"

    def _lines(self, program: ast.Program) -> Iterator[str]:
        yield f"program {program.name.text}"
        in_block = False
        for statement in program.statements:
            is_constraint = isinstance(statement, ast.Constraint)
            if is_constraint and not in_block:
                yield "subject to"
            in_block = is_constraint
            yield "  " * is_constraint + self.statement(statement)

    @singledispatchmethod
    def statement(self, node: ast.Node) -> str:
        """One statement on one line."""
        raise InternalError(f"no text for {type(node).__name__}")

    @statement.register
    def _(self, node: ast.Data) -> str:
        head = f"data {node.name.text}: {node.dtype.value}{self._shape(node.shape)}"
        return head if node.value is None else f"{head} {self._value(node.value)}"

    @statement.register
    def _(self, node: ast.Var) -> str:
        return f"var {node.name.text}: {self._domain(node.domain, self._shape(node.shape))}"

    @statement.register
    def _(self, node: ast.Param) -> str:
        head = f"param {node.name.text}: real{self._shape(node.shape)} {self._value(node.start)}"
        return head if node.grid is None else f"{head} {self._grid(node.grid)}"

    @statement.register
    def _(self, node: ast.Let) -> str:
        return f"let {node.name.text} = {self.expr(node.value)}"

    @statement.register
    def _(self, node: ast.Where) -> str:
        return f"where {node.name.text} = {self.expr(node.value)}"

    @statement.register
    def _(self, node: ast.Objective) -> str:
        return f"{node.sense.value} {self.expr(node.value)}"

    @statement.register
    def _(self, node: ast.Constraint) -> str:
        indices = f"[{', '.join(i.text for i in node.indices)}]" if node.indices else ""
        relation = self.show(ast.Compare(node.op, node.left, node.right, span=node.span))
        if node.last is not None:
            relation += f" {node.op.value} {self.expr(node.last, Level.SUM)}"
        weight = "" if node.weight is None else f" weight {self.expr(node.weight)}"
        return f"{node.name.text}{indices}: {relation}{self.clauses(node.generators, node.condition)}{weight}"

    @statement.register
    def _(self, node: ast.Anneal | ast.Train | ast.Linearize) -> str:
        word = type(node).__name__.lower()
        return f"{word} {node.method.text}({self._arguments(node.arguments)})"

    @statement.register
    def _(self, node: ast.Sample) -> str:
        return f"sample {self._arguments(node.arguments)}"

    @statement.register
    def _(self, node: ast.Approximate) -> str:
        head = f"approximate {node.function.text} degree = {self.expr(node.degree)}"
        return head if node.interval is None else f"{head} on {self._interval(node.interval)}"

    def _shape(self, sizes: tuple[ast.Expr, ...]) -> str:
        return f"[{self.exprs(sizes)}]" if sizes else ""

    def _value(self, value: ast.Expr | ast.File) -> str:
        return f'from "{value.text}"' if isinstance(value, ast.File) else f"= {self.expr(value)}"

    def _domain(self, domain: ast.Domain, shape: str) -> str:
        match domain:
            case ast.BinaryDomain():
                return f"binary{shape}"
            case ast.SpinDomain():
                return f"spin{shape}"
            case ast.IntDomain(interval, encoding):
                suffix = "" if encoding is None else f" encoded as {encoding.value}"
                return f"int{shape} in {self._interval(interval)}{suffix}"
            case ast.RealDomain(grid):
                return f"real{shape} {self._grid(grid)}"
            case ast.ChoiceDomain(labels):
                return f"choice {{{', '.join(label.text for label in labels)}}}{shape}"

    def _interval(self, interval: ast.Interval) -> str:
        return f"[{self.expr(interval.low)}, {self.expr(interval.high)}]"

    def _grid(self, grid: ast.Grid) -> str:
        return f"in {self._interval(grid.interval)} bits {self.expr(grid.bits)}"

    def _arguments(self, arguments: tuple[ast.Argument, ...]) -> str:
        return ", ".join(("" if a.name is None else f"{a.name.text} = ") + self.expr(a.value) for a in arguments)
