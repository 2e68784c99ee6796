"""The PyTorch examples: compiled, explained, rounded and trained."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from qevo_compiler import compile
from qevo_compiler.cli.main import main
from qevo_compiler.program import CompiledProgram
from qevo_compiler.validation import validate

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def digits() -> CompiledProgram:
    return compile(EXAMPLES / "digits_mlp.py", target="dwave")


def test_the_ledger_names_every_lossy_step(digits: CompiledProgram) -> None:
    steps = {(entry.stage, entry.quantity): entry for entry in digits.ledger}
    assert steps["local-quadratic-model", "relative error of the quadratic model"].kind.value == "measured"
    assert steps["local-quadratic-model", "weights held fixed"].value == 5018 - 128
    assert steps["encode-variables", "grid step"].kind.value == "proved"
    assert steps["scale-coefficients", "scale factor"].value == 1
    assert steps["scale-coefficients", "bits of precision needed"].value > 0
    assert all(entry.note for entry in digits.ledger)


def test_a_spin_explains_as_the_weight_that_it_came_from(digits: CompiledProgram) -> None:
    assert re.search(r"s17 = bit 0 of fc\d\.(weight\[\d+, \d+\]|bias\[\d+\])", "\n".join(digits.explain("s17")))


def test_energies_are_the_quadratic_models(digits: CompiledProgram) -> None:
    validate(digits)


def test_a_replaced_activation_is_in_the_ledger() -> None:
    text = "program f\nvar x: real[2] in [-1, 1] bits 2\nminimize (tanh(x[0] + x[1]) - 0.5)^2\n"
    entries = {entry.stage: entry for entry in compile(text).ledger}
    assert entries["approximate-functions"].subject == "tanh"
    assert entries["approximate-functions"].kind.value == "proved"


def test_the_cnn_compiles_to_a_circuit_that_the_simulator_holds() -> None:
    program = compile(EXAMPLES / "digits_cnn.py", target="openqasm3", passes={"local-quadratic-model": {"size": 8}})
    validate(program)
    result = program.run(reads=20, seed=1)
    assert set(result.best.values) <= {name for name, _ in _weights("conv1", "conv2", "head")}


def _weights(*layers: str) -> list[tuple[str, str]]:
    return [(f"{layer}.{kind}", layer) for layer in layers for kind in ("weight", "bias")]


def test_rounding_reports_its_baselines_and_writes_a_state_dict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = str(EXAMPLES / "digits_mlp.py")
    assert main(["run", source, "--task=round", "--bits=2", "--json", "-o", str(tmp_path)]) == 0
    report = json.loads(capsys.readouterr().out)
    text = json.dumps(report)
    for method in ("nearest", "GPTQ", "QUBO, sampled and polished"):
        assert method in text
    state = load_file(tmp_path / "digits_mlp.safetensors")
    weight, scale = state["fc1.weight"], load_file(tmp_path / "digits_mlp.scales.safetensors")["fc1.weight"]
    levels = weight / scale.reshape(-1, 1)
    assert abs(levels - levels.round()).max() < 1e-4
    assert levels.min() >= -2.001
    assert levels.max() <= 1.001


def test_training_rounds_lower_the_loss_and_stand_beside_adamw(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = str(EXAMPLES / "digits_mlp.py")
    assert main(["run", source, "--rounds=2", "--json", "-o", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert "AdamW alone" in text or "adamw" in text.lower()
    assert {path.name for path in tmp_path.iterdir()} == {"digits_mlp.safetensors", "digits_mlp.report.json"}
    assert load_file(tmp_path / "digits_mlp.safetensors")["fc1.weight"].shape == (48, 64)
