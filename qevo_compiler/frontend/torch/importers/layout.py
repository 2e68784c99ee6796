"""Changes of layout: shapes, orders of axes, and every operation that only picks elements by data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from qevo_compiler.dialects import nn
from qevo_compiler.frontend.torch.scope import Operand, Scope, Unsupported, imports, shape
from qevo_compiler.ir import Array, Value


@imports("clone.default", "alias.default", "lift_fresh_copy.default", "contiguous.default")
def _same(scope: Scope, x: Operand, **_: Any) -> Value:
    return scope.value(x)


@imports("_to_copy.default")
def _convert(scope: Scope, x: Operand, dtype: torch.dtype | None = None, **_: Any) -> Value:
    if dtype is not None and not dtype.is_floating_point:
        raise Unsupported(f"a value that depends on parameters becomes {dtype}", "keep it real")
    return scope.value(x)


@imports("view.default", "reshape.default", "_unsafe_view.default")
def _view(scope: Scope, x: Operand, size: Sequence[int]) -> Value:
    total = 1
    for n in shape(x):
        total *= n
    known = 1
    for n in size:
        known *= n if n != -1 else 1
    return scope.reshape(x, [total // known if n == -1 else n for n in size])


@imports("permute.default")
def _permute(scope: Scope, x: Operand, axes: Sequence[int]) -> Value:
    return scope.transpose(x, axes)


@imports("transpose.int")
def _swap(scope: Scope, x: Operand, first: int, second: int) -> Value:
    order = list(range(len(shape(x))))
    order[first], order[second] = order[second], order[first]
    return scope.transpose(x, order)


@imports("t.default")
def _turn(scope: Scope, x: Operand) -> Value:
    return scope.transpose(x, range(len(shape(x)))[::-1])


@imports("unsqueeze.default")
def _unsqueeze(scope: Scope, x: Operand, axis: int) -> Value:
    old = shape(x)
    at = axis % (len(old) + 1)
    return scope.reshape(x, (*old[:at], 1, *old[at:]))


@imports("squeeze.dims", "squeeze.dim", "squeeze.default")
def _squeeze(scope: Scope, x: Operand, axes: int | Sequence[int] | None = None) -> Value:
    old = shape(x)
    named = range(len(old)) if axes is None else [axes] if isinstance(axes, int) else axes
    gone = {axis % len(old) for axis in named if old[axis] == 1}
    return scope.reshape(x, [n for axis, n in enumerate(old) if axis not in gone])


@imports("expand.default")
def _expand(scope: Scope, x: Operand, size: Sequence[int], implicit: bool = False) -> Value:
    old = (1,) * (len(size) - len(shape(x))) + shape(x)
    return scope.broadcast(x, [n if n != -1 else old[axis] for axis, n in enumerate(size)])


@imports("cat.default")
def _cat(scope: Scope, parts: Sequence[Operand], axis: int = 0) -> Value:
    # torch lets an empty one-dimensional tensor stand for "nothing yet".
    kept = [scope.value(part) for part in parts if shape(part) != (0,)]
    return kept[0] if len(kept) == 1 else scope.add(nn.ConcatOp(tuple(kept), axis % len(shape(kept[0]))))


def _positions(x: Operand) -> Tensor:
    """Positions in flattened x, counted from 1: a zero that an operation fills in then means no element."""
    old = shape(x)
    return torch.arange(1, torch.Size(old).numel() + 1).reshape(old)


def _picked(scope: Scope, x: Operand, moved: Tensor) -> Value:
    return scope.add(nn.GatherOp(scope.value(x), Array((moved - 1).contiguous().numpy())))


def picked_range(scope: Scope, x: Operand, axis: int, start: int, stop: int) -> Value:
    """The elements from `start` to `stop` - 1 along an axis."""
    return _picked(scope, x, _positions(x).narrow(axis, start, stop - start))


def _mover(overload: str) -> None:
    """An operation that moves elements of its first argument by data: running it on positions says how."""
    packet, _, name = overload.partition(".")
    callee = getattr(getattr(torch.ops.aten, packet), name)

    def importer(scope: Scope, x: Operand, *arguments: Any, **options: Any) -> Any:
        if any(isinstance(argument, Value) for argument in arguments):
            raise Unsupported("the positions depend on parameters", "index by data only")
        moved = callee(_positions(x), *arguments, **options)
        if isinstance(moved, Tensor):
            return _picked(scope, x, moved)
        return tuple(_picked(scope, x, part) for part in moved)

    imports(overload)(importer)


for _overload in (
    "slice.Tensor",
    "select.int",
    "index_select.default",
    "index.Tensor",
    "gather.default",
    "flip.default",
    "roll.default",
    "repeat.default",
    "diagonal.default",
    "tril.default",
    "triu.default",
    "unfold.default",
    "split_with_sizes.default",
    "split.Tensor",
    "unbind.int",
    "pixel_shuffle.default",
    "pixel_unshuffle.default",
):
    _mover(_overload)


@imports("upsample_nearest1d.vec", "upsample_nearest2d.vec")
def _upsample(scope: Scope, x: Operand, size: Sequence[int] | None, factors: Sequence[float] | None) -> Value:
    """Repeated elements; torch itself says which, on positions (whole numbers below 2^53 are exact)."""
    callee = torch.ops.aten.upsample_nearest1d if len(shape(x)) == 3 else torch.ops.aten.upsample_nearest2d
    return _picked(scope, x, callee.vec(_positions(x).double(), size, factors).long())


@imports("copy.default")
def _copy(scope: Scope, x: Operand, source: Operand, *_: Any) -> Value:
    return scope.broadcast(source, shape(x))


def _writer(overload: str) -> None:
    """An operation that writes its second argument over a part of its first, at positions told by data."""
    packet, _, name = overload.partition(".")
    callee = getattr(getattr(torch.ops.aten, packet), name)

    def importer(scope: Scope, x: Operand, source: Operand, *arguments: Any, **options: Any) -> Value:
        old, new = _positions(x), _positions(source)
        kept = callee(old, torch.zeros_like(new), *arguments, **options)
        written = callee(torch.zeros_like(old), new, *arguments, **options)
        return scope.plus(_picked(scope, x, kept), _picked(scope, source, written))

    imports(overload)(importer)


for _overload in ("select_scatter.default", "slice_scatter.default", "diagonal_scatter.default"):
    _writer(_overload)


@imports("constant_pad_nd.default")
def _pad(scope: Scope, x: Operand, widths: Sequence[int], value: float = 0) -> Value:
    padded = _picked(scope, x, torch.constant_pad_nd(_positions(x), list(widths), 0))
    if value == 0:
        return padded
    border = torch.constant_pad_nd(torch.zeros(shape(x), dtype=torch.float64), list(widths), value)
    return scope.plus(padded, border)


@imports("embedding.default")
def _embedding(scope: Scope, weight: Operand, rows: Operand, *_: Any, **__: Any) -> Value:
    if not isinstance(rows, Tensor):
        raise Unsupported("the rows depend on parameters", "index an embedding by data only")
    return _picked(scope, weight, _positions(weight)[rows])


@imports("_embedding_bag.default")
def _embedding_bag(
    scope: Scope,
    weight: Operand,
    rows: Operand,
    offsets: Operand,
    _scale: bool = False,
    mode: int = 0,
    _sparse: bool = False,
    factors: Operand | None = None,
    last: bool = False,
    padding: int = -1,
) -> tuple[Value, None, None, None]:
    """The rows of all bags, times a matrix that says which belong to which; torch itself makes it, from unit rows."""
    if mode == 2 or not isinstance(rows, Tensor) or isinstance(factors, Value):
        raise Unsupported("its mode is `max`, or it depends on parameters", "use `mean` or `sum` of rows told by data")
    count = len(rows)
    unit = torch.arange(count).where(rows != padding, torch.tensor(count))
    eye = torch.eye(count + 1, count, dtype=torch.float64)
    bags = torch.ops.aten._embedding_bag(eye, unit, offsets, False, mode, False, factors, last, count)[0]
    return scope.add(nn.MatmulOp(scope.value(bags), _embedding(scope, weight, rows))), None, None, None


@imports("detach.default")
def _detach(scope: Scope, x: Operand) -> Value:
    raise Unsupported(
        "its gradient is cut on purpose, and a compiled loss has one value and one gradient",
        "leave `detach` out, or set `requires_grad=False` on the parameters that are to stay fixed",
    )


@imports("full_like.default")
def _filled(scope: Scope, x: Operand, value: float, dtype: torch.dtype | None = None, **_: Any) -> Tensor:
    return torch.full(shape(x), value, dtype=dtype or torch.float64)
