"""Expressions of the syntax tree as tensors: every name resolved, every shape and kind checked.

Errors are collected as they are found. An expression with a wrong part raises `Poisoned` after all its
parts have been looked at, so independent errors are reported together and none twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial, reduce
from typing import Any, TypeAlias, TypeVar

import numpy as np

from qevo_compiler.diagnostics import CompileError, Diagnostics, did_you_mean
from qevo_compiler.diagnostics.language.names import MisplacedLabel, UnknownName
from qevo_compiler.diagnostics.language.shapes import NotScalar, UnevenSlice
from qevo_compiler.diagnostics.language.values import NotConstant, NotWhole, NumberTooLarge
from qevo_compiler.frontend import arrays, tensors
from qevo_compiler.frontend.dsl import calls, comparing
from qevo_compiler.frontend.dsl.comprehensions import reduce_comprehension
from qevo_compiler.frontend.dsl.frames import ROOT, Frame
from qevo_compiler.frontend.dsl.scope import Poisoned, Scope
from qevo_compiler.frontend.tensors import Choice, Item, Tensor, Value, constant
from qevo_compiler.grammar import ast

ResultT = TypeVar("ResultT")

# Rows from which on an index expression that occurs twice is read once.
LARGE = 1 << 12


class Expressions:
    """Evaluates expressions of one program. `labels` maps each label to a choice that has it."""

    def __init__(self, scope: Scope, found: Diagnostics, labels: dict[str, str]) -> None:
        self.scope = scope
        self.labels = labels
        self._found = found

    def value(self, node: ast.Expr, frame: Frame = ROOT) -> Value:
        """What `node` stands for. Raises `Poisoned` when it is wrong; the reasons have been collected."""
        try:
            return _RULES[type(node)](self, node, frame)
        except CompileError as error:
            self._found.extend(error)
            raise Poisoned from None

    def tensor(self, node: ast.Expr, frame: Frame = ROOT) -> Tensor:
        """`node` as numbers; a choice is refused."""
        value = self.value(node, frame)
        return value if isinstance(value, Tensor) else tensors.number(value, node.span)

    def tensors(self, nodes: Sequence[ast.Expr], frame: Frame) -> list[Tensor]:
        """All of `nodes` as numbers, each looked at even when another is wrong."""
        return self._all(self.tensor, nodes, frame)

    def _all(self, rule: Callable[[Any, Frame], ResultT], nodes: Sequence[ast.Node], frame: Frame) -> list[ResultT]:
        """What a rule makes of all nodes, each looked at even when another is wrong."""
        results = []
        for node in nodes:
            # Written out, not through `every`: this is the recursion, and it must stay shallow.
            try:
                results.append(rule(node, frame))
            except CompileError as error:
                self._found.extend(error)
            except Poisoned:
                continue
        if len(results) < len(nodes):
            raise Poisoned
        return results

    def every(self, *tasks: Callable[[], ResultT]) -> list[ResultT]:
        """The results of all tasks; raises `Poisoned` at the end when one of them is wrong."""
        results = []
        for task in tasks:
            try:
                results.append(task())
            except CompileError as error:
                self._found.extend(error)
            except Poisoned:
                continue
        if len(results) < len(tasks):
            raise Poisoned
        return results

    def attempted(self, task: Callable[[], ResultT]) -> ResultT | None:
        """The result of a task, or None, without a report, where something in it is wrong."""
        kept, self._found = self._found, Diagnostics()
        try:
            return task()
        except (CompileError, Poisoned):
            return None
        finally:
            self._found = kept

    def constants(self, node: ast.Expr, what: str, frame: Frame = ROOT) -> Tensor:
        """`node` as constants."""
        tensor = self.tensor(node, frame)
        if not tensor.is_constant:
            raise CompileError(NotConstant(node.span, what))
        return tensor

    def real(self, node: ast.Expr, what: str) -> float:
        """`node` as one number."""
        tensor = self.constants(node, what)
        if tensor.shape:
            raise CompileError(NotScalar(node.span, what, tensor.shape))
        return float(tensor.constant)

    def whole(self, node: ast.Expr, what: str) -> int:
        """`node` as one whole number."""
        return int(self.wholes(node, what, ROOT).constant)

    def wholes(self, node: ast.Expr, what: str, frame: Frame) -> Tensor:
        """`node` as one whole number for each row."""
        tensor = self.constants(node, what, frame)
        if tensor.shape:
            raise CompileError(NotScalar(node.span, what, tensor.shape))
        values = tensor.constant
        if values.dtype.kind == "f":
            wrong = values[values != np.floor(values)]
            if wrong.size:
                raise CompileError(NotWhole(node.span, what, f"{wrong.reshape(-1)[0]:g}"))
            if (np.abs(values) >= 2**63).any():
                raise CompileError(NumberTooLarge(node.span))
            return constant(values.astype(np.int64), tensor.rows)
        return tensor

    def is_known(self, node: ast.Name, frame: Frame) -> bool:
        """Whether the name stands for something other than a label."""
        return node.text in frame.names or node.text in self.scope

    def _name(self, node: ast.Name, frame: Frame) -> Value:
        known = frame.names.get(node.text)
        if known is not None:
            return known
        if node.text in self.scope:
            return self.scope.value(node.text)
        if node.text in self.labels:
            raise CompileError(MisplacedLabel(node.span, node.text, self.labels[node.text]))
        names = [*self.scope.names, *frame.names]
        hint = did_you_mean(node.text, names)
        if not hint and len(node.text) == 1:
            hint = f"an index is named by a `for`, as in `sum(x[{node.text}] for {node.text} in 0..4)`"
        raise CompileError(UnknownName(node.span, node.text, hint))

    def _literal(self, node: ast.Literal, frame: Frame) -> Tensor:
        if isinstance(node.value, int) and abs(node.value) >= 2**63:
            raise CompileError(NumberTooLarge(node.span))
        return constant(node.value)

    def _literal_array(self, node: ast.LiteralArray, frame: Frame) -> Tensor:
        return constant(arrays.numbers("this array", node.entries, node.span))

    def _array(self, node: ast.Array, frame: Frame) -> Tensor:
        return tensors.stack(self.tensors(node.items, frame), node.span)

    def _sum(self, node: ast.Sum, frame: Frame) -> Tensor:
        signs = [isinstance(term, ast.Negate) for term in node.terms]
        bare = [term.operand if isinstance(term, ast.Negate) else term for term in node.terms]
        return tensors.signed_sum(self.tensors(bare, frame), signs, node.span)

    def _product(self, node: ast.Product, frame: Frame) -> Tensor:
        factors = self.tensors(node.factors, frame)
        return reduce(lambda x, y: tensors.multiply(x, y, node.span), factors)

    def _negate(self, node: ast.Negate, frame: Frame) -> Tensor:
        return tensors.negate(self.tensor(node.operand, frame), node.span)

    def _not(self, node: ast.Not, frame: Frame) -> Tensor:
        return tensors.negation(self.tensor(node.operand, frame), node.span, node.operand.span)

    def _logical(self, node: ast.Logical, frame: Frame) -> Tensor:
        operands = self.tensors(node.operands, frame)
        places = [operand.span for operand in node.operands]
        return tensors.logical(node.op.value, list(zip(operands, places, strict=True)), node.span)

    def _binary(self, node: ast.BinaryOp, frame: Frame) -> Tensor:
        x, y = self.tensors((node.left, node.right), frame)
        match node.op:
            case ast.BinaryOperator.DIVIDE:
                return tensors.divide(x, y, node.span, node.right.span)
            case ast.BinaryOperator.POWER:
                return tensors.power(x, y, node.span, node.right.span)
            case ast.BinaryOperator.IMPLIES:
                return tensors.logical("=>", [(x, node.left.span), (y, node.right.span)], node.span)
            case ast.BinaryOperator.MATMUL:
                return tensors.matmul(x, y, node.span)
            case ast.BinaryOperator.FLOOR_DIVIDE:
                return tensors.floor_divide(x, y, node.span, node.right.span)
            case ast.BinaryOperator.REMAINDER:
                return tensors.remainder(x, y, node.span, node.right.span)

    def _compare(self, node: ast.Compare, frame: Frame) -> Tensor:
        return comparing.compare(self, node, frame)

    def _transpose(self, node: ast.Transpose, frame: Frame) -> Tensor:
        return tensors.transpose(self.tensor(node.operand, frame), node.span)

    def _index(self, node: ast.Index, frame: Frame) -> Value:
        if frame.rows is None or frame.rows.count < LARGE or not isinstance(node.base, ast.Name):
            return self._indexed(node, frame)
        text = repr(node)
        known = frame.read.get(text)
        if known is not None:
            # Another tensor of the same array: the module states it as often as the program does.
            return replace(known) if known.is_constant else replace(known, span=node.span)
        found = self._indexed(node, frame)
        if isinstance(found, Tensor) and (found.is_constant or found.operands == (self.value(node.base, frame),)):
            frame.read[text] = found
        return found

    def _indexed(self, node: ast.Index, frame: Frame) -> Value:
        base, *items = self._all(self._item, (node.base, *node.items), frame)
        assert not isinstance(base.selector, slice)
        return tensors.index(base.selector, items, node.span)

    def _item(self, node: ast.Expr | ast.Slice, frame: Frame) -> Item:
        if isinstance(node, ast.Slice):
            parts = self.every(*(partial(self._bound, part, frame) for part in (node.start, node.stop, node.step)))
            return Item(slice(*parts), node.span)
        value = self.value(node, frame)
        return Item(value if isinstance(value, Tensor | Choice) else tensors.number(value, node.span), node.span)

    def _bound(self, node: ast.Expr | None, frame: Frame) -> int | None:
        if node is None:
            return None
        bound = self.wholes(node, "a bound of a slice", frame)
        values = np.unique(bound.constant)
        if len(values) != 1:
            raise CompileError(UnevenSlice(node.span))
        return int(values[0])

    def _call(self, node: ast.Call, frame: Frame) -> Tensor:
        return calls.call(self, node, frame)

    def _comprehension(self, node: ast.Comprehension, frame: Frame) -> Tensor:
        return reduce_comprehension(self, node, frame)


_Rule: TypeAlias = Callable[[Expressions, Any, Frame], Value]

_RULES: dict[type[ast.Expr], _Rule] = {
    ast.Name: Expressions._name,
    ast.Literal: Expressions._literal,
    ast.LiteralArray: Expressions._literal_array,
    ast.Array: Expressions._array,
    ast.Sum: Expressions._sum,
    ast.Product: Expressions._product,
    ast.Negate: Expressions._negate,
    ast.Not: Expressions._not,
    ast.BinaryOp: Expressions._binary,
    ast.Logical: Expressions._logical,
    ast.Compare: Expressions._compare,
    ast.Transpose: Expressions._transpose,
    ast.Index: Expressions._index,
    ast.Call: Expressions._call,
    ast.Comprehension: Expressions._comprehension,
}
