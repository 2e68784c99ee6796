"""The solvers that keep the structure of a history: from one step and a start to the circuit.

L is never written as a matrix: the step alone is put into gates, so T and P cost an adder on log2(T + P) qubits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from qevo_compiler.analyses.carleman.inverse_bound import inverse_bound
from qevo_compiler.passes.qlsa.carleman_encoding import carleman_encoding
from qevo_compiler.passes.qlsa.fragment import Floats
from qevo_compiler.passes.qlsa.history_encoding import history_encoding
from qevo_compiler.passes.qlsa.initial_state import carleman_state
from qevo_compiler.passes.qlsa.linear_system import Encoding, Prepared, encode
from qevo_compiler.passes.qlsa.qsvt import Solver, solve
from qevo_compiler.passes.qlsa.sparse_access import as_dense
from qevo_compiler.passes.qlsa.sparse_state import sparse_vector

Matrix = Floats | sparse.sparray | sparse.spmatrix


@dataclass(frozen=True)
class StepSolver:
    """The solver of a history of `blocks` vectors of `unknowns` entries."""

    solver: Solver
    blocks: int
    unknowns: int

    def solution(self, amplitudes: ArrayLike) -> Floats:
        """The history [blocks, unknowns] from the post-selected amplitudes of the system qubits."""
        width = 1 << (len(self.solver.system) - (self.blocks - 1).bit_length())
        table = np.asarray(amplitudes).reshape(-1, width)[: self.blocks, : self.unknowns]
        return np.asarray(table.real * self.solver.scale, np.float64)


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


def step_circuit(
    matrices: Sequence[Matrix],
    which: Sequence[int],
    start: ArrayLike,
    padding: int = 0,
    encoding: Encoding = Encoding.DILATION,
    tolerance: float = 0.01,
    inverse_norm: float | None = None,
) -> StepSolver:
    """y(t + 1) = matrices[which[t]] y(t) for t < T = len(which), from `start` [D], and P copies of y(T).

    Matrices are real [D, D]; those that no step uses are left out. The polynomial is made for `inverse_norm`, by
    default `analyses.carleman.inverse_bound`, which is safe and somewhat too large. Raises `ValueError` as
    `linear_system_circuit` does, for each matrix in place of L.
    """
    made = prepared_steps(matrices, which, start, padding, encoding)
    dense = [as_dense(matrix) for matrix in matrices]
    bound = inverse_bound(dense, which, padding) if inverse_norm is None else inverse_norm
    solver = solve(made.encoding, made.preparation, made.norm, bound, tolerance)
    return StepSolver(solver, len(which) + padding + 1, len(dense[0]))


def prepared_steps(
    matrices: Sequence[Matrix], which: Sequence[int], start: ArrayLike, padding: int, encoding: Encoding
) -> Prepared:
    """What `step_circuit` solves, before anything of the length of the circuit is made."""
    vector, used = np.array(start, np.float64), sorted(set(which))
    listed = [as_dense(matrices[k]) for k in used]
    if any(dense.shape != (len(vector), len(vector)) for dense in listed) or not len(vector) or not used:
        raise ValueError(f"{len(used)} steps and a start {vector.shape} do not fit")
    numbers = [used.index(k) for k in which]
    encodings = [encode(_widened(dense), encoding) for dense in listed]
    chosen = encodings if len(used) > 1 else encodings[0]
    encoded = history_encoding(chosen, len(numbers), padding, numbers)
    target = np.zeros(1 << encoded.system)
    target[: len(vector)] = vector
    preparation = sparse_vector(target, range(encoded.system)).fragment
    return Prepared(encoded, preparation, float(np.linalg.norm(vector)))


def _widened(step: Floats) -> Floats:
    """The step with rows of zeros up to 2^n: those are no unknowns, and the inverse's norm stays."""
    size = max(1 << (len(step) - 1).bit_length(), 2)
    full = np.zeros((size, size))
    full[: len(step), : len(step)] = step
    return full


def history_circuit(
    coefficients: Mapping[int, Floats],
    start: ArrayLike,
    order: int,
    horizon: int,
    inverse_norm: float,
    padding: int = 0,
    gamma: float = 1.0,
    tolerance: float = 0.01,
) -> HistorySolver:
    """u(t+1) = sum over j >= 1 of F_j u^j from `start` [n], lifted to `order`: T steps and P copies.

    `coefficients[j]` is F_j [n, n^j], `inverse_norm` bounds |L^-1| of the rescaled system. Right-hand side by
    copies, step by the Carleman structure; nothing of size n^N is formed. Raises `ValueError` as
    `carleman_encoding` and `history_encoding` do.
    """
    made = prepared_history(coefficients, start, order, horizon, padding, gamma)
    solver = solve(made.encoding, made.preparation, made.norm, inverse_norm, tolerance)
    registers = history_registers(solver.system, len(np.atleast_1d(start)), order)
    return HistorySolver(solver, *registers, gamma)


def prepared_history(
    coefficients: Mapping[int, Floats], start: ArrayLike, order: int, horizon: int, padding: int, gamma: float
) -> Prepared:
    """What `history_circuit` solves, before anything of the length of the circuit is made."""
    step = carleman_encoding(coefficients, order, gamma)
    encoding = history_encoding(step, horizon, padding)
    vector = np.asarray(start, np.float64) / gamma
    norm = float(np.linalg.norm(np.power(float(np.linalg.norm(vector)), np.arange(order + 1))))
    first = encoding.system - step.system
    return Prepared(encoding, carleman_state(vector, order).fragment.on(range(first, encoding.system)), norm)


def history_registers(
    system: Sequence[int], size: int, order: int
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[tuple[int, ...], ...]]:
    """Time, unary degree and slots among the system qubits of a structured history of n = `size` coordinates."""
    width = (size - 1).bit_length()
    first = len(system) - order * (1 + width)
    time, degree, rest = system[:first], system[first : first + order], system[first + order :]
    slots = tuple(tuple(rest[k * width : (k + 1) * width]) for k in range(order))
    return tuple(time), tuple(degree), slots
