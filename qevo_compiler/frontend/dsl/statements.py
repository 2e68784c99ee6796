"""Objective, constraints and directives, and the order in which a program is checked."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from qevo_compiler.diagnostics import CompileError, Diagnostics
from qevo_compiler.diagnostics.language.names import DuplicateName
from qevo_compiler.diagnostics.language.shapes import ShapesDoNotFit
from qevo_compiler.diagnostics.language.statements import BadWeight, ConstraintIndices, RepeatedStatement
from qevo_compiler.dialects import problem
from qevo_compiler.frontend import declare, directives, tensors
from qevo_compiler.frontend.directives import Given, Kind
from qevo_compiler.frontend.draft import Draft, Family, index_rows, row_weights, two_sided
from qevo_compiler.frontend.dsl import comparing
from qevo_compiler.frontend.dsl.comprehensions import build_frame
from qevo_compiler.frontend.dsl.data import DataSource
from qevo_compiler.frontend.dsl.declarations import Declarations
from qevo_compiler.frontend.dsl.frames import ROOT, Frame
from qevo_compiler.frontend.dsl.scope import Poisoned
from qevo_compiler.frontend.tensors import Choice, Labels, Tensor
from qevo_compiler.frontend.tensors.value import Values
from qevo_compiler.grammar import ast
from qevo_compiler.ir import Array, Op

_RELATIONS = {
    ast.Comparison.EQ: problem.Relation.EQ,
    # The sides are then the equality and 0.
    ast.Comparison.NE: problem.Relation.EQ,
    ast.Comparison.LE: problem.Relation.LE,
    ast.Comparison.GE: problem.Relation.GE,
}


def state(program: ast.Program, folder: Path | None, given: DataSource) -> Draft:
    """The problem that a program states. Raises `CompileError` with every error of the program."""
    found = Diagnostics()
    stating = _Stating(program, folder, given, found)
    for statement in program.statements:
        try:
            stating.statement(statement)
        except CompileError as error:
            found.extend(error)
        except Poisoned:
            continue
    stating.forget()
    found.raise_if_any()
    return stating.draft


class _Stating:
    """Fills a draft, statement by statement."""

    def __init__(self, program: ast.Program, folder: Path | None, given: DataSource, found: Diagnostics) -> None:
        self.draft = Draft(program.name.text)
        self._declarations = Declarations(program, folder, given, found)
        self._expressions = self._declarations.expressions
        self._once: dict[str, ast.Statement] = {}
        self._constraints: dict[str, ast.Constraint] = {}

    def forget(self) -> None:
        self._declarations.scope.forget()

    def statement(self, statement: ast.Statement) -> None:
        """Check one statement and add what it says to the draft."""
        match statement:
            case ast.Data():
                self._declarations.check_sizes(statement)
            case ast.Var() | ast.Param():
                value = self._declarations.scope.value(statement.name.text)
                if isinstance(value, Tensor | Choice):
                    self.draft.declared.append(declare.tensor_of(value))
            case ast.Let() | ast.Where():
                self._declarations.scope.value(statement.name.text)
            case ast.Objective():
                value = self._expressions.tensor(statement.value)
                self.draft.set_objective(
                    problem.Sense(statement.sense.value), value, statement.span, statement.value.span
                )
            case ast.Constraint():
                self._constraint(statement)
            case _:
                self._directive(statement)

    def _constraint(self, node: ast.Constraint) -> None:
        first = self._constraints.setdefault(node.name.text, node)
        if first is not node:
            raise CompileError(DuplicateName(node.name.span, node.name.text, first.name.span))
        index_names = _index_names(node)
        if not node.generators and node.condition is not None:
            if not self._expressions.whole(node.condition, "a condition"):
                return
            frame = ROOT
        else:
            frame = build_frame(self._expressions, node.generators, node.condition, ROOT)
        (left, right, *last), weights = self._sides(node, frame)
        place = node.left.span.to((node.last or node.right).span)
        if last:
            left, right, body = two_sided((left, right), (right, last[0]), place)
        else:
            body = tensors.subtract(left, right, place)
        if frame.rows is not None and body.rows is None:
            body = tensors.spread(body, frame.rows, body.shape, node.span)
        indices = Array(_index_rows(frame, index_names, body, 2 if last else 1))
        relation = _RELATIONS[node.op]
        sides = 2 if last else 1
        weight, factors = _weight(weights, body, sides, node)
        self.draft.add_constraint(
            Family(node.name.text, left, right, body, relation, indices, weight, node.span, factors)
        )

    def _sides(self, node: ast.Constraint, frame: Frame) -> tuple[list[Tensor], Tensor | None]:
        written = (node.left, node.right) if node.last is None else (node.left, node.right, node.last)
        sides: list[list[Tensor]] = []
        weights: list[Tensor | None] = []
        self._expressions.every(
            lambda: sides.append(self._indicated(node, frame) or self._expressions.tensors(written, frame)),
            lambda: weights.append(self._weights(node.weight, frame)),
        )
        return sides[0], weights[0]

    def _indicated(self, node: ast.Constraint, frame: Frame) -> list[Tensor] | None:
        """The sides of a constraint on a comparison: `left == right`, a 0/1 value, and what it has to be."""
        differs = node.op is ast.Comparison.NE
        chosen = (comparing.is_choice(self._expressions, side, frame) for side in (node.left, node.right))
        if not differs and (node.op is not ast.Comparison.EQ or not any(chosen)):
            return None
        equal = ast.Compare(ast.Comparison.EQ, node.left, node.right, span=node.left.span.to(node.right.span))
        return [self._expressions.tensor(equal, frame), tensors.ZERO if differs else tensors.ONE]

    def _weights(self, node: ast.Expr | None, frame: Frame) -> Tensor | None:
        """The weight of a soft constraint, or one for each row; none is negative."""
        if node is None:
            return None
        weights = self._expressions.constants(node, "a weight", frame)
        if weights.known.size and (least := float(weights.known.min())) < 0:
            raise CompileError(BadWeight(node.span, f"{least:g}"))
        return weights

    def _directive(self, statement: ast.Statement) -> None:
        name, op = self._directive_op(statement)
        first = self._once.setdefault(name, statement)
        if first is not statement:
            raise CompileError(RepeatedStatement(statement.span, name, first.span))
        self.draft.directives.append(op())

    def _directive_op(self, statement: ast.Statement) -> tuple[str, Callable[[], Op]]:
        """What may be said once, and how to build its op."""
        span = statement.span
        match statement:
            case ast.Anneal(method, arguments):
                return "anneal", partial(
                    directives.request, method.text, _given(arguments), self._read, span, method.span
                )
            case ast.Train(method, arguments):
                return "train", partial(directives.train, method.text, _given(arguments), self._read, span, method.span)
            case ast.Linearize(method, arguments):
                return "linearize", partial(
                    directives.linearize, method.text, _given(arguments), self._read, span, method.span
                )
            case ast.Sample(arguments):
                return "sample", partial(directives.sample, _given(arguments), self._read, span)
            case ast.Approximate():
                return f"approximate {statement.function.text}", partial(self._approximate, statement)
        raise AssertionError(statement)

    def _approximate(self, node: ast.Approximate) -> Op:
        ends = None
        if node.interval is not None:
            written = (node.interval.low, node.interval.high)
            low, high = self._expressions.every(
                *(partial(self._expressions.real, end, "an end of the range") for end in written)
            )
            ends = (low, high)
        degree = Given("degree", node.degree, node.degree.span)
        return directives.approximate(node.function.text, degree, ends, self._read, node.span, node.function.span)

    def _read(self, node: ast.Expr, kind: Kind) -> Any:
        """The value of a directive's argument as its kind, or None when it is of another."""
        if kind is Kind.WORD:
            return node.text if isinstance(node, ast.Name) else None
        tensor = self._expressions.constants(node, "an option")
        return directives.plain(tensor.constant, kind)


