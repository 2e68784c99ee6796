"""The examples of models on the linear route: the tanh unit is example d1; the digits' quick mode does what it says."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")

from qevo_compiler.cli.main import main  # noqa: E402

EXAMPLES = Path(__file__).parents[2] / "examples"
D1 = {1: 3.6613e-03, 2: 3.7167e-02, 3: 3.0910e-04, 5: 1.1873e-04, 7: 2.1181e-05, 9: 3.1769e-06}


@pytest.fixture
def examples(monkeypatch: pytest.MonkeyPatch):
    """The folder on the path, and torch's default type put back."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    before = torch.get_default_dtype()
    yield
    torch.set_default_dtype(before)
    for name in ("tanh_unit", "pruned_digits"):
        sys.modules.pop(name, None)


def test_the_tanh_unit_reproduces_d1(examples: None) -> None:
    import tanh_unit

    direct = tanh_unit.trained(tanh_unit.Unit(tanh_unit.Cubic()))
    true = tanh_unit.trained(tanh_unit.Unit(torch.nn.Tanh()))
    assert direct == pytest.approx([0.406477105278919, 0.0677703165449219], rel=1e-12)
    assert true == pytest.approx([0.406632869522171, 0.0677948227278004], rel=1e-12)
    for order, weights in tanh_unit.errors().items():
        assert np.linalg.norm(weights - direct) == pytest.approx(D1[order], rel=5e-5)


def test_the_pruned_digits_in_quick_mode(examples: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    import pruned_digits

    assert pruned_digits.main(["--quick", "--plot", str(tmp_path / "digits.png")]) == 0
    out = capsys.readouterr().out
    assert (tmp_path / "digits.png").stat().st_size > 10_000
    rows = re.findall(r"^ +(\d+) +4 .* (\S+) +(\S+) +(\S+) +(\S+)$", out, re.MULTILINE)
    assert [int(row[0]) for row in rows] == [0, 4, 8]
    assert all(float(row[1]) < 1e-6 and float(row[2]) < 1e-4 for row in rows)
    assert "rank correlation of the accumulated proxy" in out


def test_a_deep_net_is_lifted_with_activations_as_state(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    source = str(EXAMPLES / "deep_squares.py")
    assert main(["run", source, "--task=linearize", "--json", "-o", str(tmp_path)]) == 0
    report = json.loads(capsys.readouterr().out)
    entries = {entry["quantity"]: entry for entry in report["ledger"]}
    chosen = entries["numbers of a lifted step"]["note"].partition(";")[0]
    assert "activations as state: 67 coordinates, degree 2, 8 sub-steps" in chosen
    assert (report["status"], report["steps"], len(report["optimizer"])) == ("certified", 20, 15)
    assert report["error"] < 1e-5 < report["orders"][-1]["loop_bound"]
    assert (tmp_path / "deep_squares.trajectory.svg").stat().st_size > 1000
