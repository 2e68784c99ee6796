"""Place a circuit on a device's qubits and bring distant pairs together by swaps.

before: gate.circuit {rzz on 0, 2}                                        (coupling=0:1:1:2)
after:  gate.circuit {swap on 0, 1; rzz on 1, 2} with order = [1, ...]: spin 0 is read from qubit 1

Without `coupling` nothing changes. A placement that needs no swap is searched for first. Otherwise runs of
gates that commute are routed in any order (`gates/commuting_router.py`), the best of `trials`, by swaps as they
serve or by a fixed network of them: the ledger says by which. A run on the pairs of the last one takes the same way
back. Other gates keep their order: their pair moves along a shortest
path, by the swaps that serve the gates to come. The permutation that swaps leave is kept in `order`. The
circuit must have no more spins than the device has qubits. All steps a gate are taken in arrays or kernels; what they
cost stands with each.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.targets import BadCoupling, CircuitTooWide
from qevo_compiler.dialects.gate import CircuitOp, Gate
from qevo_compiler.evaluator.routing import Adjacency, route_ordered
from qevo_compiler.ir import Array, Evidence, LedgerEntry, Module
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.gates.commuting_router import route_commuting
from qevo_compiler.passes.gates.device import Device
from qevo_compiler.passes.gates.placement import place
from qevo_compiler.passes.gates.routing import NO_GATE, Routing
from qevo_compiler.passes.stages import CIRCUIT

Ints = NDArray[np.int64]
Gates = tuple[Ints, Ints, NDArray[np.float64]]
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
        routed = {id(op): self._routed(op) for op in module.main.ops_of(CircuitOp)}
        if all(routed[id(op)][0] is op for op in module.main.ops_of(CircuitOp)):
            return module
        ops = tuple(routed[id(op)][0] if isinstance(op, CircuitOp) else op for op in module.main.ops)
        entries = (entry for _, found in routed.values() for entry in found)
        return module.with_main(replace(module.main, ops=ops)).record(*entries)

    def route(self, circuit: CircuitOp) -> CircuitOp:
        """The circuit on the device's qubits; the same object when it is placed there already."""
        return self._routed(circuit)[0]

    def _routed(self, circuit: CircuitOp) -> tuple[CircuitOp, list[LedgerEntry]]:
        if self.trials < 1:
            raise CompileError(BadCoupling(None, f"there cannot be {self.trials} trials"))
        device = self.device
        if _fits(circuit, device):
            return circuit, []
        if circuit.qubit_count > device.size:
            raise CompileError(CircuitTooWide(circuit.span, len(circuit.measured), device.size))
        where = place(_partners(circuit), device.qubits.lists, device.far)
        router = _Router(device, self.trials, where)
        return router.run(circuit), [_entry(self.name, routing) for routing in router.found]

    @property
    def device(self) -> Device:
        """The device that the options state; raises `CompileError` where they state none."""
        if len(self.coupling) % 2:
            raise CompileError(BadCoupling(None, "the coupling names an odd number of qubits"))
        pairs = np.array(self.coupling, np.int64).reshape(-1, 2)
        size = int(pairs.max()) + 1 if self.qubits is None else self.qubits
        if pairs.min() < 0 or pairs.max() >= size or (pairs[:, 0] == pairs[:, 1]).any():
            raise CompileError(BadCoupling(None, f"a pair does not name two of the qubits 0 to {size - 1}"))
        return Device.of(pairs, size)


def _entry(stage: str, routing: Routing) -> LedgerEntry:
    spins = f"{len(routing.start)} spins by {routing.way}"
    note = f"{spins}, in {routing.depth} steps of time; a gate of two spins counts 2, a swap 3, both together 3"
    return LedgerEntry(stage, "two-qubit gates of a layer", float(routing.gates), Evidence.MEASURED, "", note)


def _fits(circuit: CircuitOp, device: Device) -> bool:
    if circuit.qubit_count != device.size:
        return False
    both = np.sort(_pairs(circuit), axis=1)
    return bool((device.far[both[:, 0], both[:, 1]] == 1).all())


def _partners(circuit: CircuitOp) -> list[list[int]]:
    """The spins that have gates with each spin."""
    once = np.unique(np.sort(_pairs(circuit), axis=1), axis=0)
    return Adjacency.of(once, circuit.qubit_count).lists


def _pairs(circuit: CircuitOp) -> Ints:
    qubits = circuit.qubits.values
    found: Ints = qubits[qubits[:, 1] >= 0]
    return found


def _blocks(circuit: CircuitOp) -> list[tuple[bool, Ints]]:
    """Runs of gates, and whether they are diagonal with some of two qubits: those commute."""
    diagonal = np.isin(circuit.opcodes.values, _DIAGONAL)
    runs = np.cumsum(np.diff(diagonal, prepend=False))
    pairs = np.bincount(runs, diagonal & (circuit.qubits.values[:, 1] >= 0))
    commuting = pairs[runs] > 0
    cuts = np.flatnonzero(np.diff(runs, prepend=0) * (commuting | np.roll(commuting, 1)))
    return [(bool(commuting[part[0]]), part) for part in np.split(np.arange(len(runs)), cuts) if len(part)]


