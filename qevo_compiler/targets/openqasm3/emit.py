"""Writing a circuit as OpenQASM 3.0 text.

The profile: header 3.0, stdgates, one declared register (or physical qubits), our own definition of `rzz`
where it is used, angles as shortest round-trip decimals, one measurement statement a bit. The global phase
and everything about tools, times and sources stay out of the text.
"""

from __future__ import annotations

from collections.abc import Iterator

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
_CHUNK = 1 << 14
# Name and whether there is an angle, by opcode.
_FORMS = {gate.opcode: (name, gate.angles > 0) for gate, name in NAMES.items()}


def qasm_chunks(circuit: CircuitOp, physical: bool) -> Iterator[bytes]:
    """The program in pieces of some thousand lines."""
    names = [f"${index}" if physical else f"q[{index}]" for index in range(circuit.qubit_count)]
    yield _header(circuit, physical).encode()
    for start in range(0, len(circuit), _CHUNK):
        yield "".join(_lines(circuit, start, names)).encode()
    for bit, qubit in enumerate(circuit.measured.tolist()):
        yield f"c[{bit}] = measure {names[qubit]};\n".encode()


def _header(circuit: CircuitOp, physical: bool) -> str:
    lines = ["OPENQASM 3.0;", 'include "stdgates.inc";']
    if (circuit.opcodes.values == Gate.RZZ.opcode).any():
        lines.append(RZZ)
    if not physical:
        lines.append(f"qubit[{circuit.qubit_count}] q;")
    return "\n".join([*lines, f"bit[{len(circuit.measured)}] c;", ""])


def _lines(circuit: CircuitOp, start: int, names: list[str]) -> Iterator[str]:
    part = slice(start, start + _CHUNK)
    columns = (circuit.opcodes.values[part], circuit.qubits.values[part], circuit.angles.values[part, 0])
    for opcode, (first, second), angle in zip(*(column.tolist() for column in columns), strict=True):
        name, turns = _FORMS[opcode]
        turn = f"({angle!r})" if turns else ""
        yield f"{name}{turn} {names[first]};\n" if second < 0 else f"{name}{turn} {names[first]}, {names[second]};\n"
