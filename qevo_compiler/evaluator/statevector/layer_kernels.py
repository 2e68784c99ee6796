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

# Rows of a strip whose lines are asked for ahead of their use: they lie too far apart for the hardware to guess.
_AHEAD = 16


def phase_table(element: Scalar, lane_bits: int) -> Kernel:
    """factor exp(-i g c) for every entry c of `cost` [size], with -g / 2 pi = turns + turns_rest."""
    kernel = Kernel(
        f"qaoa_phases_{element.suffix}",
        size=i64, cost=ptr, out_re=ptr, out_im=ptr, turns=element, turns_rest=element, factor=element,
    )  # fmt: skip
    width = 1 << lane_bits
    with kernel.range(0, kernel.size, width) as at:
        cost = kernel.load(vec(element, width), kernel.cost, at)
        c, s = turned(kernel, cost, kernel.turns.splat(width), kernel.turns_rest.splat(width))
        kernel.store(c * kernel.factor, kernel.out_re, at)
        kernel.store(s * kernel.factor, kernel.out_im, at)
    return kernel


def low_pass(element: Scalar, lane_bits: int, radix: int, phased: bool, fresh: bool) -> Kernel:
    """exp(-i g C) times `factor`, then 1 - i t X on the qubits of a tile, for a range of tiles.

    When `phased`, `inner_re`, `inner_im` [tile] are the phases of the cost within a tile, with the factor; else
    there are no phases. When `fresh` as well, amplitudes are not read but taken for 1. Row k of `fields`
    [tiles, 1 + tile_bits] holds tile k's constant and the fields that the qubits above put on those within.
    `linear` is scratch of `linear_size` numbers.
    """
    kernel = Kernel(
        f"qaoa_low_{element.suffix}",
        first=i64, last=i64, tile_bits=i64, re=ptr, im=ptr, inner_re=ptr, inner_im=ptr, fields=ptr, linear=ptr,
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
        outer: list[Operand] = []
        if phased:
            fields = kernel.address(element, kernel.fields, number * (kernel.tile_bits + 1))
            linear_sums(kernel, element, fields, lane_bits + radix)
            outer = _linear_phases(kernel, element, lane_bits, radix)
        with kernel.range(0, tile, sub) as start:
            with kernel.range(start, start + sub, block) as at:
                for j in range(1 << radix):
                    for part in (re, im):
                        kernel.prefetch(part, element, at + sub + (j << lane_bits))
                _block(kernel, element, re, im, at, lane_bits, radix, outer, fresh)
            sub_re, sub_im = kernel.address(element, re, start), kernel.address(element, im, start)
            rotate_levels(kernel, sub_re, sub_im, sub, kernel.constant(i64, block), tangent, radix)
        rotate_levels(kernel, re, im, tile, sub, tangent, radix)
    return kernel


def linear_size(tile_bits: int, lane_bits: int, radix: int) -> int:
    """Numbers of scratch for the sums of a tile's fields and their phases, real and imaginary."""
    block_bits = lane_bits + radix
    return 3 * ((1 << block_bits) + (1 << max(tile_bits - lane_bits, 0)) + (1 << lane_bits))


def _linear_phases(kernel: Kernel, element: Scalar, lane_bits: int, radix: int) -> list[Operand]:
    """Phases of the sums of fields, as two arrays in scratch behind the sums."""
    width, block_bits = 1 << lane_bits, lane_bits + radix
    count = (kernel.constant(i64, 1) << (kernel.tile_bits - block_bits)) + (1 << block_bits)
    outer = [kernel.address(element, kernel.linear, (count + width) * j) for j in (1, 2)]
    with kernel.range(0, count, width) as at:
        sums = kernel.load(vec(element, width), kernel.linear, at)
        c, s = turned(kernel, sums, kernel.turns.splat(width), kernel.turns_rest.splat(width))
        kernel.store(c, outer[0], at)
        kernel.store(s, outer[1], at)
    return outer


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
    kernel: Kernel, element: Scalar, re: Operand, im: Operand, at: Operand,
    lane_bits: int, radix: int, outer: list[Operand], fresh: bool,
) -> None:  # fmt: skip
    """Phases and the lowest qubits of one block of vectors, all in registers."""
    type, count, width = vec(element, 1 << lane_bits), 1 << radix, 1 << lane_bits
    a = [] if fresh else load_rows(kernel, type, re, at, width, count)
    b = [] if fresh else load_rows(kernel, type, im, at, width, count)
    if outer:
        place = (at >> (lane_bits + radix)) + (1 << (lane_bits + radix))
        whole = [kernel.load(element, part, place).splat(width) for part in outer]
        for j in range(count):
            own = [kernel.load(type, part, j * width) for part in outer]
            inner = [kernel.load(type, part, at + j * width) for part in (kernel.inner_re, kernel.inner_im)]
            phase = _times(kernel, inner, _times(kernel, own, whole))
            if fresh:
                a.append(phase[0])
                b.append(phase[1])
            else:
                a[j], b[j] = _times(kernel, phase, [a[j], b[j]])
    else:
        a, b = [x * kernel.factor for x in a], [x * kernel.factor for x in b]
    tangent = kernel.tangent.splat(width)
    rotate_lanes(kernel, a, b, tangent)
    rotate_across(kernel, a, b, tangent)
    store_rows(kernel, a, re, at, width)
    store_rows(kernel, b, im, at, width)


