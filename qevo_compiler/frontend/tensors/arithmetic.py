"""Element-wise arithmetic and matrix products, with constants folded exactly.

Whole numbers stay whole: sums and products of integers are computed in integers and refused when they
leave 64 bits. Everything that depends on decisions becomes an `nn` op.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.language.shapes import MatrixShapes
from qevo_compiler.diagnostics.language.values import (
    BadPower,
    DividesByDecision,
    DivisionByZero,
    NotConstant,
    NotFinite,
    NumberTooLarge,
)
from qevo_compiler.dialects import nn
from qevo_compiler.frontend.tensors.align import Fold, common_shape, folded, lined_up, refine, reshape, spread
from qevo_compiler.frontend.tensors.value import Rows, Shape, Tensor, Values, constant, deepest, derived
from qevo_compiler.ir import Op
from qevo_compiler.ir.attributes import ends
from qevo_compiler.ir.counting import moved
from qevo_compiler.source import Span

_INT64 = 2**63
_ZERO = constant(np.int64(0))


def add(x: Tensor, y: Tensor, span: Span | None) -> Tensor:
    return _elementwise(lambda a, b: _exact(np.add, a, b, span), nn.AddOp, x, y, span)


def subtract(x: Tensor, y: Tensor, span: Span | None) -> Tensor:
    complement = y.zero_one and x.is_constant and bool((x.constant == 1).all())
    return _elementwise(lambda a, b: _exact(np.subtract, a, b, span), nn.SubOp, x, y, span, complement)


def multiply(x: Tensor, y: Tensor, span: Span | None) -> Tensor:
    both = (x.zero_one and y.is_zero_one) or (y.zero_one and x.is_zero_one)
    return _elementwise(lambda a, b: _exact(np.multiply, a, b, span), nn.MulOp, x, y, span, both)


def signed_sum(terms: Sequence[Tensor], negative: Sequence[bool], span: Span | None) -> Tensor:
    """The sum of the terms with their signs, by halves: long sums then cost n log n, not n squared."""
    if len(terms) == 1:
        return negate(terms[0], span) if negative[0] else terms[0]
    middle = (len(terms) + 1) // 2
    left = signed_sum(terms[:middle], negative[:middle], span)
    if len(terms) - middle == 1 and negative[middle]:
        return subtract(left, terms[middle], span)
    return add(left, signed_sum(terms[middle:], negative[middle:], span), span)


def negate(x: Tensor, span: Span | None) -> Tensor:
    if x.is_constant:
        return subtract(_ZERO, x, span)
    return derived(nn.NegOp, (x,), x.shape, x.rows, span)


def divide(x: Tensor, y: Tensor, span: Span | None, divisor: Span | None = None) -> Tensor:
    """x / y in reals; y must be constant and nowhere zero."""
    _check_divisor(y, divisor or span)
    return _elementwise(np.true_divide, nn.DivOp, x, y, span)


def floor_divide(x: Tensor, y: Tensor, span: Span | None, divisor: Span | None = None) -> Tensor:
    """The quotient of constants, rounded down."""
    return _constants_only("//", np.floor_divide, x, y, span, divisor or span)


def remainder(x: Tensor, y: Tensor, span: Span | None, divisor: Span | None = None) -> Tensor:
    """The remainder with the sign of the divisor, as in Python."""
    return _constants_only("%", _remainder, x, y, span, divisor or span)


def power(x: Tensor, y: Tensor, span: Span | None, exponent: Span | None = None) -> Tensor:
    """x ^ y. Where x depends on decisions, y is one whole non-negative constant."""
    if not y.is_constant:
        raise CompileError(BadPower(exponent or span, "a constant"))
    if x.is_constant:
        return fold(lambda a, b: _constant_power(a, b, span), x, y, span)
    exponents = np.unique(y.constant)
    if len(exponents) != 1 or exponents[0] != np.floor(exponents[0]) or not 0 <= exponents[0] < 2**31:
        raise CompileError(BadPower(exponent or span))
    times = int(exponents[0])
    if times == 0:
        return constant(np.ones(x.full), x.rows)
    if times == 1:
        return x
    return derived(partial(nn.PowerOp, exponent=times), (x,), x.shape, x.rows, span, x.zero_one)


def fold(function: Fold, x: Tensor, y: Tensor, span: Span | None) -> Tensor:
    """A numpy function of two tensors of constants, element by element."""
    return folded(lambda a, b: finite(function(a, b), span), x, y, span)


def matmul(x: Tensor, y: Tensor, span: Span | None) -> Tensor:
    """numpy's matrix product: vectors count as a row on the left and as a column on the right."""
    left, right = x.shape, y.shape
    if not left or not right or left[-1] != right[-2 if len(right) > 1 else -1]:
        raise CompileError(MatrixShapes(span, left, right))
    if len(left) == len(right) == 1:
        return sum_axes(multiply(x, y, span), (0,), span)
    rows = deepest(x.rows, y.rows)
    x2 = reshape(x, (1, *left), span) if len(left) == 1 else x
    y2 = reshape(y, (*right, 1), span) if len(right) == 1 else y
    stack = common_shape(x2.shape[:-2], y2.shape[:-2], span)
    shape = (*stack, x2.shape[-2], y2.shape[-1])
    product = _matrix_product(x2, y2, stack, rows, shape, span)
    columns = right[-1:] if len(right) > 1 else ()
    return reshape(product, (*stack, *left[-2:-1], *columns), span)


