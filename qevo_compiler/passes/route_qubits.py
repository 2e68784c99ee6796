"""Place a circuit on a device's qubits and bring distant pairs together by swaps.

before: gate.circuit {rzz on 0, 2}                                        (coupling=0:1:1:2)
after:  gate.circuit {swap on 0, 1; rzz on 1, 2} with order = [1, ...]: spin 0 is read from qubit 1

Without `coupling` nothing changes. A placement that needs no swap is searched for first. Otherwise runs of
gates that commute are routed in any order (`gates/commuting_router.py`), the best of `trials`; a run on the
pairs of the last one takes the same way back. Other gates keep their order: their pair moves along a shortest
path, by the swaps that serve the gates to come. The permutation that swaps leave is kept in `order`. The
circuit must have no more spins than the device has qubits.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, NoReturn

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.targets import BadCoupling, CircuitTooWide
from qevo_compiler.dialects.gate import CircuitOp, Gate
from qevo_compiler.ir import Array, Module
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.gates.commuting_router import NO_GATE, Routing, Step, route_commuting
from qevo_compiler.passes.gates.placement import distances, neighbours, place
from qevo_compiler.passes.stages import CIRCUIT

Ints = NDArray[np.int64]
# How many gates ahead a swap is judged by, and what each counts: whole numbers, so that ties are ties everywhere.
_VIEW = 48
_WEIGHTS = np.round(1024 * 0.9 ** np.arange(_VIEW)).astype(np.int64)
_DIAGONAL = (Gate.RZ.opcode, Gate.RZZ.opcode, Gate.CZ.opcode)


@dataclass(frozen=True)
class RouteQubits(Pass):
    """Options: `coupling`, the device's couplers pair after pair, `qubits` (None: the highest named + 1), `trials`."""

    name: ClassVar[str] = "route-qubits"
    takes: ClassVar = CIRCUIT
    leaves: ClassVar = CIRCUIT

    coupling: tuple[int, ...] = ()
    qubits: int | None = None
    trials: int = 12

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
        if self.trials < 1:
            raise CompileError(BadCoupling(None, f"there cannot be {self.trials} trials"))
        pairs, size = self._device()
        if _fits(circuit, pairs, size):
            return circuit
        spins = len(circuit.measured)
        if circuit.qubit_count > size:
            raise CompileError(CircuitTooWide(circuit.span, spins, size))
        device = neighbours(pairs, size)
        far = distances(device)
        where = place(neighbours(_spins_of_pairs(circuit), circuit.qubit_count), device, far)
        return _Router(device, far, pairs, self.trials, where).run(circuit)

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


def _spins_of_pairs(circuit: CircuitOp) -> Ints:
    qubits = circuit.qubits.values
    return np.unique(np.sort(qubits[qubits[:, 1] >= 0], axis=1), axis=0)


def _blocks(circuit: CircuitOp) -> list[tuple[bool, Ints]]:
    """Runs of gates, and whether they are diagonal and so commute."""
    diagonal = np.isin(circuit.opcodes.values, _DIAGONAL)
    cuts = np.flatnonzero(np.diff(diagonal)) + 1
    return [(bool(diagonal[block[0]]), block) for block in np.split(np.arange(len(diagonal)), cuts) if len(block)]


