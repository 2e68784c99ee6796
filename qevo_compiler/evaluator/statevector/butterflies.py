"""Writing helpers: the mixer exp(-i b X) on several qubits at once, in tangent form.

exp(-i b X) = cos b (1 - i t X) with t = tan b: two fused multiply-adds an amplitude and qubit. The factor
cos b of every qubit is left to whoever multiplies the amplitudes anyway.
"""

from __future__ import annotations

from qevo_compiler.evaluator.llvm import Kernel, Operand, Type, i64

Vectors = list[Operand]


def rotate_across(kernel: Kernel, re: Vectors, im: Vectors, tangent: Operand) -> None:
    """1 - i t X on each of the qubits that number the vectors of the lists, in place."""
    minus = -tangent
    bit = 1
    while bit < len(re):
        for low in (j for j in range(len(re)) if not j & bit):
            high = low | bit
            a, b, c, d = re[low], im[low], re[high], im[high]
            re[low], im[low] = kernel.fma(tangent, d, a), kernel.fma(minus, c, b)
            re[high], im[high] = kernel.fma(tangent, b, c), kernel.fma(minus, a, d)
        bit *= 2


def rotate_lanes(kernel: Kernel, re: Vectors, im: Vectors, tangent: Operand) -> None:
    """1 - i t X on each qubit that numbers the lanes of the vectors, in place."""
    minus, lanes = -tangent, re[0].type.lanes
    bit = 1
    while bit < lanes:
        order = [lane ^ bit for lane in range(lanes)]
        for j, (a, b) in enumerate(zip(re, im, strict=True)):
            other_a, other_b = kernel.shuffle(a, a, order), kernel.shuffle(b, b, order)
            re[j], im[j] = kernel.fma(tangent, other_b, a), kernel.fma(minus, other_a, b)
        bit *= 2


def rotate_levels(
    kernel: Kernel, re: Operand, im: Operand, size: Operand, start: Operand, tangent: Operand, radix: int
) -> None:
    """1 - i t X on the qubits of strides start, 2 start, ... below `size` of an array, `radix` qubits a sweep."""
    stride = kernel.variable(i64, start)
    with kernel.repeat() as loop:
        loop.stop_if(size < (stride.get() << radix))
        _sweep(kernel, re, im, size, stride.get(), tangent, radix)
        stride.set(stride.get() << radix)
    for rest in range(radix - 1, 0, -1):
        with kernel.when(size.equals(stride.get() << rest)):
            _sweep(kernel, re, im, size, stride.get(), tangent, rest)


def load_rows(kernel: Kernel, type: Type, base: Operand, start: Operand, stride: Operand | int, count: int) -> Vectors:
    """Vectors at start, start + stride, ..."""
    return [kernel.load(type, base, start + j * _step(kernel, stride)) for j in range(count)]


def store_rows(kernel: Kernel, vectors: Vectors, base: Operand, start: Operand, stride: Operand | int) -> None:
    for j, vector in enumerate(vectors):
        kernel.store(vector, base, start + j * _step(kernel, stride))


def _step(kernel: Kernel, stride: Operand | int) -> Operand:
    return kernel.operand(i64, stride)


def _sweep(
    kernel: Kernel, re: Operand, im: Operand, size: Operand, stride: Operand, tangent: Operand, radix: int
) -> None:
    type, count = tangent.type, 1 << radix
    with kernel.range(0, size, stride << radix) as outer, kernel.range(outer, outer + stride, type.lanes) as at:
        a, b = load_rows(kernel, type, re, at, stride, count), load_rows(kernel, type, im, at, stride, count)
        rotate_across(kernel, a, b, tangent)
        store_rows(kernel, a, re, at, stride)
        store_rows(kernel, b, im, at, stride)
