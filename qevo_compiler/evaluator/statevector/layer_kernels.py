"""Kernels of one QAOA layer: phases and low qubits tile by tile, high qubits strip by strip.

Both take a range of tiles or strips, so that threads share a state; neither allocates.
"""

from __future__ import annotations

from functools import cache

from qevo_compiler.evaluator.llvm import Function, Kernel, Operand, Scalar, compiled, i64, ptr, vec
from qevo_compiler.evaluator.statevector.butterflies import (
    load_rows,
    rotate_across,
    rotate_lanes,
    rotate_levels,
    store_rows,
)
from qevo_compiler.evaluator.statevector.phases import turned


def low_pass(element: Scalar, lane_bits: int, radix: int, phased: bool) -> Kernel:
    """exp(-i g C) when `phased`, times `factor`, then 1 - i t X on the qubits of a tile, for a range of tiles.

    `cost` [tile] is the part of the cost within a tile; row k of `fields` [tiles, 1 + tile_bits] holds tile k's
    constant and the fields that the qubits above put on those within. `linear` is scratch for a tile's
    sums of fields: [2^block + 2^(tile_bits - block)], block = lane_bits + radix.
    """
    kernel = Kernel(
        f"qaoa_low_{element.suffix}",
        first=i64, last=i64, tile_bits=i64, re=ptr, im=ptr, cost=ptr, fields=ptr, linear=ptr,
        turns=element, turns_rest=element, factor=element, tangent=element,
    )  # fmt: skip
    one = kernel.constant(i64, 1)
    block = 1 << (lane_bits + radix)
    tile = one << kernel.tile_bits
    sub = kernel.minimum(tile, kernel.constant(i64, block << radix))
    tangent = kernel.tangent.splat(1 << lane_bits)
    with kernel.range(kernel.first, kernel.last) as number:
        re = kernel.address(element, kernel.re, number * tile)
        im = kernel.address(element, kernel.im, number * tile)
        if phased:
            fields = kernel.address(element, kernel.fields, number * (kernel.tile_bits + 1))
            linear_sums(kernel, element, fields, lane_bits + radix)
        with kernel.range(0, tile, sub) as start:
            with kernel.range(start, start + sub, block) as at:
                _block(kernel, element, re, im, at, lane_bits, radix, phased)
            sub_re, sub_im = kernel.address(element, re, start), kernel.address(element, im, start)
            rotate_levels(kernel, sub_re, sub_im, sub, kernel.constant(i64, block), tangent, radix)
        rotate_levels(kernel, re, im, tile, sub, tangent, radix)
    return kernel


def linear_sums(kernel: Kernel, element: Scalar, fields: Operand, block_bits: int) -> None:
    """sum_i f_i s_i over the low `block_bits` qubits, then over the rest of the tile plus the constant."""
    low, high = kernel.linear, kernel.address(element, kernel.linear, 1 << block_bits)
    zero = kernel.constant(element, 0.0)
    _sums(kernel, element, low, zero, fields, kernel.constant(i64, 0), kernel.constant(i64, block_bits))
    rest = kernel.tile_bits - block_bits
    _sums(kernel, element, high, kernel.load(element, fields), fields, kernel.constant(i64, block_bits), rest)


def _sums(
    kernel: Kernel, element: Scalar, out: Operand, start: Operand, fields: Operand, first: Operand, count: Operand
) -> None:
    total = kernel.variable(element, start)
    with kernel.range(0, count) as i:
        total.add(kernel.load(element, fields, first + i + 1))
    kernel.store(total.get(), out)
    with kernel.range(0, count) as i:
        twice = kernel.load(element, fields, first + i + 1) * 2.0
        half = kernel.constant(i64, 1) << i
        with kernel.range(0, half) as z:
            kernel.store(kernel.load(element, out, z) - twice, out, half + z)


def _block(
    kernel: Kernel, element: Scalar, re: Operand, im: Operand, at: Operand, lane_bits: int, radix: int, phased: bool
) -> None:
    """Phases and the lowest qubits of one block of vectors, all in registers."""
    type, count, width = vec(element, 1 << lane_bits), 1 << radix, 1 << lane_bits
    a, b = load_rows(kernel, type, re, at, width, count), load_rows(kernel, type, im, at, width, count)
    if phased:
        rest = kernel.load(element, kernel.linear, (at >> (lane_bits + radix)) + (1 << (lane_bits + radix)))
        for j in range(count):
            cost = kernel.load(type, kernel.cost, at + j * width) + kernel.load(type, kernel.linear, j * width) + rest
            c, s = turned(kernel, cost, kernel.turns.splat(width), kernel.turns_rest.splat(width))
            c, s = c * kernel.factor, s * kernel.factor
            a[j], b[j] = kernel.fma(c, a[j], -(s * b[j])), kernel.fma(c, b[j], s * a[j])
    tangent = kernel.tangent.splat(width)
    if not phased:
        a, b = [x * kernel.factor for x in a], [x * kernel.factor for x in b]
    rotate_lanes(kernel, a, b, tangent)
    rotate_across(kernel, a, b, tangent)
    store_rows(kernel, a, re, at, width)
    store_rows(kernel, b, im, at, width)


