"""Models on the linear route: parity with torch's SGD, replacements, Taylor expansions, refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from qevo_compiler import compile  # noqa: E402
from qevo_compiler.analyses.carleman.aposteriori import iterate  # noqa: E402
from qevo_compiler.cli.main import main  # noqa: E402
from qevo_compiler.diagnostics import CompileError  # noqa: E402
from qevo_compiler.dialects import linear, problem  # noqa: E402
from qevo_compiler.driver import lower_linear  # noqa: E402
from qevo_compiler.frontend.linearization import Linearization  # noqa: E402
from qevo_compiler.frontend.torch.jet import LiveLoss, derivatives, descend, jet_steps, taylor  # noqa: E402
from qevo_compiler.frontend.torch.load import TracedModel  # noqa: E402
from qevo_compiler.frontend.torch.state import parameter_values  # noqa: E402
from qevo_compiler.ir import Evidence, Module  # noqa: E402


class Square(torch.nn.Module):
    def forward(self, x):
        return x**2


def network(activation: torch.nn.Module | None = None, seed: int = 0) -> torch.nn.Module:
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(2, 2), activation or Square(), torch.nn.Linear(2, 1)).double()


def data(rows: int = 8, seed: int = 1):
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(rows, 2, generator=generator, dtype=torch.float64)
    return inputs, torch.sin(inputs.sum(1, keepdim=True))


def trained(
    model: torch.nn.Module, steps: int, batch: int = 0, decay: tuple[int, float] | None = None, **rule
) -> np.ndarray:
    """The flat parameters after torch's own training."""
    optimizer = torch.optim.SGD(model.parameters(), **rule)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, *decay) if decay else None
    inputs, targets = data()
    parts = list(torch.arange(len(inputs)).split(batch)) if batch else [torch.arange(len(inputs))]
    for step in range(steps):
        rows = parts[step % len(parts)]
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(inputs[rows]), targets[rows]).backward()
        optimizer.step()
        if scheduler:
            scheduler.step()
    return np.concatenate([p.detach().numpy().reshape(-1) for p in model.parameters()])


def lowered(model: torch.nn.Module, rule: dict, until: str = "step-map", scheduler=None, **asked) -> Module:
    optimizer = torch.optim.SGD(model.parameters(), **rule)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, *scheduler) if scheduler else None
    settings = {"steps": 9, "order": 2, **asked}
    given = (*data(), torch.nn.MSELoss())
    return lower_linear(model, *given, optimizer=optimizer, scheduler=schedule, linearize=settings, until=until)


def final(module: Module) -> np.ndarray:
    op = module.main.only(linear.MapOp)
    states = iterate(op.map, op.start.values - op.pivot.values) + op.pivot.values
    return states[-1, : op.parameters]


RULES = {
    "sgd": {"lr": 0.1},
    "momentum": {"lr": 0.05, "momentum": 0.9},
    "nesterov": {"lr": 0.05, "momentum": 0.8, "nesterov": True},
    "dampening": {"lr": 0.1, "momentum": 0.9, "dampening": 0.4},
    "weight decay": {"lr": 0.1, "weight_decay": 0.05},
    "all": {"lr": 0.05, "momentum": 0.7, "dampening": 0.2, "weight_decay": 0.02},
}


@pytest.mark.parametrize("name", RULES)
def test_the_step_map_is_torchs_optimizer(name: str) -> None:
    assert final(lowered(network(), RULES[name])) == pytest.approx(trained(network(), 9, **RULES[name]), abs=1e-12)


def test_a_schedule() -> None:
    rule = {"lr": 0.2, "momentum": 0.5}
    found = final(lowered(network(), rule, scheduler=(3, 0.5)))
    assert found == pytest.approx(trained(network(), 9, decay=(3, 0.5), **rule), abs=1e-12)


def test_minibatches_in_turn() -> None:
    found = final(lowered(network(), {"lr": 0.1}, batch=4))
    assert found == pytest.approx(trained(network(), 9, batch=4, lr=0.1), abs=1e-12)


def test_the_whole_route_of_a_polynomial_net_and_its_sizes() -> None:
    module = lowered(network(), {"lr": 0.05}, until="history-system", steps=3)
    assert module.main.first(linear.HistoryOp) is not None
    error = [e.value for e in module.ledger if (e.quantity, e.kind) == ("truncation error", Evidence.MEASURED)]
    assert 0 < error[0] < 0.1
    (size,) = [e for e in module.ledger if e.quantity == "numbers of a lifted step"]
    assert size.kind is Evidence.MEASURED
    assert size.note.startswith("order 2, weights expanded: 9 coordinates, degree 5, 55 monomials")
    # Besides the weights, for each of 8 samples: two squares and W a, and the adjoints of the squares.
    assert "activations as state: 49 coordinates, degree 2, 4 sub-steps" in size.note