@dataclass
class _Router:
    """The state of one routing: which qubit holds which spin, and the gates so far."""

    device: Device
    trials: int
    where: Ints
    found: list[Routing] = field(default_factory=list)
    _gates: list[Gates] = field(default_factory=list)
    _last: tuple[Ints, Routing] | None = None

    def run(self, circuit: CircuitOp) -> CircuitOp:
        blocks = _blocks(circuit)
        self._put(circuit, np.zeros(0, np.int64))
        self._begin(circuit, blocks)
        for commuting, block in blocks:
            if commuting:
                self._commuting(circuit, block)
            else:
                self._ordered(circuit, block)
        opcodes, qubits, angles = (np.concatenate(column) for column in zip(*self._gates, strict=True))
        return replace(
            circuit,
            qubit_count=self.device.size,
            opcodes=Array(opcodes),
            qubits=Array(qubits),
            angles=Array(angles),
            order=Array(self.where[circuit.measured]),
        )

    def _begin(self, circuit: CircuitOp, blocks: list[tuple[bool, Ints]]) -> None:
        """Where the first gates of two qubits commute, the placement is the one that these are routed best from."""
        qubits = circuit.qubits.values
        first = next(((commuting, block) for commuting, block in blocks if (qubits[block, 1] >= 0).any()), None)
        if first is None or not first[0] or (self._distances(_pairs(circuit)) <= 1).all():
            return
        pairs = qubits[_pairs_of(circuit, first[1])]
        found = route_commuting(pairs, self.device, circuit.qubit_count, None, self.trials)
        if found is not None:
            self.found.append(found)
            self._last = (pairs, found.reversed())
            self.where = found.start

    def _distances(self, pairs: Ints) -> NDArray[np.int32]:
        """How far apart pairs of spins are; raises `CompileError` where no path joins them."""
        here, there = self.where[pairs].T
        found: NDArray[np.int32] = self.device.far[here, there]
        if (found >= self.device.size).any():
            away = int(np.argmax(found))
            message = f"no path of couplers joins the qubits {here[away]} and {there[away]}"
            raise CompileError(BadCoupling(None, message))
        return found

    def _commuting(self, circuit: CircuitOp, block: Ints) -> None:
        """Diagonal gates in any order. A layer on the pairs of the last one takes the same way back."""
        self._put(circuit, block[circuit.qubits.values[block, 1] < 0])
        gates = _pairs_of(circuit, block)
        pairs = circuit.qubits.values[gates]
        if (
            self._last is not None
            and np.array_equal(self._last[0], pairs)
            and np.array_equal(self._last[1].end, self.where)
        ):
            routing = self._last[1].reversed()
        else:
            routing = self._routing(pairs, circuit.qubit_count)
        self._last = (pairs, routing)
        self._gates.append(_written(circuit, gates, routing))
        self.where = routing.end

    def _routing(self, pairs: Ints, spins: int) -> Routing:
        self._distances(pairs)
        found = route_commuting(pairs, self.device, spins, self.where, self.trials)
        assert found is not None
        self.found.append(found)
        return found

    def _put(self, circuit: CircuitOp, block: Ints) -> None:
        """Gates as they stand, where their spins are."""
        qubits = circuit.qubits.values[block]
        moved = np.where(qubits < 0, -1, self.where[qubits])
        self._gates.append((circuit.opcodes.values[block], moved, circuit.angles.values[block]))

    def _ordered(self, circuit: CircuitOp, block: Ints) -> None:
        qubits = np.ascontiguousarray(circuit.qubits.values, np.int64)
        self._distances(qubits[_pairs_of(circuit, block)])
        device, first, last = self.device, int(block[0]), int(block[-1]) + 1
        made, self.where = route_ordered(qubits, first, last, device.qubits, device.far, self.where, _WEIGHTS)
        gate, swap = made[:, 0], made[:, 0] < 0
        opcodes = np.where(swap, Gate.SWAP.opcode, circuit.opcodes.values[gate])
        angles = np.where(swap[:, None], 0.0, circuit.angles.values[gate])
        self._gates.append((opcodes, made[:, 1:], angles))


def _pairs_of(circuit: CircuitOp, block: Ints) -> Ints:
    """The gates of a block that act on two qubits."""
    found: Ints = block[circuit.qubits.values[block, 1] >= 0]
    return found


# rzz and swap are three cx: of their five, two cancel. Each row is a gate, and the ends of the coupler it acts on.
_MERGED = ((Gate.CX, 0, 1), (Gate.RZ, 1, -1), (Gate.CX, 1, 0), (Gate.CX, 0, 1))


def _written(circuit: CircuitOp, gates: Ints, routing: Routing) -> Gates:
    """The steps as gates: four where a swap takes up an rzz, else the gate and the swap as they are."""
    steps = routing.steps
    gate = gates[steps[:, 0]]
    acts, swap = steps[:, 0] != NO_GATE, steps[:, 3] == 1
    merged = acts & swap & (circuit.opcodes.values[gate] == Gate.RZZ.opcode)
    rows = np.where(merged, len(_MERGED), acts.astype(np.int64) + swap)
    first = np.cumsum(rows) - rows
    opcodes = np.full(int(rows.sum()), Gate.SWAP.opcode)
    qubits = np.repeat(steps[:, 1:3], rows, axis=0)
    angles = np.zeros((len(opcodes), 2))
    plain = acts & ~merged
    opcodes[first[plain]] = circuit.opcodes.values[gate[plain]]
    angles[first[plain]] = circuit.angles.values[gate[plain]]
    ends = np.append(steps[:, 1:3], np.full((len(steps), 1), -1), axis=1)
    for row, (kind, *sides) in enumerate(_MERGED):
        opcodes[first[merged] + row] = kind.opcode
        qubits[first[merged] + row] = ends[merged][:, sides]
    angles[first[merged] + 1] = circuit.angles.values[gate[merged]]
    return opcodes, qubits, angles
