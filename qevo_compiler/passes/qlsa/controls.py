"""Gates and fragments under controls, written with cx and one-qubit rotations, without clean ancillas.

Multi-controlled x uses the other qubits of the register as borrowed (dirty) ones: A. Barenco et al.,
"Elementary gates for quantum computation" (PRA 52, 3457, 1995), lemmas 7.2 and 7.3, with the inner Toffoli
gates replaced by Margolus's, which differ by signs that cancel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from qevo_compiler.dialects.gate import Gate
from qevo_compiler.passes.qlsa.fragment import Fragment, counts, gate, gates, join, phase
from qevo_compiler.passes.qlsa.multiplexer import multiplexed

PI = math.pi


def toffoli(first: int, second: int, target: int) -> Fragment:
    """x of the target where both controls are 1; six cx."""
    t = PI / 4
    return join(
        [
            gate(Gate.H, target),
            gate(Gate.CX, second, target),
            gate(Gate.RZ, target, angle=-t),
            gate(Gate.CX, first, target),
            gate(Gate.RZ, target, angle=t),
            gate(Gate.CX, second, target),
            gate(Gate.RZ, target, angle=-t),
            gate(Gate.CX, first, target),
            gates(Gate.RZ, (second, target), angles=(t, t)),
            gate(Gate.CX, first, second),
            gate(Gate.H, target),
            gates(Gate.RZ, (first, second), angles=(t, -t)),
            gate(Gate.CX, first, second),
            phase(PI / 8),
        ]
    )


def margolus(first: int, second: int, target: int) -> Fragment:
    """The Toffoli gate up to the sign of one basis state; three cx."""
    turn, back = gate(Gate.RY, target, angle=PI / 4), gate(Gate.RY, target, angle=-PI / 4)
    inner, outer = gate(Gate.CX, second, target), gate(Gate.CX, first, target)
    return join([turn, inner, turn, outer, back, inner, back])


def controlled_x(controls: Sequence[int], target: int, borrowed: Sequence[int] = ()) -> Fragment:
    """x of the target where all controls are 1; `borrowed` qubits come back in the state they had.

    For k controls: 12k - 18 cx with k - 2 borrowed qubits, at most 24k with one, O(k^2) with none; up to
    four controls the form without borrowed qubits is the cheapest.
    """
    k = len(controls)
    if k == 0:
        return gate(Gate.X, target)
    if k == 1:
        return gate(Gate.CX, controls[0], target)
    if k == 2:
        return toffoli(controls[0], controls[1], target)
    if k > 4 and len(borrowed) >= k - 2:
        return _chain(controls, target, borrowed[: k - 2])
    if k > 5 and borrowed:
        return _halves(controls, target, borrowed[0])
    middle = controlled_phase([*controls, target], PI)
    return join([gate(Gate.H, target), middle, gate(Gate.H, target)])


def _chain(controls: Sequence[int], target: int, borrowed: Sequence[int]) -> Fragment:
    """Lemma 7.2: each borrowed qubit carries the product of the controls before it."""
    last = toffoli(controls[-1], borrowed[-1], target)
    steps = [margolus(controls[k], borrowed[k - 2], borrowed[k - 1]) for k in range(len(controls) - 2, 1, -1)]
    first = margolus(controls[0], controls[1], borrowed[0])
    climb = join([*steps, first, *[step.inverse for step in reversed(steps)]])
    return join([last, climb, last, climb.inverse])


def _halves(controls: Sequence[int], target: int, borrowed: int) -> Fragment:
    """Lemma 7.3: the product of half of the controls goes through the borrowed qubit, twice."""
    half = (len(controls) + 2) // 2
    low, high = list(controls[:half]), [*controls[half:], borrowed]
    first = controlled_x(low, borrowed, [*controls[half:], target])
    second = controlled_x(high, target, low)
    return join([first, second, first, second])


def controlled_rotation(
    kind: Gate, controls: Sequence[int], target: int, angle: float, borrowed: Sequence[int] = ()
) -> Fragment:
    """`kind` (ry or rz) of the target by `angle` where all controls are 1.

    With k controls the cheaper of two forms: multiplexed, 2^k cx; or two controlled x between halves of the
    rotation, linear in k (lemma 7.9). `rotation_bound(k)` bounds the cx of both.
    """
    k = len(controls)
    if k == 0:
        return gate(kind, target, angle=angle)
    if k == 1:
        return gate(Gate.CRY if kind is Gate.RY else Gate.CRZ, controls[0], target, angle=angle)
    flip = controlled_x(controls[:-1], target, [controls[-1], *borrowed])
    linear = join(
        [
            controlled_rotation(kind, controls[-1:], target, angle / 2),
            flip,
            controlled_rotation(kind, controls[-1:], target, -angle / 2),
            flip,
        ]
    )
    if 1 << k > counts(linear).cnot:
        return linear
    angles = np.zeros(1 << k)
    angles[-1] = angle
    return multiplexed(kind, controls, target, angles)


def rotation_bound(controls: int) -> int:
    """No rotation with so many controls takes more cx: 2^k, or 4 and two flips of at most 24 (k - 1) each."""
    if controls <= 1:
        return 2 * controls
    return min(1 << controls, 4 + 48 * (controls - 1))


def controlled_phase(qubits: Sequence[int], angle: float) -> Fragment:
    """exp(i angle) where all qubits are 1; O(k^2) cx."""
    parts = []
    for k in reversed(range(1, len(qubits))):
        parts.append(controlled_rotation(Gate.RZ, qubits[:k], qubits[k], angle, qubits[k + 1 :]))
        angle /= 2
    return join([*parts, gate(Gate.RZ, qubits[0], angle=angle), phase(angle / 2)])


def where(fragment: Fragment, controls: Sequence[int], values: Sequence[int]) -> Fragment:
    """A fragment that waits for ones on the controls, made to wait for `values` on them."""
    flips = gates(Gate.X, [q for q, value in zip(controls, values, strict=True) if not value])
    return join([flips, fragment, flips])


def _turned(kind: Gate, control: int, sites: list[int], angle: float) -> Fragment:
    if len(sites) == 1:
        return gate(Gate.CRY if kind is Gate.RY else Gate.CRZ, control, sites[0], angle=angle)
    return controlled_rotation(Gate.RY if kind is Gate.CRY else Gate.RZ, [control, sites[0]], sites[1], angle)


def _controlled_gate(kind: Gate, control: int, sites: list[int], angle: float) -> Fragment:
    match kind:
        case Gate.X:
            return gate(Gate.CX, control, sites[0])
        case Gate.H:
            # H = ry(pi/4) Z ry(-pi/4)
            turn, back = gate(Gate.RY, sites[0], angle=-PI / 4), gate(Gate.RY, sites[0], angle=PI / 4)
            return join([turn, gate(Gate.CZ, control, sites[0]), back])
        case Gate.CX:
            return toffoli(control, sites[0], sites[1])
        case Gate.CZ:
            between = gate(Gate.H, sites[1])
            return join([between, toffoli(control, sites[0], sites[1]), between])
        case Gate.SWAP:
            outer = gate(Gate.CX, sites[1], sites[0])
            return join([outer, toffoli(control, sites[0], sites[1]), outer])
        case _:
            return _turned(kind, control, sites, angle)


def controlled(fragment: Fragment, control: int) -> Fragment:
    """The fragment where the control is 1, its global phase included.

    Where x and cx alone, without the turns between them, do nothing, as in multiplexed rotations and all that is
    made of them, only the turns are controlled: two more cx each. Otherwise every gate is: 6 cx for a cx and at
    most 6 for a rotation.
    """
    kinds = tuple(Gate)
    rows = zip(fragment.opcodes.tolist(), fragment.qubits.tolist(), fragment.angles.tolist(), strict=True)
    free = _rests(fragment)
    parts = []
    for code, sites, angle in rows:
        kind = kinds[code]
        used = sites[: kind.arity]
        if free and not kind.angles:
            parts.append(gate(kind, *used))
        else:
            parts.append(_controlled_gate(kind, control, used, angle))
    if fragment.phase:
        parts += [gate(Gate.RZ, control, angle=fragment.phase), phase(fragment.phase / 2)]
    return join(parts)


def _rests(fragment: Fragment) -> bool:
    """Whether the gates without an angle are x and cx, and together the identity."""
    fixed = ~np.isin(fragment.opcodes, [kind.opcode for kind in Gate if kind.angles])
    opcodes, qubits = fragment.opcodes[fixed], fragment.qubits[fixed]
    if not np.isin(opcodes, (Gate.X.opcode, Gate.CX.opcode)).all():
        return False
    width = int(qubits.max(initial=-1)) + 1
    # Bit k of a sum: input qubit k is in it; bit `width`: it is flipped.
    sums = [1 << k for k in range(width)]
    for first, second in qubits.tolist():
        if second < 0:
            sums[first] ^= 1 << width
        else:
            sums[second] ^= sums[first]
    return sums == [1 << k for k in range(width)]
