"""Comparisons inside expressions: where labels get their meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from qevo_compiler.diagnostics import CompileError, did_you_mean
from qevo_compiler.diagnostics.language.names import UnknownLabel
from qevo_compiler.frontend import tensors
from qevo_compiler.frontend.dsl.frames import Frame
from qevo_compiler.frontend.tensors import ONE, Choice, Labels, Tensor, Value, constant
from qevo_compiler.frontend.tensors.value import show_labels
from qevo_compiler.grammar import ast

if TYPE_CHECKING:
    from qevo_compiler.frontend.dsl.expressions import Expressions

_EQUALITIES = (ast.Comparison.EQ, ast.Comparison.NE)


def compare(expressions: Expressions, node: ast.Compare, frame: Frame) -> Tensor:
    """A comparison as a 0/1 value. A bare name beside a choice is one of its labels."""
    known: dict[int, Value] = {}
    if node.op in _EQUALITIES:
        for side, other in ((node.left, node.right), (node.right, node.left)):
            if not isinstance(other, ast.Name) or _is_foreign(expressions, side, frame):
                continue
            # Kept, since evaluating a side again at every level would double the work of each.
            value = known.setdefault(id(side), expressions.value(side, frame))
            if isinstance(value, Choice | Labels) and _reads_as_label(expressions, other, value, frame):
                return _signed(node, _with_label(value, other))
    left, right = expressions.every(
        lambda: known.get(id(node.left)) or expressions.value(node.left, frame),
        lambda: known.get(id(node.right)) or expressions.value(node.right, frame),
    )
    if node.op in _EQUALITIES and not (isinstance(left, Tensor) and isinstance(right, Tensor)):
        return _signed(node, _equal(left, right, node))
    x, y = tensors.number(left, node.left.span), tensors.number(right, node.right.span)
    return tensors.compare(node.op.value, x, y, node.span)


def is_choice(expressions: Expressions, node: ast.Expr, frame: Frame) -> bool:
    """Whether the node names a choice, an element of one, or an index variable that runs over labels."""
    while isinstance(node, ast.Index):
        node = node.base
    if not isinstance(node, ast.Name) or not expressions.is_known(node, frame):
        return False
    return isinstance(frame.names.get(node.text) or expressions.scope.value(node.text), Choice | Labels)


def _is_foreign(expressions: Expressions, node: ast.Expr, frame: Frame) -> bool:
    """Whether the node is a bare name that only a choice on the other side could explain."""
    return isinstance(node, ast.Name) and not expressions.is_known(node, frame)


def _reads_as_label(expressions: Expressions, node: ast.Name, value: Choice | Labels, frame: Frame) -> bool:
    labels = value.labels if isinstance(value, Choice) else value.names
    return node.text in labels or not expressions.is_known(node, frame)


def _with_label(value: Choice | Labels, label: ast.Name) -> Tensor:
    if isinstance(value, Choice):
        return tensors.is_label(value, label.text, label.span)
    if label.text not in value.names:
        hint = did_you_mean(label.text, value.names)
        raise CompileError(UnknownLabel(label.span, f"`{label.text}`", show_labels(value.names), hint))
    here = np.array([name == label.text for name in value.names])
    return constant(here[value.codes.constant], value.codes.rows)


def _equal(left: Value, right: Value, node: ast.Compare) -> Tensor:
    match left, right:
        case Choice(), Choice():
            return tensors.is_equal(left, right, node.span)
        case Choice(), Labels():
            return tensors.is_label_of_row(left, right, node.right.span)
        case Labels(), Choice():
            return tensors.is_label_of_row(right, left, node.left.span)
        case Labels(), Labels():
            names = tuple(dict.fromkeys(left.names + right.names))
            x, y = (
                constant(np.array([names.index(n) for n in side.names])[side.codes.constant], side.codes.rows)
                for side in (left, right)
            )
            return tensors.compare("==", x, y, node.span)
    choice, place = (left, node.right.span) if isinstance(left, Choice | Labels) else (right, node.left.span)
    assert isinstance(choice, Choice | Labels)
    labels = choice.labels if isinstance(choice, Choice) else choice.names
    raise CompileError(UnknownLabel(place, "this number", show_labels(labels), "a choice is compared with its labels"))


def _signed(node: ast.Compare, equal: Tensor) -> Tensor:
    return equal if node.op is ast.Comparison.EQ else tensors.subtract(ONE, equal, node.span)
