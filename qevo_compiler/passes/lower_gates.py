"""Write the gates of a circuit in the gates of a basis.

before: gate.circuit {rzz(0.5) on 0, 1}
after:  gate.circuit {phased_x(pi/2, pi/2) on 1, cz on 0, 1, phased_x(0.5, 0) on 1, cz on 0, 1, ...}  (basis=cz)

`portable` keeps what OpenQASM 3's stdgates and one own definition hold. The device bases have `phased_x`,
`rz` and one two-qubit gate; neighbouring rotations about one axis are merged there. The unitary is
kept, with its global phase; angles from inverse functions (bases sycamore and sqrt_iswap) are rounded to
12 decimals, which the ledger records.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.gate import CircuitOp, Gate
from qevo_compiler.ir import Array, EnumAttribute, Evidence, LedgerEntry, Module
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.gates import gate_rules
from qevo_compiler.passes.gates.gate_rules import Column, Rule
from qevo_compiler.passes.gates.merge_rotations import merge_rotations
from qevo_compiler.passes.stages import CIRCUIT

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Formula = Callable[[Floats], tuple[list[Column], float]]


class Basis(EnumAttribute):
    """The gates that a target or device runs."""

    PORTABLE = "portable"
    CZ = "cz"
    SYCAMORE = "sycamore"
    SQRT_ISWAP = "sqrt_iswap"


_RULES: Mapping[Basis, Mapping[Gate, Rule]] = {
    Basis.PORTABLE: gate_rules.PORTABLE,
    Basis.CZ: gate_rules.CZ_RULES,
    Basis.SYCAMORE: gate_rules.SYC_RULES,
    Basis.SQRT_ISWAP: gate_rules.SQRT_ISWAP_RULES,
}
_FORMULAS: Mapping[Basis, Formula] = {
    Basis.SYCAMORE: gate_rules.rzz_by_syc,
    Basis.SQRT_ISWAP: gate_rules.rzz_by_sqrt_iswap,
}


@dataclass(frozen=True)
class LowerGates(Pass):
    """Option: `basis`."""

    name: ClassVar[str] = "lower-gates"
    takes: ClassVar = CIRCUIT
    leaves: ClassVar = CIRCUIT

    basis: Basis = Basis.PORTABLE

    def run(self, module: Module, context: Context = SILENT) -> Module:
        lowered = {id(op): self.lower(op) for op in module.main.ops_of(CircuitOp)}
        if all(circuit is op for op, circuit in zip(module.main.ops_of(CircuitOp), lowered.values(), strict=True)):
            return module
        rounded = sum(_count(op, self.basis) for op in module.main.ops_of(CircuitOp))
        ops = tuple(lowered.get(id(op), op) for op in module.main.ops)
        result = module.with_main(replace(module.main, ops=ops))
        return result.record(_rounding(self.name, rounded)) if rounded else result

    def lower(self, circuit: CircuitOp) -> CircuitOp:
        """The circuit in this basis; the same object when it is there already."""
        rules = _RULES[self.basis]
        lowered = circuit
        while found := [gate for gate in rules if (lowered.opcodes.values == gate.opcode).any()]:
            for gate in found:
                lowered = _expand_rule(lowered, gate, rules[gate])
        if self.basis in _FORMULAS:
            lowered = _expand_formula(lowered, Gate.RZZ, _FORMULAS[self.basis])
        if self.basis is Basis.PORTABLE:
            return lowered
        return merge_rotations(lowered)


def _count(circuit: CircuitOp, basis: Basis) -> int:
    """How many two-qubit gates get rounded angles: 2 an rzz, with 3 of them in a swap."""
    if basis not in _FORMULAS:
        return 0
    opcodes = circuit.opcodes.values
    return int(np.isin(opcodes, [gate.opcode for gate in Gate if gate.arity == 2]).sum())


def _rounding(stage: str, gates: int) -> LedgerEntry:
    # At most 3 rounded rotations for each of at most 6 rzz of a gate, each off by 1e-12 / 2 in angle.
    bound = gates * 18 * 0.5 * 10.0**-gate_rules.DECIMALS / 2
    note = f"angles of {gates} two-qubit gates rounded to {gate_rules.DECIMALS} decimals; a distance of unitaries"
    return LedgerEntry(stage, "gate rounding", bound, Evidence.PROVED, "", note)


def _expand_rule(circuit: CircuitOp, gate: Gate, rule: Rule) -> CircuitOp:
    found = circuit.opcodes.values == gate.opcode
    source = circuit.angles.values[found]
    columns = []
    for step in rule.steps:
        angles = source @ np.array(step.linear).T + np.array(step.constant)
        columns.append(Column(step.gate, step.slots, angles[:, 0], angles[:, 1]))
    return _splice(circuit, found, columns, rule.phase * int(found.sum()))


def _expand_formula(circuit: CircuitOp, gate: Gate, formula: Formula) -> CircuitOp:
    found = circuit.opcodes.values == gate.opcode
    if not found.any():
        return circuit
    columns, phase = formula(circuit.angles.values[found, 0])
    return _splice(circuit, found, columns, phase)


def _splice(circuit: CircuitOp, found: NDArray[np.bool_], columns: list[Column], phase: float) -> CircuitOp:
    """The circuit with each gate marked in `found` replaced by one gate of every column."""
    counts = np.where(found, len(columns), 1)
    starts = np.cumsum(counts) - counts
    total = int(counts.sum())
    opcodes, qubits, angles = np.empty(total, np.int64), np.full((total, 2), -1, np.int64), np.zeros((total, 2))
    opcodes[starts[~found]] = circuit.opcodes.values[~found]
    qubits[starts[~found]] = circuit.qubits.values[~found]
    angles[starts[~found]] = circuit.angles.values[~found]
    sites = circuit.qubits.values[found]
    for k, column in enumerate(columns):
        where = starts[found] + k
        opcodes[where] = column.gate.opcode
        qubits[where, : len(column.slots)] = sites[:, list(column.slots)]
        angles[where, 0] = column.angle
        angles[where, 1] = column.axis
    return replace(
        circuit,
        opcodes=Array(opcodes),
        qubits=Array(qubits),
        angles=Array(angles),
        phase=math.remainder(circuit.phase + phase, math.tau),
    )
