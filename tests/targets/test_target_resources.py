"""The target `resources`: records of small systems from their own matrices, of large ones from declared quantities."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qevo_compiler import CompileError, compile, load
from qevo_compiler.analyses.carleman.history import HistorySystem
from qevo_compiler.analyses.carleman.lift import lift_of_op
from qevo_compiler.analyses.resources.tally import tally
from qevo_compiler.cli.main import main
from qevo_compiler.diagnostics import InternalError
from qevo_compiler.dialects import linear
from qevo_compiler.dialects.gate import Gate
from qevo_compiler.driver import lower_linear
from qevo_compiler.passes.linear.query_circuit import query_circuit
from qevo_compiler.passes.linear.request import with_op
from qevo_compiler.passes.qlsa.history_encoding import history_encoding
from qevo_compiler.passes.qlsa.linear_system import Encoding, encode
from qevo_compiler.targets.resources import resource_table
from qevo_compiler.targets.resources.physical import BEYOND, MISSING, physical
from qevo_compiler.targets.resources.qref import to_qref
from qevo_compiler.targets.resources.record import from_json, to_json
from qevo_compiler.validation import validate

EXAMPLES = Path(__file__).parents[2] / "examples"
QUARTIC = """program quartic
param x: real = 0.5
minimize x^2 / 2 + x^4 / 4
train sgd(rate = 0.1, steps = 10)
linearize carleman(order = 3)
"""


def figures(source: object, **passes: object) -> dict[str, linear.Figure]:
    program = compile(source, target="resources", passes=passes)
    return {figure.quantity: figure for figure in program.module.main.only(linear.ResourcesOp).figures}


def test_a_small_system_is_measured() -> None:
    found = figures(QUARTIC)
    lowered = lower_linear(QUARTIC)
    system = HistorySystem(lift_of_op(lowered.main.only(linear.LiftOp)), padding=11)
    dense = system.matrix().toarray()
    values = np.linalg.svd(dense, compute_uv=False)
    solution = np.linalg.solve(dense, system.right_side())
    assert found["kappa"].value == pytest.approx(values[0] / values[-1], rel=1e-9)
    assert found["y_norm"].value == pytest.approx(np.linalg.norm(solution), rel=1e-12)
    assert found["s_row"].value == np.count_nonzero(dense, axis=1).max()
    assert found["s_col"].value == np.count_nonzero(dense, axis=0).max()
    assert found["P_final"].value == pytest.approx(system.success(), rel=1e-12)
    assert found["alpha_L"].value >= found["norm_L"].value
    assert {found[name].known for name in ("kappa", "kappa_alpha", "query_cnot", "P_final")} == {linear.Known.MEASURED}


def test_counts_are_those_of_the_emitted_circuit() -> None:
    lifted = lift_of_op(lower_linear(QUARTIC).main.only(linear.LiftOp))
    step = np.zeros((4, 4))
    step[: lifted.size, : lifted.size] = lifted.matrices[0].toarray()
    circuit = history_encoding(encode(step, Encoding.BALANCED), 10, 11).fragment.circuit(9)
    expected = tally(circuit.opcodes.values, circuit.angles.values[:, 0])
    found = figures(QUARTIC, **{"estimate-resources": {"encoding": "balanced"}})
    assert (found["query_cnot"].value, found["query_rotations"].value) == (expected.cnot, expected.rotations)
    assert found["query_t_fixed"].value == expected.t


def test_a_larger_lift_has_assumed_oracles() -> None:
    text = """program wide