def deep(depth: int = 3) -> torch.nn.Module:
    """2-2-2-1 with squares: a step of degree 13 in its 15 weights."""
    torch.manual_seed(0)
    layers = [torch.nn.Linear(2, 2), Square()] * (depth - 1)
    layers = [torch.nn.Linear(2, 2) if isinstance(layer, torch.nn.Linear) else layer for layer in layers]
    return torch.nn.Sequential(*layers, torch.nn.Linear(2, 1)).double()


@pytest.mark.parametrize("batch", [0, 4])
@pytest.mark.parametrize("name", ["sgd", "all", "nesterov"])
def test_activations_as_state_are_torchs_optimizer(name: str, batch: int) -> None:
    rule = {**RULES[name], "lr": 0.01}
    module = lowered(deep(), rule, activations="state", batch=batch)
    op = module.main.only(linear.MapOp)
    assert op.map.degree == 2
    assert op.map.stages is not None
    assert final(module) == pytest.approx(trained(deep(), 9, batch=batch, **rule), abs=1e-12)


def test_activations_become_state_where_the_weights_cannot_be_expanded() -> None:
    module = lowered(deep(), {"lr": 0.01}, until="history-system", steps=4, reupload=2, batch=2)
    (size,) = [e for e in module.ledger if e.quantity == "numbers of a lifted step"]
    assert size.note.startswith("order 2, activations as state: ")
    assert "; weights expanded: " in size.note
    errors = {e.quantity: e.value for e in module.ledger if e.kind is Evidence.MEASURED}
    proved = [e.value for e in module.ledger if e.kind is Evidence.PROVED and e.quantity == "truncation error"]
    assert 0 < errors["truncation error"] <= min(proved)
    expected = trained(deep(), 4, batch=2, lr=0.01)
    assert final(module) == pytest.approx(expected, abs=1e-12)
    assert errors["error after all re-uploads"] < 1e-4


def test_a_function_is_refused_by_name() -> None:
    with pytest.raises(CompileError, match="`tanh`") as caught:
        lowered(network(torch.nn.Tanh()), {"lr": 0.1})
    assert caught.value.diagnostics[0].code == "Q0639"


def test_a_replacement_is_in_the_ledger_apart_from_the_truncation() -> None:
    asked = {"approximate": {"tanh": (3, -1.5, 1.5)}, "steps": 4, "order": 3}
    module = lowered(network(torch.nn.Tanh()), {"lr": 0.05}, until="carleman-truncation", **asked)
    found = {entry.quantity: entry for entry in module.ledger if entry.kind is not Evidence.PROVED}
    true = trained(network(torch.nn.Tanh()), 4, lr=0.05)
    gap = np.linalg.norm(final(module) - true)
    assert found["activation error"].value == pytest.approx(gap, rel=1e-9)
    assert found["truncation error"].value != pytest.approx(gap, rel=1e-3)
    assert any(entry.stage == "approximate-functions" for entry in module.ledger)


def test_pruned_weights_stay_zero_exactly() -> None:
    module = lowered(network(), {"lr": 0.1, "weight_decay": 0.1}, density=0.5)
    op = module.main.only(linear.MapOp)
    model = network()
    flat = torch.cat([p.detach().reshape(-1) for p in model.parameters()])
    live = torch.zeros(len(flat), dtype=torch.bool)
    live[torch.argsort(-flat.abs(), stable=True)[:4]] = True
    masks = torch.split(live, [p.numel() for p in model.parameters()])
    for p, mask in zip(model.parameters(), masks, strict=True):
        p.data *= mask.reshape(p.shape)
        p.register_hook(lambda g, m=mask: g * m.reshape(g.shape))
    expected = trained(model, 9, lr=0.1, weight_decay=0.1)
    assert (op.parameters, op.map.size) == (4, 4)
    assert final(module) == pytest.approx(expected[live.numpy()], abs=1e-12)
    assert expected[~live.numpy()] == pytest.approx(0, abs=0)


def live_loss(model: torch.nn.Module, density: float = 1.0, loss=None) -> LiveLoss:
    return LiveLoss.of(TracedModel.from_objects(model, *data(), loss or torch.nn.MSELoss()), density)


