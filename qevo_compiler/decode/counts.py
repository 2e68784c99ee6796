"""Counts of measured bit strings, as hardware reports them, as samples of spins."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.backends import BadCounts

Spins = NDArray[np.int8]


class BitOrder(Enum):
    """Where classical bit 0 stands in a string: LITTLE at its end (Qiskit), BIG at its start (Cirq, Braket)."""

    LITTLE = "little"
    BIG = "big"


def spins_of_counts(counts: Mapping[str, int], bits: int, order: BitOrder) -> tuple[Spins, NDArray[np.int64]]:
    """Samples [strings, bits], one for each string that was counted, and how often [strings].

    Bit 0 of the circuit is spin 0 and reads 0 for +1. Spaces between registers are left out. Raises `CompileError`
    for strings of another length or of other characters, counts that are no whole numbers from 0, and no shots.
    """
    rows, shots = [], []
    for text, count in counts.items():
        string = text.replace(" ", "") if isinstance(text, str) else ""
        if len(string) != bits or set(string) - {"0", "1"}:
            raise CompileError(BadCounts(None, f"{text!r} is no string of {bits} bits", bits))
        if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 0:
            raise CompileError(BadCounts(None, f"{text!r} was counted {count!r} times", bits))
        if count:
            rows.append(string if order is BitOrder.BIG else string[::-1])
            shots.append(int(count))
    if not shots:
        raise CompileError(BadCounts(None, "no shot was counted", bits))
    zeros = np.frombuffer("".join(rows).encode(), np.uint8).reshape(len(rows), bits) == ord("0")
    return np.where(zeros, np.int8(1), np.int8(-1)), np.array(shots, np.int64)
