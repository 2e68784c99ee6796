"""How gates are written in other gates: exact templates, and two formulas that need inverse functions.

A rule is a short list of steps; each step's angles are linear in the angles of the gate replaced. All
templates hold with their global phase. `rzz_by_sqrt_iswap` and `rzz_by_syc` write any rzz with two uses
of Google's fixed gates.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.gate import Gate

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PI = math.pi
# Angles from inverse functions are rounded: the last bits of such functions differ between machines.
DECIMALS = 12


@dataclass(frozen=True)
class Step:
    """One gate of a template on qubit slots; angle k is `constant[k] + sum over j of linear[k][j] angle_j`."""

    gate: Gate
    slots: tuple[int, ...]
    constant: tuple[float, float] = (0.0, 0.0)
    linear: tuple[tuple[float, float], tuple[float, float]] = ((0.0, 0.0), (0.0, 0.0))


@dataclass(frozen=True)
class Rule:
    """Steps in order of time, and the global phase that they leave out."""

    steps: tuple[Step, ...]
    phase: float = 0.0


_FIRST = ((1.0, 0.0), (0.0, 0.0))
_BOTH = ((1.0, 0.0), (0.0, 1.0))
A, B = 0, 1


def _fixed(gate: Gate, *slots: int, angle: float = 0.0, axis: float = 0.0) -> Step:
    return Step(gate, slots, (angle, axis))


def _turned(gate: Gate, *slots: int, axis: float = 0.0) -> Step:
    """A gate by the first angle of the gate replaced."""
    return Step(gate, slots, (0.0, axis), _FIRST)


_Y = PI / 2
_H = Rule((_fixed(Gate.RZ, A, angle=PI), _fixed(Gate.PHASED_X, A, angle=PI / 2, axis=_Y)), PI / 2)
_CX_BY_CZ = Rule(
    (
        _fixed(Gate.PHASED_X, B, angle=-PI / 2, axis=_Y),
        _fixed(Gate.CZ, A, B),
        _fixed(Gate.PHASED_X, B, angle=PI / 2, axis=_Y),
    )
)
_SWAP = Rule(tuple(_fixed(Gate.CX, *pair) for pair in ((A, B), (B, A), (A, B))))

# ry(-pi/2) X ry(pi/2) = Z turns exp(-i t Z X / 2), which is rx between two CZ, into rzz.
_RZZ_BY_CZ = Rule(
    (
        _fixed(Gate.PHASED_X, B, angle=PI / 2, axis=_Y),
        _fixed(Gate.CZ, A, B),
        _turned(Gate.PHASED_X, B),
        _fixed(Gate.CZ, A, B),
        _fixed(Gate.PHASED_X, B, angle=-PI / 2, axis=_Y),
    )
)
_CZ_BY_RZZ = Rule(
    (
        _fixed(Gate.RZ, A, angle=-PI / 2),
        _fixed(Gate.RZ, B, angle=-PI / 2),
        _fixed(Gate.RZZ, A, B, angle=PI / 2),
    ),
    -PI / 4,
)


def _rotated_pair(turn: float, axis: float, angle: float) -> tuple[Step, ...]:
    """rzz between rotations of both qubits: rxx (about y) or ryy (about x)."""
    before = tuple(_fixed(Gate.PHASED_X, q, angle=-turn, axis=axis) for q in (A, B))
    after = tuple(_fixed(Gate.PHASED_X, q, angle=turn, axis=axis) for q in (A, B))
    return (*before, _fixed(Gate.RZZ, A, B, angle=angle), *after)


def _xx_plus_yy(angle: float) -> tuple[Step, ...]:
    """exp(-i angle (XX + YY) / 2)."""
    return (*_rotated_pair(PI / 2, _Y, angle), *_rotated_pair(PI / 2, 0.0, angle))


_SQRT_ISWAP_BY_RZZ = Rule(_xx_plus_yy(-PI / 4))
# fsim(pi/2, pi/6): |11><11| = (1 - Z_a - Z_b + ZZ) / 4 gives the rest of the angles.
_SYC_BY_RZZ = Rule(
    (
        *_xx_plus_yy(PI / 2),
        _fixed(Gate.RZZ, A, B, angle=PI / 12),
        _fixed(Gate.RZ, A, angle=-PI / 12),
        _fixed(Gate.RZ, B, angle=-PI / 12),
    ),
    -PI / 24,
)


def _controlled(rotation: Gate) -> Rule:
    """A rotation of qubit b about y or z where qubit a is 1: cx turns its sense, so halves add up or cancel."""
    halves = (((0.5, 0.0), (0.0, 0.0)), ((-0.5, 0.0), (0.0, 0.0)))
    turn, back = (Step(rotation, (B,), linear=linear) for linear in halves)
    return Rule((turn, _fixed(Gate.CX, A, B), back, _fixed(Gate.CX, A, B)))


CONTROLLED = {Gate.CRY: _controlled(Gate.RY), Gate.CRZ: _controlled(Gate.RZ)}
_ONE_QUBIT = {
    Gate.H: _H,
    Gate.X: Rule((_fixed(Gate.PHASED_X, A, angle=PI),), PI / 2),
    Gate.SX: Rule((_fixed(Gate.PHASED_X, A, angle=PI / 2),), PI / 4),
    Gate.RX: Rule((_turned(Gate.PHASED_X, A),)),
    Gate.RY: Rule((_turned(Gate.PHASED_X, A, axis=_Y),)),
}
_TO_CZ = {**_ONE_QUBIT, **CONTROLLED, Gate.CX: _CX_BY_CZ, Gate.SWAP: _SWAP}
_FOREIGN = {Gate.SQRT_ISWAP: _SQRT_ISWAP_BY_RZZ, Gate.SYC: _SYC_BY_RZZ}
_PHASED_X = Rule(
    (
        Step(Gate.RZ, (A,), linear=((0.0, -1.0), (0.0, 0.0))),
        _turned(Gate.RX, A),
        Step(Gate.RZ, (A,), linear=((0.0, 1.0), (0.0, 0.0))),
    )
)

PORTABLE = {Gate.PHASED_X: _PHASED_X, **_FOREIGN}
CZ_RULES = {**_TO_CZ, Gate.RZZ: _RZZ_BY_CZ, **_FOREIGN}
# rzz itself is written by a formula once everything else is gone.
SQRT_ISWAP_RULES = {**_TO_CZ, Gate.CZ: _CZ_BY_RZZ, Gate.SYC: _SYC_BY_RZZ}
SYC_RULES = {**_TO_CZ, Gate.CZ: _CZ_BY_RZZ, Gate.SQRT_ISWAP: _SQRT_ISWAP_BY_RZZ}


@dataclass(frozen=True)
class Column:
    """One gate of a formula for many gates at once: an angle for each of them, or one for all."""

    gate: Gate
    slots: tuple[int, ...]
    angle: Floats | float = 0.0
    axis: Floats | float = 0.0


def _reduced(angles: Floats) -> tuple[Floats, Floats, float]:
    """Angles within [-pi/2, pi/2], the rz of both qubits that makes up for it, and the phase left out.

    rzz(k pi) = i^k rz(k pi) rz(k pi).
    """
    halves = np.round(angles / PI)
    turns = np.mod(halves, 4.0)
    return angles - halves * PI, turns * PI, float(turns.sum() * PI / 2)


def _rounded(angles: Floats) -> Floats:
    rounded: Floats = np.round(angles, DECIMALS)
    return rounded


def rzz_by_sqrt_iswap(angles: Floats) -> tuple[list[Column], float]:
    """Each rzz(t) by two sqrt_iswap, and the global phase left out by all of them.

    With S = sqrt_iswap, which is the inverse of Z_a S Z_a, and sin(t / 2) = sin(phi) / sqrt(2),
    tan(xi) = tan(phi) / sqrt(2): exp(-i xi X_a / 2) S^-1 exp(i phi X_a) S exp(-i xi X_a / 2) equals
    exp(-i t Z_a Y_b / 2), because S^-1 X_a S = (X_a - Z_a Y_b) / sqrt(2). That needs |t| <= pi / 2; larger
    angles are turned by pi first.
    """
    small, turn, phase = _reduced(angles)
    sine: Floats = np.clip(math.sqrt(2.0) * np.sin(small / 2), -1.0, 1.0)
    exact = np.arcsin(sine)
    phi = _rounded(exact)
    xi = _rounded(np.arctan2(sine, math.sqrt(2.0) * np.cos(exact)))
    columns = [
        Column(Gate.RZ, (A,), turn),
        Column(Gate.RZ, (B,), turn),
        # rx(pi/2) Y rx(-pi/2) = Z on qubit b.
        Column(Gate.PHASED_X, (B,), -PI / 2),
        Column(Gate.PHASED_X, (A,), xi),
        Column(Gate.SQRT_ISWAP, (A, B)),
        Column(Gate.PHASED_X, (A,), -2 * phi),
        Column(Gate.RZ, (A,), PI),
        Column(Gate.SQRT_ISWAP, (A, B)),
        Column(Gate.RZ, (A,), -PI),
        Column(Gate.PHASED_X, (A,), xi),
        Column(Gate.PHASED_X, (B,), PI / 2),
    ]
    return columns, phase


def rzz_by_syc(angles: Floats) -> tuple[list[Column], float]:
    """Each rzz(t) by two syc, and the global phase left out by all of them.

    Up to z rotations syc is W D with W = exp(-i pi/4 (XX + YY)), D = exp(-i pi/24 ZZ). Since
    W exp(-i u X_a / 2) W = ZZ exp(-i u Z_a Y_b / 2), two syc around rx(u) are ZZ times a rotation of b
    whose sense Z_a sets: by the angle v with cos(v / 2) = cos(u / 2) cos(pi / 12), about the axis
    (0, sin(u / 2), cos(u / 2) sin(pi / 12)) / sin(v / 2). Rotating that axis onto z leaves rzz(v), for
    |v| >= pi / 6; smaller angles are turned by pi first.
    """
    small, turn, phase = _reduced(angles)
    # From here the gate wanted is rzz of `large`, with pi/2 <= |large| <= pi, times local turns.
    flip = np.where(small < 0, -PI, PI)
    large = small - flip
    turn = turn + flip
    phase += float(flip.sum() / 2)
    cosine = np.cos(large / 2) / math.cos(PI / 12)
    half = np.arccos(cosine)
    tilt = np.arctan2(np.sin(half), np.cos(half) * math.sin(PI / 12))
    u, lean = _rounded(2 * half), _rounded(np.where(large < 0, tilt + PI, tilt))
    undo = PI / 12
    columns = [
        Column(Gate.RZ, (A,), turn + PI + undo),
        Column(Gate.RZ, (B,), turn),
        Column(Gate.PHASED_X, (B,), -lean),
        Column(Gate.RZ, (B,), undo),
        Column(Gate.SYC, (A, B)),
        Column(Gate.PHASED_X, (A,), u),
        Column(Gate.RZ, (A,), undo),
        Column(Gate.RZ, (B,), undo),
        Column(Gate.SYC, (A, B)),
        Column(Gate.RZ, (B,), PI),
        Column(Gate.PHASED_X, (B,), lean),
    ]
    # Z_a Z_b = -rz(pi) rz(pi), and each syc has the phase -pi/24 beside W and D.
    return columns, phase + (PI + PI / 12) * len(angles)
