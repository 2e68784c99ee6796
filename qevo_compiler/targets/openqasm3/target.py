"""The target `openqasm3`: checks that a circuit fits the portable profile and writes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.targets import NoLayers, NoQubits, UnsupportedGate
from qevo_compiler.dialects.gate import Gate
from qevo_compiler.ir import Legal, Module, Op
from qevo_compiler.targets.base import EmittedFile, Target
from qevo_compiler.targets.common import CIRCUIT, FEW_QUBITS, SIMULABLE_BLOCK, check_legal, the_circuit, the_file
from qevo_compiler.targets.openqasm3.emit import LAYERED, NAMES, qasm_chunks
from qevo_compiler.targets.openqasm3.read import read_circuit

SUFFIX = "qasm"
_TRUTH: Mapping[bool | str, bool] = {True: True, False: False, "true": True, "false": False}


@dataclass(frozen=True)
class OpenQasm3(Target):
    """An OpenQASM 3 program of flat gates.

    Options: `physical`, to name hardware qubits `$n` in place of a declared register; `symbolic`, to leave the angles
    of an annealing circuit open: `input float[64] gamma_k, beta_k` multiply those of layer k, which are the compiled
    ones where all inputs are 1. Compiled with gammas and betas of 1, inputs are QAOA's angles in the model's units.
    """

    name: ClassVar[str] = "openqasm3"
    pipeline: ClassVar[str] = "circuit"
    legal: ClassVar[Legal] = CIRCUIT

    physical: bool = False
    symbolic: bool = False

    def __post_init__(self) -> None:
        """Options may come as text; raises `ValueError` for anything but true and false."""
        for option in ("physical", "symbolic"):
            value = getattr(self, option)
            if value not in _TRUTH:
                raise ValueError(f"{value!r} is not true or false")
            object.__setattr__(self, option, _TRUTH[value])

    def pass_options(self) -> Mapping[str, Mapping[str, Any]]:
        return {"lower-gates": {"basis": "portable"}, **SIMULABLE_BLOCK, **FEW_QUBITS}

    def check(self, module: Module) -> None:
        """Legal ops, one circuit with qubits, gates of the profile only."""
        check_legal(module, self.name, self.legal, "compile the source for this target, or run its pipeline")
        circuit = the_circuit(module, self.name)
        if not len(circuit.measured):
            raise CompileError(NoQubits(circuit.span))
        present = [gate for gate in Gate if (circuit.opcodes.values == gate.opcode).any()]
        foreign = [gate for gate in present if gate not in NAMES]
        if foreign:
            errors = [UnsupportedGate(circuit.span, self.name, gate.name.lower(), "portable") for gate in foreign]
            raise CompileError(*errors)
        others = [gate for gate in present if gate not in LAYERED]
        if self.symbolic and others:
            raise CompileError(NoLayers(circuit.span, others[0].name.lower()))

    def emit(self, module: Module) -> Iterator[EmittedFile]:
        yield EmittedFile(SUFFIX, partial(qasm_chunks, the_circuit(module, self.name), self.physical, self.symbolic))

    def read(self, files: Mapping[str, bytes]) -> tuple[Op, ...]:
        """The circuit, without global phase, which the text does not state; with its inputs at 1."""
        return (read_circuit(the_file(files, SUFFIX)),)