def test_derivatives_by_differences() -> None:
    live = live_loss(network(torch.nn.Tanh()))
    point, value = live.start, live.at()
    direction = np.random.default_rng(0).normal(size=len(point))
    parts = derivatives(value, point, 4)
    for degree in range(4):
        step = 1e-4
        above, below = (derivatives(value, point + sign * step * direction, degree)[degree] for sign in (1, -1))
        assert (above - below) / (2 * step) == pytest.approx(parts[degree + 1] @ direction, abs=1e-6)
        assert parts[degree + 1] == pytest.approx(np.swapaxes(parts[degree + 1], 0, -1), abs=1e-12)


def test_a_taylor_polynomial_of_full_degree_is_the_polynomial() -> None:
    live = live_loss(torch.nn.Sequential(torch.nn.Linear(2, 1), Square()).double())
    point = live.start
    polynomial = taylor(derivatives(live.at(), point, 4))
    rng = np.random.default_rng(3)
    from qevo_compiler.dialects.poly.arithmetic import evaluate

    for _ in range(5):
        u = rng.normal(size=len(point))
        true = live.at()(torch.from_numpy(point + u)).item()
        assert evaluate(polynomial, u)[0] == pytest.approx(true, rel=1e-10)


def train_op(**changed) -> problem.TrainOp:
    return problem.TrainOp(**{"rate": 0.1, "steps": 6, **changed})


@pytest.mark.parametrize("rule", [{}, {"momentum": 0.8, "nesterov": True, "weight_decay": 0.03}, {"batch": 3}])
def test_the_truth_of_a_jet_is_torchs_training(rule: dict) -> None:
    live = live_loss(network(torch.nn.Tanh()))
    names = {"momentum", "nesterov", "weight_decay"}
    expected = trained(
        network(torch.nn.Tanh()), 6, rule.get("batch", 0), lr=0.1, **{k: v for k, v in rule.items() if k in names}
    )
    assert descend(live, live.start, train_op(**rule))[-1] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    "rule",
    [{}, {"momentum": 0.6, "dampening": 0.3, "weight_decay": 0.05}, {"batch": 3}, {"decay_every": 2, "decay": 0.5}],
)
def test_jets_approach_the_truth_with_their_degree(rule: dict) -> None:
    live = live_loss(network(torch.nn.Tanh()), 0.6)
    point, train = live.start, train_op(rate=0.02, **rule)
    truth = descend(live, point, train)[-1]
    errors = []
    for degree in (2, 3, 4):
        steps = jet_steps(live, point, train, degree)
        errors.append(np.linalg.norm(iterate(steps, np.zeros(steps.size))[-1, : len(point)] + point - truth))
    assert errors[2] < errors[1] / 3 < errors[0] / 9
    assert errors[2] < 1e-4 * np.linalg.norm(truth - point)


def test_a_jet_has_its_remainder_in_the_ledger() -> None:
    model = network(torch.nn.Tanh())
    module = lowered(model, {"lr": 0.05}, until="carleman-truncation", jet=3, density=0.5, steps=5)
    op = module.main.only(linear.MapOp)
    (remainder,) = [e for e in module.ledger if e.quantity == "remainder of the Taylor expansion"]
    live = live_loss(network(torch.nn.Tanh()), 0.5)
    truth = descend(live, live.start, train_op(rate=0.05, steps=5))[-1]
    assert op.symbols == live.symbols
    assert remainder.value == pytest.approx(np.linalg.norm(final(module) - truth), rel=1e-9)
    assert op.pivot == op.start
    dense = parameter_values(live.traced)
    assert live.weights(live.start)["0.weight"] == pytest.approx(dense["0.weight"] * live.masks["0.weight"])


def test_a_jet_covers_the_first_chunk() -> None:
    module = lowered(network(torch.nn.Tanh()), {"lr": 0.05}, jet=3, steps=40, reupload=4)
    assert module.main.only(linear.MapOp).map.steps == 4
    assert module.main.only(problem.TrainOp).steps == 40
    (remainder,) = [e for e in module.ledger if e.quantity == "remainder of the Taylor expansion"]
    live = live_loss(network(torch.nn.Tanh()))
    assert remainder.value == pytest.approx(
        np.linalg.norm(final(module) - descend(live, live.start, train_op(rate=0.05, steps=4))[-1]), rel=1e-9
    )


def test_a_polynomial_that_runs_away_has_an_infinite_remainder() -> None:
    module = lowered(network(torch.nn.Tanh(), seed=3), {"lr": 4.0}, jet=4, steps=40)
    (remainder,) = [e for e in module.ledger if e.quantity == "remainder of the Taylor expansion"]
    assert remainder.value == np.inf


