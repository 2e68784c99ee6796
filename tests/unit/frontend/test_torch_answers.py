"""Answers of compiled models back in the model: the loss that torch has with them is the one that was promised."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from qevo_compiler import CompiledProgram, compile, load  # noqa: E402
from qevo_compiler.frontend.torch.capture import import_model  # noqa: E402
from qevo_compiler.frontend.torch.load import TracedModel  # noqa: E402
from qevo_compiler.ir import LedgerEntry  # noqa: E402
from qevo_compiler.runtime.rounding import round_model  # noqa: E402
from qevo_compiler.runtime.row_rounding import CHOSEN, SAMPLED, Effort  # noqa: E402

PROMISE = "relative error of the decrease that the quadratic model promises"


def normed() -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    """A net whose batch norms are far from doing nothing."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(18, 4), nn.BatchNorm1d(4)
    )
    inputs, targets = 3 * torch.randn(24, 1, 5, 5) + 1, torch.randint(0, 4, (24,))
    for _ in range(20):
        model(inputs)
    with torch.no_grad():
        model[1].weight.copy_(torch.tensor([0.3, 2.0]))
    return model.eval(), inputs, targets


def loss_with(model: nn.Module, inputs: torch.Tensor, targets: torch.Tensor, state: dict[str, torch.Tensor]) -> float:
    model.load_state_dict(state)
    with torch.no_grad():
        return float(nn.functional.cross_entropy(model(inputs), targets))


@pytest.mark.parametrize("block", ["auto", "0", "1", "5"])
def test_weights_beside_batch_norms_are_the_models_own(block: str) -> None:
    model, inputs, targets = normed()
    before = loss_with(model, inputs, targets, model.state_dict())
    passes = {"local-quadratic-model": {"block": block, "size": 12, "step": 1e-3}}
    program = compile(model, inputs, targets, nn.CrossEntropyLoss(), passes=passes)
    best = program.run(reads=20, seed=1).best
    after = loss_with(model, inputs, targets, program.state_dict(best, model.state_dict()))
    assert before - after > 0
    assert after - before == pytest.approx(best.objective - before, rel=0.05)


@pytest.mark.parametrize("stored", [False, True])
def test_rounded_weights_come_with_the_norms_that_were_folded(stored: bool, tmp_path: Path) -> None:
    model, inputs, targets = normed()
    before = loss_with(model, inputs, targets, model.state_dict())
    program = compile(model, inputs, targets, nn.CrossEntropyLoss(), task="round", name="net")
    if stored:
        program.write(tmp_path)
        program = load(tmp_path)
    best = program.run(reads=20, seed=1).best
    found = loss_with(model, inputs, targets, program.state_dict(best, model.state_dict()))
    assert abs(found - before) < 0.25 * before


def promise_of(program: CompiledProgram) -> LedgerEntry:
    return next(entry for entry in program.ledger if entry.quantity == PROMISE)


def test_the_box_is_as_large_as_the_model_is_good_for() -> None:
    """The automatic steps of a quartic loss with a Gauss-Newton matrix end a million times above where they started."""
    torch.manual_seed(0)

    class Quartic(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.outer = nn.Linear(2, 2), nn.Linear(2, 1)

        def forward(self, x):
            return self.outer(self.inner(x) ** 2)

    model = Quartic()
    inputs = torch.randn(6, 2)
    targets = (inputs**2).sum(1, keepdim=True)
    before = float(nn.functional.mse_loss(model(inputs), targets).detach())
    losses = {}
    for radius in (0.0, 1.0):
        program = compile(model, inputs, targets, nn.MSELoss(), passes={"local-quadratic-model": {"radius": radius}})
        state = program.state_dict(program.run(reads=20, seed=0).best, model.state_dict())
        moved = torch.func.functional_call(model, state, (inputs,))
        losses[radius] = float(nn.functional.mse_loss(moved, targets).detach())
        assert ("so it does not fall" in promise_of(program).note) == (radius == 1.0)
    assert losses[0.0] < before < losses[1.0]


def test_the_promise_of_a_quadratic_loss_is_kept() -> None:
    torch.manual_seed(0)
    inputs, targets = torch.randn(12, 3), torch.randn(12, 1)
    assert promise_of(compile(nn.Linear(3, 1), inputs, targets, nn.MSELoss())).value < 1e-5


def test_rounding_of_normed_nets_reports_what_torch_has() -> None:
    model, inputs, targets = normed()
    traced = TracedModel.from_objects(model, inputs, targets, nn.CrossEntropyLoss())
    rounded = round_model(traced, import_model(traced, "net"), 4, Effort(2, 20))
    state = {**model.state_dict(), **{k: torch.from_numpy(v.copy()).float() for k, v in rounded.values.items()}}
    best = min(method.metrics.loss for method in rounded.report.methods)
    assert {CHOSEN, SAMPLED} <= {method.name for method in rounded.report.methods}
    assert loss_with(model, inputs, targets, state) == pytest.approx(best, rel=1e-5)
