"""Registers of numbers: adding one, comparing with a constant. The first qubit is the highest bit."""

from __future__ import annotations

from collections.abc import Sequence

from qevo_compiler.passes.qlsa.controls import controlled_x, where
from qevo_compiler.passes.qlsa.fragment import Fragment, join


def increment(register: Sequence[int], controls: Sequence[int] = (), borrowed: Sequence[int] = ()) -> Fragment:
    """register + 1 modulo 2^n where the controls are 1; O(n^2) cx."""
    parts = []
    for k, qubit in enumerate(register):
        spare = [*register[:k], *borrowed]
        parts.append(controlled_x([*controls, *register[k + 1 :]], qubit, spare))
    return join(parts)


def at_least(
    register: Sequence[int], bound: int, flag: int, controls: Sequence[int] = (), borrowed: Sequence[int] = ()
) -> Fragment:
    """Flip the flag where the register reads `bound` or more and the controls are 1; its own inverse.

    The readings above bound - 1 are at most n disjoint sets of a fixed beginning: one controlled x each.
    """
    if bound <= 0:
        return controlled_x(controls, flag, borrowed)
    if bound >= 1 << len(register):
        return join([])
    top, parts = bound - 1, []
    digits = [(top >> k) & 1 for k in reversed(range(len(register)))]
    for k, digit in enumerate(digits):
        if digit:
            continue
        wires, values = [*controls, *register[: k + 1]], [*[1] * len(controls), *digits[:k], 1]
        parts.append(where(controlled_x(wires, flag, [*register[k + 1 :], *borrowed]), wires, values))
    return join(parts)
