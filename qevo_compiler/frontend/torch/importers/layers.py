"""Convolutions, pooling and batch norm. One-dimensional ones are two-dimensional ones of height 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qevo_compiler.dialects import nn
from qevo_compiler.frontend.torch.importers.reductions import affine, normalised
from qevo_compiler.frontend.torch.scope import Operand, Scope, Unsupported, imports, shape
from qevo_compiler.ir import Value

_NO_PLANES = "only one- and two-dimensional layers are supported"


class BatchStatistics(Unsupported):
    """A batch norm that uses the statistics of its batch."""


@imports("convolution.default")
def _convolution(
    scope: Scope,
    x: Operand,
    weight: Operand,
    bias: Operand | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    _output_padding: Sequence[int],
    groups: int,
) -> Value:
    if transposed:
        raise Unsupported("it is transposed", "use an ordinary convolution, or repeat elements before one")
    planes = _planes(scope, x)
    kernel = scope.reshape(weight, (*shape(weight)[:2], *_sides(shape(weight)[2:], 1)))
    known = None if bias is None else scope.value(bias)
    sizes = _pair(stride, 1), _pair(padding, 0), _pair(dilation, 1)
    result = scope.add(nn.Conv2dOp(planes, kernel, known, *sizes, groups))
    return _lines(scope, result, len(shape(x)))


@imports("avg_pool2d.default", "avg_pool1d.default")
def _average_pool(
    scope: Scope,
    x: Operand,
    kernel: Sequence[int],
    stride: Sequence[int] = (),
    padding: Sequence[int] = (0,),
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Value:
    if ceil_mode or divisor_override is not None:
        raise Unsupported("`ceil_mode` and `divisor_override` have no counterpart", "pad the input to a whole number")
    if any(padding) and not count_include_pad:
        raise Unsupported("its mean leaves padding out", "use `count_include_pad=True`")
    line = len(shape(x)) == 3 and len(kernel) == 1
    window = _wide(kernel, line, 1)
    steps = _wide(stride, line, 1) if stride else window
    return _pooled(scope, x, line, window, steps, _wide(padding, line, 0))


@imports("_adaptive_avg_pool2d.default", "adaptive_avg_pool2d.default", "adaptive_avg_pool1d.default")
def _adaptive_pool(scope: Scope, x: Operand, size: Sequence[int]) -> Value:
    spatial = shape(x)[-len(size) :]
    if any(old % new for old, new in zip(spatial, size, strict=True)):
        raise Unsupported(f"{spatial} does not divide into {tuple(size)} windows", "choose an output size that divides")
    kernel = [old // new for old, new in zip(spatial, size, strict=True)]
    return _average_pool(scope, x, kernel)


@imports("_native_batch_norm_legit_no_training.default")
def _batch_norm(
    scope: Scope,
    x: Operand,
    weight: Operand | None,
    bias: Operand | None,
    mean: Operand,
    variance: Operand,
    _momentum: float,
    epsilon: float,
) -> tuple[Value, None, None]:
    gain, shift = (None if part is None else scope.value(part) for part in (weight, bias))
    norm = nn.BatchNormOp(scope.value(x), gain, shift, scope.value(mean), scope.value(variance), float(epsilon))
    return scope.add(norm), None, None


@imports("_native_batch_norm_legit.no_stats")
def _norm_without_statistics(
    scope: Scope,
    x: Operand,
    weight: Operand | None,
    bias: Operand | None,
    _training: bool,
    _momentum: float,
    epsilon: float,
) -> tuple[Value, None, None]:
    """An instance norm, which torch states over one row of all instances' channels; others depend on the batch."""
    full = shape(x)
    if full[0] != 1:
        raise BatchStatistics("it uses the statistics of its batch")
    along = (full[1], *(1 for _ in full[2:]))
    gain, shift = (None if part is None else scope.reshape(part, along) for part in (weight, bias))
    axes = [axis for axis in range(len(full)) if axis != 1]
    return affine(scope, normalised(scope, x, axes, float(epsilon)), gain, shift), None, None


@imports(
    "_native_batch_norm_legit.default",
    "_native_batch_norm_legit_functional.default",
    "native_batch_norm.default",
    "batch_norm.default",
)
def _training_batch_norm(_: Scope, *__: Any, **___: Any) -> Value:
    raise BatchStatistics("it uses the statistics of its batch")


def _planes(scope: Scope, x: Operand) -> Value:
    """x as [batch, channels, height, width]."""
    old = shape(x)
    if len(old) not in (3, 4):
        raise Unsupported(f"its input has {len(old)} axes", _NO_PLANES)
    return scope.value(x) if len(old) == 4 else scope.reshape(x, (*old[:2], 1, old[2]))


def _lines(scope: Scope, result: Value, rank: int) -> Value:
    made = shape(result)
    return result if rank == 4 else scope.reshape(result, (*made[:2], made[3]))


def _pooled(
    scope: Scope, x: Operand, line: bool, kernel: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int]
) -> Value:
    old = shape(x)
    if line:
        planes = scope.reshape(x, (*old[:2], 1, old[2]))
    elif len(old) == 3:
        planes = scope.reshape(x, (1, *old))
    else:
        planes = scope.value(x)
    result = scope.add(nn.AveragePool2dOp(planes, kernel, stride, padding))
    made = shape(result)
    if line:
        return scope.reshape(result, (*made[:2], made[3]))
    return scope.reshape(result, made[1:]) if len(old) == 3 else result


def _sides(spatial: Sequence[int], fill: int) -> tuple[int, int]:
    return (fill, spatial[0]) if len(spatial) == 1 else (spatial[0], spatial[1])


def _pair(sizes: Sequence[int], fill: int) -> tuple[int, int]:
    """Two numbers for two axes; a one-dimensional layer has `fill` for its height."""
    return _sides([int(n) for n in sizes], fill)


def _wide(sizes: Sequence[int], line: bool, fill: int) -> tuple[int, int]:
    """Two numbers for two axes; one number for a plane stands for both."""
    if line:
        return fill, int(sizes[0])
    return int(sizes[0]), int(sizes[-1])
