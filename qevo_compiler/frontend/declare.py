"""Decision variables and parameters: the checks and ops that the language and `Problem` share."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.data import WrongShape
from qevo_compiler.diagnostics.language.names import RepeatedLabel
from qevo_compiler.diagnostics.language.shapes import BadSize, ShapesDoNotFit
from qevo_compiler.diagnostics.language.statements import BadBits, EmptyDomain
from qevo_compiler.diagnostics.language.values import NotWhole, NumberTooLarge
from qevo_compiler.dialects import nn, problem
from qevo_compiler.dialects.problem import Domain, Encoding
from qevo_compiler.frontend.tensors.value import Choice, Shape, Tensor, Values, check_size, count_of, derived
from qevo_compiler.ir import Array
from qevo_compiler.source import Span

MAX_BITS = 52


def check_shape(shape: Shape, span: Span | None) -> None:
    """Every size is at least 1 and the elements can be numbered."""
    for size in shape:
        if size < 1:
            raise CompileError(BadSize(span, size))
    check_size(count_of(shape), "this array", span)


def plain_variable(name: str, domain: Domain, shape: Shape, span: Span | None) -> Tensor:
    """A binary or spin variable."""
    check_shape(shape, span)
    build = partial(problem.VariableOp, name, domain, shape)
    return derived(build, (), shape, None, span, domain is Domain.BINARY)


def integer_variable(
    name: str, shape: Shape, low: Values, high: Values, encoding: Encoding | None, span: Span | None
) -> Tensor:
    """An integer variable in [low, high]; each end is a scalar or has the variable's shape."""
    check_shape(shape, span)
    for end in (low, high):
        if end.dtype.kind == "f" and not (end == np.floor(end)).all():
            raise CompileError(NotWhole(span, f"an end of the range of `{name}`", _first(end, end != np.floor(end))))
        if end.dtype.kind == "f" and (np.abs(end) >= 2**63).any():
            raise CompileError(NumberTooLarge(span))
    lower, upper = (_end(end.astype(np.int64), shape, span) for end in (low, high))
    _check_domain(name, lower, upper, span)
    build = partial(problem.VariableOp, name, Domain.INTEGER, shape, Array(lower), Array(upper), encoding=encoding)
    zero_one = bool((lower >= 0).all() and (upper <= 1).all())
    return derived(build, (), shape, None, span, zero_one)


def real_variable(name: str, shape: Shape, low: Values, high: Values, bits: Any, span: Span | None) -> Tensor:
    """A real variable on 2^bits grid points from low to high, both included."""
    check_shape(shape, span)
    lower, upper = (_end(end.astype(np.float64), shape, span) for end in (low, high))
    _check_domain(name, lower, upper, span)
    count = check_bits(name, bits, span)
    build = partial(problem.VariableOp, name, Domain.REAL, shape, Array(lower), Array(upper), count)
    return derived(build, (), shape, None, span)


def choice_variable(
    name: str, shape: Shape, labels: tuple[str, ...], span: Span | None, places: tuple[Span | None, ...] = ()
) -> Choice:
    """A choice of one label for each element. `places` are the labels' own spans, where known."""
    check_shape((*shape, len(labels)), span)
    for place, label in enumerate(labels):
        if label in labels[:place]:
            raise CompileError(RepeatedLabel(places[place] if places else span, label))
    build = partial(problem.VariableOp, name, Domain.CHOICE, shape, labels=labels)
    return Choice(derived(build, (), (*shape, len(labels)), None, span, zero_one=True), labels)


def parameter(name: str, shape: Shape, start: Values, grid: tuple[Any, Any, Any] | None, span: Span | None) -> Tensor:
    """A trained tensor with a start value (a scalar fills the shape) and perhaps a grid (low, high, bits)."""
    check_shape(shape, span)
    if start.shape not in ((), shape):
        if len(start.shape) != len(shape):
            raise CompileError(ShapesDoNotFit(span, shape, start.shape))
        axis = next(a for a, (n, m) in enumerate(zip(shape, start.shape, strict=True)) if n != m)
        raise CompileError(WrongShape(span, name, axis, shape[axis], start.shape[axis]))
    values = Array(np.array(np.broadcast_to(start.astype(np.float64), shape)))
    build = partial(nn.ParameterOp, name, values)
    if grid is not None:
        low, high, bits = grid
        _check_domain(name, np.asarray(low), np.asarray(high), span)
        build = partial(build, float(low), float(high), check_bits(name, bits, span))
    return derived(build, (), shape, None, span)


def check_bits(name: str, bits: Any, span: Span | None) -> int:
    """`bits` as an int from 1 to `MAX_BITS`."""
    if bits != int(bits) or not 1 <= bits <= MAX_BITS:
        raise CompileError(BadBits(span, name, f"{bits:g}"))
    return int(bits)


def tensor_of(variable: Tensor | Choice) -> Tensor:
    """The tensor whose op declares the variable."""
    return variable.indicators if isinstance(variable, Choice) else variable


def _check_domain(name: str, lower: Values, upper: Values, span: Span | None) -> None:
    low, high = np.broadcast_arrays(lower, upper)
    empty = low > high
    if empty.any():
        raise CompileError(EmptyDomain(span, name, str(low[empty][0].item()), str(high[empty][0].item())))


def _end(end: Values, shape: Shape, span: Span | None) -> Values:
    if end.shape in ((), shape):
        return end
    try:
        return np.array(np.broadcast_to(end, shape))
    except ValueError:
        raise CompileError(ShapesDoNotFit(span, shape, end.shape)) from None


def _first(values: Values, where: Values) -> str:
    return str(values[where].reshape(-1)[0].item())