def _given(arguments: Sequence[ast.Argument]) -> list[Given]:
    return [
        Given(None, a.value, a.value.span) if a.name is None else Given(a.name.text, a.value, a.value.span, a.name.span)
        for a in arguments
    ]


def _weight(
    weights: Tensor | None, body: Tensor, sides: int, node: ast.Constraint
) -> tuple[float | None, Array | None]:
    """The weight of a constraint, and factors of its rows where they have weights of their own."""
    if weights is None or node.weight is None:
        return None, None
    if weights.rows is None and not weights.shape:
        return float(weights.constant), None
    shape = body.shape if sides == 1 else body.shape[:-1]
    if tensors.common_shape(weights.shape, shape, node.weight.span) != shape:
        raise CompileError(ShapesDoNotFit(node.weight.span, shape, weights.shape))
    return row_weights(tensors.spread_values(weights, body.rows, shape), sides)


def _index_names(node: ast.Constraint) -> list[str]:
    """The index variables in the order of the name's brackets, or of the `for` parts without brackets."""
    running = [generator.index.text for generator in node.generators]
    listed = [index.text for index in node.indices]
    if not node.indices:
        return running
    for index in node.indices:
        if index.text not in running:
            advice = f"no `for {index.text} in ...` follows"
            raise CompileError(ConstraintIndices(index.span, node.name.text, advice))
        if listed.count(index.text) > 1:
            raise CompileError(ConstraintIndices(index.span, node.name.text, f"`{index.text}` is listed twice"))
    if missing := [name for name in running if name not in listed]:
        advice = f"`{missing[0]}` is missing: two constraints would have one name"
        raise CompileError(ConstraintIndices(node.name.span, node.name.text, advice))
    return listed


def _index_rows(frame: Frame, names: Sequence[str], body: Tensor, sides: int) -> Values:
    """[rows, k]: the values of the index variables, then positions inside an array-valued body; each `sides` times."""
    count = 1 if frame.rows is None else frame.rows.count
    columns = [_index_column(frame.names[name], count) for name in names]
    outer = np.concatenate([np.zeros((count, 0), np.int64), *columns], axis=1)
    if not body.shape:
        return outer
    inner = index_rows(body.shape if sides == 1 else body.shape[:-1], sides)
    return np.concatenate([np.repeat(outer, len(inner), axis=0), np.tile(inner, (count, 1))], axis=1)


def _index_column(value: Tensor | Labels, count: int) -> Values:
    """The values of one index variable; rows are counted where the values are not whole."""
    tensor = value.codes if isinstance(value, Labels) else value
    values = tensor.constant.reshape(count, math.prod(tensor.shape))
    if values.dtype.kind == "f" and not (values == np.floor(values)).all():
        return np.arange(count)[:, None]
    return values.astype(np.int64)
