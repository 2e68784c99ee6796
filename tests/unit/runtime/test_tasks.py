"""The two tasks on a model: which runs, what is written, and what a failure leaves."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.frontend.load import Imported, Task
from qevo_compiler.frontend.torch.capture import import_model
from qevo_compiler.frontend.torch.load import TracedModel
from qevo_compiler.runtime.tasks import run_model
from qevo_compiler.source import SourceMap


def imported(task: Task) -> Imported:
    torch.manual_seed(0)
    inputs = torch.randn(12, 3)
    traced = TracedModel.from_objects(nn.Linear(3, 2), inputs, (inputs[:, 0] > 0).long(), nn.CrossEntropyLoss())
    return Imported(import_model(traced, "net"), SourceMap(), task, traced)


def silent(what: str, done: float) -> None:
    assert 0 <= done <= 1


def test_rounding_writes_a_state_dict_that_loads_scales_and_report(tmp_path: Path) -> None:
    outcome = run_model(imported(Task.ROUND), {"bits": 2, "reads": 2, "sweeps": 5, "rounds": 3}, tmp_path, silent)
    names = ["net.safetensors", "net.scales.safetensors", "net.report.json"]
    assert [path.name for path in outcome.files] == names
    nn.Linear(3, 2).load_state_dict(load_file(outcome.files[0]))
    weight, scale = (load_file(path)["weight"].double().numpy() for path in outcome.files[:2])
    assert np.allclose(weight / scale[:, None], np.rint(weight / scale[:, None]), atol=1e-5)
    assert json.loads(outcome.files[2].read_text()) == json.loads(json.dumps(outcome.to_json()))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


def test_files_repeat_to_the_byte(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        run_model(imported(Task.ROUND), {"bits": 3, "seed": 5}, tmp_path / folder, silent)
    for name in ("net.safetensors", "net.scales.safetensors", "net.report.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_training_writes_a_state_dict_that_loads(tmp_path: Path) -> None:
    outcome = run_model(imported(Task.TRAIN), {"rounds": 1, "bits": 2, "seed": 1}, tmp_path, silent)
    net = nn.Linear(3, 2)
    net.load_state_dict(load_file(outcome.files[0]))
    assert outcome.to_json()["task"] == "train"
    assert outcome.ledger


@pytest.mark.parametrize("task", [Task.ROUND, Task.TRAIN])
def test_losses_of_narrow_weights_are_those_of_the_weights_in_the_file(task: Task, tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 2)).to(torch.bfloat16)
    inputs, targets = torch.randn(32, 5, dtype=torch.bfloat16), torch.randn(32, 2, dtype=torch.bfloat16)
    traced = TracedModel.from_objects(net, inputs, targets, nn.MSELoss())
    job = Imported(import_model(traced, "net"), SourceMap(), task, traced)
    outcome = run_model(job, {"rounds": 2, "seed": 1} if task is Task.TRAIN else {"bits": 4}, tmp_path, silent)
    net.load_state_dict(load_file(outcome.files[0]))
    with torch.no_grad():
        stored = float(nn.MSELoss()(net.double()(inputs.double()), targets.double()))
    report = outcome.to_json()
    said = report["after"]["loss"] if task is Task.TRAIN else report["methods"][report["written"]]["loss"]
    assert said == pytest.approx(stored, rel=1e-12)


def test_without_a_folder_nothing_is_written() -> None:
    assert run_model(imported(Task.ROUND), {"reads": 1, "sweeps": 1}, None, silent).files == ()


def test_a_file_in_the_folders_place_is_a_diagnostic(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(CompileError, match="Q0007"):
        run_model(imported(Task.ROUND), {"reads": 1, "sweeps": 1}, tmp_path / "taken", silent)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_an_unknown_backend_is_refused_before_any_work() -> None:
    with pytest.raises(CompileError):
        run_model(imported(Task.ROUND), {"backend": "abacus"}, None, silent)
