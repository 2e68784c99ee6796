"""Small models of every supported kind: the imported loss and its gradient are those of eager autograd."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812

from qevo_compiler.dialects import nn as ops  # noqa: E402
from qevo_compiler.dialects import problem  # noqa: E402
from qevo_compiler.evaluator.reference import evaluate_func  # noqa: E402
from qevo_compiler.frontend.torch.capture import export, import_model  # noqa: E402
from qevo_compiler.frontend.torch.check import check_gradient, eager_gradient, imported_gradient  # noqa: E402
from qevo_compiler.frontend.torch.load import TracedModel  # noqa: E402
from qevo_compiler.ir import Module, parse_module, print_module, verify  # noqa: E402
from qevo_compiler.source import SourceFile  # noqa: E402

CLASSES = torch.tensor([0, 2, 1, 2, 0, 1])
DATA = torch.Generator().manual_seed(7)


def data(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=DATA)


class Calls(nn.Module):
    """A linear layer of three outputs, then any function of them."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__()
        self.layer = nn.Linear(5, 3)
        self.function = function

    def forward(self, x):
        return self.function(self.layer(x))


def imported(model: nn.Module, inputs: Any, targets: Any, loss: Any) -> tuple[Module, TracedModel]:
    """The import of a model with freshly drawn weights, checked here against eager autograd to 1e-10."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.5)
    traced = TracedModel.from_objects(model, inputs, targets, loss)
    module = import_model(traced, "net", check=False)
    verify(module)
    expected, gradient = eager_gradient(traced)
    assert evaluate_func(module.main).objective == pytest.approx(expected, rel=1e-10, abs=1e-12)
    found = imported_gradient(module)
    assert list(found) == [name for name in gradient if name in found]
    for symbol, values in gradient.items():
        np.testing.assert_allclose(found.get(symbol, 0.0), values, rtol=1e-8, atol=1e-10, err_msg=symbol)
    assert check_gradient(module, traced) < 1e-6
    return module, traced


ELEMENTWISE = {
    "relu": F.relu,
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "erf": torch.erf,
    "exp": torch.exp,
    "square": torch.square,
    "cube": lambda x: x**3,
    "half_powers": lambda x: (x * x + 1) ** 1.5 + (x * x + 1).sqrt() + (x * x + 2).rsqrt(),
    "negative_powers": lambda x: (x * x + 1) ** -2 + 1 / (x * x + 2) + (x * x + 1).reciprocal(),
    "constant_base": lambda x: 2**x,
    "log1p": lambda x: torch.log1p(x * x) + torch.expm1(x),
    "abs_sign": lambda x: x.abs() + x * torch.sign(x),
    "leaky_relu": lambda x: F.leaky_relu(x, 0.1),
    "relu6": F.relu6,
    "hardtanh": F.hardtanh,
    "clamp_one_side": lambda x: x.clamp(min=0.1) + x.clamp(max=-0.1),
    "elu": F.elu,
    "rrelu": F.rrelu,
    "other_bases": lambda x: torch.exp2(x) + (x * x + 1).log2() + (x * x + 1).log10(),
    "hyperbolic": lambda x: torch.sinh(x) + torch.cosh(x),
    "hypot": lambda x: torch.hypot(x, x + 2),
    "logaddexp": lambda x: torch.logaddexp(x, 2 * x),
    "softplus": lambda x: F.softplus(x, beta=2.0),
    "log_sigmoid": F.logsigmoid,
    "maximum": lambda x: torch.maximum(x, torch.full_like(x, 0.1)),
    "scalars": lambda x: 2 - 3 * (x - 1) / 4,
    "broadcasting": lambda x: x - x.mean(0) * x.mean(1, keepdim=True),
    "alpha": lambda x: torch.add(x, x.tanh(), alpha=2) - torch.sub(x, 1, alpha=3),
}
CHOICES = {
    "where": lambda x: torch.where(x > 0, x, 0.2 * x) + torch.where(x < 0.1, x.exp(), x),
    "masks": lambda x: x * ((x >= -0.5) & ~(x > 0.5)) + x.tanh() * ((x <= -0.5) | (x > 0.5)).double(),
    "rows_compared": lambda x: torch.where(x > x.mean(0), x * x, -x),
    "nothing_chosen": lambda x: x + torch.where(CLASSES[:, None] > 7, x, torch.zeros(6, 3, dtype=x.dtype)),
    "infinite_mask": lambda x: torch.where(CLASSES[:, None] == 1, x, x.clamp_min(-0.1)),
    "softshrink": lambda x: F.softshrink(x, 0.2) + F.threshold(x, 0.1, 0.0),
    "celu_hardshrink": lambda x: F.celu(x, 0.5) + F.hardshrink(x, 0.1),
    "prelu": lambda x: F.prelu(x, torch.tensor(0.3, dtype=x.dtype)),
    "clamp_tensor": lambda x: x.clamp(min=torch.full_like(x, -0.2), max=torch.full_like(x, 0.4)),
    "clamp_max": lambda x: x.clamp_max(0.2),
    "amax": lambda x: x - x.amax(1, keepdim=True) + x.amax((0, 1)),
    "amin": lambda x: x - x.amin(0) + x.min(),
    "max_dim": lambda x: x - x.max(1, keepdim=True).values + x.min(0).values,
    "max_of_all": lambda x: x / (1 + x.max() ** 2),
    "cosine": lambda x: x * F.cosine_similarity(x, x.roll(1, 0))[:, None],
}
REDUCTIONS = {
    "softmax": lambda x: F.softmax(x, -1),
    "log_softmax": lambda x: F.log_softmax(x, 0),
    "logsumexp": lambda x: x - torch.logsumexp(x, 1, keepdim=True),
    "standardised": lambda x: (x - x.mean(0)) / (x.var(0) + 1),
    "sum_of_all": lambda x: x / (1 + (x * x).sum()),
    "normalised": F.normalize,
    "first_norm": lambda x: x / (1 + torch.linalg.vector_norm(x, ord=1, dim=1, keepdim=True)),
    "layer_norm": lambda x: F.layer_norm(x, (3,)),
    "instance_norm": lambda x: F.instance_norm(x.reshape(2, 3, 3), weight=x[0].exp(), bias=x[1]).reshape(6, 3),
    "var_mean": lambda x: sum(torch.var_mean(x, 1, keepdim=True, correction=0)),
    "cumulative": lambda x: x.cumsum(1) + x.cumsum(0).tanh(),
    "prod": lambda x: x.prod(1, keepdim=True) + x.prod(0) + (x * 0.5 + 1).prod(),
}
LAYOUT = {
    "transposes": lambda x: x.t().unsqueeze(0).transpose(1, 2).squeeze(0),
    "slices": lambda x: torch.cat([x[:, 1:], x[:, :1]], 1),
    "stack": lambda x: torch.stack([x, x.tanh()], 1).mean(1),
    "chunks": lambda x: torch.cat(x.chunk(3, 1)[::-1], 1),
    "unbind": lambda x: sum(x.unbind(1))[:, None] + x,
    "flip_roll": lambda x: x.flip(1) + x.roll(1, 0),
    "indexed": lambda x: x[[2, 1, 0, 5, 4, 3]] * x[:, [0, 0, 2]],
    "converted": lambda x: x.to(torch.float64, copy=True),
    "repeated": lambda x: x.repeat(2, 1)[:6] + x.repeat_interleave(2, 0)[:6],
    "triangle": lambda x: x.tril() + x.triu(1) * 2,
    "padded": lambda x: F.pad(x, (1, 1), value=2.0)[:, :3],
    "written": lambda x: torch.stack([_written(x), x]).sum(0),
    "masked": lambda x: x.masked_fill(CLASSES[:, None] > 0, 0.3),
    "chosen": lambda x: torch.where(CLASSES[:, None] == 1, x, x.tanh()),
    "expanded": lambda x: x[:, :1].expand(-1, 3) * x,
    "einsum": lambda x: torch.einsum("bi,bj->bij", x, x).sum(2),
    "products": lambda x: (x @ x.t()) @ x + torch.bmm(x[:, :, None], x[:, None, :]).sum(2),
}


def _written(x):
    y = x.clone()
    y[:, 0] = y[:, 1] * 2
    return y


@pytest.mark.parametrize("name", [*ELEMENTWISE, *CHOICES, *REDUCTIONS, *LAYOUT])
def test_operations(name: str) -> None:
    function = {**ELEMENTWISE, **CHOICES, **REDUCTIONS, **LAYOUT}[name]
    imported(Calls(function), data(6, 5), data(6, 3), nn.MSELoss())


LOSSES = {
    "mse": (nn.MSELoss(), data(6, 3)),
    "mse_sum": (nn.MSELoss(reduction="sum"), data(6, 3)),
    "l1": (nn.L1Loss(), data(6, 3)),
    "huber": (nn.HuberLoss(delta=0.4), data(6, 3)),
    "smooth_l1": (nn.SmoothL1Loss(), 2 * data(6, 3)),
    "hinge": (nn.MultiMarginLoss(), CLASSES),
    "triplet": (lambda outputs, targets: F.triplet_margin_loss(outputs, targets, targets.flip(0)), data(6, 3)),
    "cross_entropy": (nn.CrossEntropyLoss(), CLASSES),
    "function": (F.cross_entropy, CLASSES),
    "ignored_rows": (nn.CrossEntropyLoss(), torch.tensor([0, -100, 1, 2, -100, 1])),
    "weighted": (nn.CrossEntropyLoss(weight=torch.tensor([0.2, 1.0, 3.0])), CLASSES),
    "smoothed": (nn.CrossEntropyLoss(label_smoothing=0.1), CLASSES),
    "probabilities": (nn.CrossEntropyLoss(), F.softmax(data(6, 3), 1)),
    "binary": (nn.BCEWithLogitsLoss(), (data(6, 3) > 0).float()),
    "cosine_embedding": (lambda o, t: F.cosine_embedding_loss(o, t, torch.ones(6)), data(6, 3)),
    "own": (lambda outputs, targets: ((outputs - targets) ** 4).mean(), data(6, 3)),
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name: str) -> None:
    loss, targets = LOSSES[name]
    imported(nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3)), data(6, 5), targets, loss)


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(2, 4, 3, stride=2, padding=1, groups=2)
        self.norm = nn.BatchNorm2d(4)
        self.wide = nn.Conv2d(4, 4, 3, padding=2, dilation=2, bias=False)
        self.pool = nn.AdaptiveAvgPool2d(2)
        self.dropout = nn.Dropout(0.5)
        self.head = nn.Linear(16, 3)
        self.norm.running_mean.copy_(torch.tensor([0.1, -0.2, 0.3, 0.0]))
        self.norm.running_var.copy_(torch.tensor([1.5, 0.7, 1.0, 2.0]))

    def forward(self, x):
        x = F.relu(self.norm(self.down(x)))
        x = x + self.wide(x)
        return self.head(self.dropout(self.pool(x).flatten(1)))


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(7, 8)
        self.norm = nn.LayerNorm(8)
        self.project = nn.Linear(8, 24)
        self.head = nn.Linear(8, 3)

    def forward(self, tokens):
        x = self.embed(tokens)
        q, k, v = self.project(self.norm(x)).view(6, 4, 3, 2, 4).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.head(x + attended.transpose(1, 2).reshape(6, 4, 8)).mean(1)


NETS = {
    "residual": (Residual(), data(6, 2, 8, 8)),
    "one_dimensional": (
        nn.Sequential(
            nn.Conv1d(2, 4, 3, padding=1), nn.BatchNorm1d(4), nn.GELU(), nn.AvgPool1d(2), nn.Flatten(), nn.Linear(16, 3)
        ),
        data(6, 2, 8),
    ),
    "same_padding": (
        nn.Sequential(nn.Conv2d(1, 2, 4, padding="same"), nn.AvgPool2d(3, 2, 1), nn.Flatten(), nn.Linear(18, 3)),
        data(6, 1, 5, 5),
    ),
    "pooled_to_one": (nn.Sequential(nn.Conv2d(1, 3, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()), data(6, 1, 6, 6)),
    "group_norm": (
        nn.Sequential(nn.Conv2d(1, 4, 3), nn.GroupNorm(2, 4), nn.SiLU(), nn.Flatten(), nn.Linear(36, 3)),
        data(6, 1, 5, 5),
    ),
    "max_pool": (
        nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(18, 3)),
        data(6, 1, 8, 8),
    ),
    "max_pool_overlapping": (
        nn.Sequential(
            nn.Conv2d(1, 2, 3), nn.MaxPool2d((3, 2), 2, padding=1, dilation=(2, 1)), nn.Flatten(), nn.Linear(24, 3)
        ),
        data(6, 1, 9, 8),
    ),
    "max_pool_adaptive": (
        nn.Sequential(nn.Conv2d(1, 2, 3), nn.AdaptiveMaxPool2d((2, 3)), nn.Flatten(), nn.Linear(12, 3)),
        data(6, 1, 7, 10),
    ),
    "max_pool_lines": (
        nn.Sequential(nn.Conv1d(2, 3, 3), nn.MaxPool1d(3, 2), nn.Flatten(), nn.Linear(9, 3)),
        data(6, 2, 10),
    ),
    "upsampled": (
        nn.Sequential(nn.Conv2d(1, 1, 3), nn.Upsample(scale_factor=2), nn.AvgPool2d(3), nn.Flatten(), nn.Linear(4, 3)),
        data(6, 1, 5, 5),
    ),
    "upsampled_lines": (
        nn.Sequential(nn.Conv1d(2, 1, 3), nn.Upsample(7), nn.Flatten(), nn.Linear(7, 3)),
        data(6, 2, 5),
    ),
    "instances": (
        nn.Sequential(nn.Conv2d(1, 2, 3), nn.InstanceNorm2d(2, affine=True), nn.Flatten(), nn.Linear(18, 3)),
        data(6, 1, 5, 5),
    ),
    "bag_mean": (nn.EmbeddingBag(9, 3), torch.randint(0, 9, (6, 4), generator=DATA)),
    "bag_sum_padded": (
        nn.EmbeddingBag(5, 3, mode="sum", padding_idx=0),
        torch.randint(0, 5, (6, 4), generator=DATA),
    ),
    "bag_mean_padded": (nn.EmbeddingBag(5, 3, padding_idx=0), torch.randint(0, 5, (6, 4), generator=DATA)),
    "bags_of_any_size": (
        nn.EmbeddingBag(9, 3, mode="sum"),
        (torch.randint(0, 9, (11,), generator=DATA), torch.tensor([0, 1, 4, 4, 6, 9])),
    ),
    "bags_weighed": (
        nn.EmbeddingBag(9, 3, mode="sum", include_last_offset=True),
        {
            "input": torch.randint(0, 9, (11,), generator=DATA),
            "offsets": torch.tensor([0, 1, 4, 5, 6, 9, 11]),
            "per_sample_weights": data(11),
        },
    ),
    "norm_first": (nn.Sequential(nn.BatchNorm1d(5), nn.Linear(5, 3, bias=False)), data(6, 5)),
    "attention": (Attention(), torch.randint(0, 7, (6, 4), generator=DATA)),
}


@pytest.mark.parametrize("name", NETS)
def test_nets(name: str) -> None:
    model, inputs = NETS[name]
    module, _ = imported(model, inputs, CLASSES, nn.CrossEntropyLoss())
    again = parse_module(SourceFile("net.qir", print_module(module)))
    assert again == module


def test_layers_stay_whole_and_carry_the_names_of_the_state_dict() -> None:
    module, _ = imported(Residual(), data(6, 2, 8, 8), CLASSES, nn.CrossEntropyLoss())
    kinds = [type(op) for op in module.main.ops]
    for kind, count in ((ops.Conv2dOp, 2), (ops.BatchNormOp, 1), (ops.AveragePool2dOp, 1), (ops.LinearOp, 1)):
        assert kinds.count(kind) == count
    assert [op.symbol for op in module.main.ops_of(ops.ParameterOp)] == [
        "down.weight", "down.bias", "norm.weight", "norm.bias", "wide.weight", "head.weight", "head.bias",
    ]  # fmt: skip
    named = {op.symbol for op in module.main.ops_of(ops.ConstantOp) if op.symbol}
    assert named == {"inputs", "norm.running_mean", "norm.running_var"}
    linear = module.main.only(ops.LinearOp)
    assert module.main.only(ops.OutputOp).x == linear.result
    assert module.main.only(problem.ObjectiveOp).sense is problem.Sense.MINIMIZE


def test_a_product_with_a_transposed_weight_is_a_linear_layer() -> None:
    class ByHand(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(3, 5))

        def forward(self, x):
            return x @ self.weight.t()

    module, _ = imported(ByHand(), data(6, 5), data(6, 3), nn.MSELoss())
    assert module.main.only(ops.LinearOp).bias is None
    assert not module.main.ops_of(ops.TransposeOp)


def test_targets_leave_no_trace_but_constants() -> None:
    """The masks and comparisons of a cross entropy are computed at import: one gather remains."""
    module, _ = imported(nn.Linear(5, 3), data(6, 5), CLASSES, nn.CrossEntropyLoss())
    gather = module.main.only(ops.GatherOp)
    assert gather.indices.values.reshape(-1).tolist() == [3 * row + int(c) for row, c in enumerate(CLASSES)]
    module, _ = imported(nn.Linear(5, 3), data(6, 5), data(6, 3), nn.MSELoss())
    assert "targets" in {op.symbol for op in module.main.ops_of(ops.ConstantOp)}


def test_a_shared_parameter_is_one_parameter() -> None:
    first, second = nn.Linear(5, 5), nn.Linear(5, 5)
    second.weight = first.weight
    module, _ = imported(nn.Sequential(first, nn.Tanh(), second), data(6, 5), data(6, 5), nn.MSELoss())
    symbols = [op.symbol for op in module.main.ops_of(ops.ParameterOp)]
    assert symbols == ["0.weight", "0.bias", "2.bias"]


def test_frozen_parameters_are_data() -> None:
    model = nn.Sequential(nn.Linear(5, 4), nn.Linear(4, 3))
    model[0].requires_grad_(False)
    module, _ = imported(model, data(6, 5), data(6, 3), nn.MSELoss())
    assert [op.symbol for op in module.main.ops_of(ops.ParameterOp)] == ["1.weight", "1.bias"]
    assert len(module.main.ops_of(ops.LinearOp)) == 1


def test_several_inputs_and_nested_outputs() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(5, 3)

        def forward(self, x, scale):
            y = self.layer(x)
            return y, {"scaled": y * scale}

    def loss(outputs, targets):
        return ((outputs[0] - targets) ** 2).mean() + outputs[1]["scaled"].mean()

    module, _ = imported(Two(), (data(6, 5), data(6, 3)), data(6, 3), loss)
    named = [op.symbol for op in module.main.ops_of(ops.ConstantOp) if op.symbol]
    assert named == ["inputs.0", "inputs.1", "targets"]
    assert len(module.main.ops_of(ops.OutputOp)) == 2


def test_attention_is_captured_in_its_mathematical_form() -> None:
    """The fused kernel's decomposition returns other values than its backward expects: its gradient is wrong."""
    traced = TracedModel.from_objects(Attention(), NETS["attention"][1], CLASSES, nn.CrossEntropyLoss())
    called = {str(node.target) for node in export(traced).graph.nodes if node.op == "call_function"}
    assert not any("scaled_dot_product" in name for name in called)
    assert "aten.bmm.default" in called


def test_importing_changes_nothing_of_the_users() -> None:
    model = Residual().train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    threads, state = torch.get_num_threads(), torch.random.get_rng_state()
    traced = TracedModel.from_objects(model, data(6, 2, 8, 8), CLASSES, nn.CrossEntropyLoss())
    first = print_module(import_model(traced, "net"))
    assert model.training
    assert next(model.parameters()).dtype is torch.float32
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.random.get_rng_state(), state)
    assert print_module(import_model(traced, "net")) == first