def test_a_loss_without_derivatives_in_torch_is_told() -> None:
    live = live_loss(network(torch.nn.Tanh()), loss=torch.nn.HuberLoss())
    with pytest.raises(CompileError, match=r"Q0647.*PyTorch has no derivatives of order 3 of `huber_loss`"):
        derivatives(live.at(), live.start, 3)


def test_a_jet_too_large() -> None:
    torch.manual_seed(0)
    wide = torch.nn.Sequential(torch.nn.Linear(2, 60), torch.nn.Tanh(), torch.nn.Linear(60, 1))
    with pytest.raises(CompileError, match="Q0648"):
        lowered(wide, {"lr": 0.1}, jet=3)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"steps": 0}, "`steps`"),
        ({"order": None}, "neither"),
        ({"order": 0}, "`order`"),
        ({"stepz": 3}, "did you mean"),
        ({"pivot": "middle"}, "`pivot`"),
        ({"jet": 7}, "`jet`"),
        ({"density": 0.0}, "`density`"),
        ({"batch": -1}, "`batch`"),
        ({"reupload": 0}, "`reupload`"),
        ({"batch": 2.5}, "whole"),
        ({"approximate": {"sin": (3, -1, 1)}}, "`sin`"),
        ({"approximate": {"tanh": 3}}, "degree, low, high"),
        ({"approximate": {"tanh": (3, -1, 1)}, "jet": 3}, "two ways"),
    ],
)
def test_settings_that_do_not_fit(changed: dict, message: str) -> None:
    with pytest.raises(CompileError, match="Q0647") as caught:
        Linearization.of({"steps": 4, "order": 2, **changed})
    assert message in str(caught.value)


def test_other_optimizers_are_refused() -> None:
    model = network()
    settings = {"steps": 3, "order": 2}
    for optimizer in (
        None,
        torch.optim.Adam(model.parameters()),
        torch.optim.SGD(model.parameters(), lr=0.1, maximize=True),
    ):
        with pytest.raises(CompileError, match="Q0647"):
            lower_linear(model, *data(), torch.nn.MSELoss(), optimizer=optimizer, linearize=settings)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    with pytest.raises(CompileError, match="ExponentialLR"):
        lower_linear(model, *data(), torch.nn.MSELoss(), optimizer=optimizer, scheduler=scheduler, linearize=settings)
    with pytest.raises(CompileError, match="no `linearize`"):
        lower_linear(model, *data(), torch.nn.MSELoss(), optimizer=optimizer)


FILE = """\
import torch
torch.manual_seed(0)
model = torch.nn.Linear(2, 1)
inputs = torch.tensor([[1.0, 0.5], [0.3, -1.0], [-0.2, 0.4]])
targets = torch.tensor([[1.0], [-0.5], [0.2]])
loss = torch.nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 5)
linearize = {"steps": 8, "order": 1}
"""


def test_a_model_file_to_its_cost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "line.py").write_text(FILE)
    assert main(["compile", str(tmp_path / "line.py"), "--target=resources", "-o", str(tmp_path / "line.json")]) == 0
    assert "kappa" in capsys.readouterr().out
    assert (tmp_path / "line.json").exists()


@pytest.mark.parametrize(
    ("way", "quantity"),
    [('"approximate": {"tanh": (3, -1, 1)}', "activation error"), ('"jet": 3', "remainder of the Taylor expansion")],
)
def test_a_polynomial_in_the_models_place_is_said_beside_the_table(
    way: str, quantity: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table's optimizer trains the polynomial: how far torch's own ends from it stands below."""
    text = FILE.replace("torch.nn.Linear(2, 1)", "torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.Tanh())")
    text = text.replace('"order": 1', f'"order": 2, "pivot": "start", {way}')
    (tmp_path / "unit.py").write_text(text)
    assert main(["run", str(tmp_path / "unit.py"), "--task=linearize", "--json"]) == 0
    ledger = json.loads(capsys.readouterr().out)["ledger"]
    (error,) = (entry["value"] for entry in ledger if entry["quantity"] == quantity)
    assert main(["run", str(tmp_path / "unit.py"), "--task=linearize"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert f"the model itself ends {error:.3g} away ({quantity}, measured)." in shown
    assert error > 0


def test_compile_from_objects() -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
    settings = {"steps": 3, "order": 1}
    program = compile(model, *data(), torch.nn.MSELoss(), optimizer=optimizer, linearize=settings, target="resources")
    assert program.module.main.first(linear.ResourcesOp) is not None
    spins = compile(model, *data(), torch.nn.MSELoss(), optimizer=optimizer, linearize=settings, task="linearize")
    assert spins.decoder.size > 0
