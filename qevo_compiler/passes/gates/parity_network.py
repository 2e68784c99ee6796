"""Phases of products of spins, exp(-i sum_k a_k Z_k1 Z_k2 ... / 2), by cx and rz that all products share.

before: turn 0.1 of Z0 Z1, turn 0.2 of Z0 Z1 Z2
after:  cx 1,0; rz(0.1) 0; cx 2,0; rz(0.2) 0; ... until each qubit holds its own spin again

A cx writes the parity of two qubits onto the second; a product is turned by one rz where a qubit holds its parity.
Products are written over what the qubits hold at the moment. Of the lightest one's qubits that pair gets a cx which
makes all products together lightest, less what it waits for its qubits; no parity is undone before the end, where
a linear circuit restores the spins. Phase polynomials by parity networks: Amy, Azimzadeh and Mosca, Quantum Sci.
Technol. 4, 015002 (2018); greedy networks with one clean-up: de Brugiere and Martiel, arXiv:2404.03280.

Where many products on many qubits have little in common, such a network is longer than ladders, which may then stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.gate import Gate
from qevo_compiler.evaluator.parity import parity_steps
from qevo_compiler.evaluator.routing import end_times
from qevo_compiler.passes.gates.cost import circuit_cost
from qevo_compiler.passes.gates.parity_ladders import NONE, parity_ladders

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Gates = tuple[Ints, Ints, Floats]

# More products, or restoring more spins, take seconds.
_MOST = 1 << 14
_WIDEST = 128
# How much lighter all products must become for a gate that waits one time step longer: none is best everywhere.
_PATIENCE = (1, 2, 8, 32)
# A network may have this many times the cx of ladders, which are deep.
_LONGER = 2


def parity_network(terms: Sequence[tuple[Ints, Floats]], size: int) -> Gates:
    """Opcodes [g], qubits [g, 2] and angles [g] for terms, each as spins [m, d] with d >= 2 and angles [m].

    Of a few networks and the ladders the one that is expected to go wrong least. What a cx of a network costs stands
    with `parity_steps`: a second for 10^4 products on 100 qubits.
    """
    sets = np.full((sum(len(spins) for spins, _ in terms), max(spins.shape[1] for spins, _ in terms)), NONE)
    first = 0
    for spins, _ in terms:
        sets[first : first + len(spins), : spins.shape[1]] = spins
        first += len(spins)
    angles = np.concatenate([values for _, values in terms])
    found = [parity_ladders(sets, angles, size)]
    if len(sets) <= _MOST and size <= _WIDEST:
        found += _networks(sets, angles, size, _LONGER * _count(found[0]))
    return min(found, key=lambda gates: _cost(gates, size))


def _networks(sets: Ints, angles: Floats, size: int, most: int) -> Iterator[Gates]:
    over = np.zeros((size, len(sets)), np.bool_)
    product, place = np.nonzero(sets != NONE)
    over[sets[product, place], product] = True
    for patience in _PATIENCE:
        steps = parity_steps(over, most, patience)
        if steps is not None:
            turned = steps[:, 0]
            opcodes = np.where(turned >= 0, Gate.RZ.opcode, Gate.CX.opcode)
            yield opcodes, steps[:, 1:].copy(), np.where(turned >= 0, angles[turned], 0.0)


def _count(gates: Gates) -> int:
    return int((gates[0] == Gate.CX.opcode).sum())


def _cost(gates: Gates, size: int) -> int:
    opcodes, qubits, _ = gates
    ends = end_times(qubits, opcodes == Gate.CX.opcode, size)
    return circuit_cost(_count(gates), size, int(ends.max(initial=0)))
