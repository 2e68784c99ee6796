"""Training rounds: the loss never rises, equal seeds give equal reports, and the report tells what happened."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
import torch
from rich.console import Console
from torch import nn

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.dialects import ising, poly
from qevo_compiler.dialects.poly.arithmetic import evaluate
from qevo_compiler.frontend.torch.capture import import_model
from qevo_compiler.frontend.torch.load import TracedModel
from qevo_compiler.frontend.torch.state import evaluate_model, loss_at
from qevo_compiler.ir import Evidence, Module
from qevo_compiler.runtime.training import TrainedModel, TrainingOptions, train_rounds

OPTIONS = TrainingOptions(rounds=5, reads=8, steps=5, seed=2, model={"size": 8})


def small_net() -> tuple[TracedModel, Module]:
    torch.manual_seed(4)
    net = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2))
    inputs = torch.randn(24, 4)
    targets = (inputs[:, 0] * inputs[:, 1] > 0).long()
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.02)
    traced = TracedModel.from_objects(net, inputs, targets, nn.CrossEntropyLoss(), optimizer, (inputs[:6], targets[:6]))
    return traced, import_model(traced, "net")


@pytest.fixture(scope="module")
def net() -> tuple[TracedModel, Module]:
    return small_net()


@pytest.fixture(scope="module")
def trained(net: tuple[TracedModel, Module]) -> TrainedModel:
    return train_rounds(*net, OPTIONS)


def test_the_loss_on_the_batch_never_rises(trained: TrainedModel) -> None:
    report = trained.report
    losses = [report.before.loss, *(r.loss for r in report.rounds)]
    assert all(after <= before for before, after in itertools.pairwise(losses))
    assert losses[-1] == report.after_rounds.loss
    assert losses[-1] < losses[0]


def test_rejected_rounds_leave_the_weights_and_shrink_the_radius(net: tuple[TracedModel, Module]) -> None:
    report = train_rounds(*net, replace(OPTIONS, radius=1e4, model={"size": 8, "curvature": "hessian"})).report
    rejected = [i for i, r in enumerate(report.rounds[:-1]) if not r.accepted]
    assert rejected
    for i in rejected:
        before = report.rounds[i - 1].loss if i else report.before.loss
        assert report.rounds[i].loss == before
        assert report.rounds[i + 1].radius == report.rounds[i].radius / 2


def test_radius_follows_the_ratio(trained: TrainedModel) -> None:
    rounds = trained.report.rounds
    for this, following in itertools.pairwise(rounds):
        factor = 2.0 if this.accepted and this.ratio > 0.75 else 0.5 if not this.accepted or this.ratio < 0.25 else 1.0
        assert following.radius == this.radius * factor
        assert this.ratio == pytest.approx(this.actual / this.predicted) or this.ratio == 0.0


def test_weights_returned_have_the_reported_loss(net: tuple[TracedModel, Module], trained: TrainedModel) -> None:
    assert evaluate_model(net[0], trained.values) == trained.report.after


def test_the_same_seed_gives_the_same_report(trained: TrainedModel) -> None:
    again = train_rounds(*small_net(), OPTIONS)
    assert json.dumps(again.report.to_json()) == json.dumps(trained.report.to_json())
    assert all(np.array_equal(again.values[k], trained.values[k]) for k in trained.values)


def test_candidates_are_judged_by_the_model_and_the_true_loss(net: tuple[TracedModel, Module]) -> None:
    """With every state offered, the first round predicts the model's own minimum when one candidate is tried."""
    seen: list[Module] = []

    def every_state(module: Module, reads: int, seed: int, sweeps: int | None) -> np.ndarray:
        seen.append(module)
        size = module.main.only(ising.ModelOp).size
        return 2 * ((np.arange(2**size)[:, None] >> np.arange(size)) & 1).astype(np.int8) - 1

    options = replace(OPTIONS, rounds=1, candidates=1, model={"size": 5})
    report = train_rounds(*net, options, sampler=every_state).report
    objective = seen[0].func("problem").only(poly.ObjectiveOp).polynomial
    registers = seen[0].main.ops_of(ising.RegisterOp)
    bits = (np.arange(32)[:, None] >> np.arange(5)) & 1
    values = np.concatenate([op.affine.evaluate(bits[:, op.first : op.first + op.count]) for op in registers], axis=1)
    lowest = evaluate(objective, values).min()
    assert report.rounds[0].predicted == pytest.approx(report.before.loss - lowest, rel=1e-9)
    assert report.rounds[0].weights == 5


