"""The structured solver: from a polynomial map and a start to the circuit of its history system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from qevo_compiler.passes.qlsa.carleman_encoding import carleman_encoding
from qevo_compiler.passes.qlsa.fragment import Floats
from qevo_compiler.passes.qlsa.history_encoding import history_encoding
from qevo_compiler.passes.qlsa.initial_state import carleman_state
from qevo_compiler.passes.qlsa.qsvt import Solver, solve


@dataclass(frozen=True)
class HistorySolver:
    """The solver, and where its system qubits keep time, the unary degree and the slots of a lifted vector.

    Lifted vectors are rescaled: block k is u^k / gamma^k.
    """

    solver: Solver
    time: tuple[int, ...]
    degree: tuple[int, ...]
    slots: tuple[tuple[int, ...], ...]
    gamma: float


def history_circuit(
    coefficients: Mapping[int, Floats],
    start: ArrayLike,
    order: int,
    horizon: int,
    time_qubits: int,
    inverse_norm: float,
    gamma: float = 1.0,
    tolerance: float = 0.01,
) -> HistorySolver:
    """u(t+1) = sum over j >= 1 of F_j u^j from `start` [n], lifted to `order`, over 2^time_qubits blocks.

    `coefficients[j]` is F_j [n, n^j], `inverse_norm` bounds |L^-1| of the rescaled system: sum over blocks t of
    |M^min(t, T)|. Right-hand side by copies, step by the Carleman structure; nothing of size n^N is formed.
    Raises `ValueError` as `carleman_encoding` and `history_encoding` do.
    """
    step = carleman_encoding(coefficients, order, gamma)
    encoding = history_encoding(step, horizon, time_qubits)
    vector = np.asarray(start, np.float64) / gamma
    lifted = carleman_state(vector, order)
    norm = float(np.linalg.norm(np.power(float(np.linalg.norm(vector)), np.arange(order + 1))))
    preparation = lifted.fragment.on(range(time_qubits, encoding.system))
    solver = solve(encoding, preparation, norm, inverse_norm, tolerance)
    time, rest = solver.system[:time_qubits], solver.system[time_qubits:]
    degree = tuple(rest[q] for q in lifted.degree)
    slots = tuple(tuple(rest[q] for q in slot) for slot in lifted.slots)
    return HistorySolver(solver, time, degree, slots, gamma)
