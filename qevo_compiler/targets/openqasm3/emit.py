"""Writing a circuit as OpenQASM 3.0 text.

The profile: header 3.0, stdgates, one declared register (or physical qubits), our own definition of `rzz`
where it is used, angles as shortest round-trip decimals, one measurement statement a bit. The global phase
and everything about tools, times and sources stay out of the text.

With inputs, every angle of layer k is its number times `gamma_k` (rz and rzz) or `beta_k` (rx), to be bound when the
program runs: at 1 they are the circuit as compiled.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat

from qevo_compiler.dialects.gate import CircuitOp, Gate

NAMES = {
    Gate.H: "h",
    Gate.X: "x",
    Gate.SX: "sx",
    Gate.RX: "rx",
    Gate.RY: "ry",
    Gate.RZ: "rz",
    Gate.CX: "cx",
    Gate.CZ: "cz",
    Gate.RZZ: "rzz",
    Gate.SWAP: "swap",
    Gate.CRY: "cry",
    Gate.CRZ: "crz",
}
RZZ = "gate rzz(theta) a, b { cx a, b; rz(theta) b; cx a, b; }"
# What an annealing circuit consists of: its layers are told by the rx that a spin has behind it.
LAYERED = (Gate.H, Gate.RX, Gate.RZ, Gate.RZZ, Gate.CX, Gate.SWAP)
_CHUNK = 1 << 14
# Name and whether there is an angle, by opcode.
_FORMS = {gate.opcode: (name, gate.angles > 0) for gate, name in NAMES.items()}


def qasm_chunks(circuit: CircuitOp, physical: bool, inputs: bool) -> Iterator[bytes]:
    """The program in pieces of some thousand lines; with `inputs` for circuits of `LAYERED` gates only."""
    factors = _factors(circuit) if inputs else None
    names = [f"${index}" if physical else f"q[{index}]" for index in range(circuit.qubit_count)]
    yield _header(circuit, physical, sorted(set(filter(None, factors or ())), key=_by_layer)).encode()
    for start in range(0, len(circuit), _CHUNK):
        part = factors and factors[start : start + _CHUNK]
        yield "".join(_lines(circuit, start, names, part)).encode()
    for bit, qubit in enumerate(circuit.measured.tolist()):
        yield f"c[{bit}] = measure {names[qubit]};\n".encode()


def _by_layer(name: str) -> tuple[str, int]:
    kind, _, layer = name.partition("_")
    return kind, int(layer)


def _factors(circuit: CircuitOp) -> list[str]:
    """The input that each gate's angle is multiplied by; empty for gates without an angle."""
    layer, found = [0] * circuit.qubit_count, []
    rows = zip(circuit.opcodes.values.tolist(), circuit.qubits.values.tolist(), strict=True)
    for opcode, (first, second) in rows:
        name = ""
        if opcode == Gate.RX.opcode:
            name = f"beta_{layer[first]}"
            layer[first] += 1
        elif opcode in (Gate.RZ.opcode, Gate.RZZ.opcode):
            name = f"gamma_{layer[first]}"
        elif opcode == Gate.SWAP.opcode:
            layer[first], layer[second] = layer[second], layer[first]
        found.append(name)
    return found


def _header(circuit: CircuitOp, physical: bool, inputs: list[str]) -> str:
    lines = ["OPENQASM 3.0;", 'include "stdgates.inc";']
    if (circuit.opcodes.values == Gate.RZZ.opcode).any():
        lines.append(RZZ)
    lines += [f"input float[64] {name};" for name in inputs]
    if not physical:
        lines.append(f"qubit[{circuit.qubit_count}] q;")
    return "\n".join([*lines, f"bit[{len(circuit.measured)}] c;", ""])


def _lines(circuit: CircuitOp, start: int, names: list[str], factors: list[str] | None) -> Iterator[str]:
    part = slice(start, start + _CHUNK)
    columns = (circuit.opcodes.values[part], circuit.qubits.values[part], circuit.angles.values[part, 0])
    rows = zip(*(column.tolist() for column in columns), strict=True)
    for (opcode, (first, second), angle), factor in zip(rows, factors or repeat(""), strict=factors is not None):
        name, turns = _FORMS[opcode]
        turn = (f"({angle!r} * {factor})" if factor else f"({angle!r})") if turns else ""
        yield f"{name}{turn} {names[first]};\n" if second < 0 else f"{name}{turn} {names[first]}, {names[second]};\n"
