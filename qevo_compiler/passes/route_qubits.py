"""Place a circuit on a device's qubits and bring distant pairs together by swaps.

before: gate.circuit {rzz on 0, 2}                                        (coupling=0:1:1:2)
after:  gate.circuit {swap on 0, 1; rzz on 1, 2} with order = [1, ...]: spin 0 is read from qubit 1

Without `coupling` nothing changes. A placement that needs no swap is searched for first. Otherwise, of
the rzz gates that nothing but commuting gates hold back, those on coupled qubits are taken, then the
nearest pair moves one step along a shortest path. The permutation that swaps leave is kept in `order`.
The circuit must have no more spins than the device has qubits; work is O(gates * swaps between them).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.targets import BadCoupling, CircuitTooWide
from qevo_compiler.dialects.gate import CircuitOp, Gate
from qevo_compiler.ir import Array, Module
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.gates.placement import distances, neighbours, place
from qevo_compiler.passes.stages import CIRCUIT

Ints = NDArray[np.int64]
_DIAGONAL = (Gate.RZ.opcode, Gate.RZZ.opcode, Gate.CZ.opcode)


@dataclass(frozen=True)
class RouteQubits(Pass):
    """Options: `coupling`, the device's couplers pair after pair, and `qubits` (None: the highest named + 1)."""

    name: ClassVar[str] = "route-qubits"
    takes: ClassVar = CIRCUIT
    leaves: ClassVar = CIRCUIT

    coupling: tuple[int, ...] = ()
    qubits: int | None = None

    def run(self, module: Module, context: Context = SILENT) -> Module:
        if not self.coupling:
            return module
        routed = {id(op): self.route(op) for op in module.main.ops_of(CircuitOp)}
        if all(routed[id(op)] is op for op in module.main.ops_of(CircuitOp)):
            return module
        ops = tuple(routed.get(id(op), op) for op in module.main.ops)
        return module.with_main(replace(module.main, ops=ops))

    def route(self, circuit: CircuitOp) -> CircuitOp:
        """The circuit on the device's qubits; the same object when it is placed there already."""
        pairs, size = self._device()
        if _fits(circuit, pairs, size):
            return circuit
        spins = len(circuit.measured)
        if circuit.qubit_count > size:
            raise CompileError(CircuitTooWide(circuit.span, spins, size))
        device = neighbours(pairs, size)
        far = distances(device)
        used = np.unique(circuit.qubits.values[circuit.qubits.values[:, 1] >= 0], axis=0)
        where = place(neighbours(used, circuit.qubit_count), device, far)
        return _Router(device, far, where).run(circuit, size)

    def _device(self) -> tuple[Ints, int]:
        if len(self.coupling) % 2:
            raise CompileError(BadCoupling(None, "the coupling names an odd number of qubits"))
        pairs = np.array(self.coupling, np.int64).reshape(-1, 2)
        size = int(pairs.max()) + 1 if self.qubits is None else self.qubits
        if pairs.min() < 0 or pairs.max() >= size or (pairs[:, 0] == pairs[:, 1]).any():
            raise CompileError(BadCoupling(None, f"a pair does not name two of the qubits 0 to {size - 1}"))
        return pairs, size


def _fits(circuit: CircuitOp, pairs: Ints, size: int) -> bool:
    if circuit.qubit_count != size:
        return False
    both = np.sort(circuit.qubits.values[circuit.qubits.values[:, 1] >= 0], axis=1)
    return bool(np.isin(both @ [size, 1], np.sort(pairs, axis=1) @ [size, 1]).all())


@dataclass
class _Router:
    """The state of one routing: which qubit holds which spin, and the gates so far."""

    device: list[list[int]]
    far: Ints
    where: list[int]
    opcodes: list[int] = field(default_factory=list)
    qubits: list[tuple[int, int]] = field(default_factory=list)
    angles: list[tuple[float, float]] = field(default_factory=list)

    def run(self, circuit: CircuitOp, size: int) -> CircuitOp:
        opcodes, diagonal = circuit.opcodes.values, np.isin(circuit.opcodes.values, _DIAGONAL)
        cuts = np.flatnonzero(np.diff(diagonal)) + 1
        for block in np.split(np.arange(len(opcodes)), cuts):
            if len(block) and diagonal[block[0]]:
                self._commuting(circuit, block)
            else:
                for index in block.tolist():
                    self._ordered(circuit, index)
        order = np.array(self.where, np.int64)[circuit.measured]
        qubits = np.array(self.qubits, np.int64).reshape(-1, 2)
        angles = np.array(self.angles, np.float64).reshape(-1, 2)
        return replace(
            circuit,
            qubit_count=size,
            opcodes=Array(np.array(self.opcodes, np.int64)),
            qubits=Array(qubits),
            angles=Array(angles),
            order=Array(order),
        )

    def _commuting(self, circuit: CircuitOp, block: Ints) -> None:
        """Diagonal gates in any order: those that can run run, then the nearest pair moves one step."""
        pairs = circuit.qubits.values[block]
        while len(block):
            gap = self._gaps(pairs)
            for index in block[gap <= 1].tolist():
                self._put(circuit, index)
            block, pairs, gap = block[gap > 1], pairs[gap > 1], gap[gap > 1]
            if len(block):
                self._approach(*pairs[np.argmin(gap)].tolist())

    def _gaps(self, pairs: Ints) -> Ints:
        where = np.array(self.where)
        return np.where(pairs[:, 1] < 0, 0, self.far[where[pairs[:, 0]], where[pairs[:, 1]]])

    def _ordered(self, circuit: CircuitOp, index: int) -> None:
        a, b = circuit.qubits.values[index].tolist()
        while b >= 0 and self.far[self.where[a], self.where[b]] > 1:
            self._approach(a, b)
        self._put(circuit, index)

    def _put(self, circuit: CircuitOp, index: int) -> None:
        a, b = circuit.qubits.values[index].tolist()
        self.opcodes.append(int(circuit.opcodes.values[index]))
        self.qubits.append((self.where[a], self.where[b] if b >= 0 else -1))
        first, second = circuit.angles.values[index].tolist()
        self.angles.append((first, second))

    def _approach(self, a: int, b: int) -> None:
        """One swap that brings spin a a step nearer to spin b."""
        here, there = self.where[a], self.where[b]
        distance = int(self.far[here, there])
        if distance >= len(self.device):
            raise CompileError(BadCoupling(None, f"no path of couplers joins the qubits {here} and {there}"))
        step = next(q for q in self.device[here] if self.far[q, there] == distance - 1)
        self.opcodes.append(Gate.SWAP.opcode)
        self.qubits.append((here, step))
        self.angles.append((0.0, 0.0))
        for spin, qubit in enumerate(self.where):
            if qubit in (here, step):
                self.where[spin] = step if qubit == here else here
