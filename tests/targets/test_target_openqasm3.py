"""openqasm3: three readers of other lineages see the circuit that the Hamiltonian defines."""

import math
import os

import numpy as np
import openqasm3
import pytest
from quantum_support import (
    RAMP,
    X,
    circuit,
    codes,
    energies,
    listed,
    outcome_probabilities,
    pauli,
    program,
    random_model,
    spin_model,
    unitary,
)
from scipy.linalg import expm

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.dialects.gate import CircuitOp, Gate
from qevo_compiler.passes.anneal_to_circuit import AnnealToCircuit
from qevo_compiler.passes.lower_gates import LowerGates
from qevo_compiler.passes.route_qubits import RouteQubits
from qevo_compiler.targets.openqasm3 import OpenQasm3

os.environ["QDK_PYTHON_TELEMETRY"] = "none"  # before the first import of qdk

TINY = spin_model([1.0, -0.5, 0.0], {(0, 1): 0.25, (1, 2): -1.0})
ALL = circuit(
    3,
    (Gate.H, 0),
    (Gate.X, 1),
    (Gate.SX, 2),
    (Gate.RX, 0, 0.1),
    (Gate.RY, 1, -2.5),
    (Gate.RZ, 2, 1e-07),
    (Gate.CX, 0, 2),
    (Gate.CZ, 2, 1),
    (Gate.RZZ, 1, 0, 1 / 3),
    (Gate.SWAP, 0, 1),
    (Gate.CRY, 2, 0, 0.7),
    (Gate.CRZ, 1, 2, -1.9),
    (Gate.RX, 0, 12345678.9),
)


def compiled(model, **options):
    return LowerGates().run(AnnealToCircuit(**options).run(program(model, RAMP)))


def text_of(module, **options):
    target = OpenQasm3(**options)
    target.check(module)
    (file,) = target.emit(module)
    assert file.suffix == "qasm"
    return file.content().decode()


def refused(module):
    with pytest.raises(CompileError) as caught:
        OpenQasm3().check(module)
    return codes(caught)


def test_golden(golden):
    golden("tiny.qasm", text_of(compiled(TINY, layers=2)))


def test_golden_physical_qubits_in_routed_order(golden):
    routed = RouteQubits(coupling=(0, 1, 1, 2)).run(AnnealToCircuit(layers=1).run(program(triangle(), RAMP)))
    golden("routed.qasm", text_of(LowerGates().run(routed), physical=True))


def triangle():
    return spin_model([0.0, 0.0, 1.0], {(0, 1): 1.0, (1, 2): 1.0, (0, 2): 1.0})


@pytest.mark.parametrize("physical", [False, True])
def test_the_reference_parser_reads_back_the_same_gates(physical):
    for op in (ALL, circuit(3, (Gate.CZ, 0, 2), order=[2, 0]), circuit(2, (Gate.RZZ, 0, 1, -0.25), order=[1, 0])):
        if physical and op.qubit_count != max(op.qubits.values.max(), op.measured.max()) + 1:
            continue
        text = text_of(program(op), physical=physical)
        openqasm3.parse(text)
        assert OpenQasm3().read({"qasm": text.encode()}) == (op,)


def qiskit_unitary(text):
    """Qiskit's matrix with our order of qubits: its qubit 0 is the least significant."""
    from qiskit import qasm3
    from qiskit.quantum_info import Operator

    loaded = qasm3.loads(text)
    loaded.remove_final_measurements()
    return Operator(loaded.reverse_bits()).data


def up_to_phase(left, right):
    overlap = np.vdot(left, right)
    return np.abs(left * (overlap / abs(overlap)) - right).max()


