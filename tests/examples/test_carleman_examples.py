"""The Carleman examples reach their history systems with the errors that the specification prints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qevo_compiler import CompileError
from qevo_compiler.cli.main import main
from qevo_compiler.dialects import linear
from qevo_compiler.driver import lower_linear
from qevo_compiler.ir import Evidence
from qevo_compiler.targets.openqasm3.read import read_circuit

FOLDER = Path(__file__).parents[2] / "examples" / "carleman"
# The true truncation error at the order of the program (specification, section 7).
ERRORS = {
    "a1_quartic": 1.299554e-05,
    "a2_quartic": 2.9864e-04,
    "a3_quartic": 3.2156e-03,
    "a4_double_well": 2.1724e-06,
    "a6_affine_quadratic": 3.3699e-07,
    "c1_saddle": 4.4412e-03,
    "c3_decay": 1.0781e-04,
    "d1_tanh_unit": 1.1873e-04,
    "d2_recentred": 2.997e-05,
}
EXACT = ["b_regression", "b2_momentum", "b3_minibatches", "b4_moments"]


def measured(name: str, quantity: str = "truncation error", **passes) -> list[float]:
    module = lower_linear(FOLDER / f"{name}.qevo", passes=passes)
    assert module.main.first(linear.HistoryOp) is not None
    return [e.value for e in module.ledger if (e.quantity, e.kind) == (quantity, Evidence.MEASURED)]


@pytest.mark.parametrize("name", ERRORS)
def test_the_error_of_an_example(name: str) -> None:
    assert measured(name) == pytest.approx([ERRORS[name]], rel=5e-4)


@pytest.mark.parametrize("name", EXACT)
def test_affine_steps_are_exact(name: str) -> None:
    assert measured(name)[0] <= 3e-15


def test_the_valley_about_its_printed_pivot() -> None:
    point = {"pivot": {"at": (0.894427190999916, 0.894427190999916)}}
    assert measured("c2_flat", **point) == pytest.approx([6.2418e-06], rel=5e-4)
    assert measured("c2_flat")[0] < 1e-5


def test_reupload() -> None:
    assert measured("d1_reupload", "error after all re-uploads") == pytest.approx([5.0879e-07], rel=5e-4)


def test_the_hump_is_refused() -> None:
    with pytest.raises(CompileError, match="Q0615"):
        lower_linear(FOLDER / "a5_double_well.qevo")


def test_every_program_of_the_folder_is_tested() -> None:
    names = {path.stem for path in FOLDER.glob("*.qevo")}
    assert names == {*ERRORS, *EXACT, "c2_flat", "d1_reupload", "a5_double_well"}


def test_a_traced_model_runs_and_compiles_like_a_program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = str(FOLDER.parent / "tanh_unit.py")
    assert main(["run", source, "--task=linearize", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    # The specification's row d1 at order 5.
    assert found["orders"][-1]["error"] == pytest.approx(1.1873e-4, rel=1e-3)


def test_a_traced_model_becomes_a_circuit(tmp_path: Path) -> None:
    text = (FOLDER.parent / "tanh_unit.py").read_text().replace('"steps": 30, "order": 5', '"steps": 2, "order": 1')
    (tmp_path / "unit.py").write_text(text)
    folder = tmp_path / "out"
    options = ["--target=openqasm3", "--set", "history-to-circuit.tolerance=0.1"]
    assert (
        main(["compile", str(tmp_path / "unit.py"), "--task=linearize", *options, "--verify", "-o", str(folder)]) == 0
    )
    program = read_circuit((folder / "unit.qasm").read_text())
    assert program.qubit_count > 4
