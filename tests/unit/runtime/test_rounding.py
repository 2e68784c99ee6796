"""Rounding a model: what the methods guarantee, and that the weights written are the ones reported."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console
from safetensors.numpy import load_file
from torch import nn

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.frontend.torch.capture import import_model
from qevo_compiler.frontend.torch.load import TracedModel
from qevo_compiler.frontend.torch.state import evaluate_model, write_scales, write_state
from qevo_compiler.ir import Evidence, Module
from qevo_compiler.passes.rounding_model import Around
from qevo_compiler.runtime.rounding import RoundedModel, round_model
from qevo_compiler.runtime.row_rounding import (
    CHOSEN,
    FLIPS,
    GPTQ,
    GPTQ_DESCENT,
    LATTICE,
    METHODS,
    NEAREST,
    POLISHED,
    SAMPLED,
    Effort,
)

EFFORT = Effort(reads=4, sweeps=30, seed=3)


def small_net() -> tuple[TracedModel, Module]:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3))
    inputs = torch.randn(40, 6)
    targets = (inputs[:, 0] > 0).long() + (inputs[:, 1] > 0.5).long()
    held_out = (inputs[:10] + 0.1, targets[:10])
    traced = TracedModel.from_objects(net, inputs, targets, nn.CrossEntropyLoss(), evaluation=held_out)
    return traced, import_model(traced, "net")


@pytest.fixture(scope="module")
def net() -> tuple[TracedModel, Module]:
    return small_net()


@pytest.fixture(scope="module")
def rounded(net: tuple[TracedModel, Module]) -> RoundedModel:
    return round_model(*net, bits=2, effort=EFFORT)


def test_each_method_keeps_its_promise(rounded: RoundedModel) -> None:
    for layer in rounded.report.layers:
        errors = layer.errors
        assert errors[NEAREST] == 1.0
        assert errors[GPTQ_DESCENT] <= errors[GPTQ]
        assert errors[FLIPS] <= 1.0
        assert errors[POLISHED] <= errors[SAMPLED]
        assert errors[CHOSEN] <= min(errors[method] for method in METHODS)


def test_small_members_are_settled_and_the_samples_optimal(rounded: RoundedModel) -> None:
    for layer in rounded.report.layers:
        assert layer.settled == layer.rows
        assert layer.optimal == layer.rows


def test_chosen_rows_are_no_worse_than_the_exact_box_optimum(net: tuple[TracedModel, Module]) -> None:
    for around in Around:
        report = round_model(*net, bits=3, effort=EFFORT, around=around).report
        assert all(layer.errors[CHOSEN] <= layer.errors[POLISHED] for layer in report.layers)


def test_weights_are_whole_multiples_of_their_scales(rounded: RoundedModel) -> None:
    assert sorted(rounded.scales) == ["0.weight", "2.weight"]
    for symbol, scales in rounded.scales.items():
        steps = rounded.values[symbol] / scales[:, None]
        assert np.abs(steps - np.rint(steps)).max() < 1e-9
        assert np.rint(steps).min() >= -2
        assert np.rint(steps).max() <= 1


def test_biases_stay(net: tuple[TracedModel, Module], rounded: RoundedModel) -> None:
    before = dict(net[0].parameters())
    for symbol in ("0.bias", "2.bias"):
        assert np.array_equal(rounded.values[symbol], before[symbol].detach().numpy())


def test_reported_metrics_are_those_of_the_weights(net: tuple[TracedModel, Module], rounded: RoundedModel) -> None:
    report = rounded.report
    assert report.before == evaluate_model(net[0])
    assert report.method(report.written).metrics == evaluate_model(net[0], rounded.values)
    assert report.method(report.written).metrics.loss == min(method.metrics.loss for method in report.methods)


def test_weights_and_scales_are_files_of_their_own(
    net: tuple[TracedModel, Module], rounded: RoundedModel, tmp_path: Path
) -> None:
    write_state(net[0], rounded.values, tmp_path / "net.safetensors")
    write_scales(rounded.scales, tmp_path / "scales.safetensors")
    state, scales = load_file(tmp_path / "net.safetensors"), load_file(tmp_path / "scales.safetensors")
    assert np.allclose(state["0.weight"], rounded.values["0.weight"], rtol=1e-6)
    assert np.array_equal(scales["0.weight"], rounded.scales["0.weight"])
    assert set(state) == set(net[0].model.state_dict())


def test_the_same_seed_gives_the_same_report(net: tuple[TracedModel, Module], rounded: RoundedModel) -> None:
    again = round_model(*small_net(), bits=2, effort=EFFORT)
    assert json.dumps(again.report.to_json()) == json.dumps(rounded.report.to_json())
    assert all(np.array_equal(again.values[k], rounded.values[k]) for k in rounded.values)


def test_report_says_who_won_and_holds_no_times(rounded: RoundedModel) -> None:
    text = json.dumps(rounded.report.to_json())
    assert "second" not in text
    sentences = rounded.report.verdict()
    assert len(sentences) == 7
    best = min((m for m in rounded.report.methods if m.name != CHOSEN), key=lambda m: m.error)
    assert sentences[0].startswith("Lowest layer error relative to nearest:")
    assert best.name in sentences[0]


def test_tables_print_every_method_and_layer(rounded: RoundedModel) -> None:
    page = StringIO()
    rounded.report.print(Console(width=160, file=page))
    text = page.getvalue()
    assert all(method in text for method in (*METHODS, "0.weight", "2.weight", LATTICE))


def test_ledger_measures_the_change(rounded: RoundedModel) -> None:
    change = next(entry for entry in rounded.report.ledger if entry.quantity == "change of loss")
    assert change.kind is Evidence.MEASURED
    written = rounded.report.method(rounded.report.written)
    assert change.value == written.metrics.loss - rounded.report.before.loss


def test_batch_norm_is_folded_and_written_back_whole(tmp_path: object) -> None:
    torch.manual_seed(1)
    net = nn.Sequential(nn.Conv2d(2, 4, 3, groups=2), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(16, 2))
    net[1].running_mean.uniform_(-1, 1)
    net[1].running_var.uniform_(0.5, 2)
    inputs = torch.randn(12, 2, 4, 4)
    traced = TracedModel.from_objects(net.eval(), inputs, torch.randint(0, 2, (12,)), nn.CrossEntropyLoss())
    result = round_model(traced, import_model(traced, "net"), bits=8, effort=EFFORT)
    layer = result.report.layers[0]
    assert (layer.symbol, layer.rows, layer.width) == ("0.weight", 4, 9)
    assert result.report.method(CHOSEN).metrics.loss == pytest.approx(result.report.before.loss, abs=1e-2)
    write_state(traced, result.values, f"{tmp_path}/net.safetensors")
    steps = result.values["0.weight"].reshape(4, -1) / result.scales["0.weight"][:, None]
    assert np.abs(steps - np.rint(steps)).max() < 1e-9


@pytest.mark.parametrize("effort", [Effort(reads=0), Effort(sweeps=0)])
def test_impossible_budgets(net: tuple[TracedModel, Module], effort: Effort) -> None:
    with pytest.raises(CompileError, match="Q0646"):
        round_model(*net, effort=effort)


def test_one_read_is_enough(net: tuple[TracedModel, Module]) -> None:
    assert round_model(*net, bits=2, effort=Effort(1, 1, 0)).report.methods[0].error == 1.0
