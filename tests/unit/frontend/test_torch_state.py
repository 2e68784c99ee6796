"""Weights in and out: files, loss and accuracy at given weights, fine-tuning."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from safetensors.numpy import load_file  # noqa: E402
from torch import nn  # noqa: E402

from qevo_compiler.diagnostics import CompileError  # noqa: E402
from qevo_compiler.evaluator.reference import evaluate_func  # noqa: E402
from qevo_compiler.frontend.torch.capture import import_model  # noqa: E402
from qevo_compiler.frontend.torch.load import TracedModel  # noqa: E402
from qevo_compiler.frontend.torch.state import (  # noqa: E402
    evaluate_model,
    fine_tune,
    loss_at,
    parameter_values,
    write_state,
)


@pytest.fixture
def traced() -> TracedModel:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 3))
    inputs = torch.randn(20, 4)
    targets = (inputs[:, 0] > 0).long() + (inputs[:, 1] > 0).long()
    return TracedModel.from_objects(model, inputs, targets, nn.CrossEntropyLoss(), evaluation=(inputs[:5], targets[:5]))


def test_measures_agree_with_the_imported_module(traced: TracedModel) -> None:
    module = import_model(traced, "net")
    values = {name: value * 0.5 for name, value in parameter_values(traced).items()}
    assert loss_at(traced) == pytest.approx(evaluate_func(module.main).objective or 0.0, rel=1e-12)
    assert loss_at(traced, values) == pytest.approx(evaluate_func(module.main, parameters=values).objective or 0.0)
    assert evaluate_model(traced, values).loss == loss_at(traced, values)


def test_accuracy_is_the_share_of_largest_outputs(traced: TracedModel) -> None:
    metrics = evaluate_model(traced)
    outputs = traced.model.eval()(*traced.given.arguments)
    right = (outputs.argmax(1) == traced.given.targets).numpy()
    assert metrics.accuracy == pytest.approx(right.mean())
    assert metrics.held_out_accuracy == pytest.approx(right[:5].mean())
    model = nn.Linear(4, 1)
    plain = TracedModel.from_objects(model, traced.given.arguments, torch.zeros(20, 1), nn.MSELoss())
    assert evaluate_model(plain).accuracy is None
    assert evaluate_model(plain).held_out_loss is None


def test_fine_tuning_lowers_the_loss_and_repeats(traced: TracedModel) -> None:
    start = parameter_values(traced)
    told: list[float] = []
    values, history = fine_tune(traced, start, 15, 1e-2, seed=1, progress=lambda what, done: told.append(done))
    again, same = fine_tune(traced, start, 15, 1e-2, seed=1)
    assert len(history) == 16
    assert history[0] == loss_at(traced, start)
    assert history[-1] == loss_at(traced, values) < history[0]
    assert history == same
    assert told[-1] == 1.0
    for name, value in values.items():
        assert np.array_equal(value, again[name])
        assert not np.array_equal(value, start[name]), name
    assert loss_at(traced) == history[0]


def test_batches_of_rows_follow_the_seed(traced: TracedModel) -> None:
    runs = [fine_tune(traced, {}, 6, 1e-2, seed=seed, batch=7)[1] for seed in (1, 1, 2)]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_no_steps_change_nothing(traced: TracedModel) -> None:
    start = {"0.bias": np.arange(6.0)}
    values, history = fine_tune(traced, start, 0)
    assert values["0.bias"].tolist() == list(range(6))
    assert history == [loss_at(traced, start)]


def test_a_written_state_loads_into_the_users_model(traced: TracedModel, tmp_path: Path) -> None:
    values = {name: np.round(value, 2) for name, value in parameter_values(traced).items()}
    path = tmp_path / "weights.safetensors"
    write_state(traced, values, path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["weights.safetensors"]
    found = load_file(path)
    state = {name: torch.from_numpy(array) for name, array in found.items()}
    traced.model.load_state_dict(state)
    assert traced.model[0].weight.dtype is torch.float32
    np.testing.assert_allclose(traced.model[0].weight.detach().numpy(), values["0.weight"], rtol=1e-6)
    first = path.read_bytes()
    write_state(traced, values, path)
    assert path.read_bytes() == first


def test_a_shared_weight_is_written_under_all_its_names(tmp_path: Path) -> None:
    first, second = nn.Linear(3, 3), nn.Linear(3, 3)
    second.weight = first.weight
    model = nn.Sequential(first, second)
    traced = TracedModel.from_objects(model, torch.ones(2, 3), torch.zeros(2, 3), nn.MSELoss())
    value = np.arange(9.0).reshape(3, 3)
    write_state(traced, {"0.weight": value}, tmp_path / "w.safetensors")
    found = load_file(tmp_path / "w.safetensors")
    assert np.array_equal(found["0.weight"], value)
    assert np.array_equal(found["1.weight"], value)
    bias = {f"{i}.bias": np.zeros(3) for i in (0, 1)}
    assert loss_at(traced, {"0.weight": value, **bias}) == pytest.approx(((np.ones(3) @ value.T @ value.T) ** 2).mean())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"0.wieght": np.zeros((6, 4))}, "no tensor of that name"),
        ({"0.bias": np.zeros(5)}, "its shape is [6], not [5]"),
    ],
)
def test_values_that_do_not_fit(traced: TracedModel, tmp_path: Path, values: dict, message: str) -> None:
    path = tmp_path / "w.safetensors"
    for attempt in (lambda: loss_at(traced, values), lambda: write_state(traced, values, path)):
        with pytest.raises(CompileError) as caught:
            attempt()
        (found,) = caught.value.diagnostics
        assert found.code == "Q0714"
        assert message in found.message
    assert not list(tmp_path.iterdir())
