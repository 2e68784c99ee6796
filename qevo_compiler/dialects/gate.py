"""Circuits as packed instruction arrays: 10^6 gates are four arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.ir import Array, EnumAttribute, Invalid, Op


class Gate(EnumAttribute):
    """Gates with OpenQASM 3's names and angles; the value is (opcode, qubits, angles).

    `rz(t) = exp(-i t Z / 2)`, `rzz(t) = exp(-i t Z Z / 2)`, `phased_x(t, p)` is a rotation by t about
    the axis at angle p in the xy plane, `fsim(t, p)` is Google's, `syc` is `fsim(pi/2, pi/6)` and
    `sqrt_iswap` is Google's iSWAP to the power 1/2. `cry` and `crz` turn their second qubit where the first is 1.
    """

    H = (0, 1, 0)
    X = (1, 1, 0)
    SX = (2, 1, 0)
    RX = (3, 1, 1)
    RY = (4, 1, 1)
    RZ = (5, 1, 1)
    CX = (6, 2, 0)
    CZ = (7, 2, 0)
    RZZ = (8, 2, 1)
    PHASED_X = (9, 1, 2)
    SQRT_ISWAP = (10, 2, 0)
    SYC = (11, 2, 0)
    SWAP = (12, 2, 0)
    CRY = (13, 2, 1)
    CRZ = (14, 2, 1)

    @property
    def opcode(self) -> int:
        return int(self.value[0])

    @property
    def arity(self) -> int:
        return int(self.value[1])

    @property
    def angles(self) -> int:
        return int(self.value[2])


@dataclass(frozen=True)
class CircuitOp(Op):
    """`opcodes` [m], `qubits` [m, 2] (second -1 for one-qubit gates), `angles` [m, 2] (unused are 0).

    All qubits start in |0> and are measured at the end: classical bit i is qubit `order[i]` (None: qubit
    i, one for every qubit) and reads 0 for spin +1 (Z = +1). Routing moves spins between qubits, and a
    device has more qubits than the model has spins; `order` states where each spin ends. `phase` is the
    global phase in radians that the listed gates leave out.
    """

    name: ClassVar[str] = "gate.circuit"
    pure: ClassVar[bool] = False
    qubit_count: int
    opcodes: Array
    qubits: Array
    angles: Array
    phase: float = 0.0
    order: Array | None = None

    @property
    def measured(self) -> NDArray[np.int64]:
        """The qubit that classical bit i is read from, for every bit."""
        return np.arange(self.qubit_count) if self.order is None else self.order.values.astype(np.int64)

    def __len__(self) -> int:
        return self.opcodes.size

    def verify(self) -> None:
        count = len(self)
        self._verify_order()
        if self.qubits.shape != (count, 2) or self.angles.shape != (count, 2):
            raise Invalid(f"{count} opcodes with qubits {self.qubits.shape} and angles {self.angles.shape}")
        if not count:
            return
        opcodes, qubits = self.opcodes.values, self.qubits.values
        if opcodes.max() >= len(Gate):
            raise Invalid(f"opcode {opcodes.max()} is no gate")
        arity = np.array([gate.arity for gate in Gate])[opcodes]
        if qubits.max() >= self.qubit_count or (qubits[:, 0] < 0).any() or ((qubits[:, 1] >= 0) != (arity == 2)).any():
            raise Invalid("a gate acts on a missing qubit or on the wrong number of qubits")
        if (qubits[:, 0] == qubits[:, 1]).any():
            raise Invalid("a gate acts twice on one qubit")
        if not np.isfinite(self.angles.values).all():
            raise Invalid("an angle is not finite")

    def _verify_order(self) -> None:
        _verify_readout(self.measured, self.qubit_count)


@dataclass(frozen=True)
class ReadoutOp(Op):
    """What is kept of a circuit that stands in a file of its own: classical bit i is read from qubit `order[i]`."""

    name: ClassVar[str] = "gate.readout"
    pure: ClassVar[bool] = False
    qubit_count: int
    order: Array

    @property
    def measured(self) -> NDArray[np.int64]:
        """The qubit that classical bit i is read from, for every bit."""
        return self.order.values.astype(np.int64)

    def verify(self) -> None:
        _verify_readout(self.measured, self.qubit_count)


def _verify_readout(order: NDArray[np.int64], qubits: int) -> None:
    if len(np.unique(order)) != len(order) or (order < 0).any() or (order >= qubits).any():
        raise Invalid("two bits are read from one qubit, or a bit from a missing one")
