"""Gates multiplied into groups of few qubits, in an order that gives the same circuit.

before: h 0; h 1; cx 0 1; cx 1 2
after:  one unitary on (0, 1, 2)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qevo_compiler.dialects.gate import CircuitOp, Gate
from qevo_compiler.evaluator.statevector.matrices import Matrix, matrix_of

_GATES = tuple(Gate)


@dataclass
class Group:
    """A unitary [2^k, 2^k] on `qubits`; bit j of its row and column numbers is `qubits[j]`."""

    qubits: tuple[int, ...]
    matrix: Matrix


def fused(circuit: CircuitOp, most: int = 2) -> list[Group]:
    """Groups of at most `most` qubits, 2 or more, to be applied in order. O(gates).

    One-qubit gates wait for the next gate on their qubit. A larger gate joins the latest group that has one of its
    qubits, where they fit together: all gates on its other qubits stand before that group.
    """
    groups: list[Group] = []
    latest: dict[int, int] = {}
    waiting: dict[int, Matrix] = {}
    columns = (circuit.opcodes.values.tolist(), circuit.qubits.values.tolist(), circuit.angles.values.tolist())
    for opcode, sites, angles in zip(*columns, strict=True):
        matrix = matrix_of(_GATES[opcode], *angles)
        if _GATES[opcode].arity == 1:
            before = waiting.get(sites[0])
            waiting[sites[0]] = matrix if before is None else matrix @ before
            continue
        qubits = (sites[1], sites[0])
        for qubit in qubits:
            if qubit in waiting:
                matrix = _multiplied(matrix.T, qubits, waiting.pop(qubit).T, (qubit,)).T
        _place(groups, latest, Group(qubits, matrix), most)
    for qubit, matrix in sorted(waiting.items()):
        _place(groups, latest, Group((qubit,), matrix), most)
    return groups


def _place(groups: list[Group], latest: dict[int, int], new: Group, most: int) -> None:
    at = max((latest.get(qubit, -1) for qubit in new.qubits), default=-1)
    if at >= 0:
        old = groups[at]
        more = tuple(qubit for qubit in new.qubits if qubit not in old.qubits)
        if len(old.qubits) + len(more) <= most:
            matrix: Matrix = np.kron(np.eye(1 << len(more)), old.matrix).astype(np.complex128)
            qubits = old.qubits + more
            groups[at] = Group(qubits, _multiplied(matrix, qubits, new.matrix, new.qubits))
            latest.update(dict.fromkeys(new.qubits, at))
            return
    groups.append(new)
    latest.update(dict.fromkeys(new.qubits, len(groups) - 1))


def _multiplied(matrix: Matrix, qubits: tuple[int, ...], gate: Matrix, sites: tuple[int, ...]) -> Matrix:
    """`gate` on `sites` after `matrix` on `qubits`, which contain the sites."""
    count, width = len(qubits), len(sites)
    axes = [count - 1 - qubits.index(site) for site in reversed(sites)]
    table = matrix.reshape((2,) * count + (-1,))
    product = np.tensordot(gate.reshape((2,) * (2 * width)), table, axes=(range(width, 2 * width), axes))
    return np.ascontiguousarray(np.moveaxis(product, range(width), axes)).reshape(matrix.shape)
