"""Linear programs as OpenQASM 3 and Cirq: goldens, and the solution that independent readers find in them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from qevo_compiler import CompileError, load
from qevo_compiler import compile as compile_program
from qevo_compiler.dialects import linear
from qevo_compiler.driver import lower_linear
from qevo_compiler.ir import Evidence
from qevo_compiler.validation import validate

FOLDER = Path(__file__).parents[2] / "examples" / "linear"
# The constant is dropped where two monomials are then left: four unknowns, none of them padding, whose singular
# vectors are the same on every machine.
PASSES = {
    "quartic_step": {"carleman-truncation": {"constant": False}},
    "line_step": {},
    "well_step": {"carleman-truncation": {"constant": False}},
    "valley_step": {"carleman-truncation": {"constant": False}},
    "start_step": {},
}
GOLDENS = {
    "quartic_step": ("quartic_step.qasm", "quartic_step.cirq.json"),
    "line_step": ("line_step.qasm", "line_step.cirq.json"),
    "well_step": ("well_step.qasm", "well_step.cirq.json"),
    "valley_step": ("valley_step.qasm", "valley_step.cirq.json"),
}
TOLERANCE = 0.1


@cache
def compiled(name, target):
    circuit = {"history-to-circuit": {"tolerance": TOLERANCE}}
    return compile_program(FOLDER / f"{name}.qevo", target=target, passes={**PASSES[name], **circuit})


def solution(name):
    """y by an independent solve of the dense L y = b, from the lift's matrices alone."""
    module = lower_linear(FOLDER / f"{name}.qevo", passes={**PASSES[name], "history-system": {"padding": 0}})
    op = module.main.only(linear.LiftOp)
    size, steps = op.size, op.steps
    matrix, right = np.eye(size * (steps + 1)), np.zeros(size * (steps + 1))
    right[:size] = op.initial.values
    for t, which in enumerate(op.which.values):
        matrix[(t + 1) * size : (t + 2) * size, t * size : (t + 1) * size] = -op.matrices[which].dense()
    return np.linalg.solve(matrix, right)


def by_qiskit(text):
    """Amplitudes over the classical bits, bit 0 most significant, from qiskit's importer."""
    qasm3 = pytest.importorskip("qiskit.qasm3")
    info = pytest.importorskip("qiskit.quantum_info")
    circuit = qasm3.loads(text)
    order = {circuit.find_bit(i.clbits[0]).index: circuit.find_bit(i.qubits[0]).index
             for i in circuit.data if i.operation.name == "measure"}  # fmt: skip
    state = np.asarray(info.Statevector(circuit.remove_final_measurements(inplace=False)).data)
    # Qiskit's qubit 0 is the least significant bit.
    axes = state.reshape((2,) * circuit.num_qubits)
    return axes.transpose([circuit.num_qubits - 1 - order[bit] for bit in sorted(order)]).reshape(-1)


def by_cirq(text):
    cirq = pytest.importorskip("cirq")
    circuit = cirq.read_json(json_text=text)
    measured = [op for op in circuit.all_operations() if cirq.is_measurement(op)]
    qubits = [qubit for op in measured for qubit in op.qubits]
    bare = circuit[:]
    bare = cirq.Circuit(op for op in bare.all_operations() if not cirq.is_measurement(op))
    return cirq.Simulator(dtype=np.complex128).simulate(bare, qubit_order=qubits).final_state_vector


def unknowns(amplitudes, record):
    """The normalised unknowns by the manifest's register map alone: post-selected bits read 0."""
    places = record["read_out"]
    waste = len(places["post_select"])
    assert places["post_select"] == list(range(waste))
    assert places["system"] == list(range(waste, waste + len(places["system"])))
    found = amplitudes.reshape(1 << waste, -1)[0][np.array(places["positions"]).reshape(-1)]
    return found * np.tile(places["factors"], len(places["positions"]))


@pytest.mark.parametrize("name", GOLDENS)
def test_the_goldens(name, golden):
    for target, file in zip(("openqasm3", "cirq"), GOLDENS[name], strict=True):
        golden(file, compiled(name, target).files[file])


@pytest.mark.parametrize("name", GOLDENS)
@pytest.mark.parametrize(("target", "reader"), [("openqasm3", by_qiskit), ("cirq", by_cirq)])
def test_readers_find_the_solution(name, target, reader):
    """Overlap as promised by the tolerance, and the absolute scale that the manifest states."""
    program = compiled(name, target)
    record = json.loads(program.files[f"{name}.manifest.json"])["history"]
    found = unknowns(reader(program.files[GOLDENS[name][target == "cirq"]].decode()), record)
    classical = solution(name)
    overlap = abs(np.vdot(found, classical)) / np.linalg.norm(found) / np.linalg.norm(classical)
    assert overlap >= np.sqrt(1 - TOLERANCE**2)
    assert overlap >= 0.99
    size = np.linalg.norm(found) * record["read_out"]["scale"]
    assert size == pytest.approx(np.linalg.norm(classical), rel=TOLERANCE)
    assert np.linalg.norm(found) ** 2 == pytest.approx(record["read_out"]["success"], rel=2.2 * TOLERANCE)


def test_qasm_passes_the_reference_parser():
    openqasm3 = pytest.importorskip("openqasm3")
    for name, (file, _) in GOLDENS.items():
        assert openqasm3.parse(compiled(name, "openqasm3").files[file].decode()).statements


def test_the_solution_is_in_the_sources_coordinates():
    """x(t) = pivot + gamma u(t) by the manifest alone equals the optimizer's step."""
    program = compiled("start_step", "openqasm3")
    record = json.loads(program.files["start_step.manifest.json"])["history"]
    first = record["monomials"].index([0])
    y = solution("start_step").reshape(-1, len(record["monomials"]))[:, first]
    x = np.array(record["pivot"]) + record["gamma"] * y / record["weights"][first]
    assert x == pytest.approx([0.7, 0.7 - 0.2 * (0.7**2 - 1) * 0.7], rel=1e-12)


def test_the_ledger_says_what_the_solver_does():
    entries = {e.quantity: e for e in compiled("line_step", "openqasm3").ledger if e.stage == "history-to-circuit"}
    assert set(entries) == {
        "relative error of the solver",
        "angle rounding",
        "block-encoding subnormalisation",
        "kappa",
        "success probability",
    }
    assert entries["relative error of the solver"].kind is Evidence.PROVED
    assert 0 < entries["relative error of the solver"].value <= TOLERANCE
    assert 0 < entries["angle rounding"].value < 1e-9


def test_a_program_read_back_from_its_folder_keeps_the_register_map(tmp_path):
    program = compiled("well_step", "openqasm3")
    program.write(tmp_path)
    read = load(tmp_path)
    assert read.module.func("history") == program.module.func("history")
    validate(read)


def test_compiling_twice_gives_the_same_bytes():
    compiled.cache_clear()
    first = compiled("quartic_step", "cirq").files
    compiled.cache_clear()
    assert compiled("quartic_step", "cirq").files == first


def test_what_needs_a_spin_model_is_refused():
    program = compiled("line_step", "openqasm3")
    for use in (program.run, lambda: program.explain("s1"), lambda: program.explain("s0,s1")):
        with pytest.raises(CompileError, match="Q0015"):
            use()
    with pytest.raises(CompileError, match="the step map"):
        program.update(FOLDER / "line_step.qevo")
