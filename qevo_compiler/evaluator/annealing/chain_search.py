"""The part of chains that finds members of a node, among words of 64 bits: which turn it up, and which can step."""

from __future__ import annotations

from dataclasses import dataclass

from qevo_compiler.evaluator.llvm import Kernel, Operand, i1, i32, i64
from qevo_compiler.evaluator.llvm.control import Loop


@dataclass(frozen=True)
class Lane:
    """One replica: its number among `lanes`, and its stiffness."""

    lanes: int
    number: Operand
    stiff: Operand


@dataclass(frozen=True)
class Trial(Lane):
    """A proposal in it: its random words [WORDS, lanes], temperature and threshold."""

    words: Operand
    slope: Operand
    limit: Operand


class Search:
    """Members of a node that can step and turn it opposite to `up`, found among its words, round in a circle."""

    def __init__(self, k: Kernel, lane: Lane, node: Operand, up: Operand) -> None:
        self._k, self._lane = k, lane
        start, stop = (k.load(i32, k.node_starts, node + more).to(i64) for more in (0, 1))
        first, end = (k.load(i32, k.first_words, node + more).to(i64) for more in (0, 1))
        self.size, self._first, self._count = stop - start, first, end - first
        self._opposite = -up  # all bits where the wanted ones are 0

    def first(self, once: Loop, offset: Operand) -> Operand:
        """The place of the first one from `offset` on; where there is none the try ends."""
        k = self._k
        word = k.variable(i64, offset >> 6)
        bits = k.variable(i64, self._bits(offset >> 6) & (k.constant(i64, -1) << (offset & 63)))
        left = k.variable(i64, self._count)
        with k.repeat() as loop:
            loop.stop_if(bits.get().differs(0) | left.get().equals(0))
            following = word.get() + 1
            word.set(k.select(following >= self._count, k.constant(i64, 0), following))
            bits.set(self._bits(word.get()))
            left.add(-1)
        once.stop_if(bits.get().equals(0))
        return word.get() * 64 + k.intrinsic("cttz", i64, bits.get(), k.constant(i1, 0))

    def gap(self, place: Operand) -> Operand:
        """From how many offsets `first` finds `place`, which is one of them."""
        k = self._k
        word = k.variable(i64, place >> 6)
        bits = k.variable(i64, self._bits(place >> 6) & ((k.constant(i64, 1) << (place & 63)) - 1))
        left = k.variable(i64, self._count)
        with k.repeat() as loop:
            loop.stop_if(bits.get().differs(0) | left.get().equals(0))
            word.set(k.select(word.get() <= 0, self._count, word.get()) - 1)
            bits.set(self._bits(word.get()))
            left.add(-1)
        before = word.get() * 64 + 63 - k.intrinsic("ctlz", i64, bits.get(), k.constant(i1, 0))
        distance = place - before
        return k.select(distance <= 0, distance + self.size, distance)

    def _bits(self, word: Operand) -> Operand:
        """The wanted members of a word."""
        k = self._k
        stored, free = (
            k.load(i64, k.masks, (self._first + word + more) * self._lane.lanes + self._lane.number)
            for more in (k.constant(i64, 0), k.word_count)
        )
        return (stored ^ self._opposite) & free
