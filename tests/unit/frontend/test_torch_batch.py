"""Batches in the structures that models and losses take, and the layers that training mode changes."""

from __future__ import annotations

from collections import namedtuple

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn.functional import cross_entropy, mse_loss  # noqa: E402
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

from qevo_compiler import compile  # noqa: E402
from qevo_compiler.diagnostics import CompileError  # noqa: E402
from qevo_compiler.dialects import nn as ops  # noqa: E402
from qevo_compiler.evaluator.reference import evaluate_func  # noqa: E402
from qevo_compiler.frontend.torch.batch import Batch  # noqa: E402
from qevo_compiler.frontend.torch.capture import import_model  # noqa: E402
from qevo_compiler.frontend.torch.load import TracedModel  # noqa: E402
from qevo_compiler.frontend.torch.modes import mode_dependent  # noqa: E402
from qevo_compiler.frontend.torch.state import class_axis, evaluate_model, fine_tune  # noqa: E402


class Two(nn.Module):
    """Arguments in another order than a dictionary may have them."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(3, 2), nn.Linear(4, 2)

    def forward(self, left, right, scale=1.0):
        return self.left(left) * scale + self.right(right).tanh()


class Keyed(Two):
    def forward(self, batch):
        return super().forward(batch["left"], batch["right"])


Pair = namedtuple("Pair", "left right")


@pytest.fixture
def parts() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return {"right": torch.randn(6, 4), "left": torch.randn(6, 3)}


@pytest.mark.parametrize("form", ["keywords", "tuple", "list", "pair", "one dictionary", "scaled"])
def test_inputs_in_every_form(form: str, parts: dict[str, torch.Tensor]) -> None:
    torch.manual_seed(1)
    model = Keyed() if form == "one dictionary" else Two()
    scale = torch.tensor(2.0)
    inputs = {
        "keywords": parts,
        "one dictionary": parts,
        "tuple": (parts["left"], parts["right"]),
        "list": [parts["left"], parts["right"]],
        "pair": Pair(parts["left"], parts["right"]),
        "scaled": {**parts, "scale": scale},
    }[form]
    targets = torch.tensor([0, 1, 0, 1, 1, 0])
    traced = TracedModel.from_objects(model, inputs, targets, nn.CrossEntropyLoss())
    module = import_model(traced, "net")
    outputs = Two.forward(model, parts["left"], parts["right"], scale if form == "scaled" else 1.0)
    assert evaluate_func(module.main).objective == pytest.approx(float(cross_entropy(outputs, targets)), rel=1e-5)
    names = {op.symbol for op in module.main.ops_of(ops.ConstantOp)}
    assert names >= ({"inputs.0", "inputs.1"} if form in ("tuple", "list", "pair") else {"inputs.left", "inputs.right"})


def test_targets_in_a_dictionary(parts: dict[str, torch.Tensor]) -> None:
    class Heads(Two):
        def forward(self, left, right):
            return {"kind": super().forward(left, right), "size": self.right(right).sum(1)}

    targets = {"size": torch.randn(6), "kind": torch.tensor([0, 1, 0, 1, 1, 0])}

    def loss(outputs, targets):
        return cross_entropy(outputs["kind"], targets["kind"]) + mse_loss(outputs["size"], targets["size"])

    model = Heads()
    traced = TracedModel.from_objects(model, parts, targets, loss)
    expected = float(loss(model(**parts), targets))
    assert evaluate_func(import_model(traced, "net").main).objective == pytest.approx(expected, rel=1e-5)
    assert evaluate_model(traced).loss == pytest.approx(expected, rel=1e-5)
    assert evaluate_model(traced).accuracy is None
    _, losses = fine_tune(traced, {}, 4, batch=2)
    assert len(losses) == 5


def test_the_rows_of_a_batch(parts: dict[str, torch.Tensor]) -> None:
    table = torch.randn(9, 9)
    batch = Batch.of(Two(), (parts["left"], [parts["right"], table]), torch.arange(6))
    assert list(batch.named) == ["inputs.0", "inputs.1.0", "inputs.1.1", "targets"]
    some = batch.chosen(torch.tensor([4, 1]))
    assert torch.equal(some.targets, torch.tensor([4, 1]))
    assert torch.equal(some.arguments[1][0], parts["right"][[4, 1]])
    assert torch.equal(some.arguments[1][1], table)
    assert (batch.rows, some.rows, Batch((table,), {}, torch.tensor(1.0)).rows) == (6, 2, 1)


def test_a_batch_of_a_loader_goes_in_as_it_comes() -> None:
    torch.manual_seed(0)
    loader = DataLoader(TensorDataset(torch.randn(12, 3), torch.randint(0, 2, (12,))), batch_size=8)
    inputs, targets = next(iter(loader))
    model = nn.Linear(3, 2)
    traced = TracedModel.from_objects(model, inputs, targets, nn.CrossEntropyLoss())
    assert evaluate_model(traced).accuracy == pytest.approx(float((model(inputs).argmax(1) == targets).float().mean()))


@pytest.mark.parametrize("what", ["loader", "dataset", "numbers", "empty", "complex", "mixed"])
def test_what_is_no_batch_is_named(what: str) -> None:
    data = TensorDataset(torch.ones(4, 3), torch.zeros(4, 2))
    inputs = {
        "loader": DataLoader(data),
        "dataset": data,
        "numbers": [1.0, 2.0],
        "empty": {},
        "complex": (torch.ones(4, 3, dtype=torch.complex64),),
        "mixed": {"left": torch.ones(4), "right": 3},
    }[what]
    with pytest.raises(CompileError) as caught:
        TracedModel.from_objects(nn.Linear(3, 2), inputs, None if "loa" in what else torch.zeros(4, 2), nn.MSELoss())
    (only,) = caught.value.diagnostics
    assert only.code == "Q0703"
    hints = {"loader": "next(iter(", "dataset": "DataLoader(", "numbers": "torch.tensor"}
    assert hints.get(what, "") in only.found
    assert only.part == "inputs"


def test_nan_is_found_in_any_part(parts: dict[str, torch.Tensor]) -> None:
    parts["left"][2, 1] = float("nan")
    with pytest.raises(CompileError) as caught:
        TracedModel.from_objects(Two(), parts, torch.zeros(6, dtype=torch.long), nn.CrossEntropyLoss())
    assert [d.symbol for d in caught.value.diagnostics] == ["inputs.left"]


@pytest.mark.parametrize(
    ("outputs", "targets", "axis"),
    [((5, 3), (5,), 1), ((5, 3, 7), (5, 7), 1), ((5, 7, 3), (5, 7), 2), ((5, 3, 3), (5, 3), None), ((5,), (), None)],
)
def test_the_axis_of_classes(outputs: tuple[int, ...], targets: tuple[int, ...], axis: int | None) -> None:
    assert class_axis(torch.zeros(outputs), torch.zeros(targets, dtype=torch.long)) == axis
    assert class_axis(torch.zeros(outputs), torch.zeros(targets)) is None
    assert class_axis({"kind": torch.zeros(outputs)}, torch.zeros(targets, dtype=torch.long)) is None


def test_a_sequence_models_accuracy_is_that_of_its_words() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 5))
    words = torch.randint(0, 5, (3, 7))
    traced = TracedModel.from_objects(model, words, words, lambda o, t: cross_entropy(o.flatten(0, 1), t.flatten()))
    assert evaluate_model(traced).accuracy == pytest.approx(float((model(words).argmax(-1) == words).float().mean()))


def test_layers_that_evaluation_mode_changes() -> None:
    model = nn.Sequential(
        nn.Linear(3, 4), nn.Dropout(0.3), nn.BatchNorm1d(4), nn.Dropout(0.0), nn.LayerNorm(4), nn.AlphaDropout(0.1)
    )
    assert mode_dependent(model) == "dropout is off: `1`, `5`; stored statistics in place of the batch's: `2`"
    assert mode_dependent(model.eval()) == ""
    model[1].train()
    assert mode_dependent(model) == "dropout is off: `1`"
    assert mode_dependent(nn.BatchNorm1d(3, track_running_stats=False)) == ""
    assert mode_dependent(nn.LSTM(3, 4, 2, dropout=0.5)) == "dropout is off: `the model itself`"
    many = nn.Sequential(*[nn.Dropout() for _ in range(6)])
    assert mode_dependent(many) == "dropout is off: `0`, `1`, `2`, `3` and 2 more"


def test_training_mode_is_warned_of_from_python() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(), nn.Linear(2, 1))
    inputs, targets = torch.randn(5, 2), torch.randn(5, 1)
    program = compile(model, inputs, targets, nn.MSELoss())
    assert [d.code for d in program.warnings] == ["Q0716"]
    assert model.training
    assert compile(model.eval(), inputs, targets, nn.MSELoss()).warnings == ()
