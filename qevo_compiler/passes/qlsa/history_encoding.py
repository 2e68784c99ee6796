"""The block encoding of a history system L = I - S (x) M from one of the step M.

Blocks t = 0..T + P: S |t> = |t + 1> below the last, M up to the horizon T, the identity after it; blocks beyond
T + P, up to the next power of two, stand alone. alpha = 1 + max(1, alpha_M): one use of the step's encoding, one
adder, two comparisons. Ancillas: choice between I and S (x) M, "last block or beyond", "late", weight of the
identity, then those of the step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from qevo_compiler.dialects.gate import Gate
from qevo_compiler.passes.qlsa.arithmetic import at_least, increment
from qevo_compiler.passes.qlsa.block_encoding import BlockEncoding
from qevo_compiler.passes.qlsa.controls import controlled
from qevo_compiler.passes.qlsa.fragment import Fragment, gate, join, tidy
from qevo_compiler.passes.qlsa.multiplexer import multiplexed

CHOICE, END, LATE, WEIGHT, PICK = range(5)


def history_encoding(
    steps: BlockEncoding | Sequence[BlockEncoding], horizon: int, padding: int, which: Sequence[int] = ()
) -> BlockEncoding:
    """L on (time, lifted) qubits, ceil(log2(T + P + 1)) of time, for T = `horizon` steps and P = `padding` copies.

    Several steps, as minibatches give, share their ancillas: step t uses `steps[which[t]]`, chosen by a multiplexed
    flag of about 2 (T + P) cx for each, and alpha = 1 + max(1, largest alpha). Raises `ValueError` for a
    horizon below 1, a padding below 0, and when `which` does not list a step of the same size for every t < T.
    """
    if horizon < 1 or padding < 0:
        raise ValueError(f"{horizon} steps and {padding} copies of the last are no history")
    single = isinstance(steps, BlockEncoding)
    listed = [steps] if isinstance(steps, BlockEncoding) else list(steps)
    _check(listed, [0] * horizon if single else which, horizon)
    time_qubits = (horizon + padding).bit_length()
    own = PICK if single else PICK + 1
    ancillas = own + max(step.ancillas for step in listed)
    count = ancillas + time_qubits + listed[0].system
    time, lifted = list(range(ancillas, ancillas + time_qubits)), list(range(ancillas + time_qubits, count))
    weight = max(1.0, *(step.alpha for step in listed))
    calls = _calls(listed, own, lifted, CHOICE if single else PICK, weight)
    # Without padding, what is late is beyond the end, and the flag of that rejects it.
    late = at_least(time, horizon, LATE, [CHOICE], lifted) if padding else join([])
    early = gate(Gate.CX, LATE, CHOICE)
    stay = _damp(LATE, 1 / weight)
    middle = (
        [late, early, calls[0], early, stay, late] if single else [*_selected(time, which, calls), late, stay, late]
    )
    end = at_least(time, horizon + padding, END, [CHOICE], [LATE, *lifted])
    shift = increment(time, [CHOICE], [END, LATE, *lifted])
    turn = gate(Gate.RY, CHOICE, angle=2 * math.atan2(math.sqrt(weight), 1.0))
    # <0| ry(t) = (cos, -sin): the minus sign before S (x) M.
    parts: list[Fragment] = [turn, *middle, end, shift, turn]
    return BlockEncoding(tidy(join(parts)), ancillas, count - ancillas, 1 + weight)


def _calls(steps: Sequence[BlockEncoding], own: int, lifted: list[int], chosen: int, weight: float) -> list[Fragment]:
    """Every step where the qubit `chosen` is 1, on the ancillas from `own` on, damped to its share of `weight`."""
    calls = []
    for step in steps:
        unitary = controlled(step.on(range(own, own + step.ancillas), lifted), chosen)
        calls.append(join([unitary, _damp(chosen, step.alpha / weight)]))
    return calls


def _check(steps: Sequence[BlockEncoding], which: Sequence[int], horizon: int) -> None:
    if len({step.system for step in steps}) != 1:
        raise ValueError("the steps of a history have different sizes")
    if len(which) != horizon or not set(which) <= set(range(len(steps))):
        raise ValueError("every time below the horizon needs one of the steps")


def _selected(time: Sequence[int], which: Sequence[int], calls: Sequence[Fragment]) -> list[Fragment]:
    """Every call where the flag says that the time is its own."""
    parts = []
    for number, call in enumerate(calls):
        pick = _pick(time, [t for t, k in enumerate(which) if k == number])
        parts += [pick, call, pick.inverse]
    return parts


def _pick(time: Sequence[int], members: Sequence[int]) -> Fragment:
    """|0> of the flag to |1> where the choice is 1 and the time one of the members."""
    angles = np.zeros((2, 1 << len(time)))
    angles[1, list(members)] = math.pi
    return multiplexed(Gate.RY, [CHOICE, *time], PICK, angles.reshape(-1))


def _damp(control: int, factor: float) -> Fragment:
    """The weight qubit keeps amplitude `factor` on |0> where the control is 1."""
    return gate(Gate.CRY, control, WEIGHT, angle=2 * math.acos(min(factor, 1.0)))
