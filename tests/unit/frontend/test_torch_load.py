"""Running model files: what is collected, in which surroundings, and the examples themselves."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from qevo_compiler.dialects import nn, problem  # noqa: E402
from qevo_compiler.frontend.torch.capture import import_model  # noqa: E402
from qevo_compiler.frontend.torch.load import load_model_file  # noqa: E402
from qevo_compiler.frontend.torch.state import evaluate_model  # noqa: E402
from qevo_compiler.ir import print_module, verify  # noqa: E402

EXAMPLES = Path(__file__).parents[3] / "examples"

PLAIN = """\
import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(
    nn.Linear(4, 3),
    nn.Tanh(),
    nn.Linear(3, 2),
)
inputs, targets = torch.randn(6, 4), torch.tensor([0, 1, 0, 1, 1, 0])
loss = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.25, momentum=0.5)
evaluation = torch.randn(3, 4), torch.tensor([0, 1, 1])
"""


def write(folder: Path, text: str, name: str = "net.py") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_everything_that_a_file_defines_is_collected(tmp_path: Path) -> None:
    traced = load_model_file(write(tmp_path, PLAIN))
    assert traced.given.arguments[0].shape == (6, 4)
    assert traced.optimizer["kind"] == "SGD"
    assert (traced.optimizer["lr"], traced.optimizer["momentum"]) == (0.25, 0.5)
    assert traced.evaluation is not None
    assert list(traced.sources) == ["net.py"]
    assert list(traced.parameters()) == ["0.weight", "0.bias", "2.weight", "2.bias"]


def test_layers_built_in_a_sequential_have_the_lines_that_build_them(tmp_path: Path) -> None:
    """torch itself calls them, so no line of the user's file stands in the recorded stack."""
    module = import_model(load_model_file(write(tmp_path, PLAIN)), "net")
    lines = {type(op): str(op.span) for op in reversed(module.main.ops) if op.span}
    assert lines[nn.LinearOp] == "net.py:6:5"
    assert lines[nn.ApplyOp] == "net.py:7:5"
    assert lines[problem.ObjectiveOp] == "net.py:11:1"


def test_calls_have_the_innermost_forward_line_of_the_users_files(tmp_path: Path) -> None:
    """torch.export records the lines of `forward` methods only; a loss function counts where it is defined."""
    write(
        tmp_path,
        "from torch import nn\nclass Shift(nn.Module):\n    def forward(self, x):\n        return x.tanh() + 1\n",
        "helper.py",
    )
    text = """\
        import torch
        from torch import nn
        from helper import Shift
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.layer, self.shift = nn.Linear(2, 1), Shift()
            def forward(self, x):
                return self.shift(self.layer(x))
        model, inputs, targets = Net(), torch.ones(3, 2), torch.zeros(3, 1)
        def loss(outputs, targets):
            return ((outputs - targets) ** 2).mean()
        """
    traced = load_model_file(write(tmp_path, "\n".join(line[8:] for line in text.splitlines())))
    module = import_model(traced, "net")
    spans = {type(op): str(op.span) for op in module.main.ops}
    assert spans[nn.LinearOp] == "net.py:9:9"
    assert spans[nn.ApplyOp] == "helper.py:4:9"
    assert spans[nn.PowerOp] == "net.py:11:1"
    assert set(traced.sources) == {"net.py", "helper.py"}
    assert "helper" not in sys.modules


def test_a_file_runs_in_its_folder_and_leaves_no_trace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(
        tmp_path,
        PLAIN
        + "import os, sys\nprint('talk')\nassert os.path.exists('net.py')\nassert torch.get_num_threads() == 1\n"
        + "torch.set_num_threads(2)\nif __name__ == '__main__':\n    raise SystemExit(3)\n",
    )
    before = os.getcwd(), list(sys.path), torch.get_num_threads()
    load_model_file(path)
    assert (os.getcwd(), list(sys.path), torch.get_num_threads()) == before
    streams = capsys.readouterr()
    assert (streams.out, streams.err) == ("", "talk\n")
    assert "_model_net" not in sys.modules


@pytest.mark.parametrize(
    ("name", "layers"), [("digits_mlp", {nn.LinearOp}), ("digits_cnn", {nn.LinearOp, nn.Conv2dOp})]
)
def test_the_examples_are_plain_and_train_well(name: str, layers: set[type]) -> None:
    path = EXAMPLES / f"{name}.py"
    roots = {
        (node.module or "").split(".")[0] if isinstance(node, ast.ImportFrom) else node.names[0].name.split(".")[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.Import, ast.ImportFrom))
    }
    assert roots <= {"torch", "sklearn"}
    traced = load_model_file(path)
    metrics = evaluate_model(traced)
    assert metrics.held_out_accuracy is not None
    assert metrics.held_out_accuracy > 0.94
    module = import_model(traced, name)
    verify(module)
    assert layers <= {type(op) for op in module.main.ops}
    assert all(op.span is not None for op in module.main.ops if not isinstance(op, nn.ParameterOp))


def test_the_same_module_for_any_hash_seed_and_number_of_threads(tmp_path: Path) -> None:
    script = (
        "import sys, hashlib\n"
        "from qevo_compiler.frontend.torch.load import load_model_file\n"
        "from qevo_compiler.frontend.torch.capture import import_model\n"
        "from qevo_compiler.ir import print_module\n"
        "text = print_module(import_model(load_model_file(sys.argv[1]), 'net'))\n"
        "print(hashlib.sha256(text.encode()).hexdigest())\n"
    )
    found = set()
    for seed, threads in (("0", "1"), ("1", "3")):
        surroundings = {**os.environ, "PYTHONHASHSEED": seed, "OMP_NUM_THREADS": threads}
        command = [sys.executable, "-c", script, str(EXAMPLES / "digits_mlp.py")]
        run = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=True)
        found.add(run.stdout)
    assert len(found) == 1


def test_the_text_holds_no_folder_of_this_machine(tmp_path: Path) -> None:
    text = print_module(import_model(load_model_file(write(tmp_path, PLAIN)), "net"))
    assert str(tmp_path) not in text
    assert 'loc("net.py"' in text
