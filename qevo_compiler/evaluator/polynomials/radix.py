"""Kernels of the stable radix sort behind `sorting.py`.

Keys are 64-bit words. A pass sorts by one digit and keeps the order of equal digits (LSD radix sort), so that
sorting by all digits that differ, lowest first, is a stable sort.
"""

from __future__ import annotations

from functools import cache

from qevo_compiler.evaluator.llvm import Kernel, Operand, Scalar, Type, i64, ptr, vec
from qevo_compiler.evaluator.llvm.control import Variable

DIGIT = 8
"""Bits of a digit: 256 open output streams stay in the first-level cache; 11 bits were slower at 10^6 keys."""


@cache
def scan_kernel(width: int) -> Kernel:
    """scan(n, keys, found), n >= 1: found = bits in which any two keys differ, descents (keys below the one before)."""
    kernel = Kernel("scan_keys", n=i64, keys=ptr, found=ptr)
    wide = _Scan(kernel, vec(i64, width))
    body = (kernel.n - 1) // width * width
    with kernel.range(0, body, width) as i:
        wide.see(i)
    rest = _Scan(kernel, i64)
    with kernel.range(body, kernel.n - 1) as i:
        rest.see(i)
    for place, (a, b) in enumerate(zip(wide.all, rest.all, strict=True)):
        total = b.get()
        for lane in range(width):
            part = a.get().lane(lane)
            total = total | part if place == 0 else total + part
        kernel.store(total, kernel.found, place)
    return kernel


class _Scan:
    """What is known of the keys read so far, by lane."""

    def __init__(self, kernel: Kernel, type: Type) -> None:
        self._kernel, self._type = kernel, type
        self.differing, self.descents = kernel.variable(type, 0), kernel.variable(type, 0)
        self._first = kernel.load(i64, kernel.keys, 0)

    @property
    def all(self) -> tuple[Variable, ...]:
        return self.differing, self.descents

    def see(self, i: Operand) -> None:
        here = self._kernel.load(self._type, self._kernel.keys, i)
        after = self._kernel.load(self._type, self._kernel.keys, i + 1)
        self.differing.set(self.differing.get() | (after ^ self._first))
        self.descents.add((after < here).to(i64))


@cache
def tag_kernel(width: int) -> Kernel:
    """tag(n, bias, mask, low, bits, keys, words): words[i] = (((keys[i] ^ bias) & mask) >> low) << bits | i."""
    kernel = Kernel("tag_keys", n=i64, bias=i64, mask=i64, low=i64, bits=i64, keys=ptr, words=ptr)
    body = kernel.n // width * width
    for type, start, stop in ((vec(i64, width), 0, body), (i64, body, kernel.n)):
        with kernel.range(start, stop, type.lanes) as i:
            number = kernel.splat(i, type.lanes) + kernel.lane_numbers(type)
            word = ((kernel.load(type, kernel.keys, i) ^ kernel.bias) & kernel.mask).shift_right(kernel.low)
            kernel.store((word << kernel.bits) | number, kernel.words, i)
    return kernel


@cache
def pass_kernel(payload: bool) -> Kernel:
    """pass(n, shift, words, sorted_words[, places, sorted_places], counts): stable sort by the digit at `shift`.

    `counts` is scratch of 2^DIGIT i64.
    """
    extra: dict[str, Scalar] = {"places": ptr, "sorted_places": ptr} if payload else {}
    kernel = Kernel("radix_pass", n=i64, shift=i64, words=ptr, sorted_words=ptr, **extra, counts=ptr)

    def digit(word: Operand) -> Operand:
        return word.shift_right(kernel.shift) & ((1 << DIGIT) - 1)

    with kernel.range(0, 1 << DIGIT) as d:
        kernel.store(kernel.constant(i64, 0), kernel.counts, d)
    with kernel.range(0, kernel.n) as i:
        d = digit(kernel.load(i64, kernel.words, i))
        kernel.store(kernel.load(i64, kernel.counts, d) + 1, kernel.counts, d)
    total = kernel.variable(i64, 0)
    with kernel.range(0, 1 << DIGIT) as d:
        here = kernel.load(i64, kernel.counts, d)
        kernel.store(total.get(), kernel.counts, d)
        total.add(here)
    with kernel.range(0, kernel.n) as i:
        word = kernel.load(i64, kernel.words, i)
        d = digit(word)
        place = kernel.load(i64, kernel.counts, d)
        kernel.store(place + 1, kernel.counts, d)
        kernel.store(word, kernel.sorted_words, place)
        if payload:
            kernel.store(kernel.load(i64, kernel.places, i), kernel.sorted_places, place)
    return kernel
