"""When the gates of a circuit run: each as soon as its qubits are free."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.llvm import Kernel, compiled, i64, ptr

Ints = NDArray[np.int64]


def end_times(qubits: Ints, lengths: Ints, size: int) -> Ints:
    """The time at which each gate [g] ends: `qubits` [g, 2] (a second of -1: none), `lengths` [g]. O(g)."""
    pairs = np.ascontiguousarray(np.where(qubits < 0, qubits[:, :1], qubits), np.int64)
    ends = np.zeros(len(pairs), np.int64)
    compiled(_kernel())(len(pairs), pairs, np.ascontiguousarray(lengths, np.int64), np.zeros(size, np.int64), ends)
    return ends


@cache
def _kernel() -> Kernel:
    k = Kernel("routing_times", count=i64, **dict.fromkeys(("qubits", "lengths", "clock", "ends"), ptr))
    with k.range(0, k.count) as gate:
        first, second = (k.load(i64, k.qubits, gate * 2 + side) for side in range(2))
        start = k.maximum(k.load(i64, k.clock, first), k.load(i64, k.clock, second))
        end = start + k.load(i64, k.lengths, gate)
        for qubit in (first, second):
            k.store(end, k.clock, qubit)
        k.store(end, k.ends, gate)
    return k