def high_pass(element: Scalar, lane_bits: int, radix: int, mirrored: bool) -> Kernel:
    """1 - i t X on the qubits that number the `rows` of length `stride`, for a range of strips of `width` columns.

    When `mirrored`, also on one more qubit whose flip takes amplitude z to the complement of z: a strip and its
    mirror image are then worked on together, and there are half as many. `spare` holds two (mirrored: four)
    times rows * width numbers.
    """
    kernel = Kernel(
        f"qaoa_high_{element.suffix}",
        first=i64, last=i64, rows=i64, stride=i64, width=i64, re=ptr, im=ptr, spare=ptr, tangent=element,
    )  # fmt: skip
    tangent = kernel.tangent.splat(1 << lane_bits)
    size = kernel.rows * kernel.width
    copies = 2 if mirrored else 1
    parts = [kernel.address(element, kernel.spare, size * j) for j in range(2 * copies)]
    with kernel.range(kernel.first, kernel.last) as number:
        column = number * kernel.width
        columns = [column, kernel.stride - column - kernel.width][:copies]
        for j, start in enumerate(columns):
            _copy_in(kernel, element, start, parts[2 * j], parts[2 * j + 1], lane_bits)
            rotate_levels(kernel, parts[2 * j], parts[2 * j + 1], size, kernel.width, tangent, radix)
        if mirrored:
            _mirror_out(kernel, columns, parts, tangent)
        else:
            _copy_out(kernel, element, column, parts[0], parts[1], lane_bits)
    return kernel


def _copy_in(kernel: Kernel, element: Scalar, column: Operand, re: Operand, im: Operand, lane_bits: int) -> None:
    type = vec(element, 1 << lane_bits)
    with kernel.range(0, kernel.rows) as row, kernel.range(0, kernel.width, 1 << lane_bits) as x:
        far, near = row * kernel.stride + column + x, row * kernel.width + x
        kernel.store(kernel.load(type, kernel.re, far), re, near)
        kernel.store(kernel.load(type, kernel.im, far), im, near)


def _copy_out(kernel: Kernel, element: Scalar, column: Operand, re: Operand, im: Operand, lane_bits: int) -> None:
    type = vec(element, 1 << lane_bits)
    with kernel.range(0, kernel.rows) as row, kernel.range(0, kernel.width, 1 << lane_bits) as x:
        far, near = row * kernel.stride + column + x, row * kernel.width + x
        kernel.store(kernel.load(type, re, near), kernel.re, far)
        kernel.store(kernel.load(type, im, near), kernel.im, far)


def _mirror_out(kernel: Kernel, columns: list[Operand], parts: list[Operand], tangent: Operand) -> None:
    """Mix every amplitude with its mirror image on the way back to the state."""
    type, lanes = tangent.type, tangent.type.lanes
    back = list(range(lanes))[::-1]
    with kernel.range(0, kernel.rows) as row, kernel.range(0, kernel.width, lanes) as x:
        image_row, image_x = kernel.rows - 1 - row, kernel.width - lanes - x
        here, there = row * kernel.width + x, image_row * kernel.width + image_x
        a, b = kernel.load(type, parts[0], here), kernel.load(type, parts[1], here)
        c, d = (kernel.load(type, part, there) for part in parts[2:])
        re, im = [a, kernel.shuffle(c, c, back)], [b, kernel.shuffle(d, d, back)]
        rotate_across(kernel, re, im, tangent)
        far, image = row * kernel.stride + columns[0] + x, image_row * kernel.stride + columns[1] + image_x
        kernel.store(re[0], kernel.re, far)
        kernel.store(im[0], kernel.im, far)
        kernel.store(kernel.shuffle(re[1], re[1], back), kernel.re, image)
        kernel.store(kernel.shuffle(im[1], im[1], back), kernel.im, image)


@cache
def low_function(element: Scalar, lane_bits: int, radix: int, phased: bool) -> Function:
    return compiled(low_pass(element, lane_bits, radix, phased))


@cache
def high_function(element: Scalar, lane_bits: int, radix: int, mirrored: bool) -> Function:
    return compiled(high_pass(element, lane_bits, radix, mirrored))
