"""Google's processors: their grids and gates, read from cirq_google's device specifications."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any

from qevo_compiler.packages import need


class Device(Enum):
    """Where the circuit runs; the value is cirq_google's name for the processor.

    `sycamore` names the family that rainbow and weber belong to and stands for weber, its largest member.
    """

    NONE = "none"
    WILLOW_PINK = "willow_pink"
    RAINBOW = "rainbow"
    WEBER = "weber"

    @classmethod
    def _missing_(cls, value: object) -> Device | None:
        return cls.WEBER if value == "sycamore" else None


# Each ZZ costs two of the two-qubit gate in every basis; these are the processors' own.
BASES = {Device.NONE: "portable", Device.WILLOW_PINK: "cz", Device.RAINBOW: "sycamore", Device.WEBER: "sycamore"}


@dataclass(frozen=True)
class Grid:
    """A processor's qubits, sorted by row and column (number k of a circuit is `qubits[k]`), and couplers."""

    device: Any
    qubits: tuple[Any, ...]
    coupling: tuple[int, ...]


@cache
def grid(device: Device) -> Grid:
    """The grid of a device other than `NONE`. Raises `CompileError` when cirq_google is not installed."""
    engine = need("cirq_google.engine", f"the device {device.value}", "google")
    found = engine.create_device_from_processor_id(device.value)
    qubits = tuple(sorted(found.metadata.qubit_set))
    number = {qubit: k for k, qubit in enumerate(qubits)}
    pairs = sorted(sorted(number[qubit] for qubit in pair) for pair in found.metadata.qubit_pairs)
    return Grid(found, qubits, tuple(k for pair in pairs for k in pair))
