"""A model and its loss as one module, against torch itself: losses that read the model, ties, what stays as it was."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn.functional import mse_loss  # noqa: E402

from qevo_compiler.diagnostics import CompileError  # noqa: E402
from qevo_compiler.evaluator.reference import evaluate_func  # noqa: E402
from qevo_compiler.frontend.torch.capture import import_model  # noqa: E402
from qevo_compiler.frontend.torch.check import check_gradient  # noqa: E402
from qevo_compiler.frontend.torch.load import TracedModel  # noqa: E402
from qevo_compiler.frontend.torch.state import fine_tune, loss_at  # noqa: E402


class WithDecay(nn.Module):
    """A loss that holds the model."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, outputs, targets):
        return mse_loss(outputs, targets) + 0.1 * self.net.weight.square().sum()


@pytest.fixture
def data() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return torch.randn(12, 3), torch.randn(12, 1)


def decays(model: nn.Module) -> dict[str, object]:
    return {
        "module": WithDecay(model),
        "function": lambda o, t: mse_loss(o, t) + 0.1 * model.weight.square().sum(),
        "parameters": lambda o, t: mse_loss(o, t) + 0.1 * next(model.parameters()).square().sum(),
    }


@pytest.mark.parametrize("form", ["module", "function", "parameters"])
def test_a_loss_may_read_the_models_parameters(form: str, data: tuple[torch.Tensor, torch.Tensor]) -> None:
    """Its minimum is that of ridge regression; a loss that counted them as constant would end at least squares."""
    torch.manual_seed(1)
    model = nn.Linear(3, 1, bias=False)
    kept = model.weight.detach().clone()
    traced = TracedModel.from_objects(model, *data, decays(model)[form])
    module = import_model(traced, "net")
    check_gradient(module, traced)
    x, y = (part.double() for part in data)
    weight = kept.double()
    expected = float(mse_loss(x @ weight.T, y) + 0.1 * weight.square().sum())
    assert evaluate_func(module.main).objective == pytest.approx(expected, rel=1e-12)
    moved = {"weight": (weight + 0.5).numpy()}
    expected = float(mse_loss(x @ (weight + 0.5).T, y) + 0.1 * (weight + 0.5).square().sum())
    assert loss_at(traced, moved) == pytest.approx(expected, rel=1e-12)
    found, _ = fine_tune(traced, {}, 600, lr=0.02)
    ridge = torch.linalg.solve(x.T @ x / 12 + 0.1 * torch.eye(3, dtype=torch.float64), x.T @ y / 12)
    assert found["weight"] == pytest.approx(ridge.T.numpy(), abs=1e-4)
    assert model.weight.dtype == torch.float32
    assert torch.equal(model.weight, kept)
    assert isinstance(model.weight, nn.Parameter)


def test_the_users_model_is_as_it_was_where_the_loss_fails(data: tuple[torch.Tensor, torch.Tensor]) -> None:
    model = nn.Linear(3, 1)
    kept = model.weight

    def loss(outputs, targets):
        raise ValueError(str(model.weight.dtype))

    with pytest.raises(CompileError) as caught:
        import_model(TracedModel.from_objects(model, *data, loss), "net")
    assert "float64" in str(caught.value.diagnostics[0])
    assert model.weight is kept


@pytest.mark.parametrize("owner", ["function", "module"])
def test_trainable_tensors_outside_of_the_model_are_refused(
    owner: str, data: tuple[torch.Tensor, torch.Tensor]
) -> None:
    class Weighted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.log = nn.Parameter(torch.zeros(()))

        def forward(self, outputs, targets):
            return mse_loss(outputs, targets) * self.log.exp()

    factor = nn.Parameter(torch.ones(()))
    loss = Weighted() if owner == "module" else lambda o, t: factor * mse_loss(o, t)
    with pytest.raises(CompileError) as caught:
        import_model(TracedModel.from_objects(nn.Linear(3, 1), *data, loss), "net")
    assert [d.code for d in caught.value.diagnostics] == ["Q0715"]
    still = Weighted().requires_grad_(False)
    import_model(TracedModel.from_objects(nn.Linear(3, 1), *data, still), "net")


def test_new_weights_reach_every_place_of_a_shared_one() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table, self.out = nn.Embedding(6, 3), nn.Linear(3, 6, bias=False)
            self.out.weight = self.table.weight

        def forward(self, x):
            return self.out(self.table(x))

    torch.manual_seed(0)
    model = Tied()
    words = torch.randint(0, 6, (10,))
    traced = TracedModel.from_objects(model, words, words, nn.CrossEntropyLoss())
    assert list(traced.parameters()) == ["table.weight"]
    new = torch.randn(6, 3, dtype=torch.float64)
    expected = float(nn.functional.cross_entropy(new[words] @ new.T, words))
    assert loss_at(traced, {"table.weight": new.numpy()}) == pytest.approx(expected, rel=1e-12)


def test_tensors_that_a_model_makes_are_in_double_precision() -> None:
    """A cell needs a first state, which models make by `torch.zeros`."""

    class Cells(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell = nn.GRUCell(2, 3)

        def forward(self, x):
            state = torch.zeros(len(x), 3)
            for step in range(x.shape[1]):
                state = self.cell(x[:, step], state)
            return state

    torch.manual_seed(0)
    inputs, targets = torch.randn(4, 3, 2), torch.randn(4, 3)
    model = Cells()
    traced = TracedModel.from_objects(model, inputs, targets, nn.MSELoss())
    module = import_model(traced, "net")
    assert torch.get_default_dtype() == torch.float32
    expected = float(mse_loss(model(inputs), targets).detach())
    assert evaluate_func(module.main).objective == pytest.approx(expected, rel=1e-6)