def sum_axes(x: Tensor, axes: tuple[int, ...], span: Span | None) -> Tensor:
    """The sum over axes of the shape (not over rows)."""
    if not axes:
        return x
    shape = tuple(n for axis, n in enumerate(x.shape) if axis not in axes)
    moved = axes if x.rows is None else tuple(axis + 1 for axis in axes)
    if x.is_constant:
        return constant(_exact_sum(x.constant, moved, span), x.rows)
    return derived(partial(nn.SumOp, axes=moved), (x,), shape, x.rows, span)


def finite(values: Values, span: Span | None) -> Values:
    """`values` when all of them are finite numbers."""
    values = np.asarray(values)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        found = values[~np.isfinite(values)].reshape(-1)[0]
        raise CompileError(NotFinite(span, str(found)))
    return values


def _elementwise(fold: Fold, op: type[Op], x: Tensor, y: Tensor, span: Span | None, zero_one: bool = False) -> Tensor:
    if x.is_constant and y.is_constant:
        return folded(fold, x, y, span)
    if x.shape == y.shape and x.rows is y.rows:
        return derived(op, (x, y), x.shape, x.rows, span, zero_one)
    shape = common_shape(x.shape, y.shape, span)
    rows = deepest(x.rows, y.rows)
    operands = spread(x, rows, shape, span), spread(y, rows, shape, span)
    return derived(op, operands, shape, rows, span, zero_one)


def _exact(ufunc: np.ufunc, a: Values, b: Values, span: Span | None) -> Values:
    """Add, subtract or multiply; integers in the smallest type that surely holds the result."""
    if a.dtype.kind == "f" or b.dtype.kind == "f":
        result: Values = ufunc(a, b, dtype=np.float64)
        return result
    top_a, top_b = _largest(a), _largest(b)
    bound = top_a * top_b if ufunc is np.multiply else top_a + top_b
    if bound >= _INT64:
        raise CompileError(NumberTooLarge(span))
    small = bound < 2**31 and max(a.size, b.size) > 1
    if small and b.size == 1 and b.ndim <= a.ndim and ufunc is not np.multiply:
        step = int(b.item())
        view = moved(a, step if ufunc is np.add else -step)
        if view is not None:
            return view
    whole: Values = ufunc(a, b, dtype=np.int32 if small else np.int64, casting="unsafe")
    return whole


def _largest(values: Values) -> int:
    if not values.size:
        return 0
    if values.dtype.kind == "b":
        return 1
    largest: int = max(map(abs, ends(values)))
    return largest


def _exact_sum(values: Values, axes: tuple[int, ...], span: Span | None) -> Values:
    if values.dtype.kind == "f":
        return finite(values.sum(axis=axes), span)
    if _largest(values) * values.size >= _INT64:
        raise CompileError(NumberTooLarge(span))
    return np.asarray(values.sum(axis=axes, dtype=np.int64))


def _constant_power(a: Values, b: Values, span: Span | None) -> Values:
    if a.dtype.kind == "f" or b.dtype.kind == "f" or (b < 0).any():
        return np.asarray(np.power(a.astype(np.float64), b.astype(np.float64)))
    base, exponent = _largest(a), _largest(b)
    # 64 bits hold no power above 63 of anything beyond 1, so this bound is never huge.
    if base > 1 and (exponent > 63 or base**exponent >= _INT64):
        raise CompileError(NumberTooLarge(span))
    return np.asarray(np.power(a.astype(np.int64), b.astype(np.int64)))


def _check_divisor(y: Tensor, span: Span | None) -> None:
    if not y.is_constant:
        raise CompileError(DividesByDecision(span))
    if not y.known.all():
        raise CompileError(DivisionByZero(span))


def _constants_only(sign: str, function: Fold, x: Tensor, y: Tensor, span: Span | None, divisor: Span | None) -> Tensor:
    if not (x.is_constant and y.is_constant):
        raise CompileError(NotConstant(span, f"an operand of `{sign}`"))
    _check_divisor(y, divisor)
    return fold(lambda a, b: function(_wide(a), _wide(b)), x, y, span)


def _remainder(a: Values, b: Values) -> Values:
    if b.ndim or a.dtype.kind == "f" or b.dtype.kind == "f":
        return np.asarray(np.remainder(a, b))
    # numpy divides by one whole number with multiplications, many times faster than it finds remainders.
    return np.asarray(a - np.floor_divide(a, b) * b)


def _wide(values: Values) -> Values:
    return values.astype(np.int64) if values.dtype.kind == "b" else values


def _matrix_product(x: Tensor, y: Tensor, stack: Shape, rows: Rows | None, shape: Shape, span: Span | None) -> Tensor:
    if x.is_constant and y.is_constant:
        a, b = (lined_up(refine(t, rows), len(stack) + 2) for t in (x, y))
        if a.dtype.kind != "f" and b.dtype.kind != "f" and _largest(a) * _largest(b) * a.shape[-1] >= _INT64:
            raise CompileError(NumberTooLarge(span))
        return constant(finite(np.matmul(_long(a), _long(b)), span), rows)
    operands = (spread(x, rows, (*stack, *x.shape[-2:]), span), spread(y, rows, (*stack, *y.shape[-2:]), span))
    return derived(nn.MatmulOp, operands, shape, rows, span)


def _long(values: Values) -> Values:
    return values.astype(np.int64) if values.dtype.kind in "bi" else values
