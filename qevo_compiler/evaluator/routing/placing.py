"""Annealed placement of spins on qubits, so that the pairs that have gates are near each other."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.llvm import Kernel, Operand, compiled, f64, i32, i64, ptr
from qevo_compiler.evaluator.llvm.control import Variable
from qevo_compiler.evaluator.random import below
from qevo_compiler.evaluator.routing.graphs import Adjacency

Ints = NDArray[np.int64]

# -ln(u) of 1024 values of u, rounded: the same numbers on every machine.
LIMITS = np.round(-np.log((np.arange(1024) + 0.5) / 1024) * 4096) / 4096
_GRAPHS = ("first", "partner", "near_first", "near")


def anneal_placement(
    spins: Adjacency, qubits: Adjacency, length: NDArray[np.int32], start: Ints, moves: int, hot: float, cold: float,
    random: Ints,
) -> Ints:  # fmt: skip
    """The qubit of every spin [n] after Metropolis moves from `start` [n], for a small sum of lengths.

    `length` [qubits, qubits] is what a pair of spins on two qubits costs, 0 on the diagonal. A move exchanges a spin
    with what a random qubit holds, half of the time with one next to a partner of the spin. Temperatures fall from
    `hot` to `cold` by a constant factor a move. `random` [1] is the generator's state (not 0), which goes on.
    Cost: `moves` times the degree of two spins.
    """
    where, size = start.copy(), len(length)
    held = np.full(size, len(where), np.int64)
    held[where] = np.arange(len(where))
    ratio = (cold / hot) ** (1.0 / max(moves, 1))
    compiled(_kernel())(
        len(where), size, moves, hot, ratio, spins.first, spins.others, qubits.first, qubits.others,
        np.ascontiguousarray(length, np.int32), where, held, LIMITS, random,
    )  # fmt: skip
    return where


@cache
def _kernel() -> Kernel:
    arrays = dict.fromkeys((*_GRAPHS, "length", "where", "held", "limits", "random"), ptr)
    k = Kernel("routing_placement", spins=i64, qubits=i64, moves=i64, hot=f64, ratio=f64, **arrays)
    random, heat = k.variable(i64, k.load(i64, k.random)), k.variable(f64, k.hot)
    with k.range(0, k.moves):
        spin = below(random, k.spins)
        here = k.load(i64, k.where, spin)
        there = _destination(k, random, spin)
        heat.set(heat.get() * k.ratio)
        limit = heat.get() * k.load(f64, k.limits, below(random, k.constant(i64, len(LIMITS))))
        with k.when(there.differs(here)):
            other = k.load(i64, k.held, there)
            change = k.variable(i64, 0)
            _add_change(k, change, spin, other, here, there)
            with k.when(other < k.spins):
                _add_change(k, change, other, spin, there, here)
            with k.when(change.get().to(f64) <= limit):
                k.store(other, k.held, here)
                k.store(spin, k.held, there)
                k.store(there, k.where, spin)
                with k.when(other < k.spins):
                    k.store(here, k.where, other)
    k.store(random.get(), k.random)
    return k


def _destination(k: Kernel, random: Variable, spin: Operand) -> Operand:
    """A random qubit, or one next to a random partner's where the spin has partners."""
    there = k.variable(i64, below(random, k.qubits))
    start = k.load(i64, k.first, spin)
    degree = k.load(i64, k.first, spin + 1) - start
    aimed = below(random, k.constant(i64, 2)) * k.minimum(degree, k.constant(i64, 1))
    with k.when(aimed > 0):
        place = k.load(i64, k.where, k.load(i64, k.partner, start + below(random, degree)))
        begin = k.load(i64, k.near_first, place)
        count = k.load(i64, k.near_first, place + 1) - begin
        with k.when(count > 0):
            there.set(k.load(i64, k.near, begin + below(random, count)))
    return there.get()


def _add_change(k: Kernel, change: Variable, spin: Operand, but: Operand, here: Operand, there: Operand) -> None:
    """What the pairs of `spin`, but for that with `but`, cost more on `there` than on `here`."""
    before, after = k.address(i32, k.length, here * k.qubits), k.address(i32, k.length, there * k.qubits)
    with k.range(k.load(i64, k.first, spin), k.load(i64, k.first, spin + 1)) as place:
        partner = k.load(i64, k.partner, place)
        with k.when(partner.differs(but)):
            at = k.load(i64, k.where, partner)
            change.add((k.load(i32, after, at) - k.load(i32, before, at)).to(i64))
