"""Circuits that read a solution out: the flag of what is wanted, and interference for signs."""

from __future__ import annotations

from collections.abc import Sequence

from qevo_compiler.dialects.gate import Gate
from qevo_compiler.passes.qlsa.arithmetic import at_least
from qevo_compiler.passes.qlsa.controls import controlled, where
from qevo_compiler.passes.qlsa.fragment import Fragment, gate, join


def success_flag(
    time: Sequence[int], horizon: int, degree: Sequence[int], flag: int, borrowed: Sequence[int] = ()
) -> Fragment:
    """Flip the flag where the time is the horizon or later and the unary degree is one: 1 0 ... 0.

    Amplitude amplification reflects about this flag; a plain read-out may measure it and keep the shots with 1.
    """
    ends = list(degree[:2])
    values = [1, 0][: len(ends)]
    return where(at_least(time, horizon, flag, ends, [*degree[2:], *borrowed]), ends, values)


def interference(solution: Fragment, qubit_count: int, reference: Fragment) -> Fragment:
    """A test qubit (number `qubit_count`) between two h: the solution where it is 0, the reference where it is 1.

    With a the amplitudes that the solution's fragment makes of |0...0> and r those of the reference, reading k
    together with the test qubit's bit has P(0, k) - P(1, k) = Re(conj(a_k) r_k). The reference lives on the
    system qubits and leaves the others in |0>, so post-selection is the same in both branches.
    """
    test = qubit_count
    ends, flip = gate(Gate.H, test), gate(Gate.X, test)
    return join([ends, flip, controlled(solution, test), flip, controlled(reference, test), ends])