@pytest.mark.parametrize("seed", [*range(6), 7, 9])
def test_qiskit_cirq_and_the_hamiltonian_agree(seed):
    import cirq

    from qevo_compiler.targets.cirq import Cirq

    size, layers, time = 1 + seed, 3, 2.0
    model = random_model(np.random.default_rng(seed), size, 0.7)
    module = compiled(model, layers=layers, time=time, order=1)
    by_qiskit = qiskit_unitary(text_of(module))
    built = cirq.drop_terminal_measurements(Cirq().build(module))
    by_cirq = built.unitary(qubit_order=cirq.LineQubit.range(size))
    scale = max(np.abs(model.fields.values).max(), np.abs(model.couplings.values).max(initial=0))
    cost = np.diag((energies(model) - model.offset) / scale)
    mixer = -sum(pauli(X, site, size=size) for site in range(size))
    expected = np.eye(1)
    for _ in range(size):
        expected = np.kron(expected, np.array([[1, 1], [1, -1]]) / math.sqrt(2))
    for s in (np.arange(layers) + 0.5) / layers:
        step = expm(-1j * time / layers * (1 - s) * mixer) @ expm(-1j * time / layers * s * cost)
        expected = step @ expected
    assert up_to_phase(by_qiskit, expected) < 1e-9
    assert up_to_phase(by_cirq, expected) < 1e-9


def test_qiskit_reads_every_gate_of_the_profile():
    assert up_to_phase(qiskit_unitary(text_of(program(ALL))), unitary(ALL)) < 1e-9


def test_qdk_samples_the_same_distribution():
    import qdk.openqasm

    module = compiled(TINY, layers=3)
    shots = qdk.openqasm.run(text_of(module), shots=4000, seed=11, as_bitstring=True)
    found = np.bincount([int(shot, 2) for shot in shots], minlength=8) / len(shots)
    expected = outcome_probabilities(module.main.only(CircuitOp))
    assert np.abs(found - expected).sum() / 2 < 0.05


def test_qiskit_reads_physical_qubits():
    from qiskit import qasm3

    loaded = qasm3.loads(text_of(program(circuit(3, (Gate.CZ, 0, 2), order=[2, 0])), physical=True))
    assert loaded.count_ops() == {"cz": 1, "measure": 2}


def test_qdk_compiles_every_gate_of_the_profile():
    import qdk.openqasm

    assert len(qdk.openqasm.run(text_of(program(ALL)), shots=1, seed=1)) == 1


def test_a_large_circuit_streams_in_pieces():
    size = 30_000
    module = compiled(spin_model(np.ones(size), {(0, 1): 1.0}), layers=2)
    (file,) = OpenQasm3().emit(module)
    chunks = list(file.chunks())
    assert max(map(len, chunks)) < 2**20
    assert b"".join(chunks).count(b";\n") == 4 + size + len(module.main.only(CircuitOp))


def test_an_rzz_is_defined_only_where_it_is_used():
    assert "gate rzz" not in text_of(compiled(spin_model([1.0], {}), layers=1))


def test_programs_outside_the_profile_are_refused():
    assert refused(program(circuit(2, (Gate.PHASED_X, 0, 0.1, 0.2), (Gate.SYC, 0, 1)))) == ["Q0807", "Q0807"]
    assert refused(program(circuit(0))) == ["Q0808"]
    assert refused(program(TINY)) == ["Q0802"]
    assert refused(program(ALL, ALL)) == ["Q0802"]


HEAD = 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q;\nbit[2] c;\n'
TAIL = "c[0] = measure q[0];\nc[1] = measure q[1];\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "OPENQASM 2.0;\n" + HEAD[14:] + TAIL,
        HEAD + TAIL[:-10],
        HEAD + "c[0] = measure q[0];\n",
        HEAD + "h q[2];\n" + TAIL,
        HEAD + "ccx q[0], q[1], q[0];\n" + TAIL,
        HEAD + "rzz(0.5) q[0], q[1];\n" + TAIL,
        HEAD + "gate rzz(theta) a, b { cx a, b; }\n" + TAIL,
        HEAD + "rx(pi) q[0];\n" + TAIL,
        HEAD + "rx q[0];\n" + TAIL,
        HEAD + "cx q[0], q[0];\n" + TAIL,
        HEAD + "ctrl @ x q[0], q[1];\n" + TAIL,
        HEAD + "x q;\n" + TAIL,
        HEAD + "x $0;\n" + TAIL,
        HEAD + TAIL + "x q[0];\n",
        HEAD + "c[0] = measure q[1];\n" + TAIL,
        HEAD + "if (c[0]) { x q[0]; }\n" + TAIL,
        HEAD.replace("stdgates.inc", "other.inc") + TAIL,
    ],
)
def test_text_outside_the_profile_is_diagnosed(text):
    with pytest.raises(CompileError) as caught:
        OpenQasm3().read({"qasm": text.encode()})
    assert codes(caught) == ["Q0815"]


