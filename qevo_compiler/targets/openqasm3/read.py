"""Reading the emitted profile back, through the reference parser of OpenQASM 3.

The parser builds an object a statement and takes about a millisecond for ten of them: this is for checks
of programs, not for bulk data.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.targets import BadEmittedFile
from qevo_compiler.dialects.gate import CircuitOp, Gate
from qevo_compiler.ir import Array, Invalid
from qevo_compiler.packages import need
from qevo_compiler.targets.openqasm3.emit import NAMES, RZZ

_BY_NAME = {name: gate for gate, name in NAMES.items()}


def read_circuit(text: str) -> CircuitOp:
    """The circuit that a program of our profile states, with every input at 1.

    Raises `CompileError` for text that does not parse and for statements outside the profile.
    """
    ast = need("openqasm3.ast", "reading OpenQASM", "ibm")
    parser = need("openqasm3.parser", "reading OpenQASM", "ibm")
    try:
        program = parser.parse(text)
    except Exception as error:  # on empty or odd text the parser fails in ways of its own, not only by its error
        known = isinstance(error, parser.QASM3ParsingError)
        reason = (known and str(error).partition("\n")[0]) or "it does not parse"
        raise CompileError(BadEmittedFile(None, "qasm", reason)) from None
    reader = _Reader(ast)
    try:
        reader.program(program)
        return reader.circuit()
    except Invalid as error:
        raise CompileError(BadEmittedFile(None, "qasm", str(error))) from None


class _Reader:
    def __init__(self, ast: Any) -> None:
        self._ast = ast
        self._qubits: int | None = None
        self._bits: int | None = None
        self._order: dict[int, int] = {}
        self._gates: list[tuple[int, int, int, float]] = []
        self._defined = False
        self._inputs: set[str] = set()

    def program(self, program: Any) -> None:
        if program.version not in ("3.0", "3"):
            raise Invalid(f"its version is {program.version}, not 3.0")
        for statement in program.statements:
            self._statement(statement)

    def circuit(self) -> CircuitOp:
        highest = max([max(a, b) for _, a, b, _ in self._gates] + list(self._order.values()), default=-1)
        count = highest + 1 if self._qubits is None else self._qubits
        bits = self._bits or 0
        if sorted(self._order) != list(range(bits)):
            raise Invalid(f"it does not measure each of its {bits} bits once")
        order = [self._order[bit] for bit in range(bits)]
        table = np.array([gate[:3] for gate in self._gates], np.int64).reshape(-1, 3)
        angles = np.zeros((len(table), 2))
        angles[:, 0] = [gate[3] for gate in self._gates]
        natural = order == list(range(count))
        circuit = CircuitOp(
            count,
            Array(np.ascontiguousarray(table[:, 0])),
            Array(np.ascontiguousarray(table[:, 1:])),
            Array(angles),
            order=None if natural else Array(np.array(order, np.int64)),
        )
        circuit.verify()
        return circuit

    def _statement(self, statement: Any) -> None:
        ast = self._ast
        match statement:
            case ast.Include():
                if statement.filename != "stdgates.inc":
                    raise Invalid(f'it includes "{statement.filename}"')
            case ast.QuantumGateDefinition():
                self._definition(statement)
            case ast.QubitDeclaration() if self._qubits is None and statement.size is not None:
                self._qubits = self._integer(statement.size)
            case ast.ClassicalDeclaration() if self._bits is None and isinstance(statement.type, ast.BitType):
                self._bits = 1 if statement.type.size is None else self._integer(statement.type.size)
            case ast.IODeclaration() if statement.io_identifier.name == "input" and self._is_double(statement.type):
                self._inputs.add(statement.identifier.name)
            case ast.QuantumGate():
                self._gate(statement)
            case ast.QuantumMeasurementStatement() if statement.target is not None:
                self._measurement(statement)
            case _:
                raise Invalid(f"line {statement.span.start_line}: a {type(statement).__name__} is outside the profile")

    def _is_double(self, kind: Any) -> bool:
        return isinstance(kind, self._ast.FloatType) and kind.size is not None and self._integer(kind.size) == 64

    def _definition(self, statement: Any) -> None:
        printed = need("openqasm3", "reading OpenQASM", "ibm").dumps(statement)
        if "".join(printed.split()) != "".join(RZZ.split()):
            raise Invalid(f"line {statement.span.start_line}: it defines a gate other than our rzz")
        self._defined = True

    def _gate(self, statement: Any) -> None:
        name, line = statement.name.name, statement.span.start_line
        gate = _BY_NAME.get(name)
        if gate is None or statement.modifiers or (gate is Gate.RZZ and not self._defined):
            raise Invalid(f"line {line}: the gate {name} is outside the profile or undefined")
        if self._order:
            raise Invalid(f"line {line}: a gate follows a measurement")
        if len(statement.arguments) != gate.angles or len(statement.qubits) != gate.arity:
            raise Invalid(f"line {line}: {name} takes {gate.angles} angles and {gate.arity} qubits")
        qubits = [self._qubit(qubit) for qubit in statement.qubits]
        angle = self._number(statement.arguments[0]) if gate.angles else 0.0
        self._gates.append((gate.opcode, qubits[0], qubits[1] if gate.arity == 2 else -1, angle))

    def _measurement(self, statement: Any) -> None:
        bit = self._indexed(statement.target, "c")
        if bit in self._order:
            raise Invalid(f"line {statement.span.start_line}: bit {bit} is measured twice")
        self._order[bit] = self._qubit(statement.measure.qubit)

    def _qubit(self, reference: Any) -> int:
        name = getattr(reference, "name", None)
        if isinstance(name, str) and name.startswith("$"):
            if self._qubits is not None:
                raise Invalid("it mixes physical and declared qubits")
            return int(name[1:])
        return self._indexed(reference, "q")

    def _indexed(self, reference: Any, register: str) -> int:
        ast = self._ast
        if not isinstance(reference, ast.IndexedIdentifier) or reference.name.name != register:
            raise Invalid(f"it refers to something else than an element of {register}")
        index: Sequence[Any] = reference.indices[0]
        if len(reference.indices) != 1 or len(index) != 1:
            raise Invalid(f"it takes more than one element of {register}")
        return self._integer(index[0])

    def _integer(self, expression: Any) -> int:
        if not isinstance(expression, self._ast.IntegerLiteral):
            raise Invalid("an index or a size is not a plain number")
        return int(expression.value)

    def _number(self, expression: Any) -> float:
        ast = self._ast
        if isinstance(expression, ast.BinaryExpression) and expression.op.name == "*":
            if not isinstance(expression.rhs, ast.Identifier) or expression.rhs.name not in self._inputs:
                raise Invalid("an angle is multiplied by something else than an input")
            return self._number(expression.lhs)
        if isinstance(expression, ast.UnaryExpression) and expression.op.name == "-":
            return -self._number(expression.expression)
        if not isinstance(expression, (ast.FloatLiteral, ast.IntegerLiteral)):
            raise Invalid("an angle is not a plain number")
        return float(expression.value)
