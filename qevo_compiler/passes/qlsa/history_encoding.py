"""The block encoding of a history system L = I - S (x) M from one of the step M.

Blocks t = 0..T + P: S |t> = |t + 1> below the last, M up to the horizon T, the identity after it; blocks beyond
T + P, up to the next power of two, stand alone. alpha = 1 + max(1, alpha_M): one use of the step's encoding, one
adder, two comparisons. Ancillas: choice between I and S (x) M, "last block or beyond", "late", weight of the
identity, then those of the step.
"""

from __future__ import annotations

import math

from qevo_compiler.dialects.gate import Gate
from qevo_compiler.passes.qlsa.arithmetic import at_least, increment
from qevo_compiler.passes.qlsa.block_encoding import BlockEncoding
from qevo_compiler.passes.qlsa.controls import controlled
from qevo_compiler.passes.qlsa.fragment import Fragment, gate, join, tidy

CHOICE, END, LATE, WEIGHT = range(4)


def history_encoding(step: BlockEncoding, horizon: int, padding: int) -> BlockEncoding:
    """L on (time, lifted) qubits, ceil(log2(T + P + 1)) of time, for T = `horizon` steps and P = `padding` copies.

    Raises `ValueError` for a horizon below 1 or a padding below 0.
    """
    if horizon < 1 or padding < 0:
        raise ValueError(f"{horizon} steps and {padding} copies of the last are no history")
    time_qubits = (horizon + padding).bit_length()
    ancillas = 4 + step.ancillas
    time = list(range(ancillas, ancillas + time_qubits))
    lifted = list(range(ancillas + time_qubits, ancillas + time_qubits + step.system))
    weight = max(1.0, step.alpha)
    turn = gate(Gate.RY, CHOICE, angle=2 * math.atan2(math.sqrt(weight), 1.0))
    # Without padding, what is late is beyond the end, and the flag of that rejects it.
    late = at_least(time, horizon, LATE, [CHOICE], lifted) if padding else join([])
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
    end = at_least(time, horizon + padding, END, [CHOICE], [LATE, *lifted])
    shift = increment(time, [CHOICE], [END, LATE, *lifted])
    # <0| ry(t) = (cos, -sin): the minus sign before S (x) M.
    parts: list[Fragment] = [turn, *middle, end, shift, turn]
    return BlockEncoding(tidy(join(parts)), ancillas, time_qubits + step.system, 1 + weight)


def _damp(control: int, factor: float) -> Fragment:
    """The weight qubit keeps amplitude `factor` on |0> where the control is 1."""
    return gate(Gate.CRY, control, WEIGHT, angle=2 * math.acos(min(factor, 1.0)))
