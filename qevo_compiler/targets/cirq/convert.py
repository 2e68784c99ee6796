"""Circuits as Cirq objects, and back. The global phase stays out: devices have no gate for it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from qevo_compiler.dialects.gate import CircuitOp, Gate
from qevo_compiler.ir import Array, Invalid
from qevo_compiler.packages import need
from qevo_compiler.targets.cirq.emit import KEY

_GATES = tuple(Gate)


def to_cirq(circuit: CircuitOp, qubits: Sequence[Any], measured: bool = True) -> Any:
    """A `cirq.Circuit` on the given qubits; when `measured`, under the key `c` in order of spins.

    Cirq holds an object a gate and takes some microseconds for each.
    """
    cirq = need("cirq", "building Cirq circuits", "google")
    makers = _makers(cirq)
    operations = list(_operations(circuit, makers, qubits))
    if measured:
        operations.append(cirq.measure(*(qubits[k] for k in circuit.measured.tolist()), key=KEY))
    return cirq.Circuit(operations)


def _operations(circuit: CircuitOp, makers: dict[Gate, Any], qubits: Sequence[Any]) -> Iterator[Any]:
    columns = (circuit.opcodes.values.tolist(), circuit.qubits.values.tolist(), circuit.angles.values.tolist())
    for opcode, sites, angles in zip(*columns, strict=True):
        gate = _GATES[opcode]
        yield makers[gate](*angles[: gate.angles])(*(qubits[k] for k in sites[: gate.arity]))


def _makers(cirq: Any) -> dict[Gate, Callable[..., Any]]:
    def syc() -> Any:
        return need("cirq_google", "the gate syc", "google").SYC

    return {
        Gate.H: lambda: cirq.H,
        Gate.X: lambda: cirq.X,
        Gate.SX: lambda: cirq.X**0.5,
        Gate.RX: cirq.rx,
        Gate.RY: cirq.ry,
        Gate.RZ: cirq.rz,
        Gate.CX: lambda: cirq.CNOT,
        Gate.CZ: lambda: cirq.CZ,
        Gate.RZZ: lambda t: cirq.ZZPowGate(exponent=t / math.pi, global_shift=-0.5),
        Gate.PHASED_X: lambda t, p: cirq.PhasedXPowGate(
            exponent=t / math.pi, phase_exponent=p / math.pi, global_shift=-0.5
        ),
        Gate.SQRT_ISWAP: lambda: cirq.SQRT_ISWAP,
        Gate.SYC: syc,
        Gate.SWAP: lambda: cirq.SWAP,
        Gate.CRY: lambda t: cirq.ControlledGate(cirq.ry(t)),
        Gate.CRZ: lambda t: cirq.ControlledGate(cirq.rz(t)),
    }


def from_cirq(circuit: Any, qubits: Sequence[Any]) -> CircuitOp:
    """The circuit that a `cirq.Circuit` of our gates on `qubits` states; raises `Invalid` for others."""
    cirq = need("cirq", "reading Cirq circuits", "google")
    number = {qubit: k for k, qubit in enumerate(qubits)}
    order: list[int] | None = None
    rows: list[tuple[int, int, int, float, float]] = []
    for operation in circuit.all_operations():
        if any(qubit not in number for qubit in operation.qubits):
            raise Invalid(f"`{operation}` acts on a qubit that the device lacks")
        sites = [number[qubit] for qubit in operation.qubits]
        if cirq.is_measurement(operation):
            if order is not None or cirq.measurement_key_name(operation) != KEY:
                raise Invalid(f"it has a measurement other than one of key `{KEY}`")
            order = sites
        else:
            gate, first, second = _gate_of(cirq, operation)
            rows.append((gate.opcode, sites[0], sites[1] if gate.arity == 2 else -1, first, second))
    if order is None:
        raise Invalid("it measures nothing")
    return _circuit(len(qubits), order, rows)


def _circuit(count: int, order: list[int], rows: list[tuple[int, int, int, float, float]]) -> CircuitOp:
    table = np.array(rows, np.float64).reshape(-1, 5)
    circuit = CircuitOp(
        count,
        Array(table[:, 0].astype(np.int64)),
        Array(table[:, 1:3].astype(np.int64)),
        Array(np.ascontiguousarray(table[:, 3:])),
        order=None if order == list(range(count)) else Array(np.array(order, np.int64)),
    )
    circuit.verify()
    return circuit


def _gate_of(cirq: Any, operation: Any) -> tuple[Gate, float, float]:
    gate = operation.gate
    for kind, angle in ((Gate.RX, cirq.Rx), (Gate.RY, cirq.Ry), (Gate.RZ, cirq.Rz)):
        if isinstance(gate, angle):
            return kind, float(gate._rads), 0.0
    for kind, angle in ((Gate.CRY, cirq.Ry), (Gate.CRZ, cirq.Rz)):
        if _is_controlled(cirq, gate, angle):
            return kind, float(gate.sub_gate._rads), 0.0
    if isinstance(gate, cirq.ZZPowGate) and gate.global_shift == -0.5:
        return Gate.RZZ, float(gate.exponent * math.pi), 0.0
    if isinstance(gate, cirq.PhasedXPowGate) and gate.global_shift == -0.5:
        return Gate.PHASED_X, float(gate.exponent * math.pi), float(gate.phase_exponent * math.pi)
    makers = _makers(cirq)
    for kind in Gate:
        if not kind.angles and kind is not Gate.SYC and gate == makers[kind]():
            return kind, 0.0, 0.0
    if type(gate).__name__ == "SycamoreGate":
        return Gate.SYC, 0.0, 0.0
    raise Invalid(f"`{operation}` is no gate of ours")


def _is_controlled(cirq: Any, gate: Any, kind: Any) -> bool:
    if not isinstance(gate, cirq.ControlledGate) or not isinstance(gate.sub_gate, kind):
        return False
    return bool(gate == cirq.ControlledGate(gate.sub_gate))
