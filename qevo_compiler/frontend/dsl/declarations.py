"""Declarations: data with the sizes they bind, `where`, `let`, variables and parameters."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from qevo_compiler.diagnostics import CompileError, Diagnostics, did_you_mean
from qevo_compiler.diagnostics.data import NoData, UnknownData, WrongShape
from qevo_compiler.diagnostics.language.names import SizesDisagree, UnboundSize
from qevo_compiler.diagnostics.language.shapes import BadSize
from qevo_compiler.diagnostics.language.values import NotConstant
from qevo_compiler.dialects import problem
from qevo_compiler.frontend import declare
from qevo_compiler.frontend.dsl.data import DataSource, TextTable, read_file, typed
from qevo_compiler.frontend.dsl.expressions import Expressions
from qevo_compiler.frontend.dsl.scope import Scope
from qevo_compiler.frontend.tensors import Tensor, Value, constant
from qevo_compiler.frontend.tensors.value import Shape, Values
from qevo_compiler.grammar import ast
from qevo_compiler.source import Span


class Declarations:
    """Puts every declared name of a program into a scope, and evaluates them on demand."""

    def __init__(self, program: ast.Program, folder: Path | None, given: DataSource, found: Diagnostics) -> None:
        self.scope = Scope(found)
        labels = {label.text: var.name.text for var in program.select(ast.Var) for label in _labels(var)}
        self.expressions = Expressions(self.scope, found, labels)
        self._program = program
        self._folder = folder
        self._given = given
        self._found = found
        self._arrays: dict[str, Values] = {}
        self._bound_at: dict[str, Span] = {}
        self._check_given()
        self._declare_names()
        self._declare_sizes()

    def shape(self, items: Sequence[ast.Expr], least: int = 1) -> Shape:
        """A declared shape, every size of it checked."""
        return tuple(self.expressions.every(*(partial(self._size, item, least) for item in items)))

    def check_sizes(self, data: ast.Data) -> None:
        """Compare the axes of one `data` with its declared shape; every axis that differs is reported."""
        value = self.scope.value(data.name.text)
        assert isinstance(value, Tensor)
        for axis, (item, length, size) in enumerate(
            zip(data.shape, value.shape, self.shape(data.shape, 0), strict=True)
        ):
            if length == size:
                continue
            if isinstance(item, ast.Name):
                other = self._bound_at.get(item.text)
                self._found.add(SizesDisagree(item.span, item.text, size, length, other))
            else:
                self._found.add(WrongShape(item.span, data.name.text, axis, size, length))

    def _check_given(self) -> None:
        known = [data.name.text for data in self._program.select(ast.Data)]
        for name in sorted(self._given):
            if name not in known:
                listed = ", ".join(f"`{k}`" for k in known)
                help = f"it declares {listed}" if listed else "it declares no data"
                self._found.add(UnknownData(None, name, did_you_mean(name, known), help))

    def _declare_names(self) -> None:
        for statement in self._program.statements:
            match statement:
                case ast.Data():
                    self.scope.declare(statement.name, partial(self._data, statement), statement.value)
                case ast.Let():
                    make = partial(self.expressions.value, statement.value)
                    self.scope.declare(statement.name, make, statement.value)
                case ast.Where():
                    self._bound_at.setdefault(statement.name.text, statement.name.span)
                    self.scope.declare(statement.name, partial(self._where, statement), statement.value)
                case ast.Var():
                    self.scope.declare(statement.name, partial(self._variable, statement), statement)
                case ast.Param():
                    self.scope.declare(statement.name, partial(self._parameter, statement), statement)

    def _declare_sizes(self) -> None:
        """Names in the shapes of data that nothing else declares: the first data that has one binds it."""
        for data in self._program.select(ast.Data):
            for axis, item in enumerate(data.shape):
                if isinstance(item, ast.Name) and item.text not in self.scope:
                    name = ast.Identifier(item.text, span=item.span)
                    self._bound_at[item.text] = item.span
                    own = ast.Name(data.name.text, span=item.span)
                    self.scope.declare(name, partial(self._axis, data, axis), own)

    def _data(self, data: ast.Data) -> Tensor:
        name = data.name.text
        rank = len(data.shape)
        if name in self._given:
            found = self._given[name]
            given = found if isinstance(found, TextTable) else np.asarray(found).view()
            values = typed(name, data.dtype, rank, self._with_axes(data, given), data.name)
            if values.dtype == np.float64 and np.may_share_memory(values, given):
                # Doubles become part of the module, whose arrays are frozen; other types are converted there.
                values = values.copy()
        elif data.value is None:
            raise CompileError(NoData(data.name.span, name))
        elif isinstance(data.value, ast.File):
            given = self._with_axes(data, read_file(data.value, self._folder))
            values = typed(name, data.dtype, rank, given, data.value)
        else:
            values = typed(name, data.dtype, rank, self._with_axes(data, self._literal(data.value)), data.value)
        return constant(values, symbol=name)

    def _with_axes(self, data: ast.Data, given: Any) -> Any:
        """`given`; a list without rows, which has one axis, with the further axes that are declared as numbers."""
        outer = (len(given),) if isinstance(given, list | tuple) else np.shape(given)
        if len(data.shape) < 2 or outer != (0,):
            return given
        inner = (0 if isinstance(item, ast.Name) else self._size(item) for item in data.shape[1:])
        return np.zeros((0, *inner), np.int64)

    def _literal(self, value: ast.Expr) -> Any:
        if isinstance(value, ast.LiteralArray):
            return value.entries
        return self.expressions.constants(value, "data").constant

    def _axis(self, data: ast.Data, axis: int) -> Tensor:
        value = self.scope.value(data.name.text)
        assert isinstance(value, Tensor)
        return constant(np.int64(value.shape[axis]))

    def _where(self, where: ast.Where) -> Tensor:
        return constant(np.int64(self.expressions.whole(where.value, f"the size `{where.name.text}`")))

    def _size(self, item: ast.Expr, least: int = 1) -> int:
        if isinstance(item, ast.Name) and item.text not in self.scope:
            hint = did_you_mean(item.text, self.scope.names)
            raise CompileError(UnboundSize(item.span, item.text, hint or f"add `where {item.text} = ...`"))
        size = self.expressions.whole(item, "a size")
        if size < least:
            raise CompileError(BadSize(item.span, size))
        return size

    def _variable(self, var: ast.Var) -> Value:
        name, span = var.name.text, var.span
        match var.domain:
            case ast.BinaryDomain():
                return declare.plain_variable(name, problem.Domain.BINARY, self.shape(var.shape), span)
            case ast.SpinDomain():
                return declare.plain_variable(name, problem.Domain.SPIN, self.shape(var.shape), span)
            case ast.IntDomain(interval, encoding):
                shape, (low, high) = self._shaped(var.shape, interval)
                chosen = None if encoding is None else problem.Encoding(encoding.value)
                return declare.integer_variable(name, shape, low, high, chosen, interval.span)
            case ast.RealDomain(grid):
                shape, (low, high) = self._shaped(var.shape, grid.interval)
                bits = self._bits(name, grid.bits)
                return declare.real_variable(name, shape, low, high, bits, grid.interval.span)
            case ast.ChoiceDomain(labels):
                texts, places = tuple(label.text for label in labels), tuple(label.span for label in labels)
                return declare.choice_variable(name, self.shape(var.shape), texts, span, places)

    def _shaped(self, items: Sequence[ast.Expr], interval: ast.Interval) -> tuple[Shape, tuple[Values, Values]]:
        """Shape and interval together, so that errors in both are reported."""
        shape: list[Shape] = []
        ends: list[tuple[Values, Values]] = []
        self.expressions.every(
            lambda: shape.append(self.shape(items)),
            lambda: ends.append(self._ends(interval)),
        )
        return shape[0], ends[0]

    def _ends(self, interval: ast.Interval) -> tuple[Values, Values]:
        low, high = self.expressions.every(
            *(partial(self.expressions.constants, end, "a range") for end in (interval.low, interval.high))
        )
        return low.constant, high.constant

    def _bits(self, name: str, node: ast.Expr) -> int:
        return declare.check_bits(name, self.expressions.real(node, "the number of bits"), node.span)

    def _parameter(self, param: ast.Param) -> Tensor:
        name = param.name.text
        shape = self.shape(param.shape)
        start = self._start(param)
        grid = None
        if param.grid is not None:
            low, high = (self.expressions.real(end, "a range") for end in _pair(param.grid.interval))
            grid = (low, high, self._bits(name, param.grid.bits))
        return declare.parameter(name, shape, start, grid, param.start.span)

    def _start(self, param: ast.Param) -> Values:
        name, start = param.name.text, param.start
        if isinstance(start, ast.File):
            given = read_file(start, self._folder)
            return typed(name, ast.DataType.REAL, len(param.shape), given, start)
        value = self.expressions.tensor(start)
        if not value.is_constant:
            raise CompileError(NotConstant(start.span, "a start value"))
        return value.constant


def _labels(var: ast.Var) -> tuple[ast.Identifier, ...]:
    return var.domain.labels if isinstance(var.domain, ast.ChoiceDomain) else ()


def _pair(interval: ast.Interval) -> tuple[ast.Expr, ast.Expr]:
    return interval.low, interval.high
