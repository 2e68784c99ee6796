"""Merging neighbouring rotations of one qubit about one axis, over packed circuits."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.gate import CircuitOp, Gate
from qevo_compiler.ir import Array

Ints = NDArray[np.int64]
_ROTATIONS = (Gate.RZ.opcode, Gate.PHASED_X.opcode)


def merge_rotations(circuit: CircuitOp) -> CircuitOp:
    """The circuit with runs of rz, or of phased_x about one axis, as one gate each; whole turns go.

    The sum of a run stands where its first gate stood, which is exact: between the two, only gates on
    other qubits lie. Every round is a sort and a few passes over the arrays; runs that meet when what lay
    between them vanishes take another round. The same object comes back when nothing merges.
    """
    while (merged := _merge_once(circuit)) is not circuit:
        circuit = merged
    return circuit


def _merge_once(circuit: CircuitOp) -> CircuitOp:
    count = len(circuit)
    if not count:
        return circuit
    opcodes, qubits, angles = circuit.opcodes.values, circuit.qubits.values, circuit.angles.values
    heads = _run_heads(opcodes, qubits, angles)
    sums = np.bincount(heads, angles[:, 0], count)
    rotation = np.isin(opcodes, _ROTATIONS)
    # A rotation by 2 pi is minus one, by 4 pi one.
    turns = np.round(sums / math.tau)
    whole = rotation & (sums == turns * math.tau)
    kept = (heads == np.arange(count)) & ~whole
    if kept.all():
        return circuit
    gone = whole & (heads == np.arange(count))
    new_angles = angles.copy()
    new_angles[:, 0] = np.where(rotation, sums, angles[:, 0])
    return replace(
        circuit,
        opcodes=Array(opcodes[kept]),
        qubits=Array(qubits[kept]),
        angles=Array(new_angles[kept]),
        phase=math.remainder(circuit.phase + math.pi * float(np.mod(turns[gone], 2.0).sum()), math.tau),
    )


def _run_heads(opcodes: Ints, qubits: Ints, angles: NDArray[np.float64]) -> Ints:
    """For each gate the index of the first gate of its run; itself when it continues none."""
    count = len(opcodes)
    two = qubits[:, 1] >= 0
    # Every gate once for each of its qubits, in order of qubit and then of time.
    gates = np.concatenate([np.arange(count), np.flatnonzero(two)])
    lines = np.concatenate([qubits[:, 0], qubits[two, 1]])
    order = np.lexsort((gates, lines))
    gates, lines = gates[order], lines[order]
    before, after = gates[:-1], gates[1:]
    joins = (
        (lines[:-1] == lines[1:])
        & np.isin(opcodes[after], _ROTATIONS)
        & (opcodes[before] == opcodes[after])
        & (angles[before, 1] == angles[after, 1])
    )
    starts = np.flatnonzero(np.concatenate([[True], ~joins]))
    runs = np.repeat(starts, np.diff(np.append(starts, len(gates))))
    heads = np.arange(count)
    single = qubits[gates, 1] < 0
    heads[gates[single]] = gates[runs[single]]
    return heads
