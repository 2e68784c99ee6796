"""Circuits of the linear-system route in OpenQASM 3 and Cirq: goldens, and what two readers make of them."""

import os

import numpy as np
import pytest
from qlsa_support import QUARTIC, overlap, powers, system
from quantum_support import outcome_probabilities, program

from qevo_compiler.passes.lower_gates import LowerGates
from qevo_compiler.passes.qlsa.block_encoding import encoded_block
from qevo_compiler.passes.qlsa.initial_state import carleman_state
from qevo_compiler.passes.qlsa.linear_system import linear_system_circuit
from qevo_compiler.passes.qlsa.sparse_access import sparse_access
from qevo_compiler.passes.qlsa.sparse_state import sparse_state
from qevo_compiler.targets.cirq import Cirq
from qevo_compiler.targets.openqasm3 import OpenQasm3

os.environ["QDK_PYTHON_TELEMETRY"] = "none"  # before the first import of qdk

PLACES, VALUES = [3, 12, 21, 30], [0.5, -0.1, -0.7, 0.4]
STEP = {1: np.array([[0.5]])}


def signed_state():
    return sparse_state(PLACES, VALUES, range(5)).fragment.circuit(5)


def lifted_state():
    found = carleman_state([0.6, -0.8], 2)
    return found.fragment.circuit(found.qubit_count)


def history_block():
    matrix, _, _ = system(STEP, [1.0], 1, 1, 0)
    encoding = sparse_access(matrix)
    return encoding.fragment.circuit(encoding.qubit_count)


def linear_system():
    matrix, rhs, _ = system(STEP, [1.0], 1, 1, 0)
    return linear_system_circuit(matrix, rhs, tolerance=0.05)


CIRCUITS = {
    "signed_state": signed_state,
    "lifted_state": lifted_state,
    "history_block": history_block,
    "history_solver": lambda: linear_system().solver.circuit,
}
GOLDENS = {
    "signed_state": ("signed_state.qasm", "signed_state.cirq.json"),
    "lifted_state": ("lifted_state.qasm", "lifted_state.cirq.json"),
    "history_block": ("history_block.qasm", "history_block.cirq.json"),
    "history_solver": ("history_solver.qasm", "history_solver.cirq.json"),
}


def texts(circuit):
    found = []
    for target in (OpenQasm3(), Cirq()):
        module = LowerGates().run(program(circuit))
        target.check(module)
        (file,) = target.emit(module)
        found.append(file.content().decode())
    return found


def by_qiskit(text, start):
    """The state that the text's gates make of basis state `start`, qubit 0 most significant."""
    qasm3 = pytest.importorskip("qiskit.qasm3")
    info = pytest.importorskip("qiskit.quantum_info")
    circuit = qasm3.loads(text).remove_final_measurements(inplace=False)
    # Qiskit's qubit 0 is the least significant bit.
    flipped = circuit.reverse_bits()
    state = info.Statevector.from_int(start, 2**circuit.num_qubits).evolve(flipped)
    return np.asarray(state.data)


def by_cirq(text, start):
    cirq = pytest.importorskip("cirq")
    circuit = cirq.drop_terminal_measurements(cirq.read_json(json_text=text))
    unmeasured = cirq.Circuit(op for op in circuit.all_operations() if not cirq.is_measurement(op))
    qubits = cirq.LineQubit.range(max(q.x for q in circuit.all_qubits()) + 1)
    simulator = cirq.Simulator(dtype=np.complex128)
    return simulator.simulate(unmeasured, initial_state=start, qubit_order=qubits).final_state_vector


@pytest.mark.parametrize("name", CIRCUITS)
def test_goldens(name, golden):
    for file, text in zip(GOLDENS[name], texts(CIRCUITS[name]()), strict=True):
        golden(file, text)


@pytest.mark.parametrize("reader", [by_qiskit, by_cirq])
class TestReadBack:
    def text(self, name, reader):
        qasm, json = texts(CIRCUITS[name]())
        return qasm if reader is by_qiskit else json

    def test_a_signed_sparse_state(self, reader):
        wanted = np.zeros(32)
        wanted[PLACES] = VALUES
        assert overlap(reader(self.text("signed_state", reader), 0), wanted) ** 2 >= 1 - 1e-10

    def test_a_lifted_start(self, reader):
        state = reader(self.text("lifted_state", reader), 0).reshape(4, 4)
        wanted = np.zeros((4, 4))
        vector = powers(np.array([0.6, -0.8]), 2)
        wanted[0b00, 0], wanted[0b10, [0, 2]], wanted[0b11] = vector[0], vector[1:3], vector[3:]
        assert overlap(state, wanted) ** 2 >= 1 - 1e-10

    def test_a_block_encoding(self, reader):
        matrix, _, _ = system(STEP, [1.0], 1, 1, 0)
        encoding = sparse_access(matrix)
        text = self.text("history_block", reader)
        block = np.stack([reader(text, k)[: len(matrix)] for k in range(len(matrix))], axis=1) * encoding.alpha
        # The text leaves the global phase out.
        block = block * np.exp(-1j * np.angle(block[0, 0]))
        assert np.abs(block - matrix).max() < 1e-9
        assert np.abs(encoded_block(encoding) - matrix).max() < 1e-12

    def test_a_solver_of_a_history(self, reader):
        matrix, rhs, _ = system(STEP, [1.0], 1, 1, 0)
        found = linear_system()
        state = reader(self.text("history_solver", reader), 0)[: 1 << len(found.solver.system)]
        classical = np.linalg.solve(matrix, rhs)
        assert overlap(state, classical) >= 0.99
        assert np.linalg.norm(state) * found.solver.scale == pytest.approx(np.linalg.norm(classical), rel=0.05)


def test_every_reader_takes_the_solver():
    openqasm3 = pytest.importorskip("openqasm3")
    qasm, _ = texts(linear_system().solver.circuit)
    assert len(openqasm3.parse(qasm).statements) == qasm.count(";") - 1, "all but the version"
    target = OpenQasm3()
    (circuit,) = target.read({"qasm": qasm.encode()})
    assert len(circuit) == len(linear_system().solver.circuit)


@pytest.mark.parametrize("name", CIRCUITS)
def test_qdk_samples_the_same_distribution(name):
    """A reader of another lineage; lost post-selections are outcomes like others here."""
    openqasm = pytest.importorskip("qdk.openqasm")
    circuit = CIRCUITS[name]()
    shots = openqasm.run(texts(circuit)[0], shots=4000, seed=5, as_bitstring=True)
    expected = outcome_probabilities(circuit)
    found = np.bincount([int(shot, 2) for shot in shots], minlength=len(expected)) / len(shots)
    assert np.abs(found - expected).sum() / 2 < 0.05


def test_the_worked_example_goes_through_both_targets():
    matrix, rhs, _ = system(QUARTIC, [0.5], 1, 1, 0)
    found = linear_system_circuit(matrix, rhs)
    for text, reader in zip(texts(found.solver.circuit), (by_qiskit, by_cirq), strict=True):
        state = reader(text, 0)[: 1 << len(found.solver.system)]
        assert overlap(state[: len(rhs)], np.linalg.solve(matrix, rhs)) >= 0.9999