def _times(kernel: Kernel, left: list[Operand], right: list[Operand]) -> list[Operand]:
    """Product of complex vectors."""
    (a, b), (c, d) = left, right
    return [kernel.fma(a, c, -(b * d)), kernel.fma(a, d, b * c)]


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
            own = parts[2 * j : 2 * j + 2]
            sub = _sweep_in(kernel, start, own[0], own[1], tangent, radix)
            with kernel.range(0, size, sub) as at:
                block = [kernel.address(element, part, at) for part in own]
                rotate_levels(kernel, block[0], block[1], sub, kernel.width, tangent, radix)
        if mirrored:
            _mirror_out(kernel, columns, parts, tangent)
        else:
            _copy_out(kernel, element, column, parts[0], parts[1], lane_bits)
    return kernel


def _sweep_in(kernel: Kernel, column: Operand, re: Operand, im: Operand, tangent: Operand, radix: int) -> Operand:
    """Bring a strip into scratch, mixing its highest `radix` qubits on the way where it has so many.

    Gives the length of the parts that are left to mix within.
    """
    groups = kernel.variable(i64, kernel.rows)
    with kernel.when(kernel.rows >= (1 << radix)) as many:
        groups.set(kernel.rows >> radix)
        _bring(kernel, column, re, im, tangent, groups.get(), radix)
        many.otherwise()
        _bring(kernel, column, re, im, tangent, groups.get(), 0)
    return groups.get() * kernel.width


def _bring(
    kernel: Kernel, column: Operand, re: Operand, im: Operand, tangent: Operand, groups: Operand, radix: int
) -> None:
    type, element, count = tangent.type, tangent.type.element, 1 << radix
    with kernel.range(0, groups) as row, kernel.range(0, kernel.width, type.lanes) as x:
        far, near = row * kernel.stride + column + x, row * kernel.width + x
        for j in range(count):
            for part in (kernel.re, kernel.im):
                kernel.prefetch(part, element, far + (groups * j + max(_AHEAD >> radix, 1)) * kernel.stride)
        a = load_rows(kernel, type, kernel.re, far, groups * kernel.stride, count)
        b = load_rows(kernel, type, kernel.im, far, groups * kernel.stride, count)
        rotate_across(kernel, a, b, tangent)
        store_rows(kernel, a, re, near, groups * kernel.width)
        store_rows(kernel, b, im, near, groups * kernel.width)


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
def phase_function(element: Scalar, lane_bits: int) -> Function:
    return compiled(phase_table(element, lane_bits))


@cache
def low_function(element: Scalar, lane_bits: int, radix: int, phased: bool, fresh: bool) -> Function:
    return compiled(low_pass(element, lane_bits, radix, phased, fresh))


@cache
def high_function(element: Scalar, lane_bits: int, radix: int, mirrored: bool) -> Function:
    return compiled(high_pass(element, lane_bits, radix, mirrored))
