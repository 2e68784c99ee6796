"""cirq: Cirq reads the same unitary, and Google's devices accept what is compiled for them."""

import sys

import cirq
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quantum_support import RAMP, circuit, codes, outcome_probabilities, program, random_model, spin_model, unitary

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.dialects.gate import CircuitOp, Gate
from qevo_compiler.ir import verify
from qevo_compiler.passes.pipeline import Pipeline
from qevo_compiler.targets.cirq import Cirq, Device
from qevo_compiler.targets.cirq.devices import grid

TINY = spin_model([1.0, -0.5, 0.0], {(0, 1): 0.25, (1, 2): -1.0})
GATES = [(gate, *range(gate.arity), *(0.4, -1.3)[: gate.angles]) for gate in Gate]


def compiled(model, target, layers=2):
    text = f"anneal-to-circuit{{layers={layers}}},route-qubits,lower-gates"
    module = Pipeline.parse(text, target.pass_options()).run(program(model, RAMP))
    verify(module)
    return module


def emitted(module, target):
    target.check(module)
    return {file.suffix: file.content() for file in target.emit(module)}


def refused(module, **options):
    with pytest.raises(CompileError) as caught:
        Cirq(**options).check(module)
    return codes(caught)


def test_golden_on_a_line(golden):
    target = Cirq()
    golden("tiny.cirq.json", emitted(compiled(TINY, target, 1), target)["cirq.json"])


def test_golden_on_a_device(golden):
    target = Cirq("willow_pink")
    pair = spin_model([1.0, 0.0], {(0, 1): -0.5})
    golden("pair.willow.cirq.json", emitted(compiled(pair, target, 1), target)["cirq.json"])


def up_to_phase(left, right):
    overlap = np.vdot(left, right)
    return np.abs(left * (overlap / abs(overlap)) - right).max()


@pytest.mark.parametrize("row", GATES, ids=lambda row: row[0].name)
def test_every_gate_means_the_same_to_cirq(row):
    op = circuit(2, (Gate.RY, 0, 0.3), (Gate.RX, 1, 0.2), row)
    line = cirq.LineQubit.range(2)
    built = cirq.drop_terminal_measurements(Cirq().build(program(op)))
    assert up_to_phase(built.unitary(qubit_order=line), unitary(op)) < 1e-9


@pytest.mark.parametrize("row", GATES, ids=lambda row: row[0].name)
def test_every_gate_reads_back(row):
    module = program(circuit(2, (Gate.H, 0), (Gate.H, 1), row, order=[1, 0]))
    (read,) = Cirq().read(emitted(module, Cirq()))
    before = module.main.only(CircuitOp)
    assert read.opcodes == before.opcodes
    assert read.qubits == before.qubits
    assert read.order == before.order
    assert np.allclose(read.angles.values, before.angles.values, rtol=0, atol=1e-14)


@pytest.mark.parametrize("device", ["willow_pink", "rainbow", "weber", "sycamore"])
def test_devices_accept_what_is_compiled_for_them_and_outcomes_stay(device):
    target = Cirq(device)
    model = random_model(np.random.default_rng(2), 5)
    module = compiled(model, target)
    files = emitted(module, target)
    grid(target.device).device.validate_circuit(cirq.read_json(json_text=files["cirq.json"].decode()))
    plain = compiled(model, Cirq()).main.only(CircuitOp)
    read = cirq.read_json(json_text=files["cirq.json"].decode())
    measured = grid_probabilities(read)
    assert np.abs(measured - outcome_probabilities(plain)).max() < 1e-9


def grid_probabilities(built):
    """Outcome probabilities in order of the measured key, by Cirq's own simulator."""
    (_, measurement, _) = next(iter(built.findall_operations_with_gate_type(cirq.MeasurementGate)))
    qubits = list(measurement.qubits)
    rest = sorted(built.all_qubits() - set(qubits))
    state = cirq.Simulator(dtype=np.complex128).simulate(
        cirq.drop_terminal_measurements(built), qubit_order=[*qubits, *rest]
    )
    weights = np.abs(state.final_state_vector) ** 2
    return weights.reshape(2 ** len(qubits), -1).sum(axis=1)


def test_reading_back_a_device_program_keeps_its_order():
    target = Cirq("rainbow")
    module = compiled(random_model(np.random.default_rng(1), 4), target, 1)
    (read,) = target.read(emitted(module, target))
    before = module.main.only(CircuitOp)
    assert read.order == before.order
    assert read.qubit_count == before.qubit_count == 23
    # Moments may list gates on other qubits in another order.
    assert sorted(read.opcodes.values) == sorted(before.opcodes.values)


