"""The right-hand side of a Carleman system from copies of one small preparer.

b = sum over k of c_k |k> |u>^k |0>^(N-k), c_k proportional to |u|^k: amplitudes of the degree in unary, then
slot j prepared in u / |u| where the degree is above j. N controlled preparers of O(s m) gates each; the lifted
vector itself, with s^N entries, is never formed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from qevo_compiler.dialects.gate import Gate
from qevo_compiler.passes.qlsa.controls import controlled
from qevo_compiler.passes.qlsa.fragment import Floats, Fragment, gate, join, tidy
from qevo_compiler.passes.qlsa.sparse_state import sparse_vector


@dataclass(frozen=True)
class UnaryDegrees:
    """Registers of a lifted vector up to degree N: N degree qubits 1^k 0^(N-k), then N slots of qubits.

    `weights` [N + 1] are the amplitudes c_k.
    """

    fragment: Fragment
    degree: tuple[int, ...]
    slots: tuple[tuple[int, ...], ...]
    weights: Floats

    @property
    def qubit_count(self) -> int:
        return len(self.degree) + sum(len(slot) for slot in self.slots)


def degree_weights(norm: float, order: int) -> Floats:
    """c_k = norm^k / sqrt(sum over j of norm^(2j)), k = 0..order."""
    powers = np.power(float(norm), np.arange(order + 1))
    return np.asarray(powers / np.linalg.norm(powers), np.float64)


def unary_state(weights: Floats, first: int = 0) -> Fragment:
    """|0...0> to the sum of weights[k] |1^k 0^(N-k)> on N qubits from `first`; weights are >= 0, of norm one."""
    tails = np.sqrt(np.cumsum((weights**2)[::-1])[::-1])
    parts = []
    for k in range(len(weights) - 1):
        angle = 2 * math.atan2(tails[k + 1], weights[k])
        wire = first + k
        parts.append(gate(Gate.CRY, wire - 1, wire, angle=angle) if k else gate(Gate.RY, wire, angle=angle))
    return join(parts)


def carleman_state(start: ArrayLike, order: int) -> UnaryDegrees:
    """|0...0> to the normalised lifted vector of a start u [n], degrees 0 to `order`.

    A start of zeros gives |degree 0>: no gates. Slots have ceil(log2 n) qubits, none for n = 1, where the signs of
    odd degrees go to the degree qubits.
    """
    vector = np.asarray(start, np.float64)
    width = max(len(vector) - 1, 0).bit_length()
    weights = degree_weights(float(np.linalg.norm(vector)), order)
    degree = tuple(range(order))
    slots = tuple(tuple(range(order + k * width, order + (k + 1) * width)) for k in range(order))
    if not vector.any():
        return UnaryDegrees(join([]), degree, slots, weights)
    padded = np.zeros(1 << width)
    padded[: len(vector)] = vector
    small = sparse_vector(padded, range(width)).fragment
    copies = [controlled(small.on(slot), k) for k, slot in enumerate(slots)]
    return UnaryDegrees(tidy(join([unary_state(weights), *copies])), degree, slots, weights)
