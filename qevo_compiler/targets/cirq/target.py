"""The target `cirq`: checks a circuit against the device and writes Cirq's JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.targets import BadEmittedFile, CircuitTooWide, NoQubits, NotOnDevice
from qevo_compiler.ir import Invalid, Legal, Module, Op
from qevo_compiler.packages import need
from qevo_compiler.targets.base import EmittedFile, Target
from qevo_compiler.targets.cirq.convert import from_cirq, to_cirq
from qevo_compiler.targets.cirq.devices import BASES, Device, grid
from qevo_compiler.targets.cirq.emit import json_chunks
from qevo_compiler.targets.common import CIRCUIT, FEW_QUBITS, SIMULABLE_BLOCK, check_legal, the_circuit, the_json

SUFFIX = "cirq.json"


@dataclass(frozen=True)
class Cirq(Target):
    """A Cirq circuit.

    Option: `device`, one of Google's processors (`sycamore` is the larger of that family); without it the circuit is
    on a line of qubits, all coupled.
    """

    name: ClassVar[str] = "cirq"
    pipeline: ClassVar[str] = "circuit"
    legal: ClassVar[Legal] = CIRCUIT

    device: Device = Device.NONE

    def __post_init__(self) -> None:
        """Options may come as text; raises `ValueError` for an unknown device."""
        object.__setattr__(self, "device", Device(self.device))

    def pass_options(self) -> Mapping[str, Mapping[str, Any]]:
        """The device's couplers and gates."""
        lowering: dict[str, dict[str, Any]] = {
            "lower-gates": {"basis": BASES[self.device]},
            **SIMULABLE_BLOCK,
            **FEW_QUBITS,
        }
        if self.device is Device.NONE:
            return lowering
        chip = grid(self.device)
        return {**lowering, "route-qubits": {"coupling": chip.coupling, "qubits": len(chip.qubits)}}

    def check(self, module: Module) -> None:
        """Legal ops, one circuit with qubits, and the device's own validation."""
        check_legal(module, self.name, self.legal, "compile the source for this target, or run its pipeline")
        circuit = the_circuit(module, self.name)
        if not len(circuit.measured):
            raise CompileError(NoQubits(circuit.span))
        if self.device is Device.NONE:
            return
        chip = grid(self.device)
        if circuit.qubit_count > len(chip.qubits):
            raise CompileError(CircuitTooWide(circuit.span, circuit.qubit_count, len(chip.qubits)))
        try:
            chip.device.validate_circuit(to_cirq(circuit, chip.qubits))
        except ValueError as error:
            raise CompileError(NotOnDevice(circuit.span, self.device.value, str(error).partition("\n")[0])) from None

    def build(self, module: Module) -> Any:
        """The program as a `cirq.Circuit`."""
        circuit = the_circuit(module, self.name)
        return to_cirq(circuit, self._qubits(circuit.qubit_count))

    def emit(self, module: Module) -> Iterator[EmittedFile]:
        circuit = the_circuit(module, self.name)
        yield EmittedFile(SUFFIX, partial(json_chunks, circuit, self._sites(circuit.qubit_count)))

    def read(self, files: Mapping[str, bytes]) -> tuple[Op, ...]:
        """The circuit, without global phase; angles come back to the last bits, not always exactly."""
        cirq = need("cirq", "reading Cirq circuits", "google")
        need("cirq_google", "reading Cirq circuits", "google")
        the_json(files, SUFFIX)
        try:
            circuit = cirq.read_json(json_text=files[SUFFIX].decode())
            if not isinstance(circuit, cirq.Circuit):
                raise Invalid("it holds no circuit")
            on_line = all(isinstance(qubit, cirq.LineQubit) for qubit in circuit.all_qubits())
            width = max((q.x for q in circuit.all_qubits()), default=-1) + 1 if on_line else 0
            return (from_cirq(circuit, self._qubits(width)),)
        except (Invalid, ValueError, TypeError, KeyError) as error:
            raise CompileError(BadEmittedFile(None, SUFFIX, str(error).partition("\n")[0])) from None

    def _qubits(self, count: int) -> Sequence[Any]:
        if self.device is not Device.NONE:
            return grid(self.device).qubits
        return list(need("cirq", "building Cirq circuits", "google").LineQubit.range(count))

    def _sites(self, count: int) -> list[dict[str, Any]]:
        """The qubits as Cirq's JSON has them."""
        if self.device is Device.NONE:
            return [{"cirq_type": "LineQubit", "x": x} for x in range(count)]
        return [{"cirq_type": "GridQubit", "row": q.row, "col": q.col} for q in grid(self.device).qubits]
