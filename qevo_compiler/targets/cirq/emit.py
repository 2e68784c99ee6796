"""Writing a circuit as Cirq's JSON, in pieces and without an object a gate: byte for byte what `cirq.to_json` gives.

Moments are Cirq's own: every gate stands in the first one in which its qubits are free.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.gate import CircuitOp, Gate

KEY = "c"
_OPERATIONS = 1 << 13
_MARKS = ("@0@", "@1@")
_GATES = tuple(Gate)
_END = "\n     ]\n    }"

# Angles stand as marks; those of powers of a gate are in half turns.
_IN_HALF_TURNS = frozenset({Gate.RZZ, Gate.PHASED_X})
_OF_THEIR_OWN_KIND = frozenset({Gate.X, Gate.CRY, Gate.CRZ})


def _power(name: str, exponent: float | str, shift: float = 0.0) -> dict[str, Any]:
    return {"cirq_type": name, "exponent": exponent, "global_shift": shift}


def _rotation(name: str) -> dict[str, Any]:
    return {"cirq_type": name, "rads": _MARKS[0]}


_FORMS: dict[Gate, dict[str, Any]] = {
    Gate.H: _power("HPowGate", 1.0),
    Gate.X: _power("_PauliX", 1.0),
    Gate.SX: _power("XPowGate", 0.5),
    Gate.RX: _rotation("Rx"),
    Gate.RY: _rotation("Ry"),
    Gate.RZ: _rotation("Rz"),
    Gate.CX: _power("CXPowGate", 1.0),
    Gate.CZ: _power("CZPowGate", 1.0),
    Gate.RZZ: _power("ZZPowGate", _MARKS[0], -0.5),
    Gate.PHASED_X: {
        "cirq_type": "PhasedXPowGate",
        "phase_exponent": _MARKS[1],
        "exponent": _MARKS[0],
        "global_shift": -0.5,
    },
    Gate.SQRT_ISWAP: _power("ISwapPowGate", 0.5),
    Gate.SYC: {"cirq_type": "SycamoreGate"},
    Gate.SWAP: _power("SwapPowGate", 1.0),
}


def json_chunks(circuit: CircuitOp, sites: Sequence[dict[str, Any]]) -> Iterator[bytes]:
    """The circuit on qubits that Cirq's JSON states as `sites`, measured under the key `c` in order of spins."""
    moments = _moments(circuit)
    order = np.argsort(moments, kind="stable")
    # The measurement is the last operation, in the first moment in which the qubits that it reads are free.
    (place,) = np.flatnonzero(order == len(circuit)).tolist()
    names = [_indented(site, 6) for site in sites]
    yield b'{\n "cirq_type": "Circuit",\n "moments": ['
    last = -1
    for start, end in _parts(place, len(order)):
        part = order[start:end]
        texts = [_measurement(circuit, names)] if start == place else _operations(circuit, part, sites, names)
        pieces = []
        for text, moment in zip(texts, moments[part].tolist(), strict=True):
            pieces += [_opening(last, moment), text]
            last = moment
        yield "".join(pieces).encode()
    yield b"\n   ]\n  }\n ]\n}\n"


def _parts(place: int, count: int) -> Iterator[tuple[int, int]]:
    """Ranges of at most `_OPERATIONS`; the measurement's place is a range of its own."""
    for first, last in ((0, place), (place, place + 1), (place + 1, count)):
        for start in range(first, last, _OPERATIONS):
            yield start, min(start + _OPERATIONS, last)


def _measurement(circuit: CircuitOp, names: list[str]) -> str:
    measured = circuit.measured.tolist()
    gate = {"cirq_type": "MeasurementGate", "num_qubits": len(measured), "key": KEY, "invert_mask": []}
    return _operation(_indented(gate, 5), [names[qubit] for qubit in measured])


def _moments(circuit: CircuitOp) -> NDArray[np.int64]:
    """The moment of every gate and, last, of the measurement."""
    clock = [0] * circuit.qubit_count
    found = []
    qubits = circuit.qubits.values
    for first, second in np.where(qubits < 0, qubits[:, :1], qubits).tolist():
        moment = max(clock[first], clock[second])
        clock[first] = clock[second] = moment + 1
        found.append(moment)
    return np.array([*found, max(clock[qubit] for qubit in circuit.measured.tolist())], np.int64)


def _opening(last: int, moment: int) -> str:
    """What stands between an operation of moment `last` (-1: none) and one of `moment`."""
    if moment == last:
        return ",\n    "
    closing = "\n   ]\n  }," if last >= 0 else ""
    return f'{closing}\n  {{\n   "cirq_type": "Moment",\n   "operations": [\n    '


def _operations(
    circuit: CircuitOp, part: NDArray[np.int64], sites: Sequence[dict[str, Any]], names: list[str]
) -> Iterator[str]:
    columns = (circuit.opcodes.values[part], circuit.qubits.values[part], circuit.angles.values[part])
    for opcode, (first, second), angles in zip(*(column.tolist() for column in columns), strict=True):
        gate = _GATES[opcode]
        if gate in _OF_THEIR_OWN_KIND:
            yield _of_its_own_kind(gate, angles[0], [sites[first], sites[second]])
            continue
        if gate in _IN_HALF_TURNS:
            angles = [angles[0] / math.pi, _canonical(angles[1] / math.pi)]
        text = "".join(piece if mark is None else repr(angles[mark]) for piece, mark in _pieces(gate))
        yield _operation(text, [names[first]] if second < 0 else [names[first], names[second]])


def _operation(gate: str, on: list[str]) -> str:
    listed = ",\n      ".join(on)
    return f'{{\n     "cirq_type": "GateOperation",\n     "gate": {gate},\n     "qubits": [\n      {listed}{_END}'


def _of_its_own_kind(gate: Gate, angle: float, on: Sequence[dict[str, Any]]) -> str:
    """Cirq writes a Pauli gate and a controlled gate as operations of other kinds."""
    form: dict[str, Any]
    if gate is Gate.X:
        form = {"cirq_type": "SingleQubitPauliStringGateOperation", "pauli": _FORMS[gate], "qubit": on[0]}
    else:
        turned = {"cirq_type": "Ry" if gate is Gate.CRY else "Rz", "rads": angle}
        form = {
            "cirq_type": "ControlledOperation",
            "controls": [on[0]],
            "control_values": {"cirq_type": "ProductOfSums", "data": [[1]]},
            "sub_operation": {"cirq_type": "GateOperation", "gate": turned, "qubits": [on[1]]},
        }
    return _indented(form, 4)


def _canonical(half_turns: float) -> float:
    """In (-1, 1], as Cirq has the axis of a rotation."""
    turned = half_turns % 2
    return turned - 2 if turned > 1 else turned


@cache
def _pieces(gate: Gate) -> tuple[tuple[str, int | None], ...]:
    """The gate's text in pieces: as it stands, or the number of the angle that stands there."""
    text, found = _indented(_FORMS[gate], 5), []
    marks = sorted((text.index(f'"{mark}"'), k) for k, mark in enumerate(_MARKS) if f'"{mark}"' in text)
    start = 0
    for place, k in marks:
        found += [(text[start:place], None), ("", k)]
        start = place + len(_MARKS[k]) + 2
    return (*found, (text[start:], None))


def _indented(value: Any, depth: int) -> str:
    return json.dumps(value, indent=1).replace("\n", "\n" + " " * depth)
