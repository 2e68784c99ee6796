"""What wrong models and model files are told: every code of the topic is reached, none is a traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from qevo_compiler.diagnostics import CompileError, Diagnostic, render  # noqa: E402
from qevo_compiler.diagnostics.index import all_diagnostics  # noqa: E402
from qevo_compiler.frontend.torch.capture import import_model  # noqa: E402
from qevo_compiler.frontend.torch.load import TracedModel, load_model_file  # noqa: E402
from qevo_compiler.source import SourceFile, SourceMap  # noqa: E402

HEAD = """\
import torch
from torch import nn
from torch.nn import functional as F
torch.manual_seed(0)
"""
TAIL = """
inputs, targets = torch.ones(4, 3), torch.zeros(4, 2)
loss = nn.MSELoss()
"""


def net(*lines: str) -> str:
    """A model file whose forward pass is `lines` over `x`, the outputs of a linear layer; they start at line 11."""
    body = "\n".join(f"        {line}" for line in lines)
    return (
        f"{HEAD}class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.layer = nn.Linear(3, 2)\n    def forward(self, x):\n        x = self.layer(x)\n"
        f"{body}\n        return x\nmodel = Net()\n{TAIL}"
    )


def refused(folder: Path, text: str) -> tuple[tuple[Diagnostic, ...], str]:
    """The diagnostics that a model file gets, and how they are shown."""
    path = folder / "net.py"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CompileError) as caught:
        import_model(load_model_file(path), "net")
    return caught.value.diagnostics, render(caught.value.diagnostics, SourceMap(SourceFile("net.py", text)))


CASES = {
    "unsupported": (net("x = torch.sin(x)"), "Q0704", 11),
    "equality": (net("x = torch.where(x == 0, x, -x)"), "Q0704", 11),
    "detach": (net("x = x * x.detach()"), "Q0704", 11),
    "odd_power": (net("x = x.abs() ** 0.3"), "Q0704", 11),
    "whole_numbers": (net("x = x * x.long()"), "Q0704", 11),
    "transposed": (net("x = F.conv_transpose1d(x[:, None], torch.ones(1, 1, 2).double())[:, 0, :2]"), "Q0704", 11),
    "uneven_pool": (net("x = x + F.adaptive_avg_pool2d(torch.cat([x, x[:, :1]], 1)[None], 2).mean()"), "Q0704", 11),
    "batch_statistics": (net("x = F.batch_norm(x, None, None, training=True)"), "Q0705", 11),
    "random": (net("x = x + torch.rand(2)"), "Q0713", 11),
    "dropout": (net("x = F.dropout(x, 0.5)"), "Q0713", 11),
    "branch": (net("x = x if x.sum() > 0 else -x"), "Q0709", 11),
    "selection": (net("x = x * x[inputs[:, :2] > 9].sum()"), "Q0709", 11),
    "raises": (net("x = x @ torch.ones(3, 3).double()"), "Q0710", 11),
    "item": (net("raise ValueError('not today')"), "Q0710", 11),
    "not_scalar": (HEAD + "model = nn.Linear(3, 2)" + TAIL + "loss = nn.MSELoss(reduction='none')\n", "Q0711", 8),
    "not_a_tensor": (HEAD + "model = nn.Linear(3, 2)" + TAIL + "loss = lambda o, t: 3.0\n", "Q0711", 8),
    "not_finite_loss": (HEAD + "model = nn.Linear(3, 2)" + TAIL + "loss = lambda o, t: o.sum() / 0\n", "Q0708", 8),
    "reads_model": (
        HEAD + "model = nn.Linear(3, 2)" + TAIL + "w = model.weight\nloss = lambda o, t: o.mean() + w.sum()\n",
        "Q0715",
        9,
    ),
    "labels": (
        HEAD + "model = nn.Linear(3, 2)" + TAIL + "loss = nn.CrossEntropyLoss()\ntargets = torch.ones(4)\n",
        "Q0710",
        9,
    ),
    "frozen": (HEAD + "model = nn.Linear(3, 2).requires_grad_(False)" + TAIL, "Q0712", 7),
    "nan_inputs": (HEAD + "model = nn.Linear(3, 2)" + TAIL + "inputs = inputs / 0 * 0\n", "Q0708", 8),
    "nan_weight": (HEAD + "model = nn.Linear(3, 2)\nmodel.weight.data[1, 2] = float('inf')" + TAIL, "Q0708", 5),
    "class": (HEAD + "model = nn.Linear" + TAIL, "Q0703", 5),
    "lazy": (HEAD + "model = nn.LazyLinear(2)" + TAIL, "Q0703", 5),
    "list": (HEAD + "model = nn.Linear(3, 2)" + TAIL + "inputs = [1.0, 2.0]\n", "Q0703", 8),
    "loss_class": (HEAD + "model = nn.Linear(3, 2)" + TAIL + "loss = nn.MSELoss\n", "Q0703", 8),
    "optimizer": (HEAD + "model = nn.Linear(3, 2)" + TAIL + "optimizer = 'SGD'\n", "Q0703", 8),
    "evaluation": (HEAD + "model = nn.Linear(3, 2)" + TAIL + "evaluation = inputs\n", "Q0703", 8),
    "raising_file": (HEAD + "model = nn.Linear(3, 2)\nmodel(torch.ones(7))" + TAIL, "Q0702", 6),
    "exit": (HEAD + "raise SystemExit(1)\n", "Q0702", 5),
    "syntax": (HEAD + "model = nn.Linear(3, 2\n", "Q0702", 5),
    "shape": (HEAD + "model = nn.Linear(4, 2)" + TAIL, "Q0710", None),
}


@pytest.mark.parametrize("name", CASES)
def test_each_mistake_is_told_with_its_line(name: str, tmp_path: Path) -> None:
    text, code, line = CASES[name]
    found, shown = refused(tmp_path, text)
    assert {(d.code, d.span and d.span.line) for d in found} == {(code, line)}, shown
    assert "Traceback" not in shown
    assert str(tmp_path) not in shown


def test_all_unsupported_operations_are_told_at_once(tmp_path: Path) -> None:
    found, shown = refused(tmp_path, net("x = torch.sin(x)", "x = F.relu(x)", "x = x.cumprod(0)"))
    assert [(d.code, d.span and d.span.line) for d in found] == [("Q0704", 11), ("Q0704", 13)]
    assert shown == dedent(
        """\
        error[Q0704]: `sin` is not supported
          --> net.py:11:9
           |
        11 |         x = torch.sin(x)
           |         ^^^^^^^^^^^^^^^^ this has no counterpart in the compiler
           = note: supported are linear and convolutional layers, batch and layer norm, average and max
                   pooling, arithmetic, whole powers, relu, gelu, silu, tanh, sigmoid, exp, log, sqrt,
                   softmax, sums, means, products, maxima, comparisons, matrix products, layout changes,
                   indexing by data
           = help: use a polynomial, `tanh` or `sigmoid`; of data alone any function may be taken

        error[Q0704]: `cumprod` is not supported
          --> net.py:13:9
           |
        13 |         x = x.cumprod(0)
           |         ^^^^^^^^^^^^^^^^ this has no counterpart in the compiler
           = help: write it with supported operations, or compute it outside of the model if it depends on
                   data alone

        """
    )


def test_a_layer_of_a_sequential_is_shown_where_it_is_built(tmp_path: Path) -> None:
    layers = ("nn.Conv2d(1, 2, 2)", "nn.MaxPool2d(2, ceil_mode=True)", "nn.Flatten()")
    text = HEAD + "model = nn.Sequential(\n" + "".join(f"    {layer},\n" for layer in layers) + ")\n"
    found, shown = refused(
        tmp_path, text + "inputs, targets = torch.ones(4, 1, 3, 3), torch.zeros(4, 2)\nloss = F.mse_loss\n"
    )
    assert [d.code for d in found] == ["Q0704"]
    assert "7 |     nn.MaxPool2d(2, ceil_mode=True)," in shown
    assert "pad the input to a whole number" in shown


def test_arrays_of_numpy_are_told_how_to_become_tensors(tmp_path: Path) -> None:
    found, shown = refused(tmp_path, HEAD + "model = nn.Linear(3, 2)" + TAIL + "inputs = inputs.numpy()\n")
    assert [d.code for d in found] == ["Q0703"]
    assert "`inputs` is of NumPy's type `ndarray`; `torch.as_tensor` makes a tensor of it" in shown


def test_a_file_without_a_model(tmp_path: Path) -> None:
    found, shown = refused(tmp_path, HEAD + "Model = nn.Linear(3, 2)" + TAIL)
    assert [d.code for d in found] == ["Q0701"]
    assert "`net.py` defines no `model`" in shown
    assert "did you mean `Model`?" in shown


def test_a_buffer_that_the_forward_pass_writes_to() -> None:
    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(3, 2)
            self.register_buffer("calls", torch.zeros(()))

        def forward(self, x):
            self.calls += 1
            return self.layer(x)

    with pytest.raises(CompileError) as caught:
        import_model(TracedModel.from_objects(Counting(), torch.ones(4, 3), torch.zeros(4, 2), nn.MSELoss()), "net")
    assert [(d.code, d.message) for d in caught.value.diagnostics] == [("Q0706", "the forward pass changes `calls`")]


def test_a_backward_that_is_no_derivative_stops_the_compilation() -> None:
    class Doubled(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1.0

        @staticmethod
        def backward(ctx, gradient):
            return 2 * gradient

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Linear(3, 2)

        def forward(self, x):
            return Doubled.apply(self.first(x))

    traced = TracedModel.from_objects(Net(), torch.ones(4, 3), torch.zeros(4, 2), nn.MSELoss())
    with pytest.raises(CompileError) as caught:
        import_model(traced, "net")
    (found,) = caught.value.diagnostics
    assert found.code == "Q0707"
    assert "the gradient of `first." in found.message
    assert import_model(traced, "net", check=False).main.ops


def test_a_missing_file_and_one_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_bytes(b"\xff\xfe")
    for name, code in (("other.py", "Q0001"), ("net.py", "Q0002")):
        with pytest.raises(CompileError) as caught:
            load_model_file(tmp_path / name)
        assert caught.value.diagnostics[0].code == code


def test_without_torch_the_extra_is_named() -> None:
    script = (
        "import sys\nsys.modules['torch'] = None\nfrom qevo_compiler.diagnostics import CompileError\n"
        "try:\n    import qevo_compiler.frontend.torch.load\nexcept CompileError as error:\n    print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == (
        "Q0008: a PyTorch model needs `torch`, which is not installed\n"
        " = help: install it with `pip install 'qevo-compiler[torch]'`\n"
    )


def test_every_code_of_the_topic_is_reached_here() -> None:
    codes = {code for code in all_diagnostics() if code.startswith("Q07")}
    elsewhere = {"Q0701", "Q0706", "Q0707", "Q0714", "Q0716"}
    assert codes == {code for _, code, _ in CASES.values()} | elsewhere
