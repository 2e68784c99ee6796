"""Swaps for gates that keep their order: a distant pair moves along a shortest path, by swaps that serve others."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.llvm import Kernel, Operand, compiled, i32, i64, ptr
from qevo_compiler.evaluator.llvm.control import Variable
from qevo_compiler.evaluator.routing.graphs import Adjacency

Ints = NDArray[np.int64]

_ARRAYS = ("near_first", "near", "far", "gates", "weights", "where", "held", "made")


def route_ordered(
    gates: Ints, first: int, last: int, qubits: Adjacency, far: NDArray[np.int32], start: Ints, weights: Ints
) -> tuple[Ints, Ints]:
    """Steps [s, 3] for the gates `first` to `last` - 1 of `gates` [g, 2], and the qubit of every spin after them.

    A gate acts on two spins, or on one where its second is -1; a step is its number (-1: a swap) and its qubits. While
    a pair is apart by `far` [q, q], the step of one of the two towards the other is made which leaves the next
    len(weights) gates the least distances, weighed in turn over those of two spins. Pairs must be joined by paths.

    A gate of neighbours costs O(1), a swap the neighbours of two qubits times the gates that it looks ahead.
    """
    most = 4 * (last - first) + 64
    while True:
        where, size = start.copy(), len(far)
        held = np.full(size, len(where), np.int64)
        held[where] = np.arange(len(where))
        made = np.empty((most, 3), np.int64)
        count = int(
            compiled(_kernel())(
                len(where), size, first, last, len(gates), len(weights), most,
                qubits.first, qubits.others, far, gates, weights, where, held, made,
            )
        )  # fmt: skip
        if count >= 0:
            return made[:count], where
        most *= 4


@cache
def _kernel() -> Kernel:
    numbers = dict.fromkeys(("spins", "qubits", "begin", "end", "count", "view", "most"), i64)
    k = Kernel("routing_ordered", i64, **numbers, **dict.fromkeys(_ARRAYS, ptr))
    made = k.variable(i64, 0)
    with k.range(k.begin, k.end) as gate:
        a, b = k.load(i64, k.gates, gate * 2), k.load(i64, k.gates, gate * 2 + 1)
        with k.when(b >= 0) as pair:
            with k.repeat() as loop:
                here, there = k.load(i64, k.where, a), k.load(i64, k.where, b)
                distance = _distance(k, here, there)
                loop.stop_if((distance <= 1) | (made.get() + 1 >= k.most))
                _approach(k, made, gate, here, there, distance)
            _put(k, made, gate, k.load(i64, k.where, a), k.load(i64, k.where, b))
            pair.otherwise()
            _put(k, made, gate, k.load(i64, k.where, a), b)
    k.give(k.select(made.get() + 1 >= k.most, -1, made.get()))
    return k


def _distance(k: Kernel, here: Operand, there: Operand) -> Operand:
    return k.load(i32, k.far, here * k.qubits + there).to(i64)


def _put(k: Kernel, made: Variable, gate: Operand, first: Operand, second: Operand) -> None:
    """Write a step; where there is no room the count stays, and the call is made again with more."""
    with k.when(made.get() + 1 < k.most):
        for column, value in enumerate((gate, first, second)):
            k.store(value, k.made, made.get() * 3 + column)
        made.add(1)


def _approach(k: Kernel, made: Variable, gate: Operand, here: Operand, there: Operand, distance: Operand) -> None:
    source, goal = k.variable(i64, -1), k.variable(i64, -1)
    least = k.variable(i64, 0)
    for start, end in ((here, there), (there, here)):
        with k.range(k.load(i64, k.near_first, start), k.load(i64, k.near_first, start + 1)) as place:
            step = k.load(i64, k.near, place)
            with k.when(_distance(k, step, end) < distance):
                cost = _length_after(k, gate, start, step)
                with k.when((source.get() < 0) | (cost < least.get())):
                    source.set(start)
                    goal.set(step)
                    least.set(cost)
    _put(k, made, k.constant(i64, -1), source.get(), goal.get())
    spins = [k.load(i64, k.held, place.get()) for place in (source, goal)]
    for spin, place in zip(spins, (goal.get(), source.get()), strict=True):
        k.store(spin, k.held, place)
        with k.when(spin < k.spins):
            k.store(place, k.where, spin)


def _length_after(k: Kernel, gate: Operand, here: Operand, there: Operand) -> Operand:
    """The weighed distances of the pairs of the gates ahead, once the contents of two qubits have changed places."""
    total, seen = k.variable(i64, 0), k.variable(i64, 0)

    def moved(spin: Operand) -> Operand:
        place = k.load(i64, k.where, spin)
        return k.select(place.equals(here), there, k.select(place.equals(there), here, place))

    with k.range(gate + 1, k.minimum(gate + 1 + k.view, k.count)) as ahead:
        second = k.load(i64, k.gates, ahead * 2 + 1)
        with k.when(second >= 0):
            length = _distance(k, moved(k.load(i64, k.gates, ahead * 2)), moved(second))
            total.add(length * k.load(i64, k.weights, seen.get()))
            seen.add(1)
    return total.get()