@dataclass
class _Router:
    """The state of one routing: which qubit holds which spin, and the gates so far."""

    device: list[list[int]]
    far: Ints
    couplers: Ints
    trials: int
    where: list[int]
    opcodes: list[int] = field(default_factory=list)
    qubits: list[tuple[int, int]] = field(default_factory=list)
    angles: list[tuple[float, float]] = field(default_factory=list)
    _last: tuple[Ints, Routing] | None = None

    def run(self, circuit: CircuitOp) -> CircuitOp:
        blocks = _blocks(circuit)
        self._begin(circuit, blocks)
        for commuting, block in blocks:
            if commuting:
                self._commuting(circuit, block)
            else:
                for index in block.tolist():
                    self._ordered(circuit, index)
        order = np.array(self.where, np.int64)[circuit.measured]
        qubits = np.array(self.qubits, np.int64).reshape(-1, 2)
        angles = np.array(self.angles, np.float64).reshape(-1, 2)
        return replace(
            circuit,
            qubit_count=len(self.device),
            opcodes=Array(np.array(self.opcodes, np.int64)),
            qubits=Array(qubits),
            angles=Array(angles),
            order=Array(order),
        )

    def _begin(self, circuit: CircuitOp, blocks: list[tuple[bool, Ints]]) -> None:
        """Where the first gates of two qubits commute, the placement is the one that these are routed best from."""
        qubits = circuit.qubits.values
        first = next(((commuting, block) for commuting, block in blocks if (qubits[block, 1] >= 0).any()), None)
        if first is None or not first[0] or self._in_place(circuit):
            return
        pairs = qubits[_pairs_of(circuit, first[1])]
        found = route_commuting(pairs, self.far, self.couplers, circuit.qubit_count, None, self.trials)
        if found is not None:
            self._last = (pairs, found.reversed())
            self.where = list(found.start)

    def _in_place(self, circuit: CircuitOp) -> bool:
        where, pairs = np.array(self.where), _spins_of_pairs(circuit)
        return bool((self.far[where[pairs[:, 0]], where[pairs[:, 1]]] <= 1).all())

    def _commuting(self, circuit: CircuitOp, block: Ints) -> None:
        """Diagonal gates in any order. A layer on the pairs of the last one takes the same way back."""
        for index in block[circuit.qubits.values[block, 1] < 0].tolist():
            self._put(circuit, index)
        gates = _pairs_of(circuit, block)
        if not len(gates):
            return
        pairs = circuit.qubits.values[gates]
        if self._last is not None and np.array_equal(self._last[0], pairs) and self._last[1].end == tuple(self.where):
            routing = self._last[1].reversed()
        else:
            routing = self._routing(pairs, circuit.qubit_count)
        self._last = (pairs, routing)
        for step in routing.steps:
            self._step(circuit, -1 if step.gate == NO_GATE else int(gates[step.gate]), step)

    def _step(self, circuit: CircuitOp, index: int, step: Step) -> None:
        both = (step.first, step.second)
        if step.gate != NO_GATE and step.swap and circuit.opcodes.values[index] == Gate.RZZ.opcode:
            # rzz and swap are three cx: of their five, two cancel.
            self._emit(Gate.CX, both)
            self._emit(Gate.RZ, (step.second, -1), float(circuit.angles.values[index, 0]))
            self._emit(Gate.CX, both[::-1])
            self._emit(Gate.CX, both)
        else:
            if step.gate != NO_GATE:
                self._emit(Gate.RZZ, both, *circuit.angles.values[index].tolist())
                self.opcodes[-1] = int(circuit.opcodes.values[index])
            if step.swap:
                self._emit(Gate.SWAP, both)
        if step.swap:
            self._exchange(*both)

    def _routing(self, pairs: Ints, spins: int) -> Routing:
        found = route_commuting(pairs, self.far, self.couplers, spins, tuple(self.where), self.trials)
        if found is None:
            here, there = np.array(self.where)[pairs].T
            away = int(np.argmax(self.far[here, there]))
            self._not_joined(int(here[away]), int(there[away]))
        return found

    def _not_joined(self, here: int, there: int) -> NoReturn:
        raise CompileError(BadCoupling(None, f"no path of couplers joins the qubits {here} and {there}"))

    def _ordered(self, circuit: CircuitOp, index: int) -> None:
        a, b = circuit.qubits.values[index].tolist()
        if b >= 0 and self.far[self.where[a], self.where[b]] > 1:
            ahead = circuit.qubits.values[index + 1 : index + 1 + _VIEW]
            ahead = ahead[ahead[:, 1] >= 0]
            while self.far[self.where[a], self.where[b]] > 1:
                self._approach(a, b, ahead)
        self._put(circuit, index)

    def _put(self, circuit: CircuitOp, index: int) -> None:
        a, b = circuit.qubits.values[index].tolist()
        self._emit(Gate.RZ, (self.where[a], self.where[b] if b >= 0 else -1), *circuit.angles.values[index].tolist())
        self.opcodes[-1] = int(circuit.opcodes.values[index])

    def _emit(self, gate: Gate, qubits: tuple[int, int], angle: float = 0.0, axis: float = 0.0) -> None:
        self.opcodes.append(gate.opcode)
        self.qubits.append(qubits)
        self.angles.append((angle, axis))

    def _approach(self, a: int, b: int, ahead: Ints) -> None:
        """The swap that brings two spins a step nearer and the pairs of the gates `ahead` nearest, early ones most."""
        here, there = self.where[a], self.where[b]
        distance = int(self.far[here, there])
        if distance >= len(self.device):
            self._not_joined(here, there)
        steps = [(here, q) for q in self.device[here] if self.far[q, there] == distance - 1]
        steps += [(there, q) for q in self.device[there] if self.far[q, here] == distance - 1]
        best = min(steps, key=lambda step: self._length_after(step, ahead))
        self._emit(Gate.SWAP, best)
        self._exchange(*best)

    def _length_after(self, swap: tuple[int, int], ahead: Ints) -> int:
        where = np.array(self.where)
        moved = np.where(where == swap[0], swap[1], np.where(where == swap[1], swap[0], where))
        return int((self.far[moved[ahead[:, 0]], moved[ahead[:, 1]]] * _WEIGHTS[: len(ahead)]).sum())

    def _exchange(self, here: int, step: int) -> None:
        for spin, qubit in enumerate(self.where):
            if qubit in (here, step):
                self.where[spin] = step if qubit == here else here


def _pairs_of(circuit: CircuitOp, block: Ints) -> Ints:
    """The gates of a block that act on two qubits."""
    found: Ints = block[circuit.qubits.values[block, 1] >= 0]
    return found