def test_emission_is_the_same_each_time():
    target = Cirq("weber")
    module = compiled(TINY, target)
    assert emitted(module, target) == emitted(compiled(TINY, target), target)


def test_an_unrouted_circuit_is_refused_by_the_device():
    far = circuit(23, (Gate.CZ, 0, 22), order=[0, 22])
    assert refused(program(far), device="rainbow") == ["Q0809"]
    assert refused(program(circuit(23, (Gate.RZZ, 0, 1, 0.5))), device="rainbow") == ["Q0809"]


def test_what_has_no_circuit_is_refused():
    assert refused(program(TINY)) == ["Q0802"]
    assert refused(program(circuit(0))) == ["Q0808"]
    assert refused(program(circuit(24, (Gate.H, 0))), device="rainbow") == ["Q0805"]


def test_a_model_wider_than_the_device_is_refused_by_routing():
    target = Cirq("rainbow")
    with pytest.raises(CompileError, match="the circuit has 24 qubits, the device 23") as caught:
        compiled(spin_model(np.ones(24), {}), target)
    assert codes(caught) == ["Q0805"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"cirq_type": "Nothing"}',
        cirq.to_json(cirq.LineQubit(0)).encode(),
        cirq.to_json(cirq.Circuit(cirq.H(cirq.LineQubit(0)))).encode(),
        cirq.to_json(cirq.Circuit(cirq.T(cirq.LineQubit(0)), cirq.measure(cirq.LineQubit(0), key="c"))).encode(),
        cirq.to_json(cirq.Circuit(cirq.measure(cirq.LineQubit(0), key="other"))).encode(),
        cirq.to_json(cirq.Circuit(cirq.measure(cirq.GridQubit(0, 0), key="c"))).encode(),
    ],
)
def test_files_that_state_no_circuit_of_ours_are_diagnosed(content):
    with pytest.raises(CompileError) as caught:
        Cirq().read({"cirq.json": content})
    assert codes(caught) == ["Q0815"]


def test_a_cut_file_is_diagnosed():
    content = emitted(compiled(TINY, Cirq()), Cirq())["cirq.json"]
    with pytest.raises(CompileError) as caught:
        Cirq().read({"cirq.json": content[: len(content) // 2]})
    assert codes(caught) == ["Q0815"]


def test_options_may_be_text_and_are_checked():
    assert Cirq(device="sycamore").device is Device.WEBER
    assert Cirq(device="willow_pink") == Cirq(Device.WILLOW_PINK)
    with pytest.raises(ValueError, match="bristlecone"):
        Cirq(device="bristlecone")


def test_a_missing_package_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "cirq", None)
    with pytest.raises(CompileError, match="needs `cirq`") as caught:
        Cirq().build(program(circuit(1, (Gate.H, 0))))
    assert codes(caught) == ["Q0008"]


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_files_are_byte_for_byte_what_cirq_writes(data):
    gates = []
    for gate in data.draw(st.lists(st.sampled_from(list(Gate)), max_size=25)):
        sites = data.draw(st.permutations(range(5)))[: gate.arity]
        angles = data.draw(st.lists(st.floats(-20, 20), min_size=gate.angles, max_size=gate.angles))
        gates.append((gate, *sites, *angles))
    bits = data.draw(st.permutations(range(5)))[: data.draw(st.integers(1, 5))]
    module = program(circuit(5, *gates, order=bits))
    expected = cirq.to_json(Cirq().build(module), indent=1) + "\n"
    assert emitted(module, Cirq())["cirq.json"].decode() == expected


@pytest.mark.parametrize("device", ["none", "willow_pink", "rainbow"])
def test_compiled_files_are_byte_for_byte_what_cirq_writes(device):
    target = Cirq(device)
    module = compiled(random_model(np.random.default_rng(4), 6), target, 3)
    assert emitted(module, target)["cirq.json"].decode() == cirq.to_json(target.build(module), indent=1) + "\n"


def test_a_circuit_on_a_line_is_written_without_cirq(monkeypatch):
    module = compiled(TINY, Cirq())
    expected = emitted(module, Cirq())
    monkeypatch.setitem(sys.modules, "cirq", None)
    assert emitted(module, Cirq()) == expected