param theta: real[10] = 0.1
minimize sum(theta^2) + sum(theta)^4 / 10
train sgd(rate = 0.05, steps = 4)
linearize carleman(order = 3, pivot = start)
"""
    found = figures(text, **{"carleman-truncation": {"force": True}})
    assert found["D"].value > 64
    assert found["query_t_fixed"].known is linear.Known.ASSUMED
    assert found["alpha_L"].known is linear.Known.MEASURED
    assert found["kappa"].value <= found["kappa_alpha"].value


def test_the_first_chunk_is_costed_and_all_are_counted() -> None:
    found = figures(EXAMPLES / "carleman" / "d1_reupload.qevo")
    assert (found["T"].value, found["chunks"].value) == (5, 6)
    assert found["training_t"].value == pytest.approx(6 * found["total_t"].value)
    assert found["truncation_error"].known is linear.Known.MEASURED
    unmeasured = figures(EXAMPLES / "carleman" / "d1_reupload.qevo", **{"carleman-truncation": {"measure": False}})
    assert unmeasured["truncation_error"].known is linear.Known.PROVED
    assert unmeasured["truncation_error"].value >= found["truncation_error"].value


def test_rescaling_keeps_the_precision_of_the_parameters() -> None:
    found = figures(QUARTIC, **{"history-system": {"gamma": 0.5}})
    plain = figures(QUARTIC)
    assert found["u_final"].value == pytest.approx(plain["u_final"].value)
    allowed = found["solver_error"].value * 0.5 * found["y_norm"].value / np.sqrt(found["P"].value + 1)
    assert allowed == pytest.approx(0.01 / 4)


def test_the_tolerance_is_an_option() -> None:
    loose = figures(QUARTIC, **{"estimate-resources": {"tolerance": 0.1}})
    assert loose["shots"].value <= figures(QUARTIC)["shots"].value
    with pytest.raises(CompileError, match="Q05"):
        figures(QUARTIC, **{"estimate-resources": {"tolerance": -1.0}})


def test_a_written_program_loads_again(tmp_path: Path) -> None:
    program = compile(QUARTIC, target="resources")
    names = {path.name for path in program.write(tmp_path)}
    assert {"quartic.resources.json", "quartic.qref.yaml", "quartic.manifest.json"} <= names
    again = load(tmp_path).module.main.only(linear.ResourcesOp)
    assert again.figures == program.module.main.only(linear.ResourcesOp).figures


def test_compile_prints_a_table_and_writes_one_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = str(EXAMPLES / "carleman" / "a1_quartic.qevo")
    assert main(["compile", source, "--target", "resources", "-o", str(tmp_path / "a1.json")]) == 0
    record = json.loads((tmp_path / "a1.json").read_text())
    assert [path.name for path in tmp_path.iterdir()] == ["a1.json"]
    assert record["figures"]["system"]["kappa"]["known"] == "measured"
    out = capsys.readouterr().out
    assert re.search(r"kappa +130\.493 +measured", out)
    assert "precision budget:" in out


@pytest.mark.parametrize("name", ["resnet_7m", "resnet_103m"])
def test_declared_files(name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert (
        main(["compile", str(EXAMPLES / "resources" / f"{name}.toml"), "--target=resources", "-o", str(tmp_path)]) == 0
    )
    assert "total_t" in capsys.readouterr().out
    record = json.loads((tmp_path / f"{name}.resources.json").read_text())
    assert record["figures"]["sizes"]["D"]["value"] > 1e11
    assert record["physical"] == {}
    assert "beyond" in record["notes"][0] or record["notes"] == [MISSING]


@pytest.mark.parametrize("name", ["a1_quartic", "b3_minibatches", "d1_reupload"])
def test_verify(name: str) -> None:
    program = compile(
        EXAMPLES / "carleman" / f"{name}.qevo", target="resources", passes={"history-system": {"gamma": 0.5}}
    )
    validate(program)
    record = program.module.main.only(linear.ResourcesOp)
    for quantity in ("y_norm", "P_final", "kappa"):
        changed = [replace(f, value=5 * f.value) if f.quantity == quantity else f for f in record.figures]
        wrong = with_op(program.module, linear.ResourcesOp(tuple(changed)))
        with pytest.raises(InternalError):
            validate(replace(program, module=wrong))


def test_without_the_estimator_there_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "qdk.estimator", None)
    monkeypatch.setitem(sys.modules, "qdk", None)
    listed = tuple(figures(QUARTIC).values())
    assert physical(listed) == ((), (MISSING,))
    assert resource_table(listed, (MISSING,)).endswith(MISSING + "\n")


def test_physical_qubits_of_a_small_system() -> None:
    pytest.importorskip("qdk.estimator")
    listed = tuple(figures(QUARTIC).values())
    found, notes = physical(listed)
    values = {figure.quantity: figure.value for figure in found}
    assert notes == ()
    assert values["physical_qubits"] > 1000
    shots = {figure.quantity: figure.value for figure in listed}["shots"]
    assert values["seconds"] == pytest.approx(values["seconds_per_shot"] * shots)
    huge = [f if f.quantity != "query_t_fixed" else linear.Figure(f.group, f.quantity, 1e30, f.known) for f in listed]
    assert physical(tuple(huge))[1][0].startswith(BEYOND.partition("{")[0])


def test_json_keeps_infinity_and_whole_numbers() -> None:
    listed = (
        linear.Figure("sizes", "n", 3.0, linear.Known.MEASURED),
        linear.Figure("system", "kappa", np.inf, linear.Known.PROVED, "s", "why"),
    )
    content = to_json("p", listed, (), ())
    assert json.loads(content)["figures"]["sizes"]["n"]["value"] == 3
    assert from_json(content, "resources.json").figures == listed
    with pytest.raises(CompileError, match="Q0815"):
        from_json(b'{"figures": 3}', "resources.json")


def test_qref_validates() -> None:
    qref = pytest.importorskip("qref")
    yaml = pytest.importorskip("yaml")
    content = to_qref("7 wells", figures(QUARTIC).values())
    document = qref.SchemaV1(**yaml.safe_load(content))
    assert document.program.name == "_7_wells"
    assert {child.name for child in document.program.children} >= {"query_block_encoding", "solve"}


def test_qref_is_plain_text() -> None:
    listed = figures(QUARTIC)
    text = to_qref("quartic", listed.values()).decode()
    assert text.startswith("version: v1\nprogram:\n  name: quartic\n")
    assert f"{{name: D, type: other, value: {int(listed['D'].value)}}}" in text
    assert len(re.findall(r"\{name: \w+, type: \w+, value: ", text)) == len(listed)


@pytest.mark.slow
def test_one_query_against_qualtran() -> None:
    """Clifford, T and rotation counts of the emitted query, counted by qualtran gate by gate."""
    interop = pytest.importorskip("qualtran.cirq_interop")
    costs = pytest.importorskip("qualtran.resource_counting")
    cirq = pytest.importorskip("cirq")
    lifted = lift_of_op(lower_linear(QUARTIC).main.only(linear.LiftOp))
    ours = query_circuit(HistorySystem(lifted, padding=3), Encoding.DILATION)
    assert ours is not None
    step = np.zeros((4, 4))
    step[: lifted.size, : lifted.size] = lifted.matrices[0].toarray()
    circuit = history_encoding(encode(step, Encoding.DILATION), lifted.steps, 3).fragment
    bloq = interop.cirq_optree_to_cbloq(cirq.Circuit(_operations(cirq, circuit)))
    found = costs.get_cost_value(bloq, costs.QECGatesCost())
    # qualtran takes turns by 3 pi/4, a T and a Clifford gate, for rotations.
    wide = int(np.isclose(np.abs(_turns(circuit)), 3 * np.pi / 4, atol=1e-9).sum())
    assert (found.t + wide, found.rotation - wide) == (ours.query.t, ours.query.rotations)
    assert found.rotation > 100


def _turns(fragment):
    controlled = np.isin(fragment.opcodes, [Gate.CRY.opcode, Gate.CRZ.opcode])
    plain = np.isin(fragment.opcodes, [Gate.RY.opcode, Gate.RZ.opcode])
    return np.concatenate([fragment.angles[plain], np.repeat(fragment.angles[controlled] / 2, 2)])


def _operations(cirq, fragment):
    """The fragment in cirq's gates, controlled turns by half turns: qualtran counts those as one rotation."""
    wires = cirq.LineQubit.range(int(fragment.qubits.max()) + 1)
    plain = {"H": cirq.H, "X": cirq.X, "CX": cirq.CX, "CZ": cirq.CZ, "SWAP": cirq.SWAP}
    kinds = {gate.opcode: gate.name for gate in Gate}
    for code, sites, angle in zip(
        fragment.opcodes.tolist(), fragment.qubits.tolist(), fragment.angles.tolist(), strict=True
    ):
        name, used = kinds[code], [wires[site] for site in sites if site >= 0]
        if name in plain:
            yield plain[name](*used)
            continue
        turn = cirq.ry if name.endswith("RY") else cirq.rz
        if len(used) == 1:
            yield turn(angle)(used[0])
        else:
            yield from (turn(angle / 2)(used[1]), cirq.CX(*used), turn(-angle / 2)(used[1]), cirq.CX(*used))
