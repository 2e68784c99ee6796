"""Calls: reductions over arrays and smooth functions of every element."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from qevo_compiler.diagnostics import CompileError, did_you_mean
from qevo_compiler.diagnostics.language.names import UnknownFunction
from qevo_compiler.diagnostics.language.statements import WrongArguments
from qevo_compiler.frontend import tensors
from qevo_compiler.frontend.dsl.frames import Frame
from qevo_compiler.frontend.tensors import FUNCTIONS, Choice, Tensor, constant
from qevo_compiler.grammar import ast
from qevo_compiler.source import Span

if TYPE_CHECKING:
    from qevo_compiler.frontend.dsl.expressions import Expressions

_ONE: dict[str, Callable[[Tensor, Span | None], Tensor]] = {
    "sum": tensors.total,
    "prod": tensors.product,
    "mean": tensors.mean,
    "norm2": tensors.norm2,
    "len": tensors.length,
    **{name: partial(tensors.apply, name) for name in FUNCTIONS},
}
_EXTREMES = ("max", "min")
NAMES = (*_ONE, "dot", *_EXTREMES)


def call(expressions: Expressions, node: ast.Call, frame: Frame) -> Tensor:
    """The value of a call. Raises `CompileError` for an unknown function or a wrong number of arguments."""
    name = node.function.text
    if name not in NAMES:
        raise CompileError(_unknown(expressions, node, frame))
    if name == "len" and len(node.arguments) == 1:
        value = expressions.value(node.arguments[0], frame)
        if isinstance(value, Choice):
            return tensors.length(value.indicators if value.shape else constant(0), node.span)
        return tensors.length(tensors.number(value, node.arguments[0].span), node.span)
    arguments = expressions.tensors(node.arguments, frame)
    if name in _EXTREMES:
        return _extreme(name, arguments, node)
    if name == "dot":
        _check_count(node, 2, "two arrays")
        x, y = arguments
        return tensors.dot(x, y, node.span)
    _check_count(node, 1, "one argument")
    return _ONE[name](arguments[0], node.span)


# What other languages call a function.
_MEANT = {
    "range": "the numbers 0, 1, ..., n - 1 are `0..n`",
    "pow": "a power is `x^2`",
    "square": "a square is `x^2`",
    "quicksum": "did you mean `sum`?",
    "count": "did you mean `sum`? A comparison is 0 or 1",
}


def unknown_function(name: ast.Identifier, known: tuple[str, ...], advice: str = "not a function") -> UnknownFunction:
    """The diagnostic for a function that does not exist, or not in this form."""
    meant = _MEANT.get(name.text) or did_you_mean(name.text, known)
    return UnknownFunction(name.span, name.text, advice, meant)


def _unknown(expressions: Expressions, node: ast.Call, frame: Frame) -> UnknownFunction:
    name = node.function
    if name.text in expressions.scope or name.text in frame.names:
        return unknown_function(name, NAMES, f"`{name.text}` is an array or a number; index it with `[...]`")
    return unknown_function(name, NAMES)


def _check_count(node: ast.Call, count: int, expected: str) -> None:
    if len(node.arguments) != count:
        raise CompileError(WrongArguments(node.span, node.function.text, expected, len(node.arguments)))


def _extreme(name: str, arguments: list[Tensor], node: ast.Call) -> Tensor:
    """Of one array, or element by element of several."""
    if len(arguments) == 1:
        return tensors.extreme(name, arguments[0], None, node.span)
    if not arguments:
        raise CompileError(WrongArguments(node.span, name, "one array or several numbers", 0))
    return tensors.extreme_of(name, arguments, node.span)
