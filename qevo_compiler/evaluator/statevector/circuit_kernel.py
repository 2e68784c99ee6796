"""The kernel that runs one stage of a circuit: gather a tile, run its steps, scatter it back.

Steps are rows of six integers: the number of qubits k (0: exchange lanes), where its matrix starts, then the
places, ascending. A matrix is 2^k by 2^k real parts, then as many imaginary parts, in the state's precision.
"""

from __future__ import annotations

from functools import cache

from qevo_compiler.evaluator.llvm import Function, Kernel, Operand, Scalar, compiled, i64, ptr, vec
from qevo_compiler.evaluator.statevector.butterflies import Vectors

STEP_WIDTH = 6
MOST_QUBITS = 2

# Rows of a matrix multiplied at a time.
SIDE = 2


def stage_pass(element: Scalar, lane_bits: int) -> Kernel:
    """For tiles first..last: rows of `width` amplitudes at `bases`[tile] + `offsets`[row], the steps, and back.

    Going back, row r and vector x of a row come from `back_rows`[r] + `back_runs`[x] of the tile. `spare` holds a
    tile's real parts, then its imaginary parts.
    """
    kernel = Kernel(
        f"circuit_stage_{element.suffix}",
        first=i64, last=i64, rows=i64, width=i64, re=ptr, im=ptr, bases=ptr, offsets=ptr,
        back_rows=ptr, back_runs=ptr, steps=ptr, step_count=i64, matrices=ptr, spare=ptr,
    )  # fmt: skip
    size = kernel.rows * kernel.width
    own_re, own_im = kernel.spare, kernel.address(element, kernel.spare, size)
    with kernel.range(kernel.first, kernel.last) as number:
        base = kernel.load(i64, kernel.bases, number)
        _bring(kernel, element, lane_bits, base, own_re, own_im)
        with kernel.range(0, kernel.step_count) as at:
            step = kernel.address(i64, kernel.steps, at * STEP_WIDTH)
            kind = kernel.load(i64, step)
            with kernel.when(kind.equals(0)):
                _exchange(kernel, element, lane_bits, own_re, own_im, size, step)
            for qubits in range(1, MOST_QUBITS + 1):
                with kernel.when(kind.equals(qubits)):
                    _dense(kernel, element, lane_bits, qubits, own_re, own_im, size, step)
        _put_back(kernel, element, lane_bits, base, own_re, own_im)
    return kernel


def _bring(kernel: Kernel, element: Scalar, lane_bits: int, base: Operand, own_re: Operand, own_im: Operand) -> None:
    type = vec(element, 1 << lane_bits)
    with kernel.range(0, kernel.rows) as row:
        start = base + kernel.load(i64, kernel.offsets, row)
        with kernel.range(0, kernel.width, type.lanes) as x:
            near = row * kernel.width + x
            kernel.store(kernel.load(type, kernel.re, start + x), own_re, near)
            kernel.store(kernel.load(type, kernel.im, start + x), own_im, near)


def _put_back(kernel: Kernel, element: Scalar, lane_bits: int, base: Operand, own_re: Operand, own_im: Operand) -> None:
    type = vec(element, 1 << lane_bits)
    with kernel.range(0, kernel.rows) as row:
        start = base + kernel.load(i64, kernel.offsets, row)
        from_row = kernel.load(i64, kernel.back_rows, row)
        with kernel.range(0, kernel.width, type.lanes) as x:
            near = from_row + kernel.load(i64, kernel.back_runs, x >> lane_bits)
            kernel.store(kernel.load(type, own_re, near), kernel.re, start + x)
            kernel.store(kernel.load(type, own_im, near), kernel.im, start + x)


def _places(kernel: Kernel, step: Operand, count: int) -> list[Operand]:
    """Strides of a step's places."""
    one = kernel.constant(i64, 1)
    return [one << kernel.load(i64, step, 2 + j) for j in range(count)]


def _spread(number: Operand, strides: list[Operand]) -> Operand:
    """The number with a zero bit put in at each stride, ascending."""
    for stride in strides:
        below = number & (stride - 1)
        number = ((number - below) << 1) + below
    return number


def _rows(at: Operand, strides: list[Operand]) -> list[Operand]:
    rows = [at]
    for stride in strides:
        rows += [row + stride for row in rows]
    return rows


def _dense(
    kernel: Kernel, element: Scalar, lane_bits: int, qubits: int, re: Operand, im: Operand, size: Operand, step: Operand
) -> None:
    """A unitary across vectors: 2^qubits complex multiply-adds an amplitude."""
    type, count = vec(element, 1 << lane_bits), 1 << qubits
    strides = _places(kernel, step, qubits)
    side = min(SIDE, count)
    matrix = kernel.address(element, kernel.matrices, kernel.load(i64, step, 1))
    with kernel.range(0, size >> qubits, type.lanes) as number:
        rows = _rows(_spread(number, strides), strides)
        a, b = ([kernel.load(type, base, row) for row in rows] for base in (re, im))
        for first in range(0, count, side):
            products = _products(kernel, element, matrix, a, b, first, side)
            for row, (x, y) in zip(rows[first : first + side], products, strict=True):
                kernel.store(x, re, row)
                kernel.store(y, im, row)


def _products(
    kernel: Kernel, element: Scalar, matrix: Operand, a: Vectors, b: Vectors, first: int, side: int
) -> list[tuple[Operand, Operand]]:
    """`side` rows of a matrix from `first` on, times the vectors a + ib: together, because none waits for another."""
    count, lanes = len(a), a[0].type.lanes
    sums: list[tuple[Operand, Operand]] = []
    for column in range(count):
        for j in range(side):
            place = (first + j) * count + column
            real = kernel.load(element, matrix, place).splat(lanes)
            imaginary = kernel.load(element, matrix, place + count * count).splat(lanes)
            if column == 0:
                x, y = real * a[0], real * b[0]
                sums.append((x, y))
            else:
                x, y = kernel.fma(real, a[column], sums[j][0]), kernel.fma(real, b[column], sums[j][1])
            sums[j] = kernel.fma(imaginary, -b[column], x), kernel.fma(imaginary, a[column], y)
    return sums


def _exchange(
    kernel: Kernel, element: Scalar, lane_bits: int, re: Operand, im: Operand, size: Operand, step: Operand
) -> None:
    """Lane bit j changes places with the j-th place: a transposition of lanes and vectors, bit by bit."""
    type = vec(element, 1 << lane_bits)
    strides = _places(kernel, step, lane_bits)
    with kernel.range(0, size >> lane_bits, type.lanes) as number:
        rows = _rows(_spread(number, strides), strides)
        for base in (re, im):
            vectors = [kernel.load(type, base, row) for row in rows]
            for j in range(lane_bits):
                _swap_bit(kernel, vectors, j)
            for row, vector in zip(rows, vectors, strict=True):
                kernel.store(vector, base, row)


def _swap_bit(kernel: Kernel, vectors: Vectors, j: int) -> None:
    """Bit j of the vector's number and bit j of the lane's change places."""
    lanes, bit = len(vectors), 1 << j
    low = [lane if not lane & bit else lanes + (lane ^ bit) for lane in range(lanes)]
    high = [lane | bit if not lane & bit else lanes + lane for lane in range(lanes)]
    for k in (k for k in range(lanes) if not k & bit):
        a, b = vectors[k], vectors[k | bit]
        vectors[k], vectors[k | bit] = kernel.shuffle(a, b, low), kernel.shuffle(a, b, high)


@cache
def stage_function(element: Scalar, lane_bits: int) -> Function:
    return compiled(stage_pass(element, lane_bits))
