"""The greedy parity network: sets of products and of spins are bits of words, a cx is an exclusive or of two rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.llvm import Kernel, Operand, compiled, i1, i64, ptr

Ints = NDArray[np.int64]

_NUMBERS = ("qubits", "products", "words", "rowwords", "most", "patience")
_ARRAYS = ("over", "held", "weights", "clock", "members", "common", "steps")
# The weight of a product that has been turned.
_DONE = 1 << 40
_BITS = 64


def parity_steps(over: NDArray[np.bool_], most: int, patience: int) -> Ints | None:
    """Steps [s, 3] that turn every product and leave each qubit its own spin, with fewer cx than `most`, else None.

    `over` [qubits, products] says which spins make up a product. A step is a product that is turned, the qubit that
    holds it and -1; or -1, the control and the target of a cx. In turn, products that one qubit holds are turned, and
    the first of those on the fewest qubits gets a cx of two of them: the one that makes all products together lightest,
    less `patience` times the later of the two qubits' times. At last cx that clear most of what qubits hold, then
    elimination, bring back the spins.

    For m products a cx takes O(m + d^2 m / 64) with d qubits of the product, or O(n^2) for n qubits at the end.
    """
    qubits, products = over.shape
    packed, held = _packed(over), _packed(np.eye(qubits, dtype=np.bool_))
    steps = np.empty((most + products, 3), np.int64)
    count = compiled(_kernel())(
        qubits, products, packed.shape[1], held.shape[1], most, patience,
        packed, held, over.sum(axis=0, dtype=np.int64), np.zeros(qubits, np.int64), np.zeros(qubits, np.int64),
        np.zeros((qubits, qubits), np.int64), steps,
    )  # fmt: skip
    return steps[:count] if count >= 0 else None


def _packed(rows: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Bit k of a row in word k // 64, the lowest first."""
    padded = np.zeros((len(rows), -(-rows.shape[1] // _BITS) * _BITS), np.bool_)
    padded[:, : rows.shape[1]] = rows
    return np.packbits(padded, axis=1, bitorder="little").view("<u8").astype(np.uint64)


@cache
def _kernel() -> Kernel:
    k = Kernel("parity_network", i64, **dict.fromkeys(_NUMBERS, i64), **dict.fromkeys(_ARRAYS, ptr))
    _Writer(k).write()
    return k


@dataclass
class _Writer:
    """The kernel's parts; `left` counts the cx that may still be made."""

    k: Kernel

    def write(self) -> None:
        k = self.k
        self.made, self.left, self.lightest = k.variable(i64, 0), k.variable(i64, k.most), k.variable(i64, 0)
        with k.repeat() as loop:
            loop.stop_if(self.left.get() <= 0)
            self._turn()
            loop.stop_if(self.lightest.get() < 0)
            self._narrow()
        with k.repeat() as loop:
            loop.stop_if(self.left.get() <= 0)
            loop.stop_if(self._cleared().equals(0))
        self._eliminate()
        k.give(k.select(self.left.get() > 0, self.made.get(), -1))

    def _turn(self) -> None:
        """Turn the products that one qubit holds; `lightest` is the first of those on the fewest (-1: none is left)."""
        k = self.k
        self.lightest.set(-1)
        least = k.variable(i64, _DONE)
        with k.range(0, k.products) as product:
            weight = k.load(i64, k.weights, product)
            with k.when(weight.equals(1)) as single:
                with k.range(0, k.qubits) as qubit, k.when(self._has(qubit, product)):
                    self._step(product, qubit, k.constant(i64, -1))
                    self._flip(qubit, product)
                k.store(k.constant(i64, _DONE), k.weights, product)
                single.otherwise()
                with k.when(weight < least.get()):
                    least.set(weight)
                    self.lightest.set(product)

    def _word(self, qubit: Operand, product: Operand) -> tuple[Operand, Operand]:
        """Where the word with a product's bit stands, and the bit."""
        return qubit * self.k.words + product.shift_right(6), self.k.constant(i64, 1) << (product & (_BITS - 1))

    def _has(self, qubit: Operand, product: Operand) -> Operand:
        place, bit = self._word(qubit, product)
        return (self.k.load(i64, self.k.over, place) & bit).differs(0)

    def _flip(self, qubit: Operand, product: Operand) -> None:
        place, bit = self._word(qubit, product)
        self.k.store(self.k.load(i64, self.k.over, place) ^ bit, self.k.over, place)

    def _narrow(self) -> None:
        """The best cx of two qubits of the lightest product."""
        k = self.k
        count = k.variable(i64, 0)
        with k.range(0, k.qubits) as qubit, k.when(self._has(qubit, self.lightest.get())):
            k.store(qubit, k.members, count.get())
            count.add(1)
        best, control, target = (k.variable(i64, 0) for _ in range(3))
        control.set(-1)
        self._count_common(count.get())
        with k.range(0, count.get()) as i, k.range(0, count.get()) as j, k.when(i.differs(j)):
            first, second = (k.load(i64, k.members, at) for at in (i, j))
            both = k.load(i64, k.common, k.minimum(i, j) * k.qubits + k.maximum(i, j))
            time = k.maximum(k.load(i64, k.clock, first), k.load(i64, k.clock, second))
            score = both * 2 - k.load(i64, k.common, j * k.qubits + j) - k.patience * time
            with k.when((control.get() < 0) | (score > best.get())):
                best.set(score)
                control.set(first)
                target.set(second)
        self._weigh(control.get(), target.get())
        self._cx(control.get(), target.get())

    def _count_common(self, count: Operand) -> None:
        """How many products have both of two members, for i <= j."""
        k = self.k
        with k.range(0, count) as i, k.range(i, count) as j:
            rows = [k.load(i64, k.members, at) for at in (i, j)]
            k.store(self._shared(k.over, k.words, *rows), k.common, i * k.qubits + j)

    def _shared(self, table: Operand, words: Operand, first: Operand, second: Operand) -> Operand:
        k = self.k
        total = k.variable(i64, 0)
        with k.range(0, words) as word:
            both = k.load(i64, table, first * words + word) & k.load(i64, table, second * words + word)
            total.add(k.popcount(both))
        return total.get()

    def _weigh(self, control: Operand, target: Operand) -> None:
        """A product with the target's parity loses the control's where it has it, and gains it where it has not."""
        k = self.k
        with k.range(0, k.words) as word:
            held = k.load(i64, k.over, control * k.words + word)
            changed = k.load(i64, k.over, target * k.words + word)
            rest = k.variable(i64, changed)
            with k.repeat() as loop:
                loop.stop_if(rest.get().equals(0))
                lane = k.intrinsic("cttz", i64, rest.get(), k.constant(i1, 1))
                product = word * _BITS + lane
                step = 1 - ((held.shift_right(lane)) & 1) * 2
                k.store(k.load(i64, k.weights, product) + step, k.weights, product)
                rest.set(rest.get() & (rest.get() - 1))
            k.store(held ^ changed, k.over, control * k.words + word)

    def _cleared(self) -> Operand:
        """The cx that clears most of what a qubit holds; 0 where none does."""
        k = self.k
        best, control, target = (k.variable(i64, 0) for _ in range(3))
        with k.range(0, k.qubits) as first:
            size = self._shared(k.held, k.rowwords, first, first)
            with k.range(0, k.qubits) as second, k.when(first.differs(second)):
                gain = self._shared(k.held, k.rowwords, first, second) * 2 - size
                with k.when(gain > best.get()):
                    best.set(gain)
                    control.set(first)
                    target.set(second)
        with k.when(best.get() > 0):
            self._cx(control.get(), target.get())
        return best.get()

    def _holds(self, qubit: Operand, spin: Operand) -> Operand:
        k = self.k
        word = k.load(i64, k.held, qubit * k.rowwords + spin.shift_right(6))
        return (word.shift_right(spin & (_BITS - 1)) & 1).differs(0)

    def _eliminate(self) -> None:
        """Gauss and Jordan: every column in turn is cleared from all rows but its own."""
        k = self.k
        with k.range(0, k.qubits) as column:
            with k.when(self._holds(column, column).equals(0)):
                pivot = k.variable(i64, -1)
                with k.range(column + 1, k.qubits) as row:
                    found = self._holds(row, column) & (pivot.get() < 0)
                    pivot.set(k.select(found, row, pivot.get()))
                self._cx(pivot.get(), column)
            with k.range(0, k.qubits) as row, k.when(row.differs(column) & self._holds(row, column)):
                self._cx(column, row)

    def _cx(self, control: Operand, target: Operand) -> None:
        """While there are cx left; a network that needs more is given up at the end."""
        k = self.k
        with k.range(0, k.rowwords) as word:
            place = target * k.rowwords + word
            k.store(k.load(i64, k.held, place) ^ k.load(i64, k.held, control * k.rowwords + word), k.held, place)
        time = k.maximum(k.load(i64, k.clock, control), k.load(i64, k.clock, target)) + 1
        for qubit in (control, target):
            k.store(time, k.clock, qubit)
        with k.when(self.left.get() > 0):
            self._step(k.constant(i64, -1), control, target)
        self.left.add(-1)

    def _step(self, product: Operand, first: Operand, second: Operand) -> None:
        k = self.k
        for column, value in enumerate((product, first, second)):
            k.store(value, k.steps, self.made.get() * 3 + column)
        self.made.add(1)