def test_reading_keeps_names_of_gates_and_angles_exactly():
    read = OpenQasm3().read({"qasm": text_of(program(ALL)).encode()})[0]
    assert isinstance(read, CircuitOp)
    assert listed(read) == listed(ALL)


def test_options_may_be_text_and_are_checked():
    assert OpenQasm3(physical="true") == OpenQasm3(True)
    with pytest.raises(ValueError, match="maybe"):
        OpenQasm3(physical="maybe")


def test_golden_open_angles(golden):
    golden("symbolic.qasm", text_of(compiled(TINY, layers=2), symbolic=True))


@pytest.mark.parametrize("coupling", [(), (0, 1, 1, 2, 2, 3)])
@pytest.mark.parametrize("product", [False, True])
def test_bound_angles_are_those_of_a_fixed_program(coupling, product):
    from qiskit.qasm3 import loads
    from qiskit.quantum_info import Operator

    from qevo_compiler.dialects.ising import ProductsOp
    from qevo_compiler.dialects.poly import Vartype
    from qevo_compiler.dialects.poly.polynomials import pack

    block = (np.zeros(1, np.int32), np.array([[0, 1, 3]], np.int32), np.array([0.7]))
    others = (ProductsOp(pack(1, [block]), Vartype.SPIN),) if product else ()
    module = program(random_model(np.random.default_rng(4), 4), *others)

    def made(gammas, betas, **options):
        circuits = AnnealToCircuit(gammas=gammas, betas=betas).run(module)
        routed = RouteQubits(coupling=coupling, trials=2).run(circuits)
        text = text_of(LowerGates().run(routed), **options)
        return text, loads(text).remove_final_measurements(inplace=False)

    gammas, betas = (0.3, -1.1, 0.0), (0.8, 0.25, -0.4)
    text, opened = made((1.0,) * 3, (1.0,) * 3, symbolic=True)
    assert text.count("input float[64]") == 6
    values = {f"gamma_{k}": gamma for k, gamma in enumerate(gammas)} | {f"beta_{k}": b for k, b in enumerate(betas)}
    bound = opened.assign_parameters(values)
    assert np.abs(Operator(bound).data - Operator(made(gammas, betas)[1]).data).max() < 1e-12
    # At 1 it is the circuit as compiled, and that is how it is read.
    (read,) = OpenQasm3(symbolic=True).read({"qasm": text.encode()})
    (fixed,) = OpenQasm3().read({"qasm": made((1.0,) * 3, (1.0,) * 3)[0].encode()})
    assert listed(read) == listed(fixed)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("* gamma_0", "* delta"),
        ("* gamma_0", "* 2.0"),
        ("input float[64]", "input float[32]"),
        ("* gamma_0", "+ gamma_0"),
    ],
)
def test_other_expressions_are_outside_the_profile(old, new):
    text = text_of(compiled(TINY, layers=1), symbolic=True)
    with pytest.raises(CompileError) as caught:
        OpenQasm3(symbolic=True).read({"qasm": text.replace(old, new, 1).encode()})
    assert codes(caught) == ["Q0815"]


def test_a_circuit_without_layers_has_no_open_angles():
    with pytest.raises(CompileError) as caught:
        text_of(program(circuit(2, (Gate.CRY, 0, 1, 0.3))), symbolic=True)
    assert codes(caught) == ["Q0819"]
