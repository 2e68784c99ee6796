"""Run a circuit of the `gate` dialect on its state vector.

found = run_circuit(circuit, np.float32)
found.amplitudes(), found.draw(reads=100, seed=7)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from qevo_compiler.dialects.gate import CircuitOp
from qevo_compiler.evaluator.llvm import aligned, lanes, run_chunks, thread_count
from qevo_compiler.evaluator.statevector.circuit_kernel import MOST_QUBITS, STEP_WIDTH, stage_function
from qevo_compiler.evaluator.statevector.fusion import fused
from qevo_compiler.evaluator.statevector.layout import Layout, element_of, empty_pair
from qevo_compiler.evaluator.statevector.sampling import draw_states
from qevo_compiler.evaluator.statevector.stages import Stage, Step, plan
from qevo_compiler.evaluator.statevector.state import State

Ints = NDArray[np.int64]

# Rows of a tile are this long at least, so that memory is read in runs.
_RUN_BYTES = 1 << 10


@dataclass(frozen=True)
class CircuitState:
    """The state after a circuit; qubit q is bit `places[q]` of the amplitudes' numbers in `state`."""

    state: State
    places: tuple[int, ...]
    phase: float

    def amplitudes(self) -> NDArray[Any]:
        """Amplitudes [2^n]: qubit q is bit q of an amplitude's number."""
        table = self._ordered(self.state.amplitudes(), tuple(reversed(range(len(self.places)))))
        turned: NDArray[Any] = table * np.exp(1j * self.phase).astype(table.dtype)
        return turned

    def probabilities(self, qubits: NDArray[np.int64]) -> NDArray[np.float64]:
        """Probabilities [2^m] of the outcomes of some qubits, the first the most significant bit."""
        return self._ordered(self.state.probabilities(), tuple(qubits.tolist()))

    def draw(self, reads: int, seed: int, qubits: NDArray[np.int64]) -> NDArray[np.int8]:
        """Bits [reads, m] of independent measurements of some qubits."""
        states = draw_states(self.state, reads, seed)
        bits: NDArray[np.int8] = ((states[:, None] >> np.array(self.places, np.int64)[qubits]) & 1).astype(np.int8)
        return bits

    def _ordered(self, table: NDArray[Any], qubits: tuple[int, ...]) -> NDArray[Any]:
        """Sum over all other qubits, then the given ones in order. Padding qubits are 0 throughout."""
        count = len(table).bit_length() - 1
        cube = table.reshape((2,) * count)
        axes = [count - 1 - self.places[qubit] for qubit in qubits]
        rest = tuple(axis for axis in range(count) if axis not in axes)
        kept = sorted(axes)
        if rest:
            cube = cube.sum(axis=rest)
        return np.ascontiguousarray(cube.transpose([kept.index(axis) for axis in axes])).reshape(-1)


def run_circuit(circuit: CircuitOp, dtype: DTypeLike = np.float64, threads: int | None = None) -> CircuitState:
    """The state that the circuit makes of |0...0>. O(groups 2^n); memory is the state and a tile a thread.

    `threads` None: as many as the machine has. The result does not depend on them.
    """
    element = element_of(dtype)
    lane_bits = lanes(element).bit_length() - 1
    layout = Layout(max(circuit.qubit_count, 2 * lane_bits + MOST_QUBITS), element)
    low = (_RUN_BYTES * 8 // element.bits).bit_length() - 1
    tile_bits = min(16 if element.bits == 32 else 15, layout.bits)
    stages, places = plan(fused(circuit, MOST_QUBITS), layout.bits, tile_bits, min(low, tile_bits), lane_bits)
    re, im = empty_pair(layout.size, layout.dtype)
    re[:], im[:] = 0, 0
    re[0] = 1
    count = min(threads or thread_count(), 1 << (layout.bits - tile_bits))
    scratch = [aligned(2 << tile_bits, dtype) for _ in range(count)]
    for stage in stages:
        _run(stage, layout, min(low, tile_bits), re, im, scratch)
    state = State(re, im, layout.bits)
    return CircuitState(state, tuple(places[: circuit.qubit_count]), circuit.phase)


def _run(
    stage: Stage, layout: Layout, low: int, re: NDArray[Any], im: NDArray[Any], scratch: list[NDArray[Any]]
) -> None:
    lane_bits = lanes(layout.element).bit_length() - 1
    call = stage_function(layout.element, lane_bits)
    chosen = set(stage.bits)
    offsets = _sums([bit for bit in stage.bits if bit >= low])
    bases = _sums([bit for bit in range(layout.bits) if bit not in chosen])
    back = _sums(list(stage.back[low:])), _sums(list(stage.back[lane_bits:low]))
    steps, matrices = _packed(stage.steps, layout.dtype)
    edges = [len(bases) * k // len(scratch) for k in range(len(scratch) + 1)]
    sizes = (len(offsets), 1 << low)

    def work(k: int) -> None:
        call(edges[k], edges[k + 1], *sizes, re, im, bases, offsets, *back, steps, len(steps), matrices, scratch[k])

    run_chunks(work, range(len(scratch)), len(scratch))


def _sums(bits: list[int]) -> Ints:
    """All sums of powers of two with the given exponents: entry k takes those where k has a bit."""
    table = np.zeros(1, np.int64)
    for bit in bits:
        table = np.concatenate([table, table + (1 << bit)])
    return table


def _packed(steps: list[Step], dtype: np.dtype[Any]) -> tuple[Ints, NDArray[Any]]:
    """Steps and matrices as the kernel reads them, each step's places in ascending order."""
    rows = np.zeros((len(steps), STEP_WIDTH), np.int64)
    parts: list[NDArray[np.float64]] = [np.zeros(1)]
    start = 1
    for row, step in zip(rows, steps, strict=True):
        row[2 : 2 + len(step.places)] = sorted(step.places)
        if step.matrix is not None:
            order = np.argsort(step.places)
            matrix = _reordered(step.matrix, order)
            row[:2] = len(order), start
            parts += [matrix.real.reshape(-1), matrix.imag.reshape(-1)]
            start += 2 * matrix.size
    return rows, np.concatenate(parts).astype(dtype)


def _reordered(matrix: NDArray[np.complex128], order: NDArray[np.int64]) -> NDArray[np.complex128]:
    """The matrix with its bit `order[j]` made bit j, in rows and columns."""
    count = len(order)
    axes = [count - 1 - int(k) for k in order[::-1]]
    table = matrix.reshape((2,) * (2 * count)).transpose(axes + [count + axis for axis in axes])
    return table.reshape(matrix.shape)
