"""The block encoding of a history system L = I - S (x) M from one of the step M.

S |t> = |t + 1>, t = 0..2^r - 1, nothing after the last; up to the horizon T the step is M, after it the identity,
so the padding is P = 2^r - 1 - T. alpha = 1 + max(1, alpha_M): one use of the step's encoding, one adder, one
comparison. Ancillas: choice between I and S (x) M, overflow of the adder, "late" flag, weight of the identity,
then those of the step.
"""

from __future__ import annotations

import math

from qevo_compiler.dialects.gate import Gate
from qevo_compiler.passes.qlsa.arithmetic import at_least, increment
from qevo_compiler.passes.qlsa.block_encoding import BlockEncoding
from qevo_compiler.passes.qlsa.controls import controlled
from qevo_compiler.passes.qlsa.fragment import Fragment, gate, join, tidy

CHOICE, OVERFLOW, LATE, WEIGHT = range(4)


def history_encoding(step: BlockEncoding, horizon: int, time_qubits: int) -> BlockEncoding:
    """L on (time, lifted) qubits for `horizon` steps and 2^time_qubits blocks.

    Raises `ValueError` when the horizon does not fit below the last block.
    """
    if not 1 <= horizon < 1 << time_qubits:
        raise ValueError(f"{horizon} steps do not fit in {1 << time_qubits} blocks of time")
    ancillas = 4 + step.ancillas
    time = list(range(ancillas, ancillas + time_qubits))
    lifted = list(range(ancillas + time_qubits, ancillas + time_qubits + step.system))
    weight = max(1.0, step.alpha)
    turn = gate(Gate.RY, CHOICE, angle=2 * math.atan2(math.sqrt(weight), 1.0))
    late = at_least(time, horizon, LATE, [CHOICE], lifted)
    if horizon == (1 << time_qubits) - 1:
        late = join([])
    own = gate(Gate.CX, LATE, CHOICE)
    middle = [
        late,
        own,
        controlled(step.on(range(4, ancillas), lifted), CHOICE),
        _damp(CHOICE, step.alpha / weight),
        own,
        _damp(LATE, 1 / weight),
        late,
    ]
    shift = increment([OVERFLOW, *time], [CHOICE], [LATE, *lifted])
    # <0| ry(t) = (cos, -sin): the minus sign before S (x) M.
    parts: list[Fragment] = [turn, *middle, shift, turn]
    return BlockEncoding(tidy(join(parts)), ancillas, time_qubits + step.system, 1 + weight)


def _damp(control: int, factor: float) -> Fragment:
    """The weight qubit keeps amplitude `factor` on |0> where the control is 1."""
    return gate(Gate.CRY, control, WEIGHT, angle=2 * math.acos(min(factor, 1.0)))