def test_adamw_alone_has_the_whole_budget(trained: TrainedModel) -> None:
    report = trained.report
    assert report.budget == int(np.ceil(sum(r.cost for r in report.rounds))) + OPTIONS.steps
    # 23 weights, 8 decided: 23 looked at and 8 products of at most the whole arithmetic, 9 corners, 8 trials, the
    # point itself, one gradient.
    known = 1 + (9 + 8 + 1) / 3
    assert known + 31 / 3 * 0.3 < report.rounds[0].cost < known + 31 / 3
    assert report.rate == 0.02


def test_the_cost_of_a_round_counts_what_lies_behind_its_weights(net: tuple[TracedModel, Module]) -> None:
    def cost(block: str, kind: str) -> float:
        model = {"block": block, "curvature": kind}
        return train_rounds(*net, replace(OPTIONS, rounds=1, steps=1, candidates=1, model=model)).report.rounds[0].cost

    early, late = cost("0.weight", "gauss_newton"), cost("2.bias", "gauss_newton")
    # 12 weights of the first layer, 2 of the last: products and their search at the shares of each.
    known = 1 + (9 + 1 + 1) / 3
    assert (early - known) / (12 + 23) > 2 * (late - known) / (2 + 8) > 0
    assert cost("0.weight", "hessian") > 2 * early


@pytest.mark.parametrize(("kind", "rate"), [("SGD", 1e-3), ("Adam", 0.3), ("RMSprop", 0.3)])
def test_the_learning_rate_of_plain_descent_is_no_step_length(kind: str, rate: float) -> None:
    model = nn.Linear(2, 1)
    optimizer = getattr(torch.optim, kind)(model.parameters(), lr=0.3)
    traced = TracedModel.from_objects(model, torch.ones(3, 2), torch.ones(3, 1), nn.MSELoss(), optimizer)
    options = TrainingOptions(rounds=1, reads=2, steps=1)
    assert train_rounds(traced, import_model(traced, "net"), options).report.rate == rate


def test_verdict_names_a_winner_for_every_number(trained: TrainedModel) -> None:
    sentences = trained.report.verdict()
    assert "rounds lowered the loss" in sentences[0]
    for sentence in sentences[1:5]:
        assert " won with " in sentence or " a tie at " in sentence
    report = trained.report
    winner = "rounds and AdamW" if report.after.loss < report.alone.loss else "AdamW alone"
    assert sentences[1].startswith(f"loss: {winner} won")


def test_report_holds_no_times_and_prints(trained: TrainedModel) -> None:
    assert "seconds" not in json.dumps(trained.report.to_json())
    page = StringIO()
    trained.report.print(Console(width=160, file=page))
    assert "AdamW alone" in page.getvalue()
    assert page.getvalue().count("taken") + page.getvalue().count("rejected") >= len(trained.report.rounds)


def test_ledger_holds_the_model_and_the_measured_change(trained: TrainedModel) -> None:
    stages = {entry.stage for entry in trained.report.ledger}
    assert {"local-quadratic-model", "train"} <= stages
    change = trained.report.ledger[-1]
    assert change.kind is Evidence.MEASURED
    assert change.value == trained.report.after.loss - trained.report.before.loss


def test_batch_norm_trains_too() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 1)).eval()
    inputs = torch.randn(10, 3)
    traced = TracedModel.from_objects(net, inputs, inputs.sum(1, keepdim=True), nn.MSELoss())
    result = train_rounds(traced, import_model(traced, "net"), replace(OPTIONS, rounds=2))
    assert result.report.after_rounds.loss <= result.report.before.loss
    assert loss_at(traced, result.values) == result.report.after.loss


@pytest.mark.parametrize(
    "change", [{"rounds": 0}, {"reads": 0}, {"sweeps": 0}, {"candidates": 0}, {"steps": 0}, {"radius": 0.0}]
)
def test_impossible_budgets(net: tuple[TracedModel, Module], change: dict[str, float]) -> None:
    with pytest.raises(CompileError, match="Q0646"):
        train_rounds(*net, replace(OPTIONS, **change))  # type: ignore[arg-type]


def test_all_impossible_budgets_are_named_together(net: tuple[TracedModel, Module]) -> None:
    with pytest.raises(CompileError) as caught:
        train_rounds(*net, replace(OPTIONS, rounds=0, radius=-1.0))
    assert len(caught.value.diagnostics) == 2
