"""Quantities of large models estimated from products, against the dense tensors of a small one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from qevo_compiler.cli.main import main  # noqa: E402
from qevo_compiler.dialects.linear import Known  # noqa: E402
from qevo_compiler.dialects.problem import TrainOp  # noqa: E402
from qevo_compiler.frontend.torch.estimate import estimated_figures, third_derivative_norm  # noqa: E402
from qevo_compiler.frontend.torch.jet import LiveLoss, derivatives  # noqa: E402
from qevo_compiler.frontend.torch.load import TracedModel  # noqa: E402

FILE = """\
import torch
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(40, 500), torch.nn.Tanh(), torch.nn.Linear(500, 3))
inputs, targets = torch.randn(20, 40), torch.randint(0, 3, (20,))
loss = torch.nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, weight_decay=0.01)
linearize = {"steps": 20, "order": 2, "density": 0.1, "estimate": True}
"""


@pytest.fixture(scope="module")
def live() -> LiveLoss:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2)).double()
    inputs, targets = torch.randn(30, 3, dtype=torch.float64), torch.randint(0, 2, (30,))
    return LiveLoss.of(TracedModel.from_objects(model, inputs, targets, torch.nn.CrossEntropyLoss()), 0.5)


def test_norms_of_the_step_against_dense_tensors(live: LiveLoss) -> None:
    train = TrainOp(0.3, 10, weight_decay=0.1)
    found = {figure.quantity: figure for figure in estimated_figures(live, train, 2)}
    _, slope, curvature, third = derivatives(live.at(), live.start, 3)
    count = len(live.start)
    step = np.eye(count) - 0.3 * (curvature + 0.1 * np.eye(count))
    assert found["g_0"].value == pytest.approx(0.3 * np.linalg.norm(slope + 0.1 * live.start), rel=1e-10)
    assert found["g_1"].value == pytest.approx(np.linalg.norm(step, 2), rel=1e-8)
    flat = 0.15 * np.linalg.norm(third.reshape(count, -1), 2)
    assert 0.3 * flat <= found["g_2"].value <= flat * (1 + 1e-6)
    assert found["terms"].known is Known.ASSUMED
    assert found["g_1"].known is Known.ESTIMATED


def test_the_power_method_finds_a_direction_as_good_as_random_ones(live: LiveLoss) -> None:
    third = derivatives(live.at(), live.start, 3)[3]
    rng = np.random.default_rng(1)
    directions = rng.normal(size=(2000, len(live.start)))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    values = np.abs(np.einsum("ijk,ai,aj,ak->a", third, directions, directions, directions, optimize=True))
    assert third_derivative_norm(live, live.start) >= values.max()


def test_a_model_file_of_twenty_thousand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "wide.py").write_text(FILE)
    assert main(["compile", str(tmp_path / "wide.py"), "--target=resources", "-o", str(tmp_path / "w.json")]) == 0
    sizes = json.loads((tmp_path / "w.json").read_text())["figures"]["sizes"]
    assert sizes["n"] == {"value": 22003, "known": "measured", "note": "trainable parameters"}
    assert sizes["live"]["value"] == 2200
    assert sizes["D"]["value"] == 2202 * 2201 // 2
    assert "total_t" in capsys.readouterr().out
