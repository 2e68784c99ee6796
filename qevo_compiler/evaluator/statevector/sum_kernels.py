"""Kernels that read a state: moments of the cost, and overlaps of two states through the cost or through sum X.

Each writes one f64 number a tile or strip, which are added in order: results do not depend on threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from qevo_compiler.evaluator.llvm import Function, Kernel, Operand, Scalar, compiled, f64, i64, ptr, vec
from qevo_compiler.evaluator.llvm.control import Variable
from qevo_compiler.evaluator.statevector.layer_kernels import linear_sums


def cost_pass(element: Scalar, lane_bits: int, crossed: bool) -> Kernel:
    """Per tile, out[2k] = sum w C and out[2k + 1] = sum w over its amplitudes a.

    w = |a|^2, or when `crossed` Im(conj(l) a) with the amplitudes l of a second state. Tables are those of `low_pass`.
    """
    kernel = Kernel(
        f"cost_sums_{element.suffix}",
        first=i64, last=i64, tile_bits=i64, re=ptr, im=ptr, left_re=ptr, left_im=ptr,
        cost=ptr, fields=ptr, linear=ptr, out=ptr,
    )  # fmt: skip
    wide = vec(f64, 1 << lane_bits)
    tile = kernel.constant(i64, 1) << kernel.tile_bits
    with kernel.range(kernel.first, kernel.last) as number:
        costs, weights = kernel.variable(wide, 0.0), kernel.variable(wide, 0.0)
        with _costs(kernel, element, lane_bits, number) as (at, cost):
            place = number * tile + at
            type = vec(element, 1 << lane_bits)
            a, b = (kernel.load(type, base, place).to(f64) for base in (kernel.re, kernel.im))
            if crossed:
                c, d = (kernel.load(type, base, place).to(f64) for base in (kernel.left_re, kernel.left_im))
                weight = c * b - d * a
            else:
                weight = kernel.fma(a, a, b * b)
            costs.set(kernel.fma(weight, cost.to(f64), costs.get()))
            weights.add(weight)
        kernel.store(kernel.sum_lanes(costs.get()), kernel.out, number * 2)
        kernel.store(kernel.sum_lanes(weights.get()), kernel.out, number * 2 + 1)
    return kernel


def scale_pass(element: Scalar, lane_bits: int) -> Kernel:
    """left = C a for every amplitude a of a range of tiles."""
    kernel = Kernel(
        f"cost_scale_{element.suffix}",
        first=i64, last=i64, tile_bits=i64, re=ptr, im=ptr, left_re=ptr, left_im=ptr,
        cost=ptr, fields=ptr, linear=ptr,
    )  # fmt: skip
    type = vec(element, 1 << lane_bits)
    tile = kernel.constant(i64, 1) << kernel.tile_bits
    with (
        kernel.range(kernel.first, kernel.last) as number,
        _costs(kernel, element, lane_bits, number) as (at, cost),
    ):
        place = number * tile + at
        kernel.store(kernel.load(type, kernel.re, place) * cost, kernel.left_re, place)
        kernel.store(kernel.load(type, kernel.im, place) * cost, kernel.left_im, place)
    return kernel


@contextmanager
def _costs(kernel: Kernel, element: Scalar, lane_bits: int, number: Operand) -> Iterator[tuple[Operand, Operand]]:
    """Loop over the vectors of a tile: gives their place in the tile and their costs."""
    fields = kernel.address(element, kernel.fields, number * (kernel.tile_bits + 1))
    linear_sums(kernel, element, fields, lane_bits)
    type = vec(element, 1 << lane_bits)
    with kernel.range(0, kernel.constant(i64, 1) << kernel.tile_bits, type.lanes) as at:
        rest = kernel.load(element, kernel.linear, (at >> lane_bits) + type.lanes)
        yield at, kernel.load(type, kernel.cost, at) + kernel.load(type, kernel.linear) + rest


def overlap_low(element: Scalar, lane_bits: int) -> Kernel:
    """Per tile, out[k] = Im <l| sum X |a> over the qubits within tiles."""
    kernel = Kernel(
        f"overlap_low_{element.suffix}",
        first=i64, last=i64, tile=i64, re=ptr, im=ptr, left_re=ptr, left_im=ptr, out=ptr,
    )  # fmt: skip
    type, width = vec(element, 1 << lane_bits), 1 << lane_bits
    with kernel.range(kernel.first, kernel.last) as number:
        re, im, left_re, left_im = (
            kernel.address(element, base, number * kernel.tile)
            for base in (kernel.re, kernel.im, kernel.left_re, kernel.left_im)
        )
        total = kernel.variable(vec(f64, width), 0.0)
        with kernel.range(0, kernel.tile, width) as at:
            a, b = kernel.load(type, re, at), kernel.load(type, im, at)
            sum_re, sum_im = kernel.variable(type, 0.0), kernel.variable(type, 0.0)
            for q in range(lane_bits):
                order = [lane ^ (1 << q) for lane in range(width)]
                sum_re.add(kernel.shuffle(a, a, order))
                sum_im.add(kernel.shuffle(b, b, order))
            _add_flips(kernel, re, im, at, kernel.constant(i64, width), kernel.tile, sum_re, sum_im)
            c, d = kernel.load(type, left_re, at), kernel.load(type, left_im, at)
            total.add((c * sum_im.get()).to(f64) - (d * sum_re.get()).to(f64))
        kernel.store(kernel.sum_lanes(total.get()), kernel.out, number)
    return kernel


def overlap_high(element: Scalar, lane_bits: int, mirrored: bool) -> Kernel:
    """Per strip (or pair of mirror images), out[k] = Im <l| sum X |a> over the qubits above the tiles.

    Parameters are those of `high_pass`.
    """
    kernel = Kernel(
        f"overlap_high_{element.suffix}",
        first=i64, last=i64, rows=i64, stride=i64, width=i64,
        re=ptr, im=ptr, left_re=ptr, left_im=ptr, spare=ptr, out=ptr,
    )  # fmt: skip
    size = kernel.rows * kernel.width
    copies = 2 if mirrored else 1
    parts = [kernel.address(element, kernel.spare, size * j) for j in range(2 * copies)]
    with kernel.range(kernel.first, kernel.last) as number:
        total = kernel.variable(vec(f64, 1 << lane_bits), 0.0)
        column = number * kernel.width
        columns = [column, kernel.stride - column - kernel.width][:copies]
        for j, start in enumerate(columns):
            with _rows(kernel, start, lane_bits) as (far, near):
                type = vec(element, 1 << lane_bits)
                kernel.store(kernel.load(type, kernel.re, far), parts[2 * j], near)
                kernel.store(kernel.load(type, kernel.im, far), parts[2 * j + 1], near)
        for j, start in enumerate(columns):
            own, image = parts[2 * j : 2 * j + 2], parts[2 - 2 * j : 4 - 2 * j] if mirrored else []
            with _rows(kernel, start, lane_bits) as (far, near):
                total.add(_strip_term(kernel, element, lane_bits, size, own, image, far, near))
        kernel.store(kernel.sum_lanes(total.get()), kernel.out, number)
    return kernel


def _strip_term(
    kernel: Kernel, element: Scalar, lane_bits: int, size: Operand,
    own: list[Operand], image: list[Operand], far: Operand, near: Operand,
) -> Operand:  # fmt: skip
    type = vec(element, 1 << lane_bits)
    sums = [kernel.variable(type, 0.0), kernel.variable(type, 0.0)]
    _add_flips(kernel, own[0], own[1], near, kernel.width, size, sums[0], sums[1])
    back = list(range(type.lanes))[::-1]
    for total, part in zip(sums, image, strict=False):
        other = kernel.load(type, part, size - type.lanes - near)
        total.add(kernel.shuffle(other, other, back))
    c, d = kernel.load(type, kernel.left_re, far), kernel.load(type, kernel.left_im, far)
    return (c * sums[1].get()).to(f64) - (d * sums[0].get()).to(f64)


@contextmanager
def _rows(kernel: Kernel, column: Operand, lane_bits: int) -> Iterator[tuple[Operand, Operand]]:
    """Loop over the vectors of a strip: gives their places in the state and in scratch."""
    with kernel.range(0, kernel.rows) as row, kernel.range(0, kernel.width, 1 << lane_bits) as x:
        yield row * kernel.stride + column + x, row * kernel.width + x


def _add_flips(
    kernel: Kernel,
    re: Operand,
    im: Operand,
    at: Operand,
    start: Operand,
    size: Operand,
    sum_re: Variable,
    sum_im: Variable,
) -> None:
    """Add the vectors at `at` with one bit of stride start, 2 start, ... below `size` flipped."""
    type = sum_re.get().type
    stride = kernel.variable(i64, start)
    with kernel.repeat() as loop:
        loop.stop_if(stride.get() >= size)
        other = at ^ stride.get()
        sum_re.add(kernel.load(type, re, other))
        sum_im.add(kernel.load(type, im, other))
        stride.set(stride.get() << 1)


@cache
def cost_function(element: Scalar, lane_bits: int, crossed: bool) -> Function:
    return compiled(cost_pass(element, lane_bits, crossed))


@cache
def scale_function(element: Scalar, lane_bits: int) -> Function:
    return compiled(scale_pass(element, lane_bits))


@cache
def overlap_low_function(element: Scalar, lane_bits: int) -> Function:
    return compiled(overlap_low(element, lane_bits))


@cache
def overlap_high_function(element: Scalar, lane_bits: int, mirrored: bool) -> Function:
    return compiled(overlap_high(element, lane_bits, mirrored))
