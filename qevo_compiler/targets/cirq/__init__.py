"""Cirq: the circuit as Cirq's JSON, on a line of qubits or on one of Google's grids.

File: `cirq.json`.
"""

from qevo_compiler.targets.cirq.devices import Device
from qevo_compiler.targets.cirq.target import Cirq

__all__ = ["Cirq", "Device"]
