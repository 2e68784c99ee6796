"""Circuits on the compiled state vector against a plain tensor contraction and against Cirq."""

import numpy as np
import pytest

from qevo_compiler.dialects.gate import CircuitOp, Gate
from qevo_compiler.evaluator.statevector import run_circuit
from qevo_compiler.evaluator.statevector.fusion import fused
from qevo_compiler.evaluator.statevector.matrices import matrix_of
from qevo_compiler.evaluator.statevector.stages import plan
from qevo_compiler.ir import Array

CLOSE = {np.float32: 2e-6, np.float64: 1e-13}
GATES = list(Gate)


def circuit_of(n, rows, phase=0.0):
    table = np.array(rows, np.float64).reshape(-1, 5)
    op = CircuitOp(
        n,
        Array(table[:, 0].astype(np.int64)),
        Array(table[:, 1:3].astype(np.int64)),
        Array(np.ascontiguousarray(table[:, 3:])),
        phase,
    )
    op.verify()
    return op


def random_circuit(n, count, seed):
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        gate = GATES[rng.integers(len(GATES))]
        if gate.arity <= n:
            sites = [*rng.choice(n, gate.arity, replace=False).tolist(), -1][:2]
            rows.append((gate.opcode, *sites, *(rng.uniform(-7, 7, 2) * (np.arange(2) < gate.angles))))
    return circuit_of(n, rows, phase=0.3)


def contracted(circuit):
    """One tensordot a gate; qubit q is bit q of the result's index."""
    n = circuit.qubit_count
    cube = np.zeros((2,) * n, np.complex128)
    cube.reshape(-1)[0] = 1
    for opcode, sites, angles in zip(circuit.opcodes.values, circuit.qubits.values, circuit.angles.values, strict=True):
        gate = GATES[opcode]
        axes = [n - 1 - q for q in sites[: gate.arity]]
        matrix = matrix_of(gate, *angles).reshape((2,) * (2 * gate.arity))
        cube = np.moveaxis(
            np.tensordot(matrix, cube, axes=(range(gate.arity, 2 * gate.arity), axes)), range(gate.arity), axes
        )
    return cube.reshape(-1) * np.exp(1j * circuit.phase)


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.name)
def test_matrices_are_cirqs(gate):
    cirq = pytest.importorskip("cirq")
    from qevo_compiler.targets.cirq.convert import to_cirq

    if gate is Gate.SYC:
        pytest.importorskip("cirq_google")
    rng = np.random.default_rng(gate.opcode)
    angles = rng.uniform(-7, 7, 2) * (np.arange(2) < gate.angles)
    sites = (0, 1) if gate.arity == 2 else (0, -1)
    line = cirq.LineQubit.range(gate.arity)
    wanted = cirq.unitary(to_cirq(circuit_of(gate.arity, [(gate.opcode, *sites, *angles)]), line, measured=False))
    assert np.allclose(matrix_of(gate, *angles), wanted, atol=1e-7 if gate is Gate.SYC else 1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 2, 3, 5, 10, 11, 13])
def test_random_circuits(n, dtype):
    circuit = random_circuit(n, 120, n)
    found = run_circuit(circuit, dtype).amplitudes()
    assert found.dtype == (np.complex64 if dtype is np.float32 else np.complex128)
    assert np.abs(found - contracted(circuit)).max() < CLOSE[dtype]


@pytest.mark.parametrize("bits", [128, 256, 512])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_any_vector_width(bits, dtype, monkeypatch):
    monkeypatch.setenv("QEVO_VECTOR_BITS", str(bits))
    circuit = random_circuit(9, 100, 77)
    assert np.abs(run_circuit(circuit, dtype).amplitudes() - contracted(circuit)).max() < CLOSE[dtype]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_several_tiles_and_threads(dtype):
    circuit = random_circuit(18, 150, 5)
    found = [run_circuit(circuit, dtype, threads) for threads in (1, 2, 4)]
    assert len({run.state.re.tobytes() + run.state.im.tobytes() for run in found}) == 1
    assert np.abs(found[0].amplitudes() - contracted(circuit)).max() < CLOSE[dtype]


def test_cirq_agrees():
    cirq = pytest.importorskip("cirq")
    from qevo_compiler.targets.cirq.convert import to_cirq

    pytest.importorskip("cirq_google")
    circuit = random_circuit(7, 200, 9)
    line = cirq.LineQubit.range(7)
    simulator = cirq.Simulator(dtype=np.complex128)
    wanted = simulator.simulate(to_cirq(circuit, line[::-1], measured=False), qubit_order=line).final_state_vector
    # Cirq's Sycamore gate is a rounded matrix.
    assert np.abs(run_circuit(circuit).amplitudes() - wanted * np.exp(0.3j)).max() < 1e-6


def test_no_gates():
    found = run_circuit(circuit_of(3, []))
    assert found.amplitudes().tolist() == [1] + [0] * 7
    assert found.draw(3, 1, np.arange(3)).tolist() == [[0, 0, 0]] * 3


def test_probabilities_and_reads_of_some_qubits():
    circuit = random_circuit(6, 60, 21)
    found = run_circuit(circuit)
    cube = np.abs(contracted(circuit).reshape((2,) * 6)) ** 2
    wanted = cube.sum(axis=(0, 2, 4, 5)).T.reshape(-1)  # qubit 2 (axis 3), qubit 4 (axis 1)
    assert np.allclose(found.probabilities(np.array([2, 4])), wanted, atol=1e-13)
    reads = 20_000
    bits = found.draw(reads, 5, np.array([2, 4]))
    counts = np.bincount(bits @ np.array([2, 1]), minlength=4)
    assert ((counts - wanted * reads) ** 2 / np.maximum(wanted * reads, 1)).sum() < 25
    assert np.array_equal(bits, found.draw(reads, 5, np.array([2, 4])))


@pytest.mark.parametrize("most", [2, 3])
def test_groups_are_the_circuit(most):
    circuit = random_circuit(8, 80, 3)
    groups = fused(circuit, most)
    assert max(len(group.qubits) for group in groups) <= most
    assert len(groups) < 60
    for group in groups:
        assert np.allclose(group.matrix @ group.matrix.conj().T, np.eye(len(group.matrix)), atol=1e-12)


def test_plan_runs_every_group_once_within_its_tile():
    groups = fused(random_circuit(20, 400, 6))
    stages, where = plan(groups, 20, 12, 7, 4)
    assert sorted(where) == list(range(20))
    steps = [step for stage in stages for step in stage.steps if step.matrix is not None]
    assert len(steps) == len(groups)
    assert {id(step.matrix) for step in steps} == {id(group.matrix) for group in groups}
    for stage in stages:
        assert len(stage.bits) == 12
        assert set(range(7)) <= set(stage.bits)
        assert all(4 <= place < 12 for step in stage.steps for place in step.places)
